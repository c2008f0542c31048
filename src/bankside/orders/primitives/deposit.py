"""Primitive ``deposit``: money placed for interest, accrued by the day, redeemed with it.

Convention: ACT/360 (PBoC 2005-129), from the day of placement to the day before redemption; the
interest since placement is rounded half-even once, at the accrual, and what is posted each day is
its growth. Before maturity, or without notice, the demand rate is paid for the whole time and what
was accrued above it goes back to the bank; after maturity the demand rate runs on.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

import msgspec

from bankside.bank.shelf import DEMAND_RATE_BP, DepositTerms
from bankside.kernel.clock import BANK_ZONE
from bankside.orders.errors_money import (
    DepositRedeemed,
)
from bankside.orders.interest import Basis, month_after, simple
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives.effect import (
    Ask,
    Effect,
    Primitive,
    account,
    kept,
    legs,
    section,
)

NOUN = "deposit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """The deposit's own account: sums in minor units, rates in basis points a year.

    ``accrued`` is the interest posted so far, ``retained`` the part of the principal that earns
    the demand rate (agreement deposits). ``notice_from`` is the first day a call deposit that was
    given notice pays its own rate.
    """

    product_code: str
    rate_bp: int
    demand_rate_bp: int
    basis: str = Basis.ACT_360.value
    principal_minor: int
    retained_minor: int = 0
    accrued_minor: int = 0
    interest_paid_minor: int = 0
    from_date: date
    accrued_to: date
    maturity: date | None
    notice_days: int = 0
    notice_given: date | None = None
    status: str = "active"


def bank_day(at: datetime) -> date:
    """The bank's calendar date."""
    return at.astimezone(BANK_ZONE).date()


def next_midnight(at: datetime) -> datetime:
    """The first instant of the bank's next date."""
    return datetime.combine(bank_day(at) + timedelta(days=1), time(), BANK_ZONE)


def of(order: Order) -> Deposit:
    """The deposit in the order's book."""
    return msgspec.convert(dict(section(order, NOUN)), Deposit)


def place(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """Payer to deposits. ``ask["deposit"]["terms"]`` is what the product code stands for."""
    terms: DepositTerms = ask[NOUN]["terms"]
    payer = account(order, step, "debit", "account")
    deposits = account(order, step, "credit", "deposits")
    today = bank_day(at)
    placed = Deposit(
        product_code=terms.code,
        rate_bp=terms.rate_bp,
        demand_rate_bp=terms.demand_rate_bp,
        principal_minor=order.amount,
        retained_minor=min(ask[NOUN]["retained"], order.amount),
        from_date=today,
        accrued_to=today,
        maturity=month_after(today, terms.months) if terms.months else None,
        notice_days=terms.notice_days,
    )
    after = replace(order, paid=order.amount, status="active", wake_at=next_midnight(at))
    return Effect(
        _kept(after, placed), legs(order, (payer, deposits, order.amount)), event="placed"
    )


def interest(deposit: Deposit, to: date) -> int:
    """All interest from placement to a day at the agreed rates, in minor units."""
    basis = Basis(deposit.basis)
    end = min(to, deposit.maturity) if deposit.maturity else to
    earning = deposit.principal_minor - deposit.retained_minor
    agreed = simple(earning, deposit.rate_bp, deposit.from_date, end, basis)
    late = simple(earning, deposit.demand_rate_bp, end, to, basis)
    kept_back = simple(deposit.retained_minor, deposit.demand_rate_bp, deposit.from_date, to, basis)
    return agreed + late + kept_back


def early_interest(deposit: Deposit, to: date) -> int:
    """All interest when the deposit ends before its term: the demand rate for the whole time."""
    return simple(
        deposit.principal_minor,
        deposit.demand_rate_bp,
        deposit.from_date,
        to,
        Basis(deposit.basis),
    )


def accrue(order: Order, step: PlanStep, _ask: Ask, at: datetime) -> Effect:
    """Interest expense to deposits: what the interest has grown by since it was last posted."""
    deposit = of(order) if section(order, NOUN) else _margin(order)
    today = bank_day(at)
    total = interest(deposit, today)
    growth = total - deposit.accrued_minor
    expense = account(order, step, "debit", "interest_expense")
    deposits = account(order, step, "credit", "deposits")
    after = replace(deposit, accrued_minor=total, accrued_to=today)
    wakes = order.wake_at if after.status == "margin" else next_midnight(at)
    return Effect(
        replace(_kept(order, after), wake_at=wakes),
        legs(order, (expense, deposits, growth)),
        stays=True,
        output={"interest": growth, "to": today.isoformat()},
    )


def _margin(order: Order) -> Deposit:
    """Money on hold as a deposit at the demand rate, from the day it was held."""
    since = bank_day(order.created_at)
    return Deposit(
        product_code="MARGIN",
        rate_bp=DEMAND_RATE_BP,
        demand_rate_bp=DEMAND_RATE_BP,
        principal_minor=order.held,
        from_date=since,
        accrued_to=since,
        maturity=None,
        status="margin",
    )


def notice(order: Order, _step: PlanStep, _ask: Ask, at: datetime) -> Effect:
    """The deposit's end is announced today. Raises DepositRedeemed."""
    if of(order).status != "active":
        raise DepositRedeemed
    facts = {"notice_given": bank_day(at).isoformat()}
    return Effect(kept(order, NOUN, facts), event="notice_given", output=facts)


def redeem(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """Deposits to payer with interest to today; what was accrued above it goes back.

    ``ask["deposit"]["notified"]``: whether notice was given in time, where it is needed.
    """
    deposit = of(order)
    if deposit.status != "active":
        raise DepositRedeemed
    today = bank_day(at)
    early = bool(deposit.maturity and today < deposit.maturity)
    unnotified = bool(deposit.notice_days and not ask.get(NOUN, {}).get("notified", False))
    total = early_interest(deposit, today) if early or unnotified else interest(deposit, today)
    return _paid_out(order, step, deposit, total, event="redeemed")


def give_back(order: Order, step: PlanStep, _at: datetime) -> Effect:
    """Undoes ``place``: the principal returns, and the bank takes back what it had accrued."""
    back = replace(step, roles={"credit": step.roles.get("debit", "account")})
    return _paid_out(order, back, of(order), 0, event="redeemed")


def _paid_out(order: Order, step: PlanStep, deposit: Deposit, total: int, *, event: str) -> Effect:
    deposits = account(order, step, "debit", "deposits")
    payee = account(order, step, "credit", "account")
    expense = order.roles["interest_expense"]
    more = total - deposit.accrued_minor
    moves = [(expense, deposits, more)] if more > 0 else [(deposits, expense, -more)]
    moves.append((deposits, payee, deposit.principal_minor + total))
    ended = replace(deposit, accrued_minor=total, interest_paid_minor=total, status="redeemed")
    after = replace(
        order, refunded=deposit.principal_minor, settled=total, status="redeemed", wake_at=None
    )
    return Effect(
        _kept(after, ended),
        legs(order, *moves),
        event=event,
        ends=True,
        output={"principal": deposit.principal_minor, "interest": total},
    )


def _kept(order: Order, deposit: Deposit) -> Order:
    facts: dict[str, Any] = msgspec.to_builtins(deposit)
    return kept(order, NOUN, facts)


PLACE = Primitive(place, reverse=give_back)
ACCRUE = Primitive(accrue)
REDEEM = Primitive(redeem)
NOTICE = Primitive(notice)
