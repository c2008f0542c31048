"""Family ``refund``: a refund is an order of its own, whose money moves in the paid order's legs.

Always true: the refunds of an order never add up to more than was paid; a refund number names one
refund of an order for ever; what is still pending funds a refund first, after settlement the
merchant's settlement account does (of a merchant that is cleared net: what is available to it, its
reserve, the platform's, an advance), and when that cannot, the refund is refused.
"""

from dataclasses import replace
from typing import Any

from bankside.bank.clearing import AVAILABLE, refund_funding
from bankside.kernel.call import Answer
from bankside.kernel.db import Connection
from bankside.kernel.money import Money
from bankside.orders import carry, engine, limits, rules, store
from bankside.orders.desk import Desk, Ticket
from bankside.orders.errors import (
    CurrencyRefused,
    OrderNotFound,
    OrderNotPaid,
    RefundFundsInsufficient,
    RefundPosted,
)
from bankside.orders.families import drafts
from bankside.orders.inputs import fault, read_body
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives import collect
from bankside.orders.primitives.effect import legs

REFUNDS = "merchant.merchant-refunds"
# What a refundable order was made by; transfers and batches are not refunded, they are sent back.
REFUNDABLE = frozenset(
    {"collect", "fx_store", "collect_split", "hold_capture", "bill_pay", "tax_remit"}
)
_STEP = PlanStep("refund", "collect.refund", "request", "compensate")


async def create(desk: Desk, ticket: Ticket) -> Answer:
    """Refund the order that the body names by our id or by its number."""
    form = read_body(ticket.operation.inputs, ticket.call.body)
    async with desk.reading() as db:
        paid = await named(desk, db, ticket, form)
    return await _refund(desk, ticket, paid.id, form)


async def of_order(desk: Desk, ticket: Ticket) -> Answer:
    """Refund the order the path names."""
    form = read_body(ticket.operation.inputs, ticket.call.body)
    async with desk.reading() as db:
        paid = await carry.of_product(desk, db, ticket)
    return await _refund(desk, ticket, paid.id, form)


async def cancel(desk: Desk, ticket: Ticket) -> Answer:
    """A refund is posted when it is answered: nothing is left to cancel. Raises RefundPosted."""
    read_body(ticket.operation.inputs, ticket.call.body)
    async with desk.reading() as db:
        await carry.of_product(desk, db, ticket)
    raise RefundPosted


async def named(desk: Desk, db: Connection, ticket: Ticket, form: drafts.Form) -> Order:
    """The refundable order a body names as ``order`` or ``order_no`` (both: the same one)."""
    scope = drafts.orders_scope(ticket.call.caller.tenant)
    found: Order | None
    if "order" in form:
        found = await carry.visible(desk, db, ticket, form["order"])
        if form.get("order_no", found.reference) != found.reference:
            raise OrderNotFound
    else:
        found = await store.find_by_reference(db, ticket.scope.partner, [scope], form["order_no"])
    if found is None or found.family not in REFUNDABLE:
        raise OrderNotFound
    return found


async def decided(
    db: Connection, desk: Desk, ticket: Ticket, paid: Order, form: drafts.Form
) -> carry.Act | Answer:
    """The refund of a paid order as one act; the caller holds the order's turn.

    ``form``: amount (absent: all that is left), refund_no, reason. Raises what ``rules.may_refund``
    does, CurrencyRefused, limits, NumberReused.
    """
    amount = form.get("amount") or rules.refundable(paid)
    if amount.currency != paid.currency:
        pointer = fault("/amount/currency", "payment.currency_mismatch", "not the order's currency")
        raise CurrencyRefused(f"the order is in {paid.currency}", errors=[pointer])
    refund = _drafted(desk, ticket, paid, form, amount)
    same = await carry.same_number(desk, db, refund)
    if same is not None:
        return same
    if paid.paid == 0:
        raise OrderNotPaid
    changes = _changes(ticket, paid, refund, amount)
    if not rules.is_pending(paid):
        changes["change"] = await _funded(db, paid, changes["change"], amount)
    return carry.Act(
        **changes,
        spending=await limits.admitted(
            db,
            desk.catalogue.product(REFUNDS),
            partner=paid.partner,
            subject=paid.subject,
            amount=amount,
            at=ticket.at,
        ),
        refusals={"funds_insufficient": RefundFundsInsufficient},
        narrative=f"refund {paid.reference or ''}".strip(),
    )


async def _funded(
    db: Connection, paid: Order, change: engine.Change, amount: Money
) -> engine.Change:
    """The refund of a settled order of a merchant that is cleared net: its money in their order."""
    merchant, _, part = paid.roles.get("merchant", "").rpartition(".")
    if part != AVAILABLE:
        return change
    sources = await refund_funding(db, paid.partner, merchant, amount)
    moves = ((account, paid.roles["payer"], minor) for account, minor in sources)
    return replace(change, legs=legs(paid, *moves))


async def _refund(desk: Desk, ticket: Ticket, order_id: str, form: drafts.Form) -> Answer:
    async def decide(db: Connection, paid: Order) -> carry.Act | Answer:
        return await decided(db, desk, ticket, paid, form)

    return await carry.act(desk, ticket, order_id, decide)


def _drafted(desk: Desk, ticket: Ticket, paid: Order, form: drafts.Form, amount: Money) -> Order:
    product = desk.catalogue.product(REFUNDS)
    about: dict[str, Any] = {
        "order": paid.id,
        "order_no": paid.reference,
        "amount": amount,
        "refund_no": form.get("refund_no"),
        "reason": form.get("reason"),
    }
    order = drafts.draft(
        desk,
        replace(ticket, product=product),
        {name: value for name, value in about.items() if value is not None},
        amount=amount,
        subject=paid.subject,
    )
    # A refund belongs to whom the paid order belongs, also when the partner itself refunds it.
    return replace(
        order,
        tenant=paid.tenant,
        scope=drafts.refunds_scope(paid.id),
        reference=form.get("refund_no"),
        parent=paid.id,
        roles=paid.roles,
    )


def _changes(ticket: Ticket, paid: Order, refund: Order, amount: Money) -> dict[str, Any]:
    effect = collect.refunded(paid, amount)
    figures = {
        "order_paid": paid.money(paid.paid).to_json(),
        "order_refunded": paid.money(effect.order.refunded).to_json(),
    }
    change = engine.amend(
        paid,
        _STEP,
        replace(effect, output={"refund": refund.id, "amount": str(amount)}, event="refunded"),
        ticket.at,
    )
    own = engine.run(replace(refund, output=figures), "collect.refund", {}, ticket.at)
    return {"change": change, "more": (own,), "answers": own.after}
