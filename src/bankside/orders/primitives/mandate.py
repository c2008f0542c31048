"""Primitive ``mandate``: a payer's standing authority to be debited, within limits.

Always true: no debit is above the mandate's bound for one debit, all debits of a bank day never
above its bound for a day, all debits together never above its total; an ended mandate is never
debited. A debit is an order of its own whose parent is the mandate's order.
Due dates: every n-th period is counted from the first date, and a day that a month does not have is
its last day (ISO 20022 ``FrqcyTp`` words DAIL, WEEK, MNTH, QURT, YEAR in plain English).
"""

import calendar
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from bankside.kernel.clock import BANK_ZONE, rfc3339
from bankside.kernel.money import Money
from bankside.orders.errors_papers import MandateEnded, MandateLimitExceeded
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives.contract import digest
from bankside.orders.primitives.effect import (
    Ask,
    Effect,
    Primitive,
    account,
    kept,
    legs,
    section,
)
from bankside.orders.rules import fee_on

ACTIVE, REVOKED, USED_UP, EXPIRED = "active", "revoked", "used_up", "expired"
_MONTHS: Mapping[str, int] = {"monthly": 1, "quarterly": 3, "yearly": 12}
_DAYS: Mapping[str, int] = {"daily": 1, "weekly": 7}
PERIODS = (*_DAYS, *_MONTHS)
# Collections run in the morning of their date, when salaries of the night before have arrived.
DUE_HOUR = 9


def create(order: Order, _step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """The authority stands. ``ask["mandate"]``: its terms in minor units (``terms`` below).

    With an amount and a first date the clock debits it period by period.
    """
    terms: Mapping[str, Any] = ask["mandate"]
    facts = {
        **terms,
        "status": ACTIVE,
        "number": 0,
        "collected_minor": 0,
        "count": 0,
        "day": None,
        "day_collected_minor": 0,
        "signed_at": rfc3339(at),
        "digest": digest({"order": order.id, "input": order.input, "roles": order.roles}),
    }
    after = _scheduled(replace(kept(order, "mandate", facts), status=ACTIVE))
    return Effect(after, event="created")


def may_debit(mandate: Order, amount: Money, at: datetime) -> None:
    """Raise MandateEnded or MandateLimitExceeded unless the amount may be debited now."""
    known = section(mandate, "mandate")
    today = at.astimezone(BANK_ZONE).date()
    if known.get("status") != ACTIVE:
        raise MandateEnded(f"the mandate is {known.get('status', mandate.status)}")
    if known["until"] is not None and today > date.fromisoformat(known["until"]):
        raise MandateEnded("the mandate has run out of time")
    spent_today = known["day_collected_minor"] if known["day"] == today.isoformat() else 0
    bounds = {
        "one debit": (amount.minor, known.get("per_debit_minor")),
        "one day": (spent_today + amount.minor, known.get("per_day_minor")),
        "all debits": (known["collected_minor"] + amount.minor, known.get("total_minor")),
    }
    for what, (asked, ceiling) in bounds.items():
        if ceiling is not None and asked > ceiling:
            most = mandate.money(ceiling)
            raise MandateLimitExceeded(
                f"the mandate allows {most} {most.currency} for {what}",
                extra={"limit": most.to_json()},
            )


def debited(mandate: Order, amount: Money, at: datetime) -> Order:
    """The mandate after a debit of ``amount``; used up when its total is reached."""
    known = section(mandate, "mandate")
    today = at.astimezone(BANK_ZONE).date().isoformat()
    before = known["day_collected_minor"] if known["day"] == today else 0
    collected = known["collected_minor"] + amount.minor
    facts = {
        "collected_minor": collected,
        "count": known["count"] + 1,
        "day": today,
        "day_collected_minor": before + amount.minor,
    }
    if collected == known.get("total_minor"):
        facts["status"] = USED_UP
    after = kept(mandate, "mandate", facts)
    return replace(after, status=section(after, "mandate")["status"])


def advanced(mandate: Order) -> Order:
    """The mandate with its next due date; expired when there is none any more."""
    known = section(mandate, "mandate")
    if known["next_on"] is None:
        return mandate
    following = due_date(
        date.fromisoformat(known["first_on"]), known["period"], known["number"] + 1
    )
    facts: dict[str, Any] = {"number": known["number"] + 1, "next_on": following.isoformat()}
    after = kept(mandate, "mandate", facts)
    if known["status"] != ACTIVE:
        after = kept(after, "mandate", {"next_on": None})
    elif known["until"] is not None and following > date.fromisoformat(known["until"]):
        after = kept(after, "mandate", {"next_on": None, "status": EXPIRED})
        after = replace(after, status=EXPIRED)
    return _scheduled(after)


def due_date(first: date, period: str, number: int) -> date:
    """The ``number``-th due date (0: the first one)."""
    if period in _DAYS:
        return first + timedelta(days=_DAYS[period] * number)
    months = first.month - 1 + _MONTHS[period] * number
    year, month = first.year + months // 12, months % 12 + 1
    return date(year, month, min(first.day, calendar.monthrange(year, month)[1]))


def debit(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """The debit's own order: payer to payee, and the fee from the payer as a leg of its own.

    The mandate's limits were checked on its own order in the same change (``may_debit``).
    """
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
    return Effect(after, legs(order, *moves), event="paid", reference=ask.get("number"))


def undo(order: Order, step: PlanStep, _at: datetime) -> Effect:
    """Opposite legs of ``debit``; the fee goes back as well."""
    payer = account(order, step, "debit", "payer_account")
    payee = account(order, step, "credit", "payee_account")
    moves = [(payee, payer, order.paid)]
    if order.fee:
        moves.append((account(order, step, "fee", "fee_income"), payer, order.fee))
    return Effect(
        replace(order, refunded=order.paid, fee=0, status="refunded"), legs(order, *moves)
    )


def revoke(order: Order, _step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """The authority ends; debits already made stand. Raises MandateEnded."""
    known = section(order, "mandate")
    if known.get("status") != ACTIVE:
        raise MandateEnded(f"the mandate is {known.get('status', order.status)}")
    facts = {"status": REVOKED, "next_on": None, "revoked_at": rfc3339(at)}
    return Effect(replace(kept(order, "mandate", facts), status=REVOKED), event="closed", ends=True)


def withdraw(order: Order, _step: PlanStep, at: datetime) -> Effect:
    """Undoes ``create``: the authority ends with the order it was given for."""
    facts = {"status": REVOKED, "next_on": None, "revoked_at": rfc3339(at)}
    return Effect(kept(order, "mandate", facts))


def due_at(day: date) -> datetime:
    """The instant at which the clock debits what is due on ``day``."""
    return datetime.combine(day, time(DUE_HOUR), BANK_ZONE)


def _scheduled(order: Order) -> Order:
    next_on = section(order, "mandate")["next_on"]
    return replace(order, wake_at=due_at(date.fromisoformat(next_on)) if next_on else None)


CREATE = Primitive(create, reverse=withdraw)
DEBIT = Primitive(debit, reverse=undo)
REVOKE = Primitive(revoke)
