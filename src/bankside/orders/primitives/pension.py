"""Primitive ``pension``: a personal pension account is paid into, invested, and paid out.

Rules: at most CNY 12,000 a calendar year (Beijing time) are paid into one person's account (State
Council notice 2022-7, article 2); what is in it leaves only once a condition of its article 5 is
met. Money: payer to pension account; pension account to pool and back; pension account to payee.
"""

from dataclasses import replace
from datetime import datetime

from bankside.kernel.clock import rfc3339
from bankside.kernel.money import Money
from bankside.orders.errors_money import (
    PensionConditionUnmet,
)
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives import invest
from bankside.orders.primitives.effect import (
    Ask,
    Effect,
    Primitive,
    account,
    kept,
    legs,
    section,
)

NOUN = "pension"
# CNY 12,000 in minor units.
YEARLY_CAP_MINOR = 1_200_000


def contribute(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """Payer to pension account. The yearly cap was counted before (``preparations.pension``)."""
    amount = amount_of(order, step)
    payer = account(order, step, "debit", "account")
    pension = account(order, step, "credit", "pension_account")
    paid_in = section(order, NOUN).get("contributed_minor", 0) + amount.minor
    facts = {
        "contributed_minor": paid_in,
        "contributed_at": rfc3339(at),
        **{
            name: ask[NOUN][name]
            for name in ("year", "left_this_year_minor")
            if name in ask.get(NOUN, {})
        },
    }
    after = replace(kept(order, NOUN, facts), paid=order.paid + amount.minor, status="contributed")
    return Effect(after, legs(order, (payer, pension, amount.minor)), event="contributed")


def amount_of(order: Order, step: PlanStep) -> Money:
    """The amount a step is about: the input its ``amount`` role names, else the order's own."""
    named = order.input.get(step.roles.get("amount", "amount"))
    if isinstance(named, dict):
        return Money.parse(named["amount"], named["currency"])
    return order.money(order.amount)


def give_back(order: Order, step: PlanStep, _at: datetime) -> Effect:
    """Undoes ``contribute``; the year's cap stays used."""
    amount = amount_of(order, step)
    payer = account(order, step, "debit", "account")
    pension = account(order, step, "credit", "pension_account")
    # What was invested came back from the pool first, and is the same money.
    refunded = min(order.refunded + amount.minor, order.paid)
    after = replace(order, refunded=refunded, status="refunded")
    return Effect(after, legs(order, (pension, payer, amount.minor)))


def buy(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """Pension account to pool, units up. ``ask["invest"]["fund"]`` is a pension fund."""
    pension = account(order, step, "debit", "pension_account")
    pool = account(order, step, "credit", "pool")
    after, moved = invest.bought(order, ask[invest.NOUN]["fund"], order.amount, at)
    after = replace(after, status="held", wake_at=invest.marks_at(order, at))
    return Effect(after, (*legs(order, (pension, pool, order.amount)), *moved), event="subscribed")


def sell_back(order: Order, step: PlanStep, at: datetime) -> Effect:
    """Undoes ``buy`` at the price last marked."""
    back = replace(
        step, roles={"debit": step.roles.get("debit", "pension_account"), "credit": "pool"}
    )
    return invest.SUBSCRIBE.reverse(order, back, at) if invest.SUBSCRIBE.reverse else Effect(order)


def sell(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """Pool to pension account, units down, at today's price."""
    effect = invest.redeem(order, step, ask, at)
    return replace(effect, order=replace(effect.order, refunded=order.refunded))


def payout(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """Pension account to payee, once a condition is met. Raises PensionConditionUnmet.

    ``ask["pension"]``: met (whether it is), condition, why.
    """
    asked = ask[NOUN]
    if not asked["met"]:
        raise PensionConditionUnmet(asked["why"])
    pension = account(order, step, "debit", "pension_account")
    payee = account(order, step, "credit", "payee_account")
    facts = {"condition": asked["condition"], "paid_out_at": rfc3339(at)}
    after = replace(
        kept(order, NOUN, facts),
        paid=order.paid + order.amount,
        status="paid_out",
        wake_at=None,
    )
    return Effect(after, legs(order, (pension, payee, order.amount)), event="paid")


def pay_back(order: Order, step: PlanStep, _at: datetime) -> Effect:
    """Undoes ``payout``."""
    pension = account(order, step, "debit", "pension_account")
    payee = account(order, step, "credit", "payee_account")
    after = replace(order, refunded=order.paid, status="refunded")
    return Effect(after, legs(order, (payee, pension, order.amount)))


CONTRIBUTE = Primitive(contribute, reverse=give_back)
INVEST = Primitive(buy, reverse=sell_back)
REDEEM = Primitive(sell)
PAYOUT = Primitive(payout, reverse=pay_back)
