"""One kept connection to an upstream: a request out, exactly one answer back.

Always true: at most one request is under way; bytes that come without one, or after an answer that
is complete, end the connection; header and body are limited while they are read; what breaks the
rules of HTTP/1.1 is an error, never an answer. A failed connection is not used again.
Source: RFC 9112; gateway guide sections 2 and 6 (traps of httptools).
"""

import asyncio
import select
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import httptools

HEADER_BYTES_MAX = 16_384
HEADERS_MAX = 64
# 100 Continue, 102, 103: some servers send one; none sends many.
INTERIM_MAX = 4
_BODILESS = frozenset({204, 304})


class ExchangeFailed(Exception):
    """No whole, well-formed answer came. ``is_answer``: bytes came, but they are none."""

    def __init__(self, text: str, *, is_answer: bool = False, is_stale: bool = False) -> None:
        """``is_stale``: a connection kept from before ended before a byte of the answer came."""
        super().__init__(text)
        self.is_answer = is_answer
        self.is_stale = is_stale


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """What an upstream answered; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection(asyncio.Protocol):
    """The protocol of one connection; ``exchange`` sends and waits."""

    def __init__(self, on_unasked: Callable[[], None] = lambda: None) -> None:
        """``on_unasked`` hears of bytes that answer nothing: an upstream that does so is odd."""
        self._on_unasked = on_unasked
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[RawAnswer] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._limit = 0
        self._is_used = False
        self._begin()
        self.idle_since = self._loop.time()
        self.is_reusable = True

    def _begin(self) -> None:
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._head_bytes = 0
        self._raw_bytes = 0
        self._head_done = False
        self._received = False
        self._interim = 0

    async def exchange(self, request: bytes, *, limit: int) -> RawAnswer:
        """The answer to ``request``, its body at most ``limit`` bytes; raises ExchangeFailed.

        Cancelling it ends the connection: an answer that comes later would belong to nobody.
        """
        assert self._waiting is None, "a connection carries one request at a time"
        transport = self._transport
        if transport is None or transport.is_closing() or self._has_unasked_bytes():
            self.close()
            raise ExchangeFailed("the connection was closed", is_stale=True)
        self._begin()
        self._limit = limit
        self._waiting = self._loop.create_future()
        transport.write(request)
        try:
            return await self._waiting
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            self._waiting = None
            self._is_used = True
            self.idle_since = self._loop.time()

    def close(self) -> None:
        """End the connection at once."""
        self.is_reusable = False
        if self._transport is not None:
            self._transport.abort()

    @property
    def is_usable(self) -> bool:
        """Whether another request may go out on it."""
        transport = self._transport
        return self.is_reusable and transport is not None and not transport.is_closing()

    def _has_unasked_bytes(self) -> bool:
        """Whether something lies in the socket before we asked: an answer to nobody, or the end."""
        assert self._transport is not None
        raw = self._transport.get_extra_info("socket")
        if raw is None or not self._is_used:
            return False
        poll = select.poll()
        poll.register(raw.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    # The protocol's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        waiting = self._waiting
        if waiting is None or waiting.done():
            self._on_unasked()
            self.close()
            return
        self._received = True
        self._raw_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(ExchangeFailed(f"no HTTP answer: {error}", is_answer=True))
            return
        if not self._head_done and self._raw_bytes > HEADER_BYTES_MAX:
            self._fail(ExchangeFailed("the header is too long", is_answer=True))
        elif self._raw_bytes > 2 * (self._limit + HEADER_BYTES_MAX):
            self._fail(ExchangeFailed("the body is written too lavishly", is_answer=True))
        elif len(self._body) > self._limit:
            self._fail(ExchangeFailed("the body is too long", is_answer=True))

    def connection_lost(self, error: Exception | None) -> None:
        self.is_reusable = False
        if self._waiting is None or self._waiting.done():
            return
        framed = self._headers.keys() & {"content-length", "transfer-encoding"}
        if self._head_done and not framed and error is None:
            self._finish()  # An answer without a length ends with its connection.
            return
        stale = self._is_used and not self._received
        self._fail(
            ExchangeFailed(
                "the connection was closed without a whole answer",
                is_answer=self._received,
                is_stale=stale,
            )
        )

    # What the parser tells.

    def on_message_begin(self) -> None:
        if self._waiting is None or self._waiting.done():
            self._on_unasked()  # A second answer to one request.
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head_done:
            return  # A trailer: it is no header and says nothing we use.
        key = name.decode("latin-1").lower()
        self._head_bytes += len(name) + len(value)
        if len(self._headers) >= HEADERS_MAX or self._head_bytes > HEADER_BYTES_MAX:
            raise ValueError("too many headers, or too long ones")
        if key in self._headers and key in {"content-length", "transfer-encoding", "content-type"}:
            raise ValueError(f"{key} comes twice")
        self._headers[key] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        headers = self._headers
        if headers.get("transfer-encoding", "chunked").strip().lower() != "chunked":
            raise ValueError("a transfer encoding we did not ask for")
        if headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise ValueError("a content encoding we did not ask for")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:12]) > self._limit:
            raise ValueError("the body is too long")
        self._head_done = True

    def on_body(self, body: bytes) -> None:
        if len(self._body) <= self._limit:
            self._body += body

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if 100 <= status < 200:
            self._interim += 1
            if status == 101 or self._interim > INTERIM_MAX:
                raise ValueError("an interim answer we did not ask for")
            self._headers, self._head_done = {}, False
            return
        if not self._parser.should_keep_alive():
            self.is_reusable = False
        self._finish()

    def _finish(self) -> None:
        status = self._parser.get_status_code()
        body = b"" if status in _BODILESS else bytes(self._body)
        assert self._waiting is not None
        if not self._waiting.done():
            self._waiting.set_result(RawAnswer(status, self._headers, body))

    def _fail(self, error: ExchangeFailed) -> None:
        self.close()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)
