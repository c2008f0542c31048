"""What the bench reports is what happened: CPU is counted, and bad answers void a slice."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from bench.gateway import FLOOR, SERVER, Figure, row
from bench.load import SliceVoid, connect, run_slice
from bench.machine import Speed, Spread, cpu_ns
from bench.report import Result, table, write

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone"
REFUSAL = b"HTTP/1.1 409 Conflict\r\ncontent-length: 4\r\n\r\nused"
BURN = (
    "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\ninput()"
)


@asynccontextmanager
async def answering(answer: Callable[[asyncio.StreamWriter], object]) -> AsyncIterator[int]:
    """A server that does this for every request (they are one line long); its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            answer(writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def test_the_cpu_of_children_is_counted() -> None:
    parent = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', sys.argv[1]])"
    process = subprocess.Popen([sys.executable, "-c", parent, BURN], stdin=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 30
        while cpu_ns(process.pid) < 300_000_000 and time.monotonic() < deadline:
            time.sleep(0.05)

        assert cpu_ns(process.pid) >= 300_000_000
    finally:
        process.kill()
        process.communicate()


async def test_every_request_is_sent_once_and_every_answer_counted() -> None:
    async with answering(lambda writer: writer.write(ANSWER)) as port:
        done = await run_slice(await connect(port, 4), [b"call\n"] * 500, 30.0)

    assert (done.sent, done.answered, len(done.latencies)) == (500, 500, 500)


async def test_an_answer_in_two_pieces_is_one_answer() -> None:
    def in_pieces(writer: asyncio.StreamWriter) -> None:
        writer.write(ANSWER[:30])
        asyncio.get_running_loop().call_later(0.01, writer.write, ANSWER[30:])

    async with answering(in_pieces) as port:
        done = await run_slice(await connect(port, 2), [b"call\n"] * 6, 30.0)

    assert done.answered == 6


async def test_a_refused_request_voids_the_slice() -> None:
    answers = [ANSWER] * 10 + [REFUSAL] + [ANSWER] * 100
    async with answering(lambda writer: writer.write(answers.pop(0))) as port:
        clients = await connect(port, 2)

        with pytest.raises(SliceVoid, match="409"):
            await run_slice(clients, [b"call\n"] * 50, 30.0)


async def test_a_lost_connection_voids_the_slice() -> None:
    async with answering(lambda writer: writer.close()) as port:
        clients = await connect(port, 2)

        with pytest.raises(SliceVoid, match="lost"):
            await run_slice(clients, [b"call\n"] * 50, 30.0)


def test_ratios_are_taken_within_a_round() -> None:
    def measured(us: float, floor: float) -> dict[str, Figure]:
        return {
            "hmac-sha256": Figure(us, 100, steady=floor < 20, crypto_us=us / 10),
            SERVER: Figure(2 * floor, 100, steady=True),
            FLOOR: Figure(floor, 100, steady=True),
        }

    found = row("hmac-sha256", [measured(40, 10), measured(80, 20), measured(44, 11)])

    assert (found.ratio_to_http_floor, found.ratio_to_own_server, found.crypto_share) == (4, 2, 0.1)
    assert (found.calls_per_cpu_second, found.calls, found.unsteady_rounds) == (22_727, 300, 1)


def test_a_spread_names_the_median_the_quartiles_and_the_least() -> None:
    assert Spread.of([3, 1, 2, 5, 4]) == Spread(median=3, low=2, high=4, least=1)


def test_a_machine_that_changed_by_more_than_15_percent_is_unsteady() -> None:
    assert Speed(10.0, 20.0).differs(Speed(10.0, 23.5))
    assert not Speed(10.0, 20.0).differs(Speed(11.0, 19.0))


def test_results_are_written_for_people_and_for_programs(tmp_path: Path) -> None:
    result = Result(table(("way", "rate"), [("one", "1")]), [{"way": "one"}], [Speed(9.5, 20.0)])

    path = write("gateway", result, {"command": "python -m bench gateway"}, tmp_path)

    text = path.read_text(encoding="utf-8")
    assert "| one | 1 |" in text
    assert "python -m bench gateway" in text
    data = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert data["rows"] == [{"way": "one"}]
    assert data["facts"]["calibration"].startswith("Python loop 9.5-9.5 ms")
