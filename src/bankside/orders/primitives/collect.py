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
from bankside.orders.primitives.effect import Ask, Effect, Primitive, account, legs

# An unpaid order is closed after this long unless it says otherwise: a checkout page's patience.
UNPAID_SECONDS_DEFAULT = 2 * 60 * 60
UNPAID_SECONDS_MIN = 60
UNPAID_SECONDS_MAX = 15 * 24 * 60 * 60
# Money that may still be split is freed to the merchant after 30 days (WeChat Pay, ordinary order).
FROZEN_DAYS_MAX = 30


def create(order: Order, _step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """Opens the order; nothing is posted and it runs out when nobody pays."""
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
    wake_at = at + timedelta(days=FROZEN_DAYS_MAX) if splits else None
    if redeems and until is not None:
        wake_at = datetime.fromisoformat(until)
    after = replace(
        order,
        paid=order.amount,
        pending=order.amount,
        status="paid",
        wake_at=wake_at,
        due_on=None if splits or redeems else business_date(at),
        output={**order.output, "paid_at": rfc3339(at)},
    )
    payer = account(order, step, "debit", "payer")
    pending = account(order, step, "credit", "merchant_pending")
    return Effect(after, legs(order, (payer, pending, order.amount)), event="paid")


def give_back(order: Order, step: PlanStep, _at: datetime) -> Effect:
    """What is still pending goes back to the payer: undoes ``confirm`` as far as it stands."""
    pending = account(order, step, "credit", "merchant_pending")
    after = replace(
        order, refunded=order.refunded + order.pending, pending=0, status="refunded", due_on=None
    )
    return Effect(after, legs(order, (pending, order.roles["payer"], order.pending)))


def settle(order: Order, step: PlanStep, _ask: Ask, _at: datetime) -> Effect:
    """Pending to the merchant less the fee on what was paid and not refunded."""
    fee = rules.fee_on(rules.refundable(order), order.terms).minor
    pending = account(order, step, "debit", "merchant_pending")
    merchant = account(order, step, "credit", "merchant")
    income = account(order, step, "fee", "fee_income")
    after = replace(
        order,
        settled=order.pending - fee,
        fee=fee,
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
    payer = order.roles["payer"]
    if not rules.is_pending(order):
        after = replace(order, refunded=total, status=status)
        return Effect(after, legs(order, (order.roles["merchant"], payer, amount.minor)))
    after = replace(order, refunded=total, pending=order.pending - amount.minor, status=status)
    return Effect(after, legs(order, (order.roles["merchant_pending"], payer, amount.minor)))


def refund(order: Order, _step: PlanStep, _ask: Ask, _at: datetime) -> Effect:
    """The refund order itself: its money moves in the paid order's legs (``refunded``)."""
    return Effect(replace(order, paid=order.amount, status="completed"), event="completed")


CREATE = Primitive(create)
CONFIRM = Primitive(confirm, ready=lambda ask: "payer" in ask, reverse=give_back)
SETTLE = Primitive(settle)
REFUND = Primitive(refund)
