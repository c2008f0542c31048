"""A service in trouble stays its own trouble: bounded waiting, a circuit, few repeats (F6)."""

import asyncio
import time

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.upstream.service import Seen, answer, call, desk, service

from bankside.gateway.upstream import errors
from bankside.gateway.upstream.breaker import CALLS_MIN, Breaker, RepeatBudget
from bankside.gateway.upstream.forwarding import CALLS
from bankside.kernel.errors import BanksideError


async def never(_: Seen, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def drip(_: Seen, writer: asyncio.StreamWriter) -> None:
    for byte in answer(200, {"id": "t1"}):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.1)


async def storm(_: Seen, writer: asyncio.StreamWriter) -> None:
    writer.write(answer(500, {}))


async def garbage(_: Seen, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\xff garbage\r\n\r\n")


async def close_after_head(_: Seen, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n")
    writer.close()


@pytest.mark.parametrize("fault", [never, drip, storm, garbage, close_after_head])
@pytest.mark.parametrize("what", ["query", "create"])
async def test_each_fault_ends_bounded_opens_the_circuit_and_is_never_a_bug_of_ours(
    fault: object, what: str
) -> None:
    async with service(fault) as there:  # type: ignore[arg-type]
        made = desk(there.url, answer_ms=600, slow_ms=200, connections=8)
        began = time.monotonic()
        ended = await asyncio.gather(
            *(made.forwarder(call(what, idempotency_key=f"k{n}")) for n in range(60)),
            return_exceptions=True,
        )
        took = time.monotonic() - began
        with pytest.raises(errors.UpstreamResting):
            await made.forwarder(call(what, idempotency_key="later"))

    assert all(isinstance(each, BanksideError) and each.status >= 502 for each in ended), ended
    assert took < 30, "the whole wave ends in the time of an answer and what waits for it"
    sent = len(there.seen)
    assert sent <= 60 * 1.1 + 1, "repeats are at most a tenth"


async def test_what_waits_for_a_connection_is_bounded_and_the_rest_is_refused_at_once() -> None:
    async with service(never) as there:
        made = desk(there.url, answer_ms=1_000, slow_ms=1_000, connections=2)
        calls = [asyncio.ensure_future(made.forwarder(call())) for _ in range(10)]
        await asyncio.sleep(0.1)
        refused = [each for each in calls if each.done()]

        assert len(refused) == 10 - 2 - 2 * 2
        assert all(isinstance(each.exception(), errors.UpstreamBusy) for each in refused)
        await asyncio.gather(*calls, return_exceptions=True)


async def test_one_service_in_trouble_leaves_another_alone() -> None:
    async def well(_: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(200, {"id": "t1"}))

    async with service(never) as sick, service(well) as healthy:
        bad, good = desk(sick.url, connections=4), desk(healthy.url)
        waves = [asyncio.ensure_future(bad.forwarder(call())) for _ in range(200)]
        got = [await good.forwarder(call()) for _ in range(100)]
        await asyncio.gather(*waves, return_exceptions=True)

    assert all(each.status == 200 for each in got)


async def test_a_service_that_comes_back_is_called_again() -> None:
    mood = {"sick": True}

    async def moody(_: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(500 if mood["sick"] else 200, {"id": "t1"}))

    async with service(moody) as there:
        made = desk(there.url)
        for _ in range(CALLS_MIN):
            with pytest.raises(errors.UpstreamFailed):
                await made.forwarder(call())
        with pytest.raises(errors.UpstreamResting):
            await made.forwarder(call())
        mood["sick"] = False
        await asyncio.sleep(1.1)

        first = await made.forwarder(call())
        more = await asyncio.gather(*(made.forwarder(call()) for _ in range(20)))

    assert first.status == 200
    assert all(each.status == 200 for each in more)


async def test_reads_that_fail_leave_writes_alone() -> None:
    async def half(asked: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(500 if asked.method == "GET" else 201, {"id": "t1"}))

    async with service(half) as there:
        made = desk(there.url)
        for _ in range(CALLS_MIN):
            with pytest.raises(errors.UpstreamFailed):
                await made.forwarder(call())
        got = await made.forwarder(call("create"))

    assert got.status == 201


async def test_a_partner_in_a_hurry_does_not_open_the_circuit_for_others() -> None:
    async def slowly(_: Seen, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        writer.write(answer(200, {"id": "t1"}))

    async with service(slowly) as there:
        made = desk(there.url)
        hurried = (made.forwarder(call(seconds=0.1)) for _ in range(2 * CALLS_MIN))
        ended = await asyncio.gather(*hurried, return_exceptions=True)
        got = await made.forwarder(call())

    assert all(isinstance(each, BanksideError) for each in ended)
    assert got.status == 200


async def test_a_call_whose_caller_left_ends_its_connection_and_its_key_is_unknown() -> None:
    async with service(never) as there:
        made = desk(there.url)
        under_way = asyncio.ensure_future(made.forwarder(call("create")))
        await there.asked.wait()
        under_way.cancel()
        with pytest.raises(asyncio.CancelledError):
            await under_way
        await asyncio.sleep(0.05)

    assert [row[0] for row in made.keys.rows.values()] == ["unknown"]


async def test_a_read_whose_connection_was_closed_is_asked_once_more() -> None:
    count = {"n": 0}

    async def every_other(_: Seen, writer: asyncio.StreamWriter) -> None:
        count["n"] += 1
        if count["n"] % 2:
            writer.close()
        else:
            writer.write(answer(200, {"id": "t1"}))

    async with service(every_other) as there:
        made = desk(there.url)
        got = await made.forwarder(call())

    assert got.status == 200
    assert len(there.seen) == 2


async def test_what_becomes_of_calls_is_counted_for_the_operator() -> None:
    before = dict(CALLS.values)
    async with service(storm) as there:
        made = desk(there.url)
        with pytest.raises(errors.UpstreamFailed):
            await made.forwarder(call())

    key = ("imported.tips", "failed")
    assert CALLS.values[key] == before.get(key, 0) + 1


def test_the_loop_of_the_edge_carries_all_of_it_too() -> None:
    """uvloop's transports differ from asyncio's in small things."""

    async def stories() -> None:
        await test_a_read_whose_connection_was_closed_is_asked_once_more()
        await test_what_waits_for_a_connection_is_bounded_and_the_rest_is_refused_at_once()
        await test_a_call_whose_caller_left_ends_its_connection_and_its_key_is_unknown()
        for fault in (drip, storm, garbage, close_after_head):
            await test_each_fault_ends_bounded_opens_the_circuit_and_is_never_a_bug_of_ours(
                fault, "create"
            )

    uvloop.run(stories())


@given(st.lists(st.tuples(st.floats(0, 2), st.booleans()), max_size=300))
def test_a_circuit_opens_only_when_half_of_twenty_recent_calls_failed(
    steps: list[tuple[float, bool]],
) -> None:
    breaker, now, recent = Breaker(), 0.0, list[tuple[float, bool]]()
    for wait, failed in steps:
        now += wait
        if not breaker.admits(now):
            continue
        was_open = breaker.is_open
        (breaker.failed if failed else breaker.succeeded)(now)
        if was_open and not failed:
            recent = []
        recent = [each for each in [*recent, (now, failed)] if each[0] >= now - 10]
        bad = sum(each for _, each in recent)
        if not was_open and breaker.is_open:
            assert len(recent) >= CALLS_MIN
            assert 2 * bad >= len(recent)


@given(st.lists(st.booleans(), max_size=500))
def test_repeats_stay_a_tenth_of_the_calls(wants: list[bool]) -> None:
    budget, repeats = RepeatBudget(), 0
    for number, want in enumerate(wants, 1):
        budget.called()
        repeats += want and budget.take()
        assert repeats <= 1 + 0.1 * number + 1e-6
