"""One connection: whole requests to ``call``, replies out in their order, an orderly end.

Always true: one request is under way at a time; every state has a deadline; after a refusal by
this server nothing more is parsed; a call that was started is never cancelled.
Source: RFC 9112 sections 9.3 and 9.6.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable
from time import time
from typing import cast

from bankside.gateway.exchange import Exchange, Reply
from bankside.gateway.http import replies
from bankside.gateway.http.errors import AnswerLate, BodyUnexpected, RequestTimeout
from bankside.gateway.http.host import Host
from bankside.gateway.http.incoming import BODY, CALL, CLOSED, HEAD, IDLE, LINGER, Incoming
from bankside.gateway.http.proxies import UNIX_PEER
from bankside.kernel.errors import BanksideError

_KEPT = "connection: keep-alive\r\n"
_CLOSE = "connection: close\r\n"
# Joining head and body saves a system call; from here on the copy costs more.
_JOIN_MAX = 64 * 1024
# A body has no meaning with these (RFC 9110 section 9.3) unless the operation declares one.
_BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})

_FAULT = "The call could not be completed."

_log = logging.getLogger(__name__)


class Connection(Incoming):
    """The protocol object of one accepted socket."""

    __slots__ = ("flushed", "seen")

    def __init__(self, server: Host) -> None:
        super().__init__(server)
        self.flushed = True  # the last answer is known to be with the peer's kernel
        self.seen = 0  # bytes read while lingering

    # -- what the event loop calls ---------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.peer = _peer_of(transport)
        self.trusted = self.server.proxies.believes(self.peer)
        if not self.server.admit(self):
            self.phase = CLOSED
            self.transport.abort()
            return
        self.transport.set_write_buffer_limits(high=self.server.limits.write_high)

    def connection_lost(self, exc: Exception | None) -> None:
        self.drop_body()
        self.phase = CLOSED
        self.exchange = None
        self.rest = b""
        self.server.forget(self)

    def data_received(self, data: bytes) -> None:
        if self.phase <= BODY and not self.blocked and not self.rest:
            self.take(data, 0)
        elif self.phase == LINGER:
            self.seen += len(data)
            if self.seen > self.server.limits.linger_max:
                self.transport.close()
        elif self.phase != CLOSED:
            self.hold(self.rest[self.rest_at :] + data, 0)

    def eof_received(self) -> bool:
        self.peer_ended = True
        # A client may end its side and still wait for the answer of what it sent.
        return self.phase == CALL or self.blocked or bool(self.rest)

    def pause_writing(self) -> None:
        self.blocked = True
        self.deadline = self.server.now + self.server.answer_wait
        if self.phase != LINGER:
            self.read_socket(False)

    def resume_writing(self) -> None:
        self.blocked = False
        self.deadline = self.server.now + self.server.waits[self.phase]
        self.go_on()

    # -- one call and its answer -----------------------------------------------------------------

    def execute(self, x: Exchange) -> None:
        """Run the complete request; a direct Reply is written without a task."""
        server = self.server
        x.now = time()
        self.phase = CALL
        result: Reply | Awaitable[Reply]
        try:
            if x.body and x.method in _BODILESS and not server.routes.takes_body(x.method, x.path):
                raise BodyUnexpected
            internal = server.internal.get(x.path)
            if internal is not None:
                result = internal()
            elif x.method == "OPTIONS":
                result = server.options(x.path)
            else:
                result = server.call(x)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the caller gets an answer
            result = self._failure(x, error)
        if isinstance(result, Reply):
            self._answer(x, result)
            return
        self.exchange = x
        self.deadline = server.now + server.waits[CALL]
        server.run(x, result, self)

    def answered(self, x: Exchange, reply: Reply | None, error: BaseException | None) -> None:
        """The awaited call ended; its answer is dropped when nobody waits for it any more."""
        if reply is None:
            reply = self._failure(x, error)
        if self.exchange is x:
            self.exchange = None
            self._answer(x, reply)
            self.go_on()

    def _failure(self, x: Exchange, error: BaseException | None) -> Reply:
        if not isinstance(error, BanksideError):
            _log.error("call failed: request %s", x.request_id, exc_info=error)
            error = BanksideError(_FAULT)
        self.server.refused[error.code] += 1
        return self.server.refusal(x, error)

    def refuse(self, error: Exception) -> None:
        """Answer with a refusal of the server itself, parse nothing more, close."""
        x = self.exchange
        request_id = self.server.next_id() if x is None else x.request_id
        if not isinstance(error, BanksideError):
            _log.error("request not read: %s", request_id, exc_info=error)
            error = BanksideError(_FAULT)
        self.server.refused[error.code] += 1
        self.exchange = None
        self.drop_body()
        reply = replies.refusal(error, request_id) if x is None else self.server.refusal(x, error)
        self._send(reply, request_id, _CLOSE)
        self._linger()

    def _answer(self, x: Exchange, reply: Reply) -> None:
        server = self.server
        if self.persists and not server.draining:
            # HTTP/1.0 wants to be told; the field is there when the client asked.
            self._send(reply, x.request_id, _KEPT if "connection" in x.headers else "")
            self.phase = IDLE
            self.flushed = False
            self.deadline = server.now + server.answer_wait
        else:
            self._send(reply, x.request_id, _CLOSE)
            self._linger()

    def _send(self, reply: Reply, request_id: str, connection: str) -> None:
        own = f"x-request-id: {request_id}\r\n{self.server.date_line}{connection}"
        try:
            head = replies.head_bytes(reply, own)
        except ValueError as error:
            _log.error("reply not sendable: request %s: %s", request_id, error)
            reply = replies.refusal(BanksideError(), request_id)
            head = replies.head_bytes(reply, own)
        body = reply.body
        if self.bare or reply.status == 204:
            self.transport.write(head)
        elif len(body) < _JOIN_MAX:
            self.transport.write(head + body)
        else:
            self.transport.writelines((head, body))

    # -- the end ---------------------------------------------------------------------------------

    def _linger(self) -> None:
        """Half-close and read a little: closing over unread bytes would reset the answer away."""
        server = self.server
        self.phase = LINGER
        self.since = server.now
        self.deadline = server.now + server.waits[LINGER]
        self.rest = b""
        self.head.clear()
        self.parser = None
        if self.peer_ended or not self.transport.can_write_eof():
            self.transport.close()
            return
        self.read_socket(True)
        self.transport.write_eof()

    def end_if_idle(self) -> None:
        """Close when no request is under way (the process stops)."""
        if self.phase == IDLE and not self.rest:
            self.transport.close()

    def expire(self, now: float) -> None:
        """The deadline has passed: refuse, wait once more, or end the connection."""
        unsent = self.transport.get_write_buffer_size() > 0
        limits = self.server.limits
        if self.phase == LINGER:
            if unsent and now - self.since < limits.answer_s:
                self.deadline = now
            else:
                self._end(unsent)
        elif self.blocked:
            self.transport.abort()
        elif self.phase == IDLE:
            if unsent or self.flushed:
                self._end(unsent)
            else:
                self.flushed = True
                self.deadline = now + limits.idle_s - limits.answer_s
        elif self.phase == HEAD:
            self.refuse(RequestTimeout(f"The head did not arrive within {limits.head_s:g} s."))
        elif self.phase == BODY:
            self._expire_body(now)
        elif self.phase == CALL:
            self.refuse(AnswerLate())

    def _end(self, unsent: bool) -> None:
        if unsent:
            self.transport.abort()
        else:
            self.transport.close()

    def _expire_body(self, now: float) -> None:
        limits, body = self.server.limits, self.body
        assert body is not None
        elapsed = now - self.since
        due = limits.body_rate * (elapsed - limits.body_grace_s)
        if elapsed > limits.body_s or len(body.data) < due:
            self.refuse(RequestTimeout("The body arrives too slowly."))
        else:
            self.deadline = now  # looked at again at the next tick


def _peer_of(transport: asyncio.BaseTransport) -> str:
    """The address of the other side; a Unix socket is known by its family, not by a missing name.

    A connection that was reset before it was accepted has no name either, and is nobody's proxy.
    """
    name = transport.get_extra_info("peername")
    if isinstance(name, tuple) and name:
        return str(name[0])
    sock = transport.get_extra_info("socket")
    unix = sock is not None and sock.family == socket.AF_UNIX
    return UNIX_PEER if unix else "unknown"
