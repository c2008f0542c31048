"""The platform's own operations: echo, order look-up, cancellation, and the sandbox's payer."""

from bankside.kernel.call import Answer, Call
from bankside.kernel.db import Connection
from bankside.orders import carry, engine
from bankside.orders.answers import QR_PREFIX, Shown, show
from bankside.orders.desk import Desk, Ticket
from bankside.orders.errors import (
    OrderNotFound,
    OrderStateRefused,
    RefundPosted,
    SandboxOnly,
    TransferPosted,
)
from bankside.orders.families import collect, desk_page, drafts, refund
from bankside.orders.families.query import named_order
from bankside.orders.inputs import read_body, read_query
from bankside.orders.model import Order, State


def echo(call: Call) -> Answer:
    """The body as it came; no database is touched."""
    return Answer(200, dict(call.body))


async def lookup(desk: Desk, ticket: Ticket) -> Answer:
    """The caller's order by its own number or ours, whatever product made it."""
    asked = read_query(ticket.operation.inputs, ticket.call.query)
    async with desk.reading() as db:
        order = await _named(desk, db, ticket, asked)
    return Answer(200, _found(order, show(order)), facts=carry.facts(order))


async def close(desk: Desk, ticket: Ticket) -> Answer:
    """Close an order nobody has paid, named by our id or the partner's number."""
    form = read_body(ticket.operation.inputs, ticket.call.body)

    async def decide(_db: Connection, order: Order) -> carry.Act:
        change = engine.close(order, ticket.at, why=form.get("reason", "closed by the partner"))
        return carry.Act(change=change, wrap=lambda shown: _found(order, shown))

    return await carry.act(desk, ticket, await _id(desk, ticket, form), decide)


async def cancel(desk: Desk, ticket: Ticket) -> Answer:
    """Undo an order as far as it stands: close it unpaid, free its hold, or refund it in full.

    ``action`` says which it was, ``close`` or ``refund``. Cancelling twice changes nothing more.
    """
    form = read_body(ticket.operation.inputs, ticket.call.body)

    async def decide(db: Connection, order: Order) -> carry.Act | Answer:
        return await _cancelled(db, desk, ticket, order, form)

    return await carry.act(desk, ticket, await _id(desk, ticket, form), decide)


async def confirm(desk: Desk, ticket: Ticket) -> Answer:
    """Act as the payer of a waiting order. Raises SandboxOnly outside the sandbox."""
    if ticket.environment != "sandbox":
        raise SandboxOnly
    form = read_body(ticket.operation.inputs, ticket.call.body)
    reference = form.get("order") or await _scanned(desk, form["qr_code"])
    return await collect.confirm(desk, ticket, reference, form["payer_token"])


async def _scanned(desk: Desk, code: str) -> str:
    """The order a code leads to; whose it is, is looked at with the order."""
    if code.startswith(QR_PREFIX):
        return code.removeprefix(QR_PREFIX)
    async with desk.reading() as db:
        found = await desk_page.order_at(db, code)
    if found is None:
        raise OrderNotFound
    return found[1]


async def _id(desk: Desk, ticket: Ticket, form: drafts.Form) -> str:
    async with desk.reading() as db:
        return (await _named(desk, db, ticket, form)).id


async def _named(desk: Desk, db: Connection, ticket: Ticket, form: drafts.Form) -> Order:
    if "order" in form:
        order = await carry.visible(desk, db, ticket, form["order"])
        if form.get("order_no", order.reference) != order.reference:
            raise OrderNotFound
        return order
    return await named_order(desk, db, ticket, form["order_no"])


async def _cancelled(
    db: Connection, desk: Desk, ticket: Ticket, order: Order, form: drafts.Form
) -> carry.Act | Answer:
    if order.family == "transfer":
        raise TransferPosted
    if order.family == "refund":
        raise RefundPosted
    if order.family not in refund.REFUNDABLE:
        raise OrderStateRefused(f"the order is {order.status}")
    if order.state is State.EXPIRED or order.status in {"released", "refused"}:
        return _done(order, "close")
    if order.held:
        change = engine.run(order, "hold.release", {}, ticket.at)
        return carry.Act(change=change, wrap=lambda shown: _action("close", shown))
    if order.paid == 0:
        change = engine.close(order, ticket.at, why=form.get("reason", "cancelled"))
        return carry.Act(change=change, wrap=lambda shown: _action("close", shown))
    if order.refunded == order.paid:
        return _done(order, "refund")
    asked = {"reason": form["reason"]} if "reason" in form else {}
    decided = await refund.decided(db, desk, ticket, order, asked)
    assert isinstance(decided, carry.Act), "a refund without a number is never a repeated one"
    return carry.shown_as(decided, decided.change.after, lambda shown: _action("refund", shown))


def _done(order: Order, action: str) -> Answer:
    return carry.repeated(order, lambda shown: _action(action, shown))


def _action(action: str, shown: Shown) -> Shown:
    return {"action": action, "order": shown}


def _found(order: Order, shown: Shown) -> Shown:
    return {"product": order.product, "order": shown}
