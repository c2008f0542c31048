"""Primitive ``transfer``: payer to payee at once, and the opposite legs that undo it."""

from dataclasses import replace
from datetime import datetime

from bankside.kernel.clock import rfc3339
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives.effect import Ask, Effect, Primitive, account, legs
from bankside.orders.rules import fee_on


def execute(order: Order, step: PlanStep, _ask: Ask, at: datetime) -> Effect:
    """Debit to credit, and the fee from the debit side as a leg of its own."""
    payer = account(order, step, "debit", "payer_account")
    payee = account(order, step, "credit", "payee_account")
    fee = fee_on(order.money(order.amount), order.terms).minor
    after = replace(
        order,
        paid=order.amount,
        fee=fee,
        status="completed",
        output={**order.output, "paid_at": rfc3339(at)},
    )
    moves = [(payer, payee, order.amount)]
    if fee:
        moves.append((payer, account(order, step, "fee", "fee_income"), fee))
    return Effect(after, legs(order, *moves), event="paid")


def reverse(order: Order, step: PlanStep, _at: datetime) -> Effect:
    """Opposite legs, linked to the original by the order's journal; the fee goes back as well."""
    payer = account(order, step, "debit", "payer_account")
    payee = account(order, step, "credit", "payee_account")
    moves = [(payee, payer, order.paid)]
    if order.fee:
        moves.append((account(order, step, "fee", "fee_income"), payer, order.fee))
    after = replace(order, refunded=order.paid, fee=0, status="refunded")
    return Effect(after, legs(order, *moves))


EXECUTE = Primitive(execute, reverse=reverse)
