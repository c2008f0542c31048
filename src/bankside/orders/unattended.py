"""Changes that no caller waits for: a step run in place, the plan run on, money given back.

Always true: each is one commit that only one worker wins; what the ledger refuses is journaled with
the order, and then raised.
"""

from uuid import UUID

from bankside.orders import engine, preparations, store
from bankside.orders.desk import Desk, Unit
from bankside.orders.engine import Change
from bankside.orders.model import Order
from bankside.orders.preparations import Room


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
