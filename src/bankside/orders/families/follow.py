"""Orders that carry something out on another order: a holding redeemed, a loan repaid early.

Always true: the followed order's change and the new order commit together; the new order says what
happened there and moves nothing of its own.
"""

from dataclasses import replace
from typing import Any

from bankside.kernel.call import Answer
from bankside.kernel.db import Connection
from bankside.kernel.money import Money
from bankside.orders import carry, engine, limits, preparations
from bankside.orders.desk import Desk, Ticket
from bankside.orders.errors import OrderNotFound
from bankside.orders.families import drafts
from bankside.orders.inputs import read_body
from bankside.orders.model import Order
from bankside.orders.preparations import Form, Room

# What a product follows, by the field that names it, and which orders those are.
_FIELDS = ("holding", "loan", "card")
_SECTION = {"holding": "invest", "loan": "loan", "card": "loan"}


async def create(desk: Desk, ticket: Ticket) -> Answer:
    """Run the product's own step on the order the request names.

    Raises OrderNotFound for an order that is not of the kind, and what the step refuses.
    """
    form = read_body(ticket.operation.inputs, ticket.call.body)
    name = next(each for each in _FIELDS if each in form)

    async def decide(db: Connection, followed: Order) -> carry.Act | Answer:
        if _SECTION[name] not in followed.book:
            raise OrderNotFound
        own = _drafted(desk, ticket, followed, form)
        same = await carry.same_number(desk, db, own)
        if same is not None:
            return same
        use = ticket.operation.runs or ""
        room = Room(desk, db, ticket)
        later = any(each.use == use for each in followed.plan[followed.position :])
        if later:
            prepared = await preparations.of_change(room, followed, use, form)
        else:
            step = engine.step_of(followed, use)
            prepared = await preparations.of_step(room, followed, step, form)
        before = prepared.order
        run = engine.run if later else engine.beside
        change = run(before, use, prepared.ask, ticket.at)
        moved = _moved(before, change.after, use)
        done = engine.followed(
            replace(own, amount=moved, paid=moved, book=_told(change.after, name)),
            use,
            ticket.at,
            status=change.after.status if use == "loan.repay" else "redeemed",
        )
        return carry.Act(
            change=change,
            more=(done,),
            answers=done.after,
            writes=prepared.writes,
            spending=await limits.admitted(
                db,
                ticket.product,
                partner=own.partner,
                subject=followed.subject,
                amount=Money(moved, own.currency),
                at=ticket.at,
            ),
            narrative=ticket.product.name.zh,
        )

    return await carry.act(desk, ticket, form[name], decide)


def _drafted(desk: Desk, ticket: Ticket, followed: Order, form: Form) -> Order:
    kept: dict[str, Any] = dict(form)
    order = drafts.draft(desk, ticket, kept, amount=followed.money(0), subject=followed.subject)
    return replace(
        order,
        tenant=followed.tenant,
        scope=f"follow:{followed.id}",
        reference=form.get("reference"),
        parent=followed.id,
        roles=followed.roles,
    )


def _moved(before: Order, after: Order, use: str) -> int:
    """What the followed order gave back or took in this change, in minor units."""
    if use == "loan.repay":
        paid = after.refunded - before.refunded
        return paid + after.settled - before.settled
    return after.settled - before.settled


def _told(after: Order, name: str) -> dict[str, Any]:
    noun = _SECTION[name]
    section = {key: value for key, value in after.book[noun].items() if key != "lines"}
    return {noun: section}
