"""The relay: takes published events to their consumers, retries, and gives up in the open.

Always true: an event counts as delivered only after its consumer returned; each consumer works at
its own pace; a relay that dies leaves claims that lapse after a minute.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

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
IDLE_SECONDS = 0.2
TROUBLE_SECONDS = 1.0
KEEP = timedelta(days=30)
PRUNE_SECONDS = 600.0
PRUNE_ROWS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """Somebody who wants events: its stable name, beginnings of the types, what it does with one.

    ``deliver`` is idempotent by event id; when it raises, the event is tried again by ``retry``.
    """

    name: str
    deliver: Callable[[Event], Awaitable[None]]
    types: tuple[str, ...] = ("",)
    retry: tuple[int, ...] = RETRY_SECONDS


class Relay:
    """Relays to ``consumers`` until cancelled; any number of relays may run at once."""

    def __init__(self, pool: Pool, consumers: Sequence[Consumer], clock: Clock) -> None:
        self._pool = pool
        self._consumers = tuple(consumers)
        self._clock = clock

    async def run(self) -> None:
        """Relay until cancelled; a lost database is waited for."""
        await self._patiently(self.register)
        loops = [self._loop(self._fan_out)]
        loops += [self._loop(self._delivering(consumer)) for consumer in self._consumers]
        async with asyncio.TaskGroup() as tasks:
            for each in (*loops, self._pruning()):
                tasks.create_task(each)

    async def register(self) -> bool:
        """Make the consumers known; events published before are not theirs. Always False."""
        async with transaction(self._pool) as db:
            for consumer in self._consumers:
                await store.register_consumer(db, consumer.name, consumer.types)
        return False

    async def drain(self) -> int:
        """Relay what is due now, until nothing is; how many deliveries were tried."""
        tried = 0
        await self.register()
        while True:
            more = await self._fan_out()
            for consumer in self._consumers:
                count = await self._deliver_due(consumer)
                tried += count
                more = more or count > 0
            if not more:
                return tried

    async def _fan_out(self) -> bool:
        """Make the deliveries of new events; whether there were any."""
        async with transaction(self._pool) as db:
            return await store.fan_out(db, at=self._clock.now(), limit=FAN_OUT_ROWS) > 0

    def _delivering(self, consumer: Consumer) -> Callable[[], Awaitable[bool]]:
        async def due() -> bool:
            return await self._deliver_due(consumer) > 0

        return due

    async def _deliver_due(self, consumer: Consumer) -> int:
        """Claim what is due, hand it over concurrently, note the ends; how many."""
        async with transaction(self._pool) as db:
            claims = await store.claim(
                db, consumer.name, at=self._clock.now(), lease=LEASE, limit=CLAIM_ROWS
            )
        ends = await asyncio.gather(*(self._attempt(consumer, claim) for claim in claims))
        if ends:
            async with transaction(self._pool) as db:
                await write_all(db, ends)
        return len(claims)

    async def _attempt(self, consumer: Consumer, claim: store.Claim) -> Write:
        try:
            async with asyncio.timeout(DELIVER_SECONDS):
                await consumer.deliver(claim.event)
        except Exception as error:  # noqa: BLE001 - whatever a consumer raises, the event waits
            return self._failed(consumer, claim, error)
        _DELIVERIES.add(consumer.name, "delivered")
        return store.delivered(claim.event, consumer.name, at=self._clock.now())

    def _failed(self, consumer: Consumer, claim: store.Claim, error: Exception) -> Write:
        now = self._clock.now()
        dead = claim.attempt > len(consumer.retry)
        wait = None if dead else timedelta(seconds=consumer.retry[claim.attempt - 1])
        _DELIVERIES.add(consumer.name, "dead" if dead else "retried")
        log.log(
            logging.ERROR if dead else logging.WARNING,
            "event_dead" if dead else "event_not_delivered",
            consumer=consumer.name,
            event_id=claim.event.id,
            type=claim.event.type,
            attempt=claim.attempt,
            error=repr(error),
        )
        return store.failed(
            claim, consumer.name, repr(error), at=now, next_at=None if wait is None else now + wait
        )

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

    async def _patiently(self, step: Callable[[], Awaitable[bool]]) -> bool:
        """Do ``step`` until the database lets us; its answer."""
        while True:
            try:
                return await step()
            except DATABASE_TROUBLE as error:
                log.warning("outbox_waits_for_database", error=repr(error))
                await asyncio.sleep(TROUBLE_SECONDS)
