"""One HTTP message as bytes, and what is heard back: nothing between the test and the socket."""

import contextlib
import http.client
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

ANSWER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Message:
    """A request as it goes out; headers in their order, names may repeat."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def bytes(self) -> bytes:
        """What stands on the wire; the body's length is always told."""
        lines = [f"{self.method} {self.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body or self.method != "GET":
            lines.append(f"content-length: {len(self.body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + self.body

    def header(self, name: str) -> str:
        """The first value of a header; empty when there is none."""
        return next((value for key, value in self.headers if key.lower() == name), "")


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Line:
    """One connection, used for one message after another."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def send(self, message: Message) -> Heard:
        """Send and wait for the whole answer; OSError when the other side went away."""
        # Who refuses a long body answers before reading it all: the answer is there all the same.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(message.bytes())
        answer = http.client.HTTPResponse(self._socket, method=message.method)
        try:
            answer.begin()
            heard = {name.lower(): value for name, value in answer.getheaders()}
            return Heard(answer.status, heard, answer.read())
        except http.client.HTTPException as error:
            raise ConnectionResetError(repr(error)) from error
        finally:
            answer.close()


@contextmanager
def line(edge: str) -> Iterator[Line]:
    """A connection to the edge."""
    host, _, port = edge.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), ANSWER_SECONDS) as sock:
        yield Line(sock)


def send(edge: str, message: Message) -> Heard:
    """Send one message over a connection of its own."""
    with line(edge) as opened:
        return opened.send(message)
