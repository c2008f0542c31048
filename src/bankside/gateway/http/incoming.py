"""Bytes to requests: one head, its body, and not a byte of what follows.

Always true: the parser is fed the head of one request and nothing behind it; while that request is
unanswered, or the peer does not read, later bytes stay unparsed and the socket unread.
`connection` is the other half of the same object: the call, its answer, the end.
Source: RFC 9112 sections 2.2, 6, 9.3; RFC 9110 section 10.1.1.
"""

import asyncio

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from bankside.gateway.exchange import Exchange
from bankside.gateway.http.body import ChunkedBody, SizedBody
from bankside.gateway.http.errors import (
    BodyTooLarge,
    Busy,
    HeaderTooLarge,
    Malformed,
    TargetTooLong,
    UpgradeRefused,
)
from bankside.gateway.http.head import read_head
from bankside.gateway.http.host import Host
from bankside.gateway.http.proxies import FORWARDING
from bankside.gateway.http.replies import CONTINUE
from bankside.kernel.errors import BanksideError

# Where a connection stands; up to BODY it takes bytes, from CALL on it holds or drops them.
IDLE, HEAD, BODY, CALL, LINGER, CLOSED = range(6)

_BLANK_LINE = b"\r\n\r\n"
_CRLF = b"\r\n"
# 2^64 has 20 digits; llhttp takes any number of leading zeros.
_LENGTH_DIGITS = 20


class Incoming(asyncio.Protocol):
    """The reading half of a connection; `Connection` completes it."""

    __slots__ = (
        "bare", "blanks", "blocked", "body", "deadline", "exchange", "head", "parser", "paused",
        "peer", "peer_ended", "persists", "phase", "rest", "rest_at", "server", "since",
        "transport", "trusted",
    )  # fmt: skip

    transport: asyncio.Transport

    def __init__(self, server: Host) -> None:
        self.server = server
        self.phase = IDLE
        self.deadline = server.now + server.waits[IDLE]
        self.since = 0.0  # when the body began, or when lingering began
        self.blocked = False  # the peer does not read
        self.paused = False  # we do not read
        self.peer_ended = False  # the peer has sent its last byte
        self.persists = True  # the connection outlives the present request
        self.bare = False  # the answer carries no body (HEAD)
        self.blanks = 0  # bytes of an empty line before the request
        self.parser: HttpRequestParser | None = None  # only while a head arrives
        self.head = bytearray()  # the part of a head that has arrived
        self.body: SizedBody | ChunkedBody | None = None
        self.exchange: Exchange | None = None  # while its body or its answer is awaited
        self.rest = b""  # read but not parsed, from rest_at on
        self.rest_at = 0
        self.peer = ""
        self.trusted = False  # the peer is a proxy that may say for whom it speaks

    def execute(self, x: Exchange) -> None:
        """Run a complete request."""
        raise NotImplementedError

    def refuse(self, error: Exception) -> None:
        """Answer with a refusal of the server itself, parse nothing more, close."""
        raise NotImplementedError

    def take(self, data: bytes, position: int) -> None:
        """Use ``data`` up to the end of the present request; what lies behind it is held."""
        try:
            if self.phase != BODY:
                position = self._take_head(data, position)
            if self.phase == BODY:
                position = self._take_body(data, position)
        except Exception as error:  # noqa: BLE001 - a fault of ours gets an answer too, not a reset
            self.refuse(error)
            return
        if position < len(data) and self.phase < LINGER:
            self.hold(data, position)
            if self.phase == IDLE:
                # One pipelined request a turn of the loop: its answer is written (or the peer
                # found not to read) before the next is parsed, and other connections get a turn.
                self.server.loop.call_soon(self.go_on)

    def hold(self, data: bytes, position: int) -> None:
        self.rest = data
        self.rest_at = position
        self.read_socket(False)

    def go_on(self) -> None:
        """Parse what was held, if it may be parsed now; else read the socket again."""
        if self.phase > BODY or self.blocked:
            return
        if self.rest:
            data, position = self.rest, self.rest_at
            self.rest = b""
            self.take(data, position)
        if not self.rest and self.phase <= BODY and not self.blocked:
            if self.peer_ended:
                self.transport.close()
            else:
                self.read_socket(True)

    def read_socket(self, wanted: bool) -> None:
        if self.paused == wanted and not self.transport.is_closing():
            self.paused = not wanted
            if wanted:
                self.transport.resume_reading()
            else:
                self.transport.pause_reading()

    def _take_head(self, data: bytes, position: int) -> int:
        """Feed the parser up to the blank line and no further; returns the position reached."""
        if self.phase == IDLE:
            if self.blanks or data[position] in _CRLF:
                position = self._skip_blank_line(data, position)
                if position == len(data):
                    return position
            server = self.server
            end = data.find(_BLANK_LINE, position, position + server.limits.head_max)
            if end >= 0:
                self.bare = False
                _parse(HttpRequestParser(None), data[position : end + 4])
                return self._head_read(data[position:end], data, end + 4)
            self.phase = HEAD
            self.bare = False
            self.deadline = server.now + server.waits[HEAD]
            self.parser = HttpRequestParser(None)
        return self._take_head_part(data, position)

    def _take_head_part(self, data: bytes, position: int) -> int:
        """The same for a head that comes in several reads."""
        head, before = self.head, len(self.head)
        head += data[position : position + self.server.limits.head_max - before]
        end = head.find(_BLANK_LINE, max(0, before - 3))
        if end >= 0:
            _parse(self.parser, bytes(head[before : end + 4]))
            text = bytes(head[:end])
            head.clear()
            self.parser = None
            return self._head_read(text, data, position + end + 4 - before)
        _parse(self.parser, bytes(head[before:]))
        if len(head) == self.server.limits.head_max:
            line = head.partition(_CRLF)[0]
            raise TargetTooLong if len(line) > self.server.limits.target_max else HeaderTooLarge
        return len(data)

    def _skip_blank_line(self, data: bytes, position: int) -> int:
        """Pass over one empty line before a request (RFC 9112 section 2.2), no more."""
        while position < len(data) and data[position] in _CRLF:
            if self.blanks == 2 or data[position] != _CRLF[self.blanks]:
                raise Malformed("More than one empty line before the request.")
            self.blanks += 1
            position += 1
        if position < len(data):
            if self.blanks == 1:
                raise Malformed("A carriage return alone ends no line.")
            self.blanks = 0
        return position

    def _head_read(self, head: bytes, data: bytes, position: int) -> int:
        """Check the complete head and begin its body, which starts at ``position``."""
        server = self.server
        try:
            method, path, query, headers, self.persists = read_head(head, server.limits)
        except BanksideError:
            self.bare = head.startswith(b"HEAD ")
            raise
        self.bare = method == "HEAD"
        peer = self.peer
        if self.trusted:
            peer = server.proxies.speaker(peer, headers.get("x-forwarded-for", ""))
        elif not FORWARDING.isdisjoint(headers):
            for name in FORWARDING:
                headers.pop(name, None)
        x = Exchange(method, path, query, headers, b"", peer, 0.0, server.next_id())
        length = headers.get("content-length")
        if length is None and "transfer-encoding" not in headers:
            self.execute(x)
            return position
        if length is None:
            self._begin_body(x, ChunkedBody(self._body_limit(x), server.limits.chunk_overhead))
            return position
        if len(length) > _LENGTH_DIGITS:
            raise Malformed("The content length has too many digits.")
        size = int(length)
        if size > server.limits.body_free and size > self._body_limit(x):
            self.exchange = x
            raise BodyTooLarge
        end = position + size
        if end > len(data):
            self._begin_body(x, SizedBody(size))
            return position
        x.body = data[position:end]
        self.execute(x)
        return end

    def _body_limit(self, x: Exchange) -> int:
        limits = self.server.limits
        ask = self.server.routes.body_limit
        wanted = None if ask is None else ask(x.method, x.path)
        if wanted is None:
            wanted = limits.body_default
        return max(limits.body_free, min(wanted, limits.body_max))

    def _begin_body(self, x: Exchange, body: SizedBody | ChunkedBody) -> None:
        server = self.server
        self.exchange = x
        self.body = body
        self.phase = BODY
        # The coarse clock may be one tick behind; a timer never fires early.
        self.since = server.now + server.limits.tick_s
        self.deadline = server.now + server.waits[BODY]
        if "expect" in x.headers:
            self.transport.write(CONTINUE)

    def _take_body(self, data: bytes, position: int) -> int:
        server, body, x = self.server, self.body, self.exchange
        assert body is not None and x is not None
        before = len(body.data)
        try:
            position = body.feed(data, position)
        finally:
            server.buffered += len(body.data) - before
        if body.done:
            x.body = bytes(body.data)
            self.drop_body()
            self.exchange = None
            self.execute(x)
        elif server.buffered > server.limits.buffered_max:
            raise Busy(retry_after=1)
        return position

    def drop_body(self) -> None:
        if self.body is not None:
            self.server.buffered -= len(self.body.data)
            self.body.close()
            self.body = None


def _parse(parser: HttpRequestParser | None, piece: bytes) -> None:
    """Let llhttp judge the next bytes of a head. Raises Malformed, UpgradeRefused."""
    assert parser is not None
    try:
        parser.feed_data(piece)
    except HttpParserUpgrade:
        raise UpgradeRefused from None
    except HttpParserError as error:
        raise Malformed(f"The request is not well-formed HTTP/1.1: {error}.") from None
