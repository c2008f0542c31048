"""Who drives runs when no caller does: events of their orders, and the clock.

Always true: a run may be woken by any number of workers at once, and again after any stop: only one
of them changes it at a time.
"""

from datetime import UTC, datetime

import structlog

from bankside.kernel.errors import BanksideError
from bankside.orders.desk import Desk
from bankside.orders.solutions import store
from bankside.orders.solutions.service import drive
from bankside.partners import moved_clocks

SWEEP_PAGE = 200
# One sweep ends after this many pages; the schedule starts the next.
SWEEP_PAGES_MAX = 500

_log = structlog.get_logger("orders")


async def wake(desk: Desk, partner: str, run_id: str) -> None:
    """Drive a run without a caller, by the clock of its data space."""
    async with desk.reading() as db:
        ahead = (await moved_clocks(db)).get(partner)
    await drive(desk.moved(ahead) if ahead else desk, partner, run_id, {})


async def wake_parents(desk: Desk, partner: str, order_id: str) -> None:
    """Drive the runs that an order belongs to: something became of it."""
    async with desk.reading() as db:
        runs = await store.of_child(db, partner, order_id)
    for each in runs:
        await wake(desk, partner, each)


async def sweep(desk: Desk) -> int:
    """Drive every run whose time has come; how many were."""
    now, woken = desk.real.now(), 0
    after = (datetime.min.replace(tzinfo=UTC), "", "")
    for _ in range(SWEEP_PAGES_MAX):
        async with desk.reading() as db:
            due = await store.to_wake(db, now, after=after, limit=SWEEP_PAGE)
        for at, partner, run_id in due:
            after = (at, partner, run_id)
            try:
                await wake(desk, partner, run_id)
                woken += 1
            except BanksideError as error:
                _log.warning("run_not_woken", run=run_id, code=error.code, detail=error.detail)
            except Exception as error:  # noqa: BLE001 - one run's trouble never stops the others
                _log.error("run_not_woken", run=run_id, exc_info=error)
        if len(due) < SWEEP_PAGE:
            break
    return woken
