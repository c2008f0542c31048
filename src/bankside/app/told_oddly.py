"""Callbacks and webhooks of a sandbox told twice, in the wrong order, or lost at first, on request.

Always true: nobody but a sandbox order that asked for it (``callbacks=...``) is told so; whatever
happens, every fact is told at least once and keeps its id, which is all that a live one promises.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from bankside.kernel.db import POOL_ACQUIRE_SECONDS, Pool
from bankside.kernel.events import Event
from bankside.kernel.outbox import Consumer, attempts_at, following
from bankside.orders.events import acted_of

# How long a fact waits for the one that is to be told before it: below what a channel gives an
# attempt (25 s).
REVERSED_SECONDS = 10.0
REVERSED_LOOK_SECONDS = 0.25

Deliver = Callable[[Event, str], Awaitable[None]]


class LostOnce(Exception):
    """The first attempt was lost, as the sandbox was asked."""


def oddly(consumer: Consumer, pool: Pool, *, wait_seconds: float = REVERSED_SECONDS) -> Consumer:
    """The consumer, except that it tells oddly of orders that asked for it.

    ``wait_seconds``: how long a fact waits to be overtaken.
    """
    deliver = consumer.deliver
    ways: Mapping[str, Deliver] = {
        "twice": _twice(deliver),
        "reversed": _reversed(deliver, pool, wait_seconds),
        "lost-once": _lost_once(deliver, pool),
    }

    async def told(event: Event, recipient: str) -> None:
        way = ways.get(acted_of(event.body), deliver)
        await way(event, recipient)

    return replace(consumer, deliver=told)


def _twice(deliver: Deliver) -> Deliver:
    async def told(event: Event, recipient: str) -> None:
        await deliver(event, recipient)
        await deliver(event, recipient)

    return told


def _lost_once(deliver: Deliver, pool: Pool) -> Deliver:
    async def told(event: Event, recipient: str) -> None:
        async with pool.acquire(timeout=POOL_ACQUIRE_SECONDS) as db:
            first = await attempts_at(db, event, recipient) <= 1
        if first:
            raise LostOnce
        await deliver(event, recipient)

    return told


def _reversed(deliver: Deliver, pool: Pool, wait_seconds: float) -> Deliver:
    async def overtaking(event: Event, recipient: str) -> Event | None:
        async with pool.acquire(timeout=POOL_ACQUIRE_SECONDS) as db:
            return await following(db, event, recipient)

    async def told(event: Event, recipient: str) -> None:
        later = await overtaking(event, recipient)
        for _ in range(int(wait_seconds / REVERSED_LOOK_SECONDS)):
            if later is not None:
                break
            await asyncio.sleep(REVERSED_LOOK_SECONDS)
            later = await overtaking(event, recipient)
        if later is not None:
            await deliver(later, recipient)
        await deliver(event, recipient)

    return told
