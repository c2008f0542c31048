"""Primitive ``collect``: an order is opened, paid into the merchant's pending account, settled.

Refunds are orders of their own (``refund`` below decides their legs); what is still pending funds
them first, then the merchant's settlement account.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from bankside.kernel.calendar import business_date
from bankside.kernel.clock import rfc3339
from bankside.kernel.money import Money
from bankside.orders import rules
from bankside.orders.errors import OrderClosed, OrderNotPaid
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives import fx
from bankside.orders.primitives.effect import (
    Ask,
    Effect,
    Primitive,
    account,
    kept,
    legs,
    section,
)

# An unpaid order is closed after this long unless it says otherwise: a checkout page's patience.
UNPAID_SECONDS_DEFAULT = 2 * 60 * 60
# Money that may still be split is freed to the merchant after 30 days, on a platform whose tenants
# collect after 180 (WeChat Pay profit sharing, merchant documents 4014547102, 4015870957).
FROZEN_DAYS_MAX = 30
FROZEN_DAYS_PLATFORM_MAX = 180
DELIVERY = "delivery"


def create(order: Order, _step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """Opens the order; nothing is posted and it runs out when nobody pays.

    Bars that units were sold for (``ask["delivery"]``: grams, price_minor) begin a payment of their
    own: the sums of the sale are over, and the price is what the bars cost today.
    """
    if "delivery" in ask:
        order = kept(order, DELIVERY, ask["delivery"])
        order = replace(order, paid=0, refunded=0, settled=0)
    seconds = ask.get("expires_in_seconds", UNPAID_SECONDS_DEFAULT)
    return Effect(
        replace(order, wake_at=at + timedelta(seconds=seconds), status="waiting"), event="created"
    )


def confirm(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """Payer to merchant-pending; ``ask["payer"]`` is the payer's ledger account."""
    if order.wake_at is not None and at >= order.wake_at:
        raise OrderClosed("the time to pay this order is over")
    debit_role = step.roles.get("debit", "payer")
    order = replace(order, roles={**order.roles, debit_role: ask["payer"], "payer": ask["payer"]})
    splits = any(each.use == "split.execute" for each in order.plan)
    # A sold right is settled once it was used; until then it may run out.
    redeems = any(each.use == "ticket.redeem" for each in order.plan)
    until = order.book.get("ticket", {}).get("valid_until")
    frozen_days = FROZEN_DAYS_PLATFORM_MAX if order.tenant else FROZEN_DAYS_MAX
    wake_at = at + timedelta(days=frozen_days) if splits else None
    if redeems and until is not None:
        wake_at = datetime.fromisoformat(until)
    due = _due(order)
    after = replace(
        order,
        paid=due,
        pending=due,
        status="paid",
        wake_at=wake_at,
        due_on=None if splits or redeems else business_date(at),
        output={**order.output, "paid_at": rfc3339(at)},
    )
    payer = account(order, step, "debit", "payer")
    pending = account(order, step, "credit", "merchant_pending")
    return Effect(after, legs(order, (payer, pending, due)), event="paid")


def _due(order: Order) -> int:
    """What has to be paid: the price of the bars of a delivery, else the order's amount."""
    due: int = section(order, DELIVERY).get("price_minor", order.amount)
    return due


def give_back(order: Order, step: PlanStep, _at: datetime) -> Effect:
    """What is still pending goes back to the payer: undoes ``confirm`` as far as it stands."""
    pending = account(order, step, "credit", "merchant_pending")
    after = replace(
        order, refunded=order.refunded + order.pending, pending=0, status="refunded", due_on=None
    )
    return Effect(after, legs(order, (pending, order.roles["payer"], order.pending)))


def settle(order: Order, step: PlanStep, _ask: Ask, _at: datetime) -> Effect:
    """Pending to the merchant less the fee on what was paid and not refunded.

    The buyer of bars paid the product's fee when the units were bought; the dealer pays none.
    """
    fee = rules.fee_on(rules.refundable(order), order.terms).minor
    fee = 0 if section(order, DELIVERY) else fee
    pending = account(order, step, "debit", "merchant_pending")
    merchant = account(order, step, "credit", "merchant")
    income = account(order, step, "fee", "fee_income")
    after = replace(
        order,
        settled=order.pending - fee,
        fee=order.fee + fee,
        pending=0,
        status="settled",
        wake_at=None,
        due_on=None,
    )
    moves = legs(order, (pending, merchant, after.settled), (pending, income, fee))
    return Effect(after, moves, event="settled")


def refunded(order: Order, amount: Money) -> Effect:
    """The paid order after a refund, and the refund's legs. Raises what ``rules.may_refund`` does.

    A refund that empties an unsettled order ends it: there is nothing left to settle.
    """
    if order.paid == 0:
        raise OrderNotPaid
    rules.may_refund(order, amount)
    total = order.refunded + amount.minor
    status = "refunded" if total == order.paid else order.status
    pending = rules.is_pending(order)
    source = order.roles["merchant_pending" if pending else "merchant"]
    after, moves = order, legs(order, (source, order.roles["payer"], amount.minor))
    if section(order, fx.NOUN):
        after, moves = fx.returned(order, source, amount.minor)
    left = order.pending - amount.minor if pending else order.pending
    return Effect(replace(after, refunded=total, pending=left, status=status), moves)


def refund(order: Order, _step: PlanStep, _ask: Ask, _at: datetime) -> Effect:
    """The refund order itself: its money moves in the paid order's legs (``refunded``)."""
    return Effect(replace(order, paid=order.amount, status="completed"), event="completed")


CREATE = Primitive(create)
CONFIRM = Primitive(confirm, ready=lambda ask: "payer" in ask, reverse=give_back)
SETTLE = Primitive(settle)
REFUND = Primitive(refund)
