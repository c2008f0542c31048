"""The client: closed-loop connections that send prepared requests and check every answer.

Always true: a request is sent once; whatever is no complete 2xx answer fails the slice it came in.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

# Answers kept in full, with the number of their request, for their signatures to be verified.
SAMPLE_EACH = 1_000
# The slowest answer of a slice may come this long after its end.
PATIENCE_S = 10.0
_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


class SliceVoid(Exception):
    """A request of the slice was not answered 2xx: its figure would be a lie."""


@dataclass
class Slice:
    """One slice of load: what was sent of ``requests``, and what came back."""

    requests: Sequence[bytes]
    end: float
    sent: int = 0
    answered: int = 0
    seconds: float = 0.0
    samples: list[tuple[int, bytes]] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    fault: str = ""


class Client(asyncio.Protocol):
    """One kept connection with exactly one request in flight during a slice."""

    def __init__(self) -> None:
        self.slice: Slice | None = None
        self.transport: Any = None
        self.part = b""
        self.number = 0
        self.sent_at = 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def begin(self, slice_: Slice) -> None:
        """Take part in a slice from now on."""
        self.slice = slice_
        self._send(time.perf_counter())

    def data_received(self, data: bytes) -> None:
        data = self.part + data if self.part else data
        head = data.find(_END)
        at = data.find(_LENGTH, 0, head) + len(_LENGTH)
        if head < 0 or at < len(_LENGTH):
            self.part = data
            return
        if len(data) < head + len(_END) + int(data[at : data.find(b"\r", at)]):
            self.part = data
            return
        self.part = b""
        self._answered(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.slice is not None:
            self.slice.fault = self.slice.fault or f"a connection was lost: {exc}"
            self.slice = None

    def _answered(self, data: bytes) -> None:
        slice_ = self.slice
        assert slice_ is not None, "an answer without a request"
        now = time.perf_counter()
        slice_.answered += 1
        slice_.latencies.append(now - self.sent_at)
        if data[9:10] != b"2":
            slice_.fault = slice_.fault or data.decode("latin-1")
        if self.number % SAMPLE_EACH == 0:
            slice_.samples.append((self.number, data))
        self._send(now)

    def _send(self, now: float) -> None:
        slice_ = self.slice
        assert slice_ is not None
        if now >= slice_.end or slice_.sent == len(slice_.requests) or slice_.fault:
            self.slice = None
            slice_.seconds = max(slice_.seconds, now - slice_.end)
            return
        self.number, self.sent_at = slice_.sent, now
        slice_.sent += 1
        self.transport.write(slice_.requests[self.number])


async def connect(port: int, connections: int) -> list[Client]:
    """Kept connections to a server on this machine."""
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(Client, "127.0.0.1", port) for _ in range(connections)]
    return [client for _, client in made]


async def run_slice(clients: Sequence[Client], requests: Sequence[bytes], seconds: float) -> Slice:
    """Send for ``seconds``, or until all requests are sent. Raises SliceVoid."""
    began = time.perf_counter()
    slice_ = Slice(requests, began + seconds)
    for client in clients:
        client.begin(slice_)
    # The client never sleeps: a server whose every answer had to wake it on another core would be
    # charged up to 10 us a call for that, more than its own network code takes.
    while any(client.slice is not None for client in clients):
        if time.perf_counter() > slice_.end + PATIENCE_S:
            raise SliceVoid("an answer did not come")
        await asyncio.sleep(0)
    slice_.seconds += slice_.end - began
    if slice_.fault or slice_.answered != slice_.sent or not slice_.sent:
        raise SliceVoid(slice_.fault or f"{slice_.sent} sent, {slice_.answered} answered")
    return slice_


class Line:
    """A kept connection that asks one thing after the other."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, message: bytes) -> bytes:
        """The whole answer to a message."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(message)
        head = await reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        length = lower.partition(b"content-length: ")[2].partition(b"\r")[0]
        answer = head + await reader.readexactly(int(length or b"0"))
        if b"connection: close" in lower:
            self.close()
        return answer

    def close(self) -> None:
        """End it."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
