"""A body that did not come in one piece with its head: counted, bounded, collected.

Both kinds take bytes from a read and say where the body ended in it, so that no byte of the next
request is taken. Source: RFC 9112 sections 6.2 (length) and 7.1 (chunked).
"""

from httptools import HttpParserError, HttpRequestParser

from bankside.gateway.http.errors import BodyTooLarge, Malformed
from bankside.kernel.errors import BanksideError

_CHUNKED_HEAD = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"


class SizedBody:
    """A body whose length was announced; the announcement is already within the limit."""

    __slots__ = ("data", "done", "length")

    def __init__(self, length: int) -> None:
        self.data = bytearray()
        self.length = length
        self.done = False

    def feed(self, read: bytes, position: int) -> int:
        """Take from ``position``; returns the position of the first byte not taken."""
        end = min(len(read), position + self.length - len(self.data))
        self.data += read[position:end]
        self.done = len(self.data) == self.length
        return end

    def close(self) -> None:
        """Nothing to let go of."""


class ChunkedBody:
    """A body in chunks. Extensions and trailers are counted and dropped, never looked at.

    Has a parser of its own, without a header callback: a trailer can overwrite nothing.
    ``limit`` bounds the content, ``overhead`` all other bytes.
    """

    __slots__ = ("data", "done", "limit", "parser", "room")

    def __init__(self, limit: int, overhead: int) -> None:
        self.data = bytearray()
        self.done = False
        self.limit = limit
        self.room = limit + overhead
        self.parser: HttpRequestParser | None = HttpRequestParser(self)
        self.parser.feed_data(_CHUNKED_HEAD)

    def on_body(self, piece: bytes) -> None:
        """Called by the parser with a piece of content."""
        if len(self.data) + len(piece) > self.limit:
            raise BodyTooLarge
        self.data += piece

    def on_message_complete(self) -> None:
        """Called by the parser at the end of the trailer section."""
        self.done = True

    def feed(self, read: bytes, position: int) -> int:
        """Take from ``position``; returns the position of the first byte not taken.

        Raises Malformed, BodyTooLarge.
        """
        while not self.done and position < len(read):
            if self.room == 0:
                raise BodyTooLarge
            end = min(_possible_end(read, position), position + self.room)
            self._parse(read[position:end])
            self.room -= end - position
            position = end
        if self.done:
            self.close()
        return position

    def _parse(self, piece: bytes) -> None:
        assert self.parser is not None
        try:
            self.parser.feed_data(piece)
        except HttpParserError as error:
            if isinstance(error.__context__, BanksideError):
                raise error.__context__ from None
            raise Malformed(f"The chunked body is malformed: {error}.") from None

    def close(self) -> None:
        """Let the parser go: it and this object refer to each other."""
        self.parser = None


def _possible_end(read: bytes, position: int) -> int:
    """Where a chunked message could end at the earliest: it ends with LF CR LF.

    Feeding no further than that keeps the next request out of the parser. The three bytes may
    have begun in the bytes before: then the last of them is one of the first two here.
    """
    cut = read.find(b"\n", position, position + 2)
    if cut >= 0:
        return cut + 1
    whole = read.find(b"\n\r\n", position)
    return whole + 3 if whole >= 0 else len(read)
