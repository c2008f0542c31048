"""What the tests of the HTTP server share: a server without a socket, one with, and a reader.

`Rig` drives the real Connection through a transport that records; it is the operating system that
is replaced, so that thousands of inputs run in a second. `LiveServer` is the whole thing on uvloop.
"""

import asyncio
import os
import socket
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvloop

from bankside.gateway.exchange import Exchange, Reply
from bankside.gateway.http.connection import Connection
from bankside.gateway.http.limits import Limits
from bankside.gateway.http.proxies import TrustedProxies
from bankside.gateway.listen import Address, open_listeners
from bankside.gateway.server import RouteFacts, Server


@dataclass(frozen=True)
class Answer:
    """One answer as a client reads it."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The stable code of a problem+json answer, else an empty text."""
        if self.headers.get("content-type") != "application/problem+json":
            return ""
        text = self.body.partition(b'"code":"')[2]
        return text.partition(b'"')[0].decode()


def read_answers(stream: bytes, *, bare: Iterable[int] = ()) -> list[Answer]:
    """All answers in a stream; interim ones left out. ``bare``: indexes of answers to HEAD.

    Asserts that the stream is nothing but whole answers, each with a request id.
    """
    answers: list[Answer] = []
    while stream:
        head, blank, stream = stream.partition(b"\r\n\r\n")
        assert blank, f"not an answer: {head!r}"
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = dict(line.split(": ", 1) for line in lines[1:])
        assert len(headers) == len(lines) - 1, "a field came twice"
        if status == 100:
            assert not headers
            continue
        assert "x-request-id" in headers
        assert "server" not in headers
        length = 0 if status == 204 else int(headers["content-length"])
        if len(answers) in bare:
            length = 0
        assert len(stream) >= length
        answers.append(Answer(status, headers, stream[:length]))
        stream = stream[length:]
    return answers


class Recorder(asyncio.Transport):
    """A transport without a socket: keeps what was written; its peer may refuse to read."""

    def __init__(self, peer: str = "192.0.2.1") -> None:
        super().__init__({"peername": (peer, 40_000)})
        self.written = bytearray()
        self.unsent = 0
        self.reading = True
        self.ended = self.closed = self.aborted = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def write(self, data: Any) -> None:
        assert not self.ended
        assert not self.closed
        self.written += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True


class Turns:
    """The one thing a connection asks of the loop in these tests: a turn later."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def call_soon(self, act: Callable[[], None]) -> None:
        self.waiting.append(act)

    def run(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()


ROUTES = RouteFacts(options=lambda path: ["GET"] if path == "/a" else [])
INTERNAL: dict[str, Callable[[], Reply]] = {"/healthz": lambda: Reply(200, [], b"ok")}


class Rig:
    """One connection of a server without sockets. ``calls``: what reached the pipeline."""

    def __init__(
        self,
        *,
        answer: Callable[[Exchange], Reply | Awaitable[Reply]] | None = None,
        routes: RouteFacts | None = None,
        limits: Limits | None = None,
        proxies: TrustedProxies | None = None,
        peer: str = "192.0.2.1",
    ) -> None:
        self.calls: list[Exchange] = []
        self._answer = answer or echo
        self.server = Server(
            self._call,
            routes=routes or ROUTES,
            limits=limits,
            proxies=proxies,
            internal=INTERNAL,
        )
        self.turns = Turns()
        self.server.loop = self.turns  # type: ignore[assignment]
        self.transport = Recorder(peer)
        self.connection = Connection(self.server)
        self.connection.connection_made(self.transport)

    def _call(self, x: Exchange) -> Reply | Awaitable[Reply]:
        self.calls.append(x)
        return self._answer(x)

    def send(self, *pieces: bytes) -> "Rig":
        """Let bytes arrive, one read after the other; a paused or closed socket is not read."""
        waiting = list(pieces)
        while waiting:
            self.turns.run()
            if self.transport.closed or not self.transport.reading:
                break
            piece = waiting.pop(0)
            if piece:
                self.connection.data_received(piece)
        self.turns.run()
        return self

    def answers(self) -> list[Answer]:
        """The answers so far."""
        heads = [index for index, x in enumerate(self.calls) if x.method == "HEAD"]
        return read_answers(bytes(self.transport.written), bare=heads)

    def statuses(self) -> list[int]:
        """Their statuses."""
        return [answer.status for answer in self.answers()]

    def wait(self, seconds: float) -> None:
        """Let time pass, one tick after the other."""
        end = self.server.now + seconds
        while self.server.now < end and not self.transport.closed:
            self.server.now += self.server.limits.tick_s
            if self.connection.deadline <= self.server.now:
                self.connection.expire(self.server.now)


def echo(x: Exchange) -> Reply:
    """An answer that tells what was called."""
    text = f"{x.method} {x.path} {x.query} {len(x.body)}"
    return Reply(200, [("content-type", "text/plain")], text.encode("latin-1"))


class LiveServer:
    """A server on uvloop in a thread, on a free port of the loopback (and a Unix socket)."""

    def __init__(
        self, call: Callable[[Exchange], Reply | Awaitable[Reply]], **options: Any
    ) -> None:
        self.calls: list[Exchange] = []

        def counted(x: Exchange) -> Reply | Awaitable[Reply]:
            self.calls.append(x)
            return call(x)

        self.server = Server(counted, **{"routes": ROUTES, "internal": INTERNAL} | options)
        self.unix_path: str | None = None
        self.loop = uvloop.new_event_loop()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def do(self, work: Awaitable[Any], *, seconds: float = 30) -> Any:
        """Run something in the server's loop and wait for it."""

        async def inner() -> Any:
            return await work

        return asyncio.run_coroutine_threadsafe(inner(), self.loop).result(seconds)

    def start(self, unix_path: str | None = None) -> None:
        addresses = [Address("127.0.0.1", 0)]
        if unix_path:
            addresses.append(Address(path=unix_path))
        sockets = open_listeners(addresses)[0]
        self.address = sockets[0].getsockname()
        self.thread.start()
        self.do(self.server.start(sockets))

    def connect(self) -> socket.socket:
        client = socket.create_connection(self.address, timeout=10)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client

    def talk(self, *pieces: bytes, bare: Iterable[int] = ()) -> list[Answer]:
        """Send bytes, end our side, read to the end."""
        with self.connect() as client:
            try:
                for piece in pieces:
                    client.sendall(piece)
                client.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # refused in the middle: the answer is there all the same
            return read_answers(read_all(client), bare=bare)

    def end(self) -> None:
        try:
            self.do(self.server.stop())
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join(10)
            self.loop.close()


@contextmanager
def live(
    call: Callable[[Exchange], Reply | Awaitable[Reply]] = echo,
    *,
    unix_path: str | None = None,
    **options: Any,
) -> Iterator[LiveServer]:
    """A running server; options as for Server."""
    running = LiveServer(call, **options)
    running.start(unix_path)
    try:
        yield running
    finally:
        running.end()


def read_all(client: socket.socket) -> bytes:
    """Everything until the server ends its side; a reset ends it too."""
    parts = []
    while True:
        try:
            part = client.recv(65_536)
        except ConnectionResetError:
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


def read_one(client: socket.socket) -> Answer:
    """One answer from a connection that stays open."""
    stream = b""
    while True:
        part = client.recv(65_536)
        assert part, f"the connection ended after {stream!r}"
        stream += part
        head, blank, body = stream.partition(b"\r\n\r\n")
        if blank:
            length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
            if len(body) >= int(length or 0):
                return read_answers(stream)[0]


def memory_kib() -> int:
    """Resident memory of this process, KiB."""
    with open(f"/proc/{os.getpid()}/statm") as statm:  # noqa: PTH123 - no path to build
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
