"""The two reads every order family has: one order, and a page of them, newest first."""

from bankside.kernel.call import Answer
from bankside.kernel.errors import Invalid
from bankside.kernel.paging import Page, checked_cursor, checked_limit, checked_number
from bankside.orders import carry, store
from bankside.orders.answers import show
from bankside.orders.desk import Desk, Ticket
from bankside.orders.errors import OrderNotFound
from bankside.orders.families import drafts
from bankside.orders.inputs import read_query
from bankside.orders.model import Order

OK = 200
# The partner's own numbers, by the name each family has for them.
_NUMBERS = ("order_no", "batch_no", "end_to_end_id", "refund_no", "reference")


async def item(desk: Desk, ticket: Ticket) -> Answer:
    """The order the path names. Raises OrderNotFound, also for another caller's."""
    async with desk.reading() as db:
        order = await carry.of_product(desk, db, ticket)
    return Answer(OK, show(order), facts=carry.facts(order))


async def listed(desk: Desk, ticket: Ticket) -> Answer:
    """A page of the product's orders, filtered by the partner's own number."""
    asked = read_query(ticket.operation.inputs, ticket.call.query)
    number = next((asked[name] for name in _NUMBERS if name in asked), None)
    return await page(desk, ticket, store.Filter(product=ticket.product.id, reference=number))


async def receipts(desk: Desk, ticket: Ticket) -> Answer:
    """A page of a message's receipts, in the order of its audience."""
    read_query(ticket.operation.inputs, ticket.call.query)
    asked = ticket.call.query
    size = checked_limit(_number(asked.get("limit")))
    after = checked_number(asked.get("cursor")) or 0
    async with desk.reading() as db:
        order = await carry.of_product(desk, db, ticket)
    sent = order.book.get("notify", {}).get("receipts", [])
    numbered = [{"no": no, **each} for no, each in enumerate(sent, start=1)]
    rows = [each for each in numbered if each["no"] > after]
    cut = Page.cut(rows[: size + 1], size, key=lambda each: str(each["no"]))
    body = {"items": list(cut.items), "next_cursor": cut.next_cursor}
    return Answer(OK, body, facts=carry.facts(order))


async def refunds(desk: Desk, ticket: Ticket) -> Answer:
    """A page of refunds: all, or those of the order that ``order`` or ``order_no`` names."""
    asked = read_query(ticket.operation.inputs, ticket.call.query)
    chosen = store.Filter(product=ticket.product.id, reference=asked.get("refund_no"))
    if "order" in asked or "order_no" in asked:
        parent = await _parent(desk, ticket, asked)
        if parent is None:
            return Answer(OK, {"items": [], "next_cursor": None})
        chosen = store.Filter(
            product=ticket.product.id, reference=asked.get("refund_no"), parent=parent.id
        )
    return await page(desk, ticket, chosen)


async def page(desk: Desk, ticket: Ticket, chosen: store.Filter) -> Answer:
    """A page of orders as they are shown; ``limit`` and ``cursor`` come from the query."""
    found = await orders(desk, ticket, chosen)
    return Answer(
        OK, {"items": [show(each) for each in found.items], "next_cursor": found.next_cursor}
    )


async def orders(desk: Desk, ticket: Ticket, chosen: store.Filter) -> Page[Order]:
    """A page of orders. Raises LimitInvalid, CursorInvalid."""
    asked = ticket.call.query
    size = checked_limit(_number(asked.get("limit")))
    before = checked_cursor(asked.get("cursor"))
    async with desk.reading() as db:
        rows = await store.page(db, ticket.scope, chosen, before=before, limit=size + 1)
        rows = [await desk.explained(db, each) for each in rows]
    return Page.cut(rows, size, key=lambda each: each.id)


async def _parent(desk: Desk, ticket: Ticket, asked: drafts.Form) -> Order | None:
    async with desk.reading() as db:
        if "order" in asked:
            try:
                return await carry.visible(desk, db, ticket, asked["order"])
            except OrderNotFound:
                return None
        scope = drafts.orders_scope(ticket.call.caller.tenant)
        return await store.find_by_reference(db, ticket.scope.partner, [scope], asked["order_no"])


def _number(text: str | None) -> int | None:
    """The query's page size; ``read_query`` has already refused what is no number."""
    if text is None:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise Invalid("limit is a whole number") from error
