"""A running platform for journeys and public SDKs: real processes, as `make run` starts them."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bankside.kernel.db import Pool, open_pool
from bankside.kernel.metering import CallRecord, calls_by_request_id
from bankside.kernel.postgres import database

START_SECONDS = 240.0
STOP_SECONDS = 40.0
SHIPPED_SECONDS = 15.0
T = TypeVar("T")


@dataclass(frozen=True)
class Platform:
    """Addresses and demo facts of one running platform."""

    home: Path
    edge: str
    web: str
    process: subprocess.Popen[bytes]

    @property
    def demo(self) -> dict[str, Any]:
        """`var/demo.json` as a script reads it."""
        value: dict[str, Any] = json.loads((self.home / "demo.json").read_text("utf-8"))
        return value

    def bankside(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run the command line against this platform."""
        return subprocess.run(
            [sys.executable, "-m", "bankside", *arguments],
            env=self.environment,
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )

    @property
    def environment(self) -> dict[str, str]:
        """The environment its commands need."""
        return environment(self.home, self.edge, self.web)

    def pids(self, kind: str) -> list[int]:
        """The process ids of one kind of process (``edge``, ``web``, ``worker``)."""
        parent = self.process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text("ascii").split()
        asked = f"bankside\0{kind}\0".encode()
        return [int(each) for each in children if asked in _command(each)]

    def get(self, url: str) -> tuple[int, bytes]:
        """A plain GET; refusals are answers too."""
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def call_record(self, request_id: str) -> CallRecord:
        """The call record of an answered call, once the worker has shipped it."""

        async def recorded(pool: Pool) -> list[CallRecord]:
            async with pool.acquire() as db:
                return await calls_by_request_id(db, request_id)

        deadline = time.monotonic() + SHIPPED_SECONDS
        while time.monotonic() < deadline:
            found = asyncio.run(self.in_database(recorded))
            if found:
                return found[0]
            time.sleep(0.2)
        raise AssertionError(f"no call record of {request_id}\n{self.logs()}")

    async def in_database(self, work: Callable[[Pool], Awaitable[T]]) -> T:
        """What ``work`` makes of a pool on this platform's database."""
        with database(self.home) as url:
            pool = await open_pool(url, size=2)
            try:
                return await work(pool)
            finally:
                await pool.close()

    def logs(self) -> str:
        """Everything the processes logged, for a failing test's message."""
        files = sorted((self.home / "logs").glob("*.log"))
        return "\n".join(f"--- {file.name}\n{file.read_text('utf-8')[-4000:]}" for file in files)


def _command(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""  # It has just ended.


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(home: Path, edge: str, web: str) -> dict[str, str]:
    """Settings of a platform with its own home and addresses."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("BANKSIDE_")}
    return kept | {
        "BANKSIDE_HOME": str(home),
        "BANKSIDE_EDGE_LISTEN": edge.removeprefix("http://"),
        "BANKSIDE_WEB_LISTEN": web.removeprefix("http://"),
        "BANKSIDE_EDGE_WORKERS": "2",
        "BANKSIDE_WEB_WORKERS": "2",
        # Partners' servers in these tests stand on this machine.
        "BANKSIDE_EGRESS_LOOPBACK": "1",
    }


@contextmanager
def running(home: Path, *arguments: str) -> Iterator[Platform]:
    """Start `bankside serve --demo` on free ports, and stop it cleanly afterwards."""
    edge, web = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    home.mkdir(parents=True, exist_ok=True)
    with (home / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bankside", "serve", "--demo", *arguments],
            env=environment(home, edge, web),
            stdout=log,
            stderr=log,
        )
    platform = Platform(home, edge, web, process)
    try:
        _wait(platform)
        yield platform
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(platform: Platform) -> None:
    deadline = time.monotonic() + START_SECONDS
    for url in (platform.edge, platform.web):
        while True:
            if platform.process.poll() is not None or time.monotonic() > deadline:
                said = (platform.home / "serve.log").read_text("utf-8")
                raise AssertionError(f"the platform did not start:\n{said}\n{platform.logs()}")
            try:
                if platform.get(f"{url}/readyz")[0] == 200:
                    break
            except OSError:
                pass
            time.sleep(0.05)
