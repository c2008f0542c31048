"""Real edge processes on one database, and a driver that loads them with calls by token.

The driver reads its sockets in turns of one selector: an answer that became readable in a turn
after the acknowledgement was written after it, whatever the machine was busy with.
"""

import hashlib
import os
import secrets
import selectors
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.identity.fapi.rig import b64, jws, public_jwk
from tests.platform import free_port

START_SECONDS = 60.0
STOP_SECONDS = 40.0
# One public address for all: a proof made for one edge is a proof for the other.
PUBLIC = "https://edge.example"


@dataclass
class EdgeProcess:
    """One edge worker and where it listens."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as said:
                return bool(said.status == 200)
        except (OSError, urllib.error.HTTPError):
            return False


@contextmanager
def edges(home: Path, urls: Sequence[str]) -> Iterator[list[EdgeProcess]]:
    """An edge for each database address, sharing one home; stopped cleanly at the end."""
    started = [_start(home, url, number) for number, url in enumerate(urls)]
    try:
        deadline = time.monotonic() + START_SECONDS
        for each in started:
            while not each.ready():
                if each.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"an edge did not start:\n{each.log.read_text()}")
                time.sleep(0.05)
        yield started
    finally:
        for each in started:
            each.process.terminate()
        for each in started:
            try:
                each.process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                each.process.kill()
                each.process.wait()


def _start(home: Path, url: str, number: int) -> EdgeProcess:
    port = free_port()
    log = home / f"edge-{number}.log"
    kept = {k: v for k, v in os.environ.items() if not k.startswith("BANKSIDE_")}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "bankside", "edge"],
            env=kept
            | {
                "BANKSIDE_HOME": str(home),
                "BANKSIDE_DATABASE_URL": url,
                "BANKSIDE_EDGE_LISTEN": f"127.0.0.1:{port}",
                "BANKSIDE_EDGE_URL": PUBLIC,
            },
            stdout=out,
            stderr=out,
        )
    return EdgeProcess(port, process, log)


class Wire:
    """A TCP connection to the database that can be cut silently: nothing is closed, nothing moves.

    What a broken switch does to an edge; ``url`` leads through it.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        there = parts.netloc.rpartition("@")[0]
        self.url = urlunsplit(parts._replace(netloc=f"{there}@127.0.0.1:{port}"))
        self._whole = threading.Event()
        self._whole.set()
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """From now on no byte passes."""
        self._whole.clear()

    def mend(self) -> None:
        """What waited passes again."""
        self._whole.set()

    def close(self) -> None:
        self.mend()
        for each in (self._listener, *self._sockets):
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                inner, _ = self._listener.accept()
                outer = socket.create_connection(self._target)
            except OSError:
                return
            self._sockets += [inner, outer]
            for source, sink in ((inner, outer), (outer, inner)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                self._whole.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return


@dataclass
class Bearer:
    """A token and the key it is bound to; makes the bytes of a call."""

    token: str
    path: str
    method: str = "GET"
    alg: str = "ES256"
    key: str = "proof"
    headers: dict[str, str] = field(default_factory=dict)

    def proof(self, **change: object) -> str:
        claims = {
            "htm": self.method,
            "htu": PUBLIC + self.path,
            "iat": int(time.time()),
            "jti": secrets.token_urlsafe(16),
            "ath": b64(hashlib.sha256(self.token.encode()).digest()),
        } | change
        header = {"typ": "dpop+jwt", "alg": self.alg, "jwk": public_jwk(self.alg, self.key)}
        return jws(header, claims, self.alg, self.key)

    def request(self, *, proof: str = "", body: bytes = b"") -> bytes:
        """One call, ready to be sent."""
        lines = [
            f"{self.method} {self.path} HTTP/1.1",
            "host: edge.example",
            f"authorization: DPoP {self.token}",
            f"dpop: {proof or self.proof()}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        if body or self.method == "POST":
            lines += ["content-type: application/json", f"content-length: {len(body)}"]
        return "\r\n".join([*lines, "", ""]).encode() + body


def exchange(port: int, request: bytes) -> tuple[int, bytes]:
    """One call on a connection of its own: status and the whole answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        data = b""
        while not whole(data):
            piece = connection.recv(65_536)
            if not piece:
                break
            data += piece
    return status_of(data), data


def whole(data: bytes) -> bool:
    """Whether these bytes are a whole answer."""
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return False
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return len(body) >= int(value)
    return True


def status_of(data: bytes) -> int:
    """The status of an answer's bytes."""
    return int(data.split(b" ", 2)[1])


@dataclass
class Answered:
    """One answered call: where, what, and in which turn of the driver."""

    port: int
    status: int
    turn: int


class Driver:
    """Calls without a pause over connections to every edge, until it is stopped."""

    def __init__(self, ports: Sequence[int], make: Callable[[], bytes], *, each: int = 3) -> None:
        self.answers: list[Answered] = []
        self.acknowledged_in: int | None = None
        self._make = make
        self._selector = selectors.DefaultSelector()
        self._bell, self._rung = socket.socketpair()
        self._selector.register(self._rung, selectors.EVENT_READ)
        self._stopping = False
        for port in ports:
            for _ in range(each):
                connection = socket.create_connection(("127.0.0.1", port))
                self._selector.register(connection, selectors.EVENT_READ, [port, bytearray()])
                connection.sendall(make())
        self._thread = threading.Thread(target=self._drive, daemon=True)
        self._thread.start()

    def acknowledged(self) -> None:
        """The revocation was acknowledged: no 2xx may be written from here on."""
        self._bell.send(b"!")

    def stop(self) -> None:
        self._stopping = True
        self._bell.send(b".")
        self._thread.join(timeout=30)
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._bell.close()
        self._selector.close()

    def served(self, port: int) -> int:
        """How many calls the edge there answered with success so far."""
        return sum(each.port == port and each.status < 300 for each in list(self.answers))

    def late(self) -> list[Answered]:
        """Successes that became readable in a turn after the acknowledgement."""
        assert self.acknowledged_in is not None
        return [
            each
            for each in self.answers
            if each.turn > self.acknowledged_in and 200 <= each.status < 300
        ]

    def refused_after(self, port: int) -> int:
        """How many calls the edge refused after the acknowledgement."""
        assert self.acknowledged_in is not None
        return sum(
            each.port == port and each.turn > self.acknowledged_in and each.status >= 400
            for each in list(self.answers)
        )

    def _drive(self) -> None:
        turn = 0
        while not self._stopping:
            turn += 1
            ready = self._selector.select(timeout=1)
            # All of a turn was readable at one instant: what came with the bell came before it.
            for key, _ in ready:
                if key.fileobj is self._rung:
                    self._rung.recv(16)
                    if self.acknowledged_in is None:
                        self.acknowledged_in = turn
                    continue
                connection = key.fileobj
                assert isinstance(connection, socket.socket)
                port, data = key.data
                data += connection.recv(65_536)
                if whole(bytes(data)):
                    self.answers.append(Answered(port, status_of(bytes(data)), turn))
                    data.clear()
                    connection.sendall(self._make())
