"""A business date from its last settlement to reconciliation: orders, then the bank's clearing.

Always true: a date is sealed after every order that is due on it was settled, so that its money is
in the date it was earned; every step may be stopped and started again by any worker.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import structlog

from bankside.bank import clearing, reconciliation
from bankside.bank.clearing import Batch, BatchState
from bankside.bank.reconciliation import OWN, Chosen, Day
from bankside.kernel.db import Connection, transaction
from bankside.kernel.errors import Refused
from bankside.orders import workflow
from bankside.orders.desk import Desk
from bankside.orders.reconciling import records

# A sweep settles up to 100,000 orders: ten million a date are enough.
SWEEPS_MAX = 100
# Dates that are cleared in one go after a worker was away.
DATES_MAX = 400

_log = structlog.get_logger("clearing")


async def clear(desk: Desk, on: date) -> Batch:
    """The date is settled, sealed and cleared as far as today allows; again goes on from there.

    Raises DateNotClosed, DatePassed, BatchUnbalanced.
    """
    async with desk.reading() as db:
        newest = await clearing.newest(db)
    # What could not be settled before the seal is tried again, and is then in the next date.
    open_still = newest is None or newest.on <= on
    for _ in range(SWEEPS_MAX if open_still else 1):
        if not await workflow.end_of_day(desk, on):
            break
    return await _onwards(desk, await clearing.seal(desk.pool, desk.clock, on))


async def clear_due(desk: Desk, on: date) -> int:
    """The date and every earlier one that is not reconciled yet move on; how many dates."""
    async with desk.reading() as db:
        earlier = [each.on for each in await clearing.unfinished(db, limit=DATES_MAX)]
    dates = sorted({*(each for each in earlier if each < on), on})
    for each in dates:
        await clear(desk, each)
    return len(dates)


async def clear_space(desk: Desk, space: str) -> None:
    """What the clearing of a data space has to do by its clock, the desk's, is done.

    Its orders are settled by whoever keeps its clock, before this. Raises BatchUnbalanced.
    """
    for _ in range(DATES_MAX):
        if await clearing.seal_space(desk.pool, desk.clock, space) is None:
            break
    async with desk.reading() as db:
        waiting = await clearing.unfinished(db, space, limit=DATES_MAX)
    for batch in waiting:
        await _onwards(desk, batch)


async def dues(db: Connection, spaces: Sequence[str]) -> Mapping[str, datetime]:
    """When the clearing of each space has something to do next, by the space's own clock.

    A confirmed date with open breaks waits for people, not for the clock.
    """
    found = await clearing.seals_next(db, spaces)
    for batch, at in await clearing.steps_next(db, spaces):
        if batch.state is BatchState.CONFIRMED and await _has_breaks(db, batch.space, batch.on):
            continue
        found[batch.space] = min(found.get(batch.space, at), at)
    return found


async def _has_breaks(db: Connection, partner: str, on: date) -> bool:
    found = await reconciliation.list_breaks(db, partner, Chosen(channel=OWN, on=on), limit=1)
    return bool(found.items)


async def _onwards(desk: Desk, sealed: Batch) -> Batch:
    """The sealed date goes as far as it can today, to where orders and books agree on it."""
    on, space = sealed.on, sealed.space
    batch = await clearing.advance(desk.pool, desk.clock, desk.network, on, space)
    if batch.state is BatchState.CONFIRMED and await _agrees(desk, batch):
        batch = await clearing.reconciled(desk.pool, desk.clock, batch)
    return batch


async def _agrees(desk: Desk, batch: Batch) -> bool:
    """Whether orders and ledger agree on the date for every partner in the batch.

    The runs are kept, and their breaks with them: a date with an open one waits for people.
    """
    on = batch.on
    async with desk.reading() as db:
        partners = await clearing.partners_of(db, batch)
    agreed = True
    for partner in partners:
        try:
            async with transaction(desk.pool) as db:
                day = Day(partner, on)
                if not await reconciliation.was_run(db, day):
                    await reconciliation.run(db, desk.clock, day, orders=records)
                has_breaks = await _has_breaks(db, partner, on)
        except Refused as refused:
            _log.warning("date_not_reconciled", partner=partner, on=str(on), code=refused.code)
            agreed = False
            continue
        if has_breaks:
            _log.warning("date_has_breaks", partner=partner, on=str(on))
            agreed = False
    return agreed
