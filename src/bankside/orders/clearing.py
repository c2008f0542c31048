"""A business date from its last settlement to reconciliation: orders, then the bank's clearing.

Always true: a date is sealed after every order that is due on it was settled, so that its money is
in the date it was earned; every step may be stopped and started again by any worker.
"""

from datetime import date

import structlog

from bankside.bank import clearing, reconciliation
from bankside.bank.clearing import Batch, BatchState
from bankside.bank.reconciliation import OWN, Chosen, Day
from bankside.kernel.db import transaction
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
    await clearing.seal(desk.pool, desk.clock, on)
    batch = await clearing.advance(desk.pool, desk.clock, desk.network, on)
    if batch.state is BatchState.CONFIRMED and await _agrees(desk, on):
        batch = await clearing.reconciled(desk.pool, desk.clock, batch)
    return batch


async def clear_due(desk: Desk, on: date) -> int:
    """The date and every earlier one that is not reconciled yet move on; how many dates."""
    async with desk.reading() as db:
        earlier = [each.on for each in await clearing.unfinished(db, limit=DATES_MAX)]
    dates = sorted({*(each for each in earlier if each < on), on})
    for each in dates:
        await clear(desk, each)
    return len(dates)


async def _agrees(desk: Desk, on: date) -> bool:
    """Whether orders and ledger agree on the date for every partner in the batch.

    The runs are kept, and their breaks with them: a date with an open one waits for people.
    """
    async with desk.reading() as db:
        partners = await clearing.partners_of(db, on)
    agreed = True
    for partner in partners:
        try:
            async with transaction(desk.pool) as db:
                day = Day(partner, on)
                if not await reconciliation.was_run(db, day):
                    await reconciliation.run(db, desk.clock, day, orders=records)
                chosen = Chosen(channel=OWN, on=on)
                found = await reconciliation.list_breaks(db, partner, chosen, limit=1)
        except Refused as refused:
            _log.warning("date_not_reconciled", partner=partner, on=str(on), code=refused.code)
            agreed = False
            continue
        if found.items:
            _log.warning("date_has_breaks", partner=partner, on=str(on))
            agreed = False
    return agreed
