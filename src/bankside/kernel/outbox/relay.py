"""The relay: takes published events to their consumers, retries, and gives up in the open.

Always true: an event counts as delivered only after its consumer returned; each consumer works at
its own pace, and each recipient of a channel at its own; what waited for a recipient that was down
is sent as soon as it takes something again; a relay that dies leaves claims that lapse after a
minute.
"""

import asyncio
import logging
import random
from collections import Counter as Counted
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

import structlog

from bankside.kernel.clock import Clock
from bankside.kernel.db import (
    DATABASE_TROUBLE,
    POOL_ACQUIRE_SECONDS,
    Pool,
    Write,
    transaction,
    write_all,
)
from bankside.kernel.events import Event
from bankside.kernel.outbox import store
from bankside.kernel.telemetry import Counter

log = structlog.get_logger(__name__)

T = TypeVar("T")

_DELIVERIES = Counter(
    "bankside_outbox_deliveries_total",
    "Attempts to deliver an event, by how they ended (delivered, retried, dead)",
    ("consumer", "end"),
)

# Waits between attempts; after the last one the delivery is dead. About 26 hours in all: an
# outage of a night is survived without hands.
RETRY_SECONDS = (1, 5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 36_000)
DELIVER_SECONDS = 10.0
# Far above DELIVER_SECONDS: a claim must not lapse while its consumer still works.
LEASE = timedelta(seconds=60)
FAN_OUT_ROWS = 1_000
CLAIM_ROWS = 100
# Attempts of one consumer under way: nearly all of them wait for somebody else's server. Beyond
# half of it each recipient has one turn, so that only as many servers as the other half holds, all
# of them hanging, could make the rest wait.
FLYING_MAX = 400
# A recipient that failed so often in a row is down: it gets one turn, and what waits for it is sent
# when it takes one. Fewer may be single events that it cannot read.
DOWN_FAILURES = 3
# Recipients whose failures are counted; far above what fails at once on a healthy day.
FAILING_MAX = 10_000
IDLE_SECONDS = 0.2
TROUBLE_SECONDS = 1.0
KEEP = timedelta(days=30)
PRUNE_SECONDS = 600.0
PRUNE_ROWS = 10_000


class DeliverLater(Exception):
    """Raised by a consumer: the recipient wants nothing for ``seconds``; the event stays queued."""

    def __init__(self, why: str, *, seconds: float) -> None:
        super().__init__(why)
        self.seconds = seconds


class GiveUp(Exception):
    """Raised by a consumer: no further attempt can succeed; the event is dead at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """Somebody who wants events: its stable name, beginnings of the types, what it does with one.

    ``deliver(event, recipient)`` is idempotent by event id and recipient; when it raises, the event
    is tried again by ``retry``. A consumer without ``types`` is a channel: its recipients, named
    ``<consumer>:<id>``, are registered one by one and queue apart from each other.
    """

    name: str
    deliver: Callable[[Event, str], Awaitable[None]]
    types: tuple[str, ...] | None = ("",)
    retry: tuple[int, ...] = RETRY_SECONDS
    # Each wait is longer by up to this share of it, so that what failed together spreads out.
    jitter: float = 0.0
    seconds: float = DELIVER_SECONDS
    # Of one recipient at once: a slow one keeps at most so many turns from the others.
    each: int = CLAIM_ROWS


class Relay:
    """Relays to ``consumers`` until cancelled; any number of relays may run at once."""

    def __init__(self, pool: Pool, consumers: Sequence[Consumer], clock: Clock) -> None:
        self._pool = pool
        self._consumers = tuple(consumers)
        self._clock = clock
        # Failures in a row of channels' recipients, as this relay saw them.
        self._failing: Counted[str] = Counted()

    async def run(self) -> None:
        """Relay until cancelled; a lost database is waited for."""
        await self._patiently(self.register)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._loop(self._fan_out))
            tasks.create_task(self._pruning())
            for consumer in self._consumers:
                tasks.create_task(self._deliveries(consumer))

    async def register(self) -> bool:
        """Make the consumers known; events published before are not theirs. Always False."""
        async with transaction(self._pool) as db:
            for consumer in self._consumers:
                if consumer.types is not None:
                    await store.register_consumer(db, consumer.name, consumer.types)
        return False

    async def drain(self) -> int:
        """Relay what is due now, until nothing is; how many deliveries were tried."""
        tried = 0
        await self.register()
        while True:
            more = await self._fan_out()
            for consumer in self._consumers:
                claims = await self._claimed(consumer, limit=CLAIM_ROWS, busy=())
                await self._note(
                    await asyncio.gather(*(self._attempt(consumer, claim) for claim in claims))
                )
                tried += len(claims)
                more = more or bool(claims)
            if not more:
                return tried

    async def _fan_out(self) -> bool:
        """Make the deliveries of new events; whether there were any."""
        async with transaction(self._pool) as db:
            return await store.fan_out(db, at=self._clock.now(), limit=FAN_OUT_ROWS) > 0

    async def _deliveries(self, consumer: Consumer) -> None:
        """Keep up to FLYING_MAX attempts under way; a slow recipient delays nobody else."""
        flying: dict[asyncio.Task[list[Write]], str] = {}
        try:
            while True:
                claims: list[store.Claim] = []
                if len(flying) < FLYING_MAX:
                    claims = await self._patiently(partial(self._next, consumer, flying))
                for claim in claims:
                    task = asyncio.create_task(self._attempt(consumer, claim))
                    flying[task] = claim.recipient
                await self._landed(flying, seconds=0 if claims else IDLE_SECONDS)
        finally:
            for task in flying:
                task.cancel()

    async def _landed(
        self, flying: dict[asyncio.Task[list[Write]], str], *, seconds: float
    ) -> None:
        """Wait a moment and note the ends of the attempts that are over, in one transaction."""
        if not flying:
            await asyncio.sleep(seconds)
            return
        done, _ = await asyncio.wait(
            flying, timeout=seconds or IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        ends = [task.result() for task in done]
        for task in done:
            del flying[task]
        await self._patiently(partial(self._note, ends))

    async def _next(
        self, consumer: Consumer, flying: Mapping[asyncio.Task[list[Write]], str]
    ) -> list[store.Claim]:
        under_way = Counted(flying.values())
        each = 1 if len(flying) > FLYING_MAX // 2 else consumer.each
        busy = [
            name for name, count in under_way.items() if count >= (1 if self._down(name) else each)
        ]
        room = min(CLAIM_ROWS, FLYING_MAX - len(flying))
        return await self._claimed(consumer, limit=room, busy=busy, each=each)

    async def _claimed(
        self, consumer: Consumer, *, limit: int, busy: Sequence[str], each: int | None = None
    ) -> list[store.Claim]:
        asked = store.Asked(
            at=self._clock.now(),
            lease=LEASE,
            limit=limit,
            each=each or consumer.each,
            busy=busy,
            failing=[name for name in self._failing if self._down(name)],
        )
        async with transaction(self._pool) as db:
            return await store.claim(db, consumer.name, asked)

    def _down(self, recipient: str) -> bool:
        return self._failing[recipient] >= DOWN_FAILURES

    async def _note(self, ends: Sequence[Sequence[Write]]) -> None:
        if ends:
            async with transaction(self._pool) as db:
                await write_all(db, [write for end in ends for write in end])

    async def _attempt(self, consumer: Consumer, claim: store.Claim) -> list[Write]:
        try:
            async with asyncio.timeout(consumer.seconds):
                await consumer.deliver(claim.event, claim.recipient)
        except Exception as error:  # noqa: BLE001 - whatever a consumer raises, the event waits
            return self._failed(consumer, claim, error)
        _DELIVERIES.add(consumer.name, "delivered")
        now = self._clock.now()
        writes = [store.delivered(claim, at=now)]
        if self._down(claim.recipient):
            writes.append(store.hurried(claim.recipient, at=now))
        del self._failing[claim.recipient]
        return writes

    def _failed(self, consumer: Consumer, claim: store.Claim, error: Exception) -> list[Write]:
        now = self._clock.now()
        if consumer.types is None and not isinstance(error, GiveUp):
            if len(self._failing) >= FAILING_MAX:
                self._failing.clear()
            self._failing[claim.recipient] += 1
        dead = claim.attempt > len(consumer.retry) or isinstance(error, GiveUp)
        wait = None if dead else _wait(consumer, claim.attempt)
        writes: list[Write] = []
        if isinstance(error, DeliverLater) and wait is not None:
            wait = max(wait, timedelta(seconds=error.seconds))
            writes.append(
                store.paused(claim.recipient, until=now + timedelta(seconds=error.seconds))
            )
        _DELIVERIES.add(consumer.name, "dead" if dead else "retried")
        log.log(
            logging.ERROR if dead else logging.WARNING,
            "event_dead" if dead else "event_not_delivered",
            consumer=claim.recipient,
            event_id=claim.event.id,
            type=claim.event.type,
            attempt=claim.attempt,
            error=repr(error),
        )
        next_at = None if wait is None else now + wait
        return [*writes, store.failed(claim, repr(error), at=now, next_at=next_at)]

    async def _loop(self, step: Callable[[], Awaitable[bool]]) -> None:
        """Repeat ``step``, at once while it finds work."""
        while True:
            if not await self._patiently(step):
                await asyncio.sleep(IDLE_SECONDS)

    async def _pruning(self) -> None:
        async def prune() -> bool:
            async with self._pool.acquire(timeout=POOL_ACQUIRE_SECONDS) as db:
                before = self._clock.now() - KEEP
                return await store.prune(db, before=before, limit=PRUNE_ROWS) == PRUNE_ROWS

        while True:
            if not await self._patiently(prune):
                await asyncio.sleep(PRUNE_SECONDS)

    async def _patiently(self, step: Callable[[], Awaitable[T]]) -> T:
        """Do ``step`` until the database lets us; its answer."""
        while True:
            try:
                return await step()
            except DATABASE_TROUBLE as error:
                log.warning("outbox_waits_for_database", error=repr(error))
                await asyncio.sleep(TROUBLE_SECONDS)


def _wait(consumer: Consumer, attempt: int) -> timedelta:
    spread = 1 + consumer.jitter * random.random()
    return timedelta(seconds=consumer.retry[attempt - 1] * spread)
