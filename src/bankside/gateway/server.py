"""The edge's HTTP server of one worker: listening, counting, one clock tick, an orderly end.

`connection` reads and writes; this module owns what all connections share. A worker is one event
loop with one Server; several workers listen on the same addresses (`listen`).
Public names: Server, RouteFacts, Call, Internal; Limits comes from `http.limits`.
"""

import asyncio
import logging
import secrets
import socket
from collections import Counter
from collections.abc import Awaitable, Coroutine, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from itertools import count
from time import time
from typing import Any, cast

from bankside.gateway.exchange import Exchange, Reply
from bankside.gateway.http import replies
from bankside.gateway.http.connection import Connection
from bankside.gateway.http.errors import PathUnknown, Stopping
from bankside.gateway.http.head import METHODS
from bankside.gateway.http.host import Call, Internal, RouteFacts
from bankside.gateway.http.limits import Limits
from bankside.gateway.http.proxies import UNIX_PEER, TrustedProxies
from bankside.kernel.errors import BanksideError

READINESS_PATH = "/readyz"

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Counts:
    """What happened on the sockets, for /metrics. ``dropped``: refused at accept, by reason."""

    accepted: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


class Server:
    """All connections of one worker. ``start`` before use, ``stop`` at SIGTERM."""

    def __init__(
        self,
        call: Call,
        *,
        routes: RouteFacts | None = None,
        internal: Internal | None = None,
        limits: Limits | None = None,
        proxies: TrustedProxies | None = None,
    ) -> None:
        self.call = call
        self.routes = routes or RouteFacts()
        self.internal = dict(internal or {})
        self.limits = limits or Limits()
        self.proxies = proxies or TrustedProxies()
        self.counts = Counts()
        self.refused: Counter[str] = Counter()  # refusals by this server, by code
        self.connections: set[Connection] = set()
        self.calls: set[asyncio.Task[Reply]] = set()
        self.buffered = 0  # bytes of half-received bodies
        self.draining = False
        self.loop: asyncio.AbstractEventLoop
        self._sources: Counter[str] = Counter()
        self._listeners: list[asyncio.Server] = []
        self._ticking: asyncio.TimerHandle | None = None
        self._emptied = asyncio.Event()
        self._prefix = secrets.token_hex(8)
        self._numbers = count(1)
        # Seconds by phase (IDLE, HEAD, BODY, CALL, LINGER), each one tick longer than promised:
        # `now` is up to one tick old when a deadline is computed from it.
        tick, limits = self.limits.tick_s, self.limits
        self.waits = tuple(
            seconds + tick
            for seconds in (
                limits.idle_s, limits.head_s, limits.body_grace_s, limits.call_s, limits.linger_s,
            )
        )  # fmt: skip
        self.answer_wait = limits.answer_s + tick
        self.now = 0.0  # seconds of the loop's clock, renewed every tick
        self.date_line = _date_line()

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Accept connections on these listening sockets (of `listen.open_listeners`)."""
        self.loop = asyncio.get_running_loop()
        self._tick()
        for each in sockets:
            if each.family == socket.AF_UNIX:
                listener = await self.loop.create_unix_server(
                    self._connection, sock=each, backlog=self.limits.backlog
                )
            else:
                listener = await self.loop.create_server(
                    self._connection, sock=each, backlog=self.limits.backlog
                )
            self._listeners.append(listener)

    async def stop(self) -> None:
        """End in order: no new connection, idle ones close, calls finish, the rest is aborted."""
        self.draining = True
        self.internal[READINESS_PATH] = _not_ready
        for listener in self._listeners:
            listener.close()
        for connection in tuple(self.connections):
            connection.end_if_idle()
        try:
            async with asyncio.timeout(self.limits.stop_s):
                while self.connections or self.calls:
                    self._emptied.clear()
                    await self._emptied.wait()
        except TimeoutError:
            _log.warning(
                "stop: %d connections and %d calls unfinished after %g s",
                len(self.connections), len(self.calls), self.limits.stop_s,
            )  # fmt: skip
        for connection in tuple(self.connections):
            connection.transport.abort()
        for task in tuple(self.calls):
            task.cancel()
        if self._ticking is not None:
            self._ticking.cancel()

    # -- what connections use --------------------------------------------------------------------

    def admit(self, connection: Connection) -> bool:
        """Count a new connection in, or say that there is no room for it."""
        proxied = connection.trusted or connection.peer == UNIX_PEER
        if len(self.connections) >= self.limits.connections_max:
            self.counts.dropped["worker_full"] += 1
            return False
        if not proxied and self._sources[connection.peer] >= self.limits.connections_per_source:
            self.counts.dropped["source_full"] += 1
            return False
        self.counts.accepted += 1
        self._sources[connection.peer] += 1
        self.connections.add(connection)
        return True

    def forget(self, connection: Connection) -> None:
        """The connection is gone."""
        if connection in self.connections:
            self.connections.remove(connection)
            self._sources[connection.peer] -= 1
            if self._sources[connection.peer] == 0:
                del self._sources[connection.peer]
            self._emptied.set()

    def next_id(self) -> str:
        """A request id: 8 random bytes of this worker and a counter, 32 hex digits in all.

        The form is that of a W3C trace id, so one id serves both.
        """
        return f"{self._prefix}{next(self._numbers):016x}"

    def options(self, path: str) -> Reply:
        """The answer to OPTIONS, from the route table alone; never a call."""
        if path == "*":
            return replies.allowed(METHODS)
        methods = () if self.routes.options is None else tuple(self.routes.options(path))
        if not methods:
            raise PathUnknown
        return replies.allowed({*methods, "HEAD"} if "GET" in methods else methods)

    def refusal(self, x: Exchange, error: BanksideError) -> Reply:
        """A refusal of this server: in the caller's dialect while no call has touched ``x``."""
        if self.routes.refusal is not None and x.serving is None:
            x.now = time()
            try:
                return self.routes.refusal(x, error)
            except Exception:  # noqa: BLE001 - whatever broke, the caller gets an answer
                _log.exception("refusal not worded: request %s", x.request_id)
        return replies.refusal(error, x.request_id)

    def run(self, x: Exchange, result: Awaitable[Reply], connection: Connection) -> None:
        """Await a call. Only the end of the process cancels it: the caller may be gone, and the
        money must move all the same.
        """
        task = asyncio.ensure_future(cast("Coroutine[Any, Any, Reply]", result), loop=self.loop)
        self.calls.add(task)  # the loop itself refers to its tasks only weakly

        def done(task: asyncio.Task[Reply]) -> None:
            self.calls.discard(task)
            self._emptied.set()
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
            connection.answered(x, None if error else task.result(), error)

        task.add_done_callback(done)

    # -- time ------------------------------------------------------------------------------------

    def _connection(self) -> Connection:
        return Connection(self)

    def _tick(self) -> None:
        """Renew the coarse clock and look at every connection once."""
        self.now = now = self.loop.time()
        self.date_line = _date_line()
        for connection in tuple(self.connections):
            if connection.deadline <= now:
                connection.expire(now)
        self._ticking = self.loop.call_later(self.limits.tick_s, self._tick)


def _date_line() -> str:
    return f"date: {formatdate(usegmt=True)}\r\n"


def _not_ready() -> Reply:
    raise Stopping(retry_after=1)


__all__ = ["Call", "Counts", "Internal", "Limits", "RouteFacts", "Server", "TrustedProxies"]
