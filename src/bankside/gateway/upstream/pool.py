"""The connections of one worker to one upstream: few, kept, bounded, to checked addresses.

Always true: never more connections than agreed; as many calls twice may wait for one, the next is
refused at once; each new connection resolves the name again and goes to exactly the address that
was checked. Source: gateway guide section 6; OWASP API Security Top 10 (2023), API7 and API10.
"""

import asyncio
import ssl
from collections.abc import Callable

import structlog

from bankside.gateway.upstream.connection import Connection, RawAnswer
from bankside.kernel.egress import Egress, EgressRefused

log = structlog.get_logger(__name__)

WAITING_PER_CONNECTION = 2
# Servers close idle connections after 5 s and more; ours go before.
IDLE_SECONDS_MAX = 4.0
# A write that must not be made twice takes no connection that may just be closing.
IDLE_SECONDS_FOR_WRITES = 0.5
# A second answer to one request comes right behind the first: a connection is used again only after
# it was quiet for so long.
QUIET_SECONDS = 0.005
# How long connections of an upstream that once sent a second answer carry one request each.
ODD_SECONDS = 60.0


class NoRoom(Exception):
    """Every connection is taken, and enough calls wait for one."""


class Unreachable(Exception):
    """No connection could be made: nothing was sent."""


class Pool:
    """Connections to one address (``url``: scheme, host and port count)."""

    def __init__(self, url: str, egress: Egress, *, connections: int, connect_ms: int) -> None:
        self._url = url
        self._egress = egress
        self._connect_seconds = connect_ms / 1_000
        self._slots = asyncio.Semaphore(connections)
        self._connections = connections
        self._in_use = 0
        self._odd_until = 0.0
        self._waiting = 0
        self._waiting_max = WAITING_PER_CONNECTION * connections
        self._idle: list[Connection] = []
        # Reading the machine's certificates takes 10 ms: once, and only where they are needed.
        self._context: ssl.SSLContext | None = None

    async def exchange(
        self, request: bytes, *, limit: int, is_repeatable: bool, sending: Callable[[], None]
    ) -> RawAnswer:
        """One request and its answer; ``sending`` is called before its first byte goes out.

        Raises NoRoom, Unreachable, ExchangeFailed.
        """
        await self._slot()
        self._in_use += 1
        try:
            connection = await self._connection(is_repeatable=is_repeatable)
            sending()
            answer = await connection.exchange(request, limit=limit)
            if connection.is_usable and not self._is_odd():
                self._idle.append(connection)
            else:
                connection.close()
            return answer
        finally:
            self._in_use -= 1
            self._slots.release()

    async def _slot(self) -> None:
        if self._slots.locked():
            if self._waiting >= self._waiting_max:
                raise NoRoom
            self._waiting += 1
            try:
                await self._slots.acquire()
            finally:
                self._waiting -= 1
        else:
            await self._slots.acquire()

    async def _connection(self, *, is_repeatable: bool) -> Connection:
        """A connection that was quiet for a moment, or a new one."""
        idle_max = IDLE_SECONDS_MAX if is_repeatable else IDLE_SECONDS_FOR_WRITES
        while True:
            now = asyncio.get_running_loop().time()
            kept = self._quiet(now, idle_max)
            if kept is not None:
                return kept
            if self._in_use + len(self._idle) <= self._connections:
                break
            # All there may be are in use, or were until just now: the oldest is quiet in a moment.
            await asyncio.sleep(QUIET_SECONDS)
        try:
            async with asyncio.timeout(self._connect_seconds):
                return await self._connected()
        except (EgressRefused, OSError, ValueError) as error:
            # TimeoutError is an OSError, ssl.SSLError too.
            raise Unreachable(f"{type(error).__name__}: {error}") from error

    def _quiet(self, now: float, idle_max: float) -> Connection | None:
        """The newest kept connection that said nothing since its last answer; old ones go."""
        kept: list[Connection] = []
        found: Connection | None = None
        while self._idle:
            each = self._idle.pop()
            age = now - each.idle_since
            if not each.is_usable or age > idle_max or self._is_odd():
                each.close()
            elif found is None and age >= QUIET_SECONDS:
                found = each
            else:
                kept.append(each)
        self._idle = kept[::-1]
        return found

    def _is_odd(self) -> bool:
        return asyncio.get_running_loop().time() < self._odd_until

    def _unasked(self) -> None:
        """The upstream sent what nobody asked for: for a while no connection is used twice."""
        if not self._is_odd():
            log.warning("upstream_unasked_bytes", url=self._url)
        self._odd_until = asyncio.get_running_loop().time() + ODD_SECONDS

    async def _connected(self) -> Connection:
        target = await self._egress.target(self._url)
        if target.secure and self._context is None:
            self._context = self._egress.tls or ssl.create_default_context()
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self._unasked),
            target.address,
            target.port,
            ssl=self._context if target.secure else None,
            server_hostname=target.host if target.secure else None,
        )
        return connection

    def close(self) -> None:
        """End the connections nobody uses; those in use end with their answers."""
        while self._idle:
            self._idle.pop().close()
