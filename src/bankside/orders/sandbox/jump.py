"""Runs what is due in a data space, in the order of its time, as if nobody had jumped.

Always true: an order wakes at its own instant, not at the jump's end, so that interest runs day by
day and instalments fall due one after another; standing orders are paid on their dates; a business
date ends at its cut-off in between, is cleared then, and paid out on its value date. A jump may be
stopped at any point and begun again: each change is one commit that only one wins, and the clock
stands where its last step left it.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from time import monotonic

import structlog

from bankside.kernel.calendar import bounds, business_date
from bankside.kernel.clock import NO_TIME
from bankside.kernel.db import Connection
from bankside.kernel.errors import BanksideError
from bankside.orders import clearing, standing, store, store_spaces, workflow
from bankside.orders.desk import Desk
from bankside.orders.model import Order
from bankside.partners.sandboxes import clocks

# Orders of one instant that wake together; the next page follows in the same step.
STEP_ORDERS = 200
# An order that is still due after this many changes at one instant stands still: it is left.
STANDS_STILL = 3
# How long a worker looks after one space before it turns to the next.
TEND_SECONDS = 5.0

Dues = Callable[[Connection, Sequence[str]], Awaitable[Mapping[str, datetime]]]
# When spaces have something to do besides their orders, and what does it. Clearing comes last: what
# was paid at the cut-off is in the date that it ends.
_BESIDE: Mapping[str, tuple[Dues, Callable[[Desk, str], Awaitable[None]]]] = {
    "standing orders": (standing.dues, standing.pay_in),
    "clearing": (clearing.dues, clearing.clear_space),
}

_log = structlog.get_logger("orders")


async def tend(desk: Desk) -> int:
    """Run what is due in the data spaces by their own clocks; how many had something due.

    This is their sweep, end of day and clearing, whether their clocks were moved or not.
    """
    async with desk.reading() as db:
        ahead = await clocks(db)
        now = {space: desk.real.now() + each for space, each in ahead.items()}
        days = {space: business_date(at) - timedelta(days=1) for space, at in now.items()}
        due = set(await store_spaces.with_work(db, now, days))
        for dues, _ in _BESIDE.values():
            first = await dues(db, list(now))
            due |= {space for space, at in first.items() if at <= now[space]}
    for space in sorted(due):
        await catch_up(desk.moved(ahead[space]), space, now[space], seconds=TEND_SECONDS)
    return len(due)


async def catch_up(desk: Desk, space: str, to: datetime, *, seconds: float) -> datetime:
    """Everything due in the space up to ``to`` has run, in order; the instant reached.

    It is earlier than ``to`` when ``seconds`` were not enough. ``desk`` is by the space's clock.
    An order that could not be woken (it is logged) is left for the worker's next sweep.
    """
    end = monotonic() + seconds
    left: Counter[str] = Counter()
    at = desk.clock.now()
    while monotonic() < end:
        following = await _next(desk, space, _stuck(left))
        if following is None or following > to:
            return to
        at = max(at, following)
        here = desk.moved(max(at - desk.real.now(), NO_TIME))
        await _run(here, space, at, left)
        await _beside(here, space, at, left)
    return at


def _stuck(left: Counter[str]) -> list[str]:
    return [each for each, times in left.items() if times >= STANDS_STILL]


async def _next(desk: Desk, space: str, without: Sequence[str]) -> datetime | None:
    """The next instant at which something is due."""
    async with desk.reading() as db:
        found = [await store_spaces.first_wake(db, space, without)]
        day = await store_spaces.first_due(db, space, without)
        found.append(bounds(day)[1] if day is not None else None)
        for name, (dues, _) in _BESIDE.items():
            if name not in without:
                found.append((await dues(db, [space])).get(space))
    return min((each for each in found if each is not None), default=None)


async def _run(desk: Desk, space: str, at: datetime, left: Counter[str]) -> None:
    """One instant: what wakes at it, then what the date that ended with it settles.

    ``left`` counts how often each order came out of it as due as it went in.
    """
    async with desk.reading() as db:
        waking = await store_spaces.waking(db, space, at, _stuck(left), STEP_ORDERS)
    await _each(desk, space, waking, workflow.wake, left)
    ended = business_date(at) - timedelta(days=1)
    async with desk.reading() as db:
        settling = await store_spaces.settling(db, space, ended, _stuck(left), STEP_ORDERS)
    await _each(desk, space, settling, workflow.settle, left)


async def _beside(desk: Desk, space: str, at: datetime, left: Counter[str]) -> None:
    """What is due at the instant besides the orders that stand (``_BESIDE``)."""
    for name, (dues, work) in _BESIDE.items():
        before = await _due(desk, space, dues)
        if before is None or before > at or left[name] >= STANDS_STILL:
            continue
        try:
            await work(desk, space)
        except BanksideError as error:
            _log.warning("space_stands_still", space=space, part=name, code=error.code)
        left[name] = STANDS_STILL if await _due(desk, space, dues) == before else 0


async def _due(desk: Desk, space: str, dues: Dues) -> datetime | None:
    async with desk.reading() as db:
        return (await dues(db, [space])).get(space)


# tidy: arguments - one page of one instant
async def _each(
    desk: Desk,
    space: str,
    ids: Sequence[str],
    work: Callable[[Desk, Sequence[Order]], Awaitable[int]],
    left: Counter[str],
) -> None:
    if not ids:
        return
    before = await _orders(desk, space, ids)
    await work(desk, before)
    for was, now in zip(before, await _orders(desk, space, ids), strict=True):
        if (was.wake_at, was.due_on) == (now.wake_at, now.due_on):
            # One that did not change at all fails again when it is tried again at once.
            left[was.id] += STANDS_STILL if was.revision == now.revision else 1
        else:
            del left[was.id]


async def _orders(desk: Desk, space: str, ids: Sequence[str]) -> list[Order]:
    scope = store.Scope(space, None)
    async with desk.reading() as db:
        found = [await store.find(db, scope, each) for each in ids]
    return [each for each in found if each is not None]
