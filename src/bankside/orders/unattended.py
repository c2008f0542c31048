"""Changes that no caller waits for: a step run in place, the plan run on, money given back.

Always true: each is one commit that only one worker wins; what the ledger refuses is journaled with
the order, and then raised.
"""

from collections.abc import Sequence
from itertools import takewhile
from uuid import UUID

import structlog

from bankside.orders import engine, preparations, store
from bankside.orders.desk import Desk, Moved, Unit
from bankside.orders.engine import Change
from bankside.orders.model import Entry, Order, is_terminal
from bankside.orders.preparations import Room

# An order that was refused on so many days running waits for a person.
REFUSED_DAYS_MAX = 30

_log = structlog.get_logger("orders")


async def again(desk: Desk, order: Order, use: str, narrative: str) -> None:
    """Run a step of the plan in place. Raises what the ledger refuses, after it was journaled."""
    at = desk.clock.now()
    async with desk.reading() as db:
        prepared = await preparations.of_change(Room(desk, db), order, use, {})
    change = engine.again(prepared.order, use, prepared.ask, at)
    await commit(desk, order, change, narrative)


async def onwards(desk: Desk, order: Order, use: str, narrative: str) -> None:
    """Run the plan from a step on. Raises what the ledger refuses, after it was journaled."""
    at = desk.clock.now()
    async with desk.reading() as db:
        prepared = await preparations.of_change(Room(desk, db), order, use, {})
    change = engine.run(prepared.order, use, prepared.ask, at)
    await commit(desk, order, change, narrative)


async def commit(desk: Desk, order: Order, change: Change, narrative: str) -> None:
    """Commit a change that no caller waits for."""
    use = change.entries[0].use

    def refused(group: UUID) -> Change:
        return engine.refused(order, use, group, change.after.updated_at)

    await desk.commit(Unit(changes=(change,), refused=refused, narrative=narrative))


async def give_back(desk: Desk, order: Order, code: str, narrative: str) -> None:
    """Undo what the order has posted, as new legs; it ends as compensated."""
    async with desk.reading() as db:
        done = await store.journal(db, order.partner, order.id)
    steps = [entry.step_id for entry in done if entry.status == "done"]
    await commit(desk, order, engine.compensate(order, steps, code, desk.clock.now()), narrative)


async def put_off(desk: Desk, order: Order, code: str) -> None:
    """What the clock began was refused with ``code``: it is tried again the next day.

    After ``REFUSED_DAYS_MAX`` such days running the order waits for a person to decide.
    """
    async with desk.reading() as db:
        current = await store.find(db, store.Scope(order.partner, None), order.id)
        done = await store.journal(db, order.partner, order.id)
    # The refusal itself may have been journaled; any other change decides anew.
    if current is None or current.revision > order.revision + 1 or is_terminal(current.state):
        raise Moved
    at = desk.clock.now()
    if _refused_days(done) < REFUSED_DAYS_MAX:
        _log.warning("order_put_off", order=order.id, code=code)
        change = engine.asleep(current, at, refused=code)
    else:
        _log.error("order_needs_a_person", order=order.id, code=code)
        change = engine.reconciling(current, code, at)
    await desk.commit(Unit(changes=(change,)))


def _refused_days(journal: Sequence[Entry]) -> int:
    """How many days the clock was refused, one after another, until now."""
    tried = takewhile(lambda entry: entry.status in {"refused", "failed"}, reversed(journal))
    return sum(entry.use == engine.SLEEP for entry in tried)
