"""CPU of the edge's HTTP server alone: every request gets the same Reply, no pipeline behind it.

Method (the guide's): both contestants are up at once, one process each, pinned to core 0; the
client runs on core 1; slices of 1 s, order reversed every second round, first round dropped;
figure = CPU time of the server process (``/proc/<pid>/task/*/schedstat``) divided by successful
answers; ratio per round, then median and quartiles. Contestants: ``bankside`` (our server with all
its rules) and ``bare`` (uvloop + httptools, headers into a dict, no rule at all).
The request is a POST of 592 B of JSON with the fields of a signed call, on 32 kept connections.

Run: ``python -m bench http``; ``python -m bench.http_floor serve bankside`` is one contestant.
"""

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httptools
import uvloop

from bankside.gateway.exchange import Exchange, Reply
from bankside.gateway.listen import Address, open_listeners
from bankside.gateway.server import Server

CONTESTANTS = ("bankside", "bare")
CONNECTIONS = 32
SLICE_S = 1.0
CORES = tuple(range(os.cpu_count() or 1))
ROUNDS = 10  # the first is dropped

BODY = b'{"order_no":"2026030200017","amount":{"amount":"12.34","currency":"CNY"},"memo":"' + (
    b"x" * (592 - 83) + b'"}'
)
REQUEST = (
    b"POST /v1/internal-transfers HTTP/1.1\r\n"
    b"Host: 127.0.0.1:8080\r\n"
    b"Content-Type: application/json\r\n"
    b"Idempotency-Key: 7f0c5e5c-0c2f-4b57-a1be-0f7c1a3b9d10\r\n"
    b"X-App-Id: app_01j9z3k8c2v5m7n4p6q8r0s2t4\r\n"
    b"X-Timestamp: 1772416800\r\n"
    b"X-Nonce: 6b1f2c9e4d7a4f0b9c3e5a7d1f2b4c6e\r\n"
    b"X-Signature: 4cF1c0mZ3q5o2vN7yQ8w9eR1tY2uI3oP4aS5dF6gH7j=\r\n"
    b"Content-Length: 592\r\n\r\n"
) + BODY
ANSWER = Reply(200, [("content-type", "application/json")], b'{"status":"done","id":"itr_01j9z3"}')


class Bare(asyncio.Protocol):
    """The least that reads such a request with this parser."""

    WRITTEN = (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 35\r\n\r\n"
        + ANSWER.body
    )

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.headers: dict[bytes, bytes] = {}

    def on_url(self, url: bytes) -> None:
        self.url = url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        self.body = body

    def on_message_complete(self) -> None:
        self.transport.write(self.WRITTEN)


def serve(contestant: str) -> None:
    """Be one contestant: print the port, then serve until killed."""
    _pin(0)

    async def listen() -> None:
        sockets = open_listeners([Address("127.0.0.1", 0)])[0]
        if contestant == "bare":
            await asyncio.get_running_loop().create_server(Bare, sock=sockets[0])
        else:
            await Server(_constant).start(sockets)
        print(sockets[0].getsockname()[1], flush=True)
        await asyncio.Event().wait()

    uvloop.run(listen())


def _constant(x: Exchange) -> Reply:
    return ANSWER


@dataclass
class Client(asyncio.Protocol):
    """One connection that keeps exactly one request in flight while ``going``."""

    successes: int = 0
    failures: int = 0
    going: bool = False
    transport: Any = field(default=None, repr=False)

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        # The answers are far smaller than a segment, so each arrives in one read.
        if data.startswith(b"HTTP/1.1 200 ") and data.endswith(ANSWER.body):
            self.successes += 1
        else:
            self.failures += 1
        if self.going:
            self.transport.write(REQUEST)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.going:
            self.failures += 1


@dataclass(frozen=True)
class Row:
    """One contestant: CPU microseconds a request (median, quartiles) and its ratio to ``bare``."""

    name: str
    cpu_us: float
    cpu_us_low: float
    cpu_us_high: float
    ratio_to_bare: float
    requests: int


def run(*, rounds: int = ROUNDS, slice_s: float = SLICE_S) -> list[Row]:
    """Measure both contestants side by side."""
    _pin(1)
    with _process("bankside") as ours, _process("bare") as bare:
        measured = uvloop.run(_rounds({"bankside": ours, "bare": bare}, rounds, slice_s))
    rows = []
    for name in CONTESTANTS:
        costs = [each[name][0] for each in measured]
        ratios = [each[name][0] / each["bare"][0] for each in measured]
        low, middle, high = statistics.quantiles(costs, n=4)
        requests = sum(each[name][1] for each in measured)
        rows.append(Row(name, middle, low, high, statistics.median(ratios), requests))
    return rows


async def _rounds(
    servers: dict[str, tuple[int, int]], rounds: int, slice_s: float
) -> list[dict[str, tuple[float, int]]]:
    clients = {name: await _connect(port) for name, (_, port) in servers.items()}
    measured = []
    for number in range(rounds):
        names = CONTESTANTS if number % 2 else tuple(reversed(CONTESTANTS))
        measured.append({
            name: await _slice(servers[name][0], clients[name], slice_s) for name in names
        })  # fmt: skip
    return measured[1:]


async def _connect(port: int) -> list[Client]:
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(Client, "127.0.0.1", port) for _ in range(CONNECTIONS)]
    return [client for _, client in made]


async def _slice(pid: int, clients: list[Client], slice_s: float) -> tuple[float, int]:
    """CPU microseconds a request in one slice, and how many were answered."""
    before, cpu = sum(each.successes for each in clients), _cpu_ns(pid)
    for each in clients:
        each.going = True
        each.transport.write(REQUEST)
    await asyncio.sleep(slice_s)
    for each in clients:
        each.going = False
    await asyncio.sleep(0.05)  # the last answers come in
    answered = sum(each.successes for each in clients) - before
    if any(each.failures for each in clients):
        raise RuntimeError("a request failed: the slice does not count")
    return (_cpu_ns(pid) - cpu) / 1000 / answered, answered


def _cpu_ns(pid: int) -> int:
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(each.read_text().split()[0]) for each in tasks)


@contextmanager
def _process(contestant: str) -> Iterator[tuple[int, int]]:
    """A contestant in its own process: its pid and port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.http_floor", "serve", contestant],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        yield process.pid, port
    finally:
        process.kill()
        process.wait()


def _pin(index: int) -> None:
    """Stay on one core, if the machine has it to give. Children inherit the pin and choose anew."""
    if len(CORES) > index:
        os.sched_setaffinity(0, {CORES[index]})


def main(arguments: list[str]) -> None:
    """Print the table, or be one contestant (``serve NAME``)."""
    if arguments[:1] == ["serve"]:
        serve(arguments[1])
        return
    started = time.monotonic()
    print("| server | CPU us a request | quartiles | ratio to bare | requests |")
    print("| --- | --- | --- | --- | --- |")
    for row in run():
        print(
            f"| {row.name} | {row.cpu_us:.1f} | {row.cpu_us_low:.1f}-{row.cpu_us_high:.1f} "
            f"| {row.ratio_to_bare:.2f} | {row.requests} |"
        )
    print(f"\nmeasured in {time.monotonic() - started:.0f} s on {os.cpu_count()} cores")


if __name__ == "__main__":
    main(sys.argv[1:])
