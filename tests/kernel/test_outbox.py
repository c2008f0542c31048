"""The outbox: every committed event reaches every consumer, in its object's order."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from bankside.kernel.clock import FixedClock, SystemClock
from bankside.kernel.db import Pool, transaction, write_all
from bankside.kernel.events import Event
from bankside.kernel.outbox import (
    RETRY_SECONDS,
    Consumer,
    DeliverLater,
    GiveUp,
    Relay,
    dead_letters,
    forget_consumer,
    publish,
    register_consumer,
    replay_dead,
    replay_one,
    replay_range,
)
from bankside.kernel.outbox.relay import FLYING_MAX
from bankside.kernel.outbox.store import prune


class Sink:
    """A consumer that writes down what it was given, and fails as long as it is told to."""

    def __init__(self, name: str, *types: str, failing: bool = False) -> None:
        self.seen: list[Event] = []
        self.failing = failing
        self.consumer = Consumer(name=name, deliver=self.deliver, types=types or ("",))

    async def deliver(self, event: Event, recipient: str) -> None:
        if self.failing:
            raise ConnectionError("the sink is down")
        self.seen.append(event)

    @property
    def ids(self) -> list[str]:
        return [event.id for event in self.seen]


def event(object_id: str, seq: int, kind: str = "orders.order.paid") -> Event:
    return Event(f"evt_{object_id}_{seq}", kind, "prt_1", object_id, seq, {"amount": "12.34"})


async def commit(pool: Pool, *events: Event) -> None:
    async with transaction(pool) as db:
        await write_all(db, [publish(each) for each in events])


def relay(pool: Pool, clock: FixedClock, *sinks: Sink) -> Relay:
    return Relay(pool, [sink.consumer for sink in sinks], clock)


async def test_an_event_reaches_each_consumer_that_wants_its_type(
    fresh_pool: Pool, clock: FixedClock
) -> None:
    all_of_them, payments = Sink("all"), Sink("payments", "orders.order.")
    running = relay(fresh_pool, clock, all_of_them, payments)
    await commit(fresh_pool, event("ord_1", 1), event("cus_1", 1, "bank.customer.moved"))

    await running.drain()

    assert sorted(all_of_them.ids) == ["evt_cus_1_1", "evt_ord_1_1"]
    assert payments.seen == [event("ord_1", 1)]
    assert await running.drain() == 0


async def test_an_event_of_a_rolled_back_change_is_never_seen(
    fresh_pool: Pool, clock: FixedClock
) -> None:
    sink = Sink("sink")
    with pytest.raises(ZeroDivisionError):
        async with transaction(fresh_pool) as db:
            await write_all(db, [publish(event("ord_1", 1))])
            raise ZeroDivisionError

    await relay(fresh_pool, clock, sink).drain()

    assert sink.seen == []


async def test_an_event_that_commits_late_is_not_skipped(
    fresh_pool: Pool, clock: FixedClock
) -> None:
    sink = Sink("sink")
    running = relay(fresh_pool, clock, sink)
    async with transaction(fresh_pool) as slow:
        await write_all(slow, [publish(event("ord_slow", 1))])
        await commit(fresh_pool, event("ord_fast", 1))
        await running.drain()
        assert sink.ids == ["evt_ord_fast_1"]

    await running.drain()

    assert sink.ids == ["evt_ord_fast_1", "evt_ord_slow_1"]


async def test_a_failing_consumer_holds_up_nobody_and_keeps_its_objects_order(
    fresh_pool: Pool, clock: FixedClock
) -> None:
    down, up = Sink("down", failing=True), Sink("up")
    running = relay(fresh_pool, clock, down, up)
    await commit(fresh_pool, event("ord_1", 1), event("ord_1", 2))

    await running.drain()
    assert up.ids == ["evt_ord_1_1", "evt_ord_1_2"]
    down.failing = False
    await running.drain()
    assert down.seen == []
    clock.advance(timedelta(seconds=RETRY_SECONDS[0]))
    await running.drain()

    assert down.ids == ["evt_ord_1_1", "evt_ord_1_2"]


async def test_when_its_schedule_is_used_up_an_event_is_dead_listed_and_lets_the_next_pass(
    fresh_pool: Pool, clock: FixedClock
) -> None:
    sink = Sink("sink", failing=True)
    running = relay(fresh_pool, clock, sink)
    await commit(fresh_pool, event("ord_1", 1), event("ord_1", 2))

    for wait in RETRY_SECONDS:
        await running.drain()
        clock.advance(timedelta(seconds=wait))
    assert await dead_letters(fresh_pool) == []
    await running.drain()
    sink.failing = False
    await running.drain()

    (dead,) = await dead_letters(fresh_pool, consumer="sink")
    assert (dead.event_id, dead.attempts) == ("evt_ord_1_1", len(RETRY_SECONDS) + 1)
    assert "the sink is down" in dead.last_error
    assert sink.ids == []
    clock.advance(timedelta(seconds=RETRY_SECONDS[0]))
    await running.drain()
    assert sink.ids == ["evt_ord_1_2"]


async def test_a_dead_event_is_replayed_alone_with_its_own_id(
    fresh_pool: Pool, clock: FixedClock
) -> None:
    sink = Sink("sink", failing=True)
    consumer = Consumer(name="sink", deliver=sink.deliver, retry=())
    running = Relay(fresh_pool, [consumer], clock)
    await commit(fresh_pool, event("ord_1", 1), event("ord_2", 1))
    await running.drain()
    assert len(await dead_letters(fresh_pool)) == 2
    sink.failing = False

    assert await replay_one(fresh_pool, "evt_ord_2_1", at=clock.now()) == 1
    await running.drain()
    assert sink.ids == ["evt_ord_2_1"]

    assert await replay_dead(fresh_pool, at=clock.now()) == 1
    await running.drain()
    assert sink.ids == ["evt_ord_2_1", "evt_ord_1_1"]
    assert await replay_one(fresh_pool, "evt_unknown", at=clock.now()) == 0


async def test_a_range_is_replayed_also_to_a_consumer_that_came_later(
    fresh_pool: Pool, clock: FixedClock
) -> None:
    first, later = Sink("first"), Sink("later")
    await commit(fresh_pool, *(event("ord_1", seq) for seq in range(1, 4)))
    await relay(fresh_pool, clock, first).drain()
    running = relay(fresh_pool, clock, first, later)
    await running.drain()
    assert later.seen == []

    now = SystemClock().now()
    since, until = now - timedelta(hours=1), now + timedelta(hours=1)
    counts = [
        await replay_range(fresh_pool, name, since=since, until=until, at=clock.now())
        for name in ("first", "later")
    ]
    await running.drain()

    assert counts == [3, 3]
    assert later.ids == ["evt_ord_1_1", "evt_ord_1_2", "evt_ord_1_3"]
    assert first.ids == later.ids * 2


async def test_a_relay_that_dies_with_a_claim_leaves_it_to_another(
    fresh_pool: Pool, clock: FixedClock
) -> None:
    died = asyncio.Event()

    async def die(event: Event, recipient: str) -> None:
        died.set()
        await asyncio.Event().wait()

    await commit(fresh_pool, event("ord_1", 1))
    doomed = Relay(fresh_pool, [Consumer(name="sink", deliver=die)], clock)
    task = asyncio.create_task(doomed.drain())
    await died.wait()
    task.cancel()
    sink = Sink("sink")
    running = relay(fresh_pool, clock, sink)
    await running.drain()
    assert sink.seen == []

    clock.advance(timedelta(seconds=61))
    await running.drain()

    assert sink.ids == ["evt_ord_1_1"]


async def test_many_relays_together_deliver_all_objects_in_order_and_nothing_twice(
    fresh_pool: Pool,
) -> None:
    seen: dict[str, list[int]] = defaultdict(list)

    async def deliver(event: Event, recipient: str) -> None:
        await asyncio.sleep(0.001)
        seen[event.object_id].append(event.object_seq)

    consumers: Sequence[Consumer] = [Consumer(name="sink", deliver=deliver)]
    relays = [Relay(fresh_pool, consumers, SystemClock()) for _ in range(3)]
    running = [asyncio.create_task(each.run()) for each in relays]
    for seq in range(1, 6):
        await commit(fresh_pool, *(event(f"ord_{number}", seq) for number in range(20)))
    async with asyncio.timeout(20):
        while sum(map(len, seen.values())) < 100:  # noqa: ASYNC110 - the relays are what we watch
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)

    assert dict(seen) == {f"ord_{number}": [1, 2, 3, 4, 5] for number in range(20)}


async def recipients(pool: Pool, *names: str, partner: str = "prt_1") -> None:
    async with transaction(pool) as db:
        for name in names:
            await register_consumer(db, f"hook:{name}", ["orders."], partner=partner)


async def test_each_recipient_gets_the_events_of_its_own_partner_in_its_own_queue(
    fresh_pool: Pool, clock: FixedClock
) -> None:
    got: list[tuple[str, str]] = []

    async def deliver(event: Event, recipient: str) -> None:
        if recipient == "hook:b":
            raise ConnectionError("b is down")
        got.append((recipient, event.id))

    await recipients(fresh_pool, "a", "b")
    await recipients(fresh_pool, "c", partner="prt_2")
    running = Relay(fresh_pool, [Consumer(name="hook", deliver=deliver, types=None)], clock)
    await commit(fresh_pool, event("ord_1", 1), event("ord_1", 2))

    await running.drain()

    assert got == [("hook:a", "evt_ord_1_1"), ("hook:a", "evt_ord_1_2")]
    assert await fresh_pool.fetchval("select count(*) from kernel.outbox_deliveries") == 4


async def test_a_recipient_that_asks_for_time_gets_nothing_before(
    fresh_pool: Pool, clock: FixedClock
) -> None:
    got: list[str] = []

    async def deliver(event: Event, recipient: str) -> None:
        if clock.now() < opens:
            raise DeliverLater("come later", seconds=600)
        got.append(event.id)

    opens = clock.now() + timedelta(seconds=600)
    await recipients(fresh_pool, "a")
    running = Relay(fresh_pool, [Consumer(name="hook", deliver=deliver, types=None)], clock)
    await commit(fresh_pool, event("ord_1", 1))
    await running.drain()
    await commit(fresh_pool, event("ord_2", 1))

    clock.advance(timedelta(seconds=599))
    assert await running.drain() == 0
    clock.advance(timedelta(seconds=1))
    await running.drain()

    assert sorted(got) == ["evt_ord_1_1", "evt_ord_2_1"]


async def test_what_can_never_succeed_is_dead_at_once(fresh_pool: Pool, clock: FixedClock) -> None:
    async def deliver(event: Event, recipient: str) -> None:
        raise GiveUp("gone")

    await recipients(fresh_pool, "a")
    running = Relay(fresh_pool, [Consumer(name="hook", deliver=deliver, types=None)], clock)
    await commit(fresh_pool, event("ord_1", 1))

    assert await running.drain() == 1

    assert [each.consumer for each in await dead_letters(fresh_pool)] == ["hook:a"]


async def test_a_slow_recipient_holds_up_no_other(fresh_pool: Pool) -> None:
    got: list[str] = []
    stuck = asyncio.Event()

    async def deliver(event: Event, recipient: str) -> None:
        if recipient == "hook:a":
            await stuck.wait()
        got.append(recipient)

    await recipients(fresh_pool, "a", "b")
    consumer = Consumer(name="hook", deliver=deliver, types=None, each=4)
    running = asyncio.create_task(Relay(fresh_pool, [consumer], SystemClock()).run())
    await commit(fresh_pool, *(event(f"ord_{number}", 1) for number in range(200)))
    async with asyncio.timeout(60):
        while got.count("hook:b") < 200:  # noqa: ASYNC110 - the relay is what we watch
            await asyncio.sleep(0.02)
    assert "hook:a" not in got

    stuck.set()
    async with asyncio.timeout(60):
        while got.count("hook:a") < 200:  # noqa: ASYNC110 - the relay is what we watch
            await asyncio.sleep(0.02)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_sixty_servers_that_hang_do_not_make_another_one_wait(fresh_pool: Pool) -> None:
    hanging, told = 0, asyncio.Event()

    async def deliver(event: Event, recipient: str) -> None:
        nonlocal hanging
        if recipient == "hook:quick":
            told.set()
            return
        hanging += 1
        await asyncio.Event().wait()

    await recipients(fresh_pool, *(f"dead-{number}" for number in range(60)))
    channel = Consumer(name="hook", deliver=deliver, types=None, each=8, seconds=600)
    running = asyncio.create_task(Relay(fresh_pool, [channel], SystemClock()).run())
    await commit(fresh_pool, *(event(f"ord_{number}", 1) for number in range(20)))
    try:
        async with asyncio.timeout(60):
            # More than half of all turns are taken, and everybody has at least one.
            while hanging <= FLYING_MAX // 2 or hanging < 60:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.02)
        await recipients(fresh_pool, "quick", partner="prt_2")
        late = replace(event("ord_late", 1), partner="prt_2")
        await commit(fresh_pool, late)

        # A tenth of what an attempt that hangs is given: 600 s.
        await asyncio.wait_for(told.wait(), 60)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_what_waited_for_a_recipient_that_was_down_is_sent_when_it_takes_one_again(
    fresh_pool: Pool, clock: FixedClock
) -> None:
    got: list[str] = []
    tries = 0
    down = True

    async def deliver(event: Event, recipient: str) -> None:
        nonlocal tries
        tries += 1
        if down:
            raise ConnectionError("the server is down")
        got.append(event.id)

    await recipients(fresh_pool, "a")
    channel = Consumer(name="hook", deliver=deliver, types=None, retry=(5, 86_400), each=8)
    running = Relay(fresh_pool, [channel], clock)
    await commit(fresh_pool, *(event(f"ord_{n}", seq) for n in range(6) for seq in (1, 2)))
    await running.drain()
    clock.advance(timedelta(seconds=5))
    await running.drain()
    clock.advance(timedelta(seconds=5))
    assert await running.drain() == 0, "the next attempt is a day away"
    assert tries == 12
    down = False
    await commit(fresh_pool, event("ord_new", 1))

    await running.drain()

    assert got[0] == "evt_ord_new_1"
    assert sorted(got[1:]) == sorted(f"evt_ord_{n}_{seq}" for n in range(6) for seq in (1, 2))
    for n in range(6):
        assert got.index(f"evt_ord_{n}_1") < got.index(f"evt_ord_{n}_2")


async def test_a_recipient_that_is_down_has_one_attempt_at_a_time(
    fresh_pool: Pool, clock: FixedClock
) -> None:
    under_way = most = 0

    async def deliver(event: Event, recipient: str) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        raise ConnectionError("the server is down")

    await recipients(fresh_pool, "a")
    channel = Consumer(name="hook", deliver=deliver, types=None, retry=(5, 5), each=8)
    running = Relay(fresh_pool, [channel], clock)
    await commit(fresh_pool, *(event(f"ord_{n}", 1) for n in range(8)))
    await running.drain()
    assert most == 8
    most = 0
    clock.advance(timedelta(seconds=5))

    assert await running.drain() == 8

    assert most == 1


async def test_two_events_with_one_place_in_an_object_are_a_bug_that_cannot_commit(
    fresh_pool: Pool,
) -> None:
    other = Event("evt_other", "orders.order.paid", "prt_1", "ord_1", 1, {})

    with pytest.raises(asyncpg.UniqueViolationError):
        await commit(fresh_pool, event("ord_1", 1), other)


async def test_old_delivered_events_are_pruned_and_undelivered_ones_are_not(
    fresh_pool: Pool, clock: FixedClock
) -> None:
    up, down = Sink("up", "orders."), Sink("down", "bank.", failing=True)
    running = relay(fresh_pool, clock, up, down)
    await commit(fresh_pool, event("ord_1", 1), event("cus_1", 1, "bank.customer.moved"))
    await running.drain()
    later = clock.now() + timedelta(days=31)

    assert await prune(fresh_pool, before=later, limit=10) == 1
    left = await fresh_pool.fetch("select object_id from kernel.outbox")
    assert [row["object_id"] for row in left] == ["cus_1"]

    await forget_consumer(fresh_pool, "down")
    assert await prune(fresh_pool, before=later, limit=10) == 1
