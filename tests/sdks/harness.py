"""What the SDK matrix stands on: SDK processes, a byte-true relay, and where the SDKs come from.

The SDKs are unmodified and pinned: alipay-sdk-python in the development environment;
python-alipay-sdk in an environment of its own, because both own ``alipay/``; npm alipay-sdk in a
folder of its own. Both folders are caches below ``var/sdks`` and are made on first use.
"""

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from tests.sdks.icbc_client import load_private, load_public

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = ROOT / "var" / "sdks"
INSTALL_SECONDS = 180
ANSWER_SECONDS = 30
# Local-time dialects speak Beijing time; the SDKs ask the machine.
ENVIRONMENT = {**os.environ, "TZ": "Asia/Shanghai", "NO_PROXY": "*", "no_proxy": "*"}


class SdkFailed(Exception):
    """The SDK raised: ``error`` is what it said."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(json.dumps(error, ensure_ascii=False)[:600])
        self.error = error


class Driver:
    """One SDK in a process of its own, asked by JSON lines."""

    def __init__(self, *command: str, **environment: str) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=ENVIRONMENT | environment,
            text=True,
        )

    def ask(self, do: str, **command: Any) -> Any:
        """The SDK's result; raises SdkFailed with what it raised."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **command}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the SDK's process ended"
        result = json.loads(line)
        if not result["ok"]:
            raise SdkFailed(result["error"])
        return result["value"]

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(ANSWER_SECONDS)


# change(bytes) -> bytes, of the same length
Change = Callable[[bytes], bytes]


@dataclass
class Relay:
    """Copies bytes between SDKs and the edge; with ``change`` it is the attacker in between.

    ``streams`` keeps what each connection sent, so that a request can be sent again.
    """

    host: str
    port: int
    upstream: tuple[str, int]
    change: Change | None = None
    streams: list[bytearray] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address SDKs are configured with; port 80 is not written."""
        return f"http://{self.host}" + ("" if self.port == 80 else f":{self.port}")

    def serve(self, connection: socket.socket) -> None:
        """Relay one connection until either side ends it."""
        sent = bytearray()
        self.streams.append(sent)
        with connection, socket.create_connection(self.upstream, ANSWER_SECONDS) as upstream:
            back = threading.Thread(target=_copy, args=(upstream, connection), daemon=True)
            back.start()
            with contextlib.suppress(OSError):
                while data := connection.recv(65_536):
                    sent += data
                    upstream.sendall(self.change(data) if self.change else data)
            with contextlib.suppress(OSError):
                upstream.shutdown(socket.SHUT_WR)
            back.join(ANSWER_SECONDS)

    def last(self, word: str) -> bytes:
        """The last request that contains ``word``, byte for byte."""
        requests = [each for stream in self.streams for each in _requests(bytes(stream))]
        return [each for each in requests if word.encode() in each][-1]

    def replay(self, request: bytes) -> bytes:
        """Send a request again on a connection of its own; the raw answer."""
        with socket.create_connection(self.upstream, ANSWER_SECONDS) as upstream:
            upstream.sendall(request)
            answer = b""
            while not list(_requests(answer)):
                data = upstream.recv(65_536)
                if not data:
                    break
                answer += data
        return answer


@contextmanager
def relaying(upstream: str, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[Relay]:
    """A relay in front of the edge at ``upstream``; raises OSError when it cannot listen."""
    address = upstream.removeprefix("http://").rsplit(":", 1)
    with socket.create_server((host, port)) as server:
        relay = Relay(host, server.getsockname()[1], (address[0], int(address[1])))

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=relay.serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield relay
        finally:
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)


def _requests(stream: bytes) -> Iterator[bytes]:
    """The whole HTTP messages with a Content-Length (or no body) in a stream of bytes."""
    while (end := stream.find(b"\r\n\r\n") + 4) > 3:
        length = re.search(rb"\r\ncontent-length: *([0-9]+)\r\n", stream[:end], re.IGNORECASE)
        end += int(length[1]) if length else 0
        if len(stream) < end:
            return
        yield stream[:end]
        stream = stream[end:]


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def port_80(upstream: str) -> Iterator[Relay]:
    """A relay on port 80 of a free loopback address; skips where that port cannot be bound."""
    for last in range(1, 20):
        try:
            with relaying(upstream, host=f"127.0.0.{last}", port=80) as relay:
                yield relay
                return
        except PermissionError:
            break
        except OSError:
            continue
    pytest.skip("port 80 cannot be bound here, and alipay-sdk-python reaches no other port")


def python_with(lock: Path) -> Path:
    """The interpreter of the environment that holds what ``lock`` pins; skips when it cannot be."""
    folder = CACHE / f"python-{_digest(lock)}"
    uv = ROOT / ".boot" / "bin" / "uv"

    def install() -> None:
        if not uv.exists():
            pytest.skip(f"uv is not here (make test brings it), {lock.stem} needs it")
        _run(str(uv), "venv", "-q", "--clear", "--python", sys.executable, str(folder))
        python = str(folder / "bin" / "python")
        _run(
            str(uv), "pip", "install", "-q", "--require-hashes", "--python", python, "-r", str(lock)
        )

    _once(folder, install)
    return folder / "bin" / "python"


def node_folder(source: Path) -> Path:
    """A folder whose node_modules holds what ``source`` pins; skips without node."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not here")
    folder = CACHE / f"node-{_digest(source / 'package-lock.json')}"

    def install() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(source / name, folder / name)
        _run(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder))

    _once(folder, install)
    return folder


def _once(folder: Path, install: Callable[[], None]) -> None:
    """Install once for all test processes; a mark says that it went through."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        mark = folder / ".installed"
        if not mark.exists():
            install()
            mark.touch()


def _run(*command: str) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
    )
    if done.returncode:
        pytest.skip(f"{command[0]} could not install: {done.stderr.strip()[-300:]}")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def pkcs1_base64(pem: bytes) -> str:
    """A private key as alipay-sdk-python and npm alipay-sdk (keyType PKCS1) want it."""
    key = load_private(pem)
    der = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return base64.b64encode(der).decode()


def pkcs8_base64(pem: bytes) -> str:
    """A private key as npm alipay-sdk (keyType PKCS8) wants it."""
    key = load_private(pem)
    der = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return base64.b64encode(der).decode()


def public_base64(pem: bytes) -> str:
    """A public key as base64 of its DER form."""
    der = load_public(pem).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(der).decode()


def pem(base64_der: str, label: str) -> str:
    """PEM around base64 text."""
    lines = "\n".join(base64_der[at : at + 64] for at in range(0, len(base64_der), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"
