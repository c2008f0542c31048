"""Primitive ``bill``: a payable item of a biller is issued, shown to its payer, paid or withdrawn.

Always true: a bill is paid once and whole; paying writes it off in the same change; a withdrawn
bill is never paid.
"""

from dataclasses import replace
from datetime import datetime

from bankside.kernel.clock import rfc3339
from bankside.orders.errors_papers import BillClosed, BillPaid
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives.effect import Ask, Effect, Primitive, account, legs
from bankside.orders.rules import fee_on

ISSUED, PRESENTED, PAID, CLOSED = "issued", "presented", "paid", "closed"


def issue(order: Order, _step: PlanStep, _ask: Ask, _at: datetime) -> Effect:
    """The item can be paid from now on."""
    return Effect(replace(order, status=ISSUED), event="created")


def present(order: Order, _step: PlanStep, _ask: Ask, _at: datetime) -> Effect:
    """The payer can see it: by the order's id or the biller's number."""
    return Effect(replace(order, status=PRESENTED))


def pay(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """Payer to biller less the fee, and the item is written off.

    ``ask["bill"]["payer"]``: the payer's ledger account. Raises BillPaid, BillClosed.
    """
    _unpaid(order)
    order = replace(order, roles={**order.roles, "payer": ask["bill"]["payer"]})
    payer = account(order, step, "debit", "payer")
    biller = account(order, step, "credit", "merchant")
    income = account(order, step, "fee", "fee_income")
    fee = fee_on(order.money(order.amount), order.terms).minor
    after = replace(
        order,
        paid=order.amount,
        settled=order.amount - fee,
        fee=fee,
        status=PAID,
        output={**order.output, "paid_at": rfc3339(at)},
    )
    moves = legs(order, (payer, biller, order.amount - fee), (payer, income, fee))
    return Effect(after, moves, event="paid")


def give_back(order: Order, step: PlanStep, _at: datetime) -> Effect:
    """Opposite legs of ``pay``: the item is unpaid and closed."""
    payer = account(order, step, "debit", "payer")
    biller = account(order, step, "credit", "merchant")
    income = account(order, step, "fee", "fee_income")
    moves = legs(order, (biller, payer, order.settled), (income, payer, order.fee))
    return Effect(replace(order, refunded=order.paid, settled=0, fee=0, status="refunded"), moves)


def cancel(order: Order, _step: PlanStep, _ask: Ask, _at: datetime) -> Effect:
    """Withdraws an unpaid item. Raises BillPaid, BillClosed."""
    _unpaid(order)
    return Effect(replace(order, status=CLOSED), event="closed", ends=True)


def _unpaid(order: Order) -> None:
    if order.paid:
        raise BillPaid
    if order.status == CLOSED:
        raise BillClosed


ISSUE = Primitive(issue)
PRESENT = Primitive(present)
PAY = Primitive(pay, reverse=give_back, lasting=True)
CANCEL = Primitive(cancel, lasting=True)
