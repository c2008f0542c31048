"""Family ``mandate``: a payer's authority on file, and the debits made under it.

The authority is an order that waits for its due dates; each debit is an order of its own below it.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bankside.kernel.call import Answer
from bankside.kernel.db import Connection
from bankside.kernel.errors import Invalid, NotFound, Refused
from bankside.kernel.money import Money
from bankside.orders import carry, debits, preparations
from bankside.orders.answers import show
from bankside.orders.desk import Desk, Ticket
from bankside.orders.errors import CurrencyRefused, OrderNotFound
from bankside.orders.families import drafts
from bankside.orders.families.payout import checked
from bankside.orders.inputs import fault, read_body, refuse
from bankside.orders.model import Order
from bankside.orders.preparations import Room
from bankside.orders.primitives.effect import kept, section

OK = 200


async def debit(desk: Desk, ticket: Ticket) -> Answer:
    """Debit the payer under the mandate the body names.

    Raises OrderNotFound, MandateEnded, MandateLimitExceeded, limits, the ledger's refusals.
    """
    return await _debited(desk, ticket, read_body(ticket.operation.inputs, ticket.call.body))


async def _debited(desk: Desk, ticket: Ticket, form: drafts.Form) -> Answer:
    async def decide(db: Connection, mandate: Order) -> carry.Act | Answer:
        if mandate.product != ticket.product.id or mandate.parent is not None:
            raise OrderNotFound
        amount = _amount(mandate, form)
        own = debits.begun(desk, mandate, amount, app=ticket.call.caller.app, at=ticket.at)
        own = replace(
            own,
            reference=form.get("reference"),
            content_hash=drafts.content_hash(ticket.product.id, form),
            input=drafts.kept(form),
        )
        same = await carry.same_number(desk, db, own)
        if same is not None:
            return same
        change, more = debits.decided(mandate, own, ticket.at, due=False)
        return carry.Act(
            change=change,
            more=(more,),
            answers=more.after,
            spending=await debits.spending(db, desk, mandate, amount, ticket.at),
            narrative=str(form.get("remark", "")),
        )

    return await carry.act(desk, ticket, form["mandate"], decide)


async def bulk(desk: Desk, ticket: Ticket) -> Answer:
    """Debit many mandates in one batch; every line has its own result.

    A line is a debit of its own, numbered ``<batch_no>:<line_no>`` under its mandate, so that a
    batch that was cut off goes on where it stopped. Raises InputInvalid, PayoutTotalMismatch,
    PayoutCountMismatch.
    """
    form = read_body(ticket.operation.inputs, ticket.call.body)
    total: Money = form["total"]
    checked(form["lines"], total, form["count"])
    order = drafts.draft(desk, ticket, form, amount=total, subject="")
    order = replace(
        order,
        scope=drafts.batches_scope(ticket.call.caller.tenant),
        reference=form["batch_no"],
        input={name: value for name, value in order.input.items() if name != "lines"},
    )
    async with desk.reading() as db:
        same = await carry.same_number(desk, db, order)
    if same is not None:
        return same
    lines = [await _line(desk, ticket, form, each) for each in form["lines"]]
    done = [each for each in lines if each["state"] == "confirmed"]
    collected = sum(each["amount_minor"] for each in done)
    counts = {"confirmed_count": len(done), "failed_count": len(lines) - len(done)}
    order = replace(
        kept(order, "batch", {**counts, "collected_minor": collected, "lines": lines}),
        paid=collected,
        status="completed" if done else "refused",
    )
    async with desk.reading() as db:
        prepared = await preparations.of_change(Room(desk, db, ticket), order, "query.file", form)
    beginning = carry.Beginning(
        order=prepared.order, ask=prepared.ask, use="query.file", writes=prepared.writes
    )
    return await carry.begin(desk, ticket, beginning)


async def _line(
    desk: Desk, ticket: Ticket, form: drafts.Form, line: Mapping[str, Any]
) -> dict[str, Any]:
    """One line's debit and what became of it. Raises Unavailable: the batch is sent again."""
    asked = {
        "mandate": line["mandate"],
        "amount": line["amount"],
        "reference": f"{form['batch_no']}:{line['line_no']}",
        "remark": form.get("remark", ""),
    }
    shown: dict[str, Any] = {
        "line_no": line["line_no"],
        "mandate": line["mandate"],
        "amount_minor": line["amount"].minor,
    }
    try:
        # The batch's key is the batch's: a line is known by its number.
        answer = await _debited(desk, replace(ticket, key=None), asked)
    except (Refused, NotFound, Invalid) as refused:
        return {**shown, "state": "failed", "debit": None, "code": refused.code}
    assert isinstance(answer.body, Mapping)
    return {**shown, "state": "confirmed", "debit": answer.body["id"], "code": None}


async def mandate_item(desk: Desk, ticket: Ticket) -> Answer:
    """The mandate the path names. Raises OrderNotFound, also for a debit or a batch."""
    return await _item(desk, ticket, lambda order: order.parent is None and _is_mandate(order))


async def debit_item(desk: Desk, ticket: Ticket) -> Answer:
    """The debit the path names. Raises OrderNotFound, also for a mandate."""
    return await _item(desk, ticket, lambda order: order.parent is not None)


async def batch_item(desk: Desk, ticket: Ticket) -> Answer:
    """The batch the path names, or one of its debits. Raises OrderNotFound for a mandate."""
    return await _item(desk, ticket, lambda order: not _is_mandate(order))


async def _item(desk: Desk, ticket: Ticket, shows: Callable[[Order], bool]) -> Answer:
    async with desk.reading() as db:
        order = await carry.of_product(desk, db, ticket)
    if not shows(order):
        raise OrderNotFound
    return Answer(OK, show(order), facts=carry.facts(order))


def _is_mandate(order: Order) -> bool:
    return "mandate" in order.book


def _amount(mandate: Order, form: drafts.Form) -> Money:
    """What the request says, else the amount the mandate was given for."""
    amount: Money | None = form.get("amount")
    if amount is None:
        minor = section(mandate, "mandate").get("amount_minor")
        if minor is None:
            refuse([fault("/amount", "field.missing", "the mandate names no amount")])
        return mandate.money(minor or 0)
    if amount.currency != mandate.currency:
        pointer = fault("/amount/currency", CurrencyRefused.code, "not the mandate's currency")
        raise CurrencyRefused(f"the mandate is in {mandate.currency}", errors=[pointer])
    return amount
