"""The measured edge is a real one: its calls are signed, recorded, counted, and its books hold."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.edge import ALGORITHMS, Edge, running_edge
from bench.load import connect, run_slice
from bench.requests import ECHO_BODY, ECHO_PATH, Template, prove, signed

from bankside.kernel.signing.rfc9421 import AnswerUntrusted
from bench import stages, transfers

CALLS = 40


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    with running_edge(tmp_path_factory.mktemp("bench")) as running:
        yield running


async def test_calls_of_every_algorithm_are_answered_recorded_and_counted(edge: Edge) -> None:
    template = Template(ECHO_PATH, f"127.0.0.1:{edge.port}")
    recorded = edge.recorded()
    for alg in ALGORITHMS:
        requests = signed(edge.callers[alg], template, lambda _: ECHO_BODY, CALLS)
        assert len(set(requests)) == CALLS

        done = await run_slice(await connect(edge.port, 4), requests, 30.0)

        answers = "hmac-sha256" if alg == "hmac-sha256" else "ecdsa-p256-sha256"
        assert prove(edge.callers[alg], requests, done.samples) == answers
        assert done.answered == CALLS
    await asyncio.sleep(1)  # records are on disk within 100 ms
    assert edge.recorded() == edge.counted() == recorded + len(ALGORITHMS) * CALLS


async def test_an_altered_answer_is_noticed(edge: Edge) -> None:
    caller = edge.callers["hmac-sha256"]
    template = Template(ECHO_PATH, f"127.0.0.1:{edge.port}")
    requests = signed(caller, template, lambda _: ECHO_BODY, 1)
    done = await run_slice(await connect(edge.port, 1), requests, 30.0)
    (number, raw) = done.samples[0]

    with pytest.raises(AnswerUntrusted):
        prove(caller, requests, [(number, raw.replace(b"12.34", b"12.35"))])


def test_transfers_through_the_edge_end_in_books_that_prove(edge: Edge) -> None:
    rows = transfers.run(edge, rounds=3, seconds=0.2, say=lambda _: None)

    assert [each.connections for each in rows] == list(transfers.CONNECTIONS)
    assert all(each.transfers > 0 and each.postgres_cpu_us > 0 for each in rows)


def test_the_steps_of_a_call_are_all_named_and_timed(tmp_path: Path) -> None:
    found = stages.run(rounds=2, home=tmp_path)

    assert "stage signature" in found.rows
    assert found.rows["whole call"] > found.rows["stage signature"] > 0
