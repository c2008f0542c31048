"""Primitive ``loan``: a limit is granted, drawn on, earns interest, and is repaid.

Money: loan book to borrower at a drawing; interest receivable to interest income as it accrues; at
a repayment borrower to receivable (interest and penalty) and to the loan book (principal). The
conventions of every figure are those of ``orders.interest.loanbook``; a drawing is undone by
repaying it. Sums in the order: ``paid`` drawn, ``refunded`` principal repaid, ``settled`` interest.
"""

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import msgspec

from bankside.bank.credit import Decision
from bankside.bank.ledger import Leg
from bankside.kernel.money import Money
from bankside.orders.errors_money import (
    CreditDeclined,
    LoanLimitExceeded,
    LoanNotDrawn,
    LoanOverpaid,
)
from bankside.orders.interest.loanbook import (
    LoanBook,
    Payment,
    accrued,
    drawn,
    owed,
    payoff,
    repaid,
)
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives import card
from bankside.orders.primitives.deposit import bank_day, next_midnight
from bankside.orders.primitives.effect import (
    Ask,
    Effect,
    Primitive,
    account,
    kept,
    legs,
    section,
)

NOUN = "loan"


def of(order: Order) -> LoanBook:
    """The loan's own account in the order's book. Raises LoanNotDrawn before anything was drawn."""
    facts = section(order, NOUN)
    if not facts.get("lines"):
        raise LoanNotDrawn
    fields = {name: facts[name] for name in LoanBook.__dataclass_fields__ if name in facts}
    return msgspec.convert(fields, LoanBook)


def grant(order: Order, _step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """A limit stands. ``ask["loan"]``: decision, penalty_bp, method, months. Raises CreditDeclined.

    A score that an earlier step of this change fetched may decline as well.
    """
    asked = ask[NOUN]
    decision: Decision = asked["decision"]
    reasons = list(decision.reasons)
    score = ask.get("score")
    if isinstance(score, dict) and score.get("decision") == "decline":
        reasons += [str(each) for each in score.get("reasons", ("score.too_low",))]
    if not decision.approved or len(reasons) > len(decision.reasons):
        raise CreditDeclined(f"declined: {', '.join(reasons)}", extra={"reasons": reasons})
    facts = {
        "limit_minor": decision.limit,
        "outstanding_minor": 0,
        "rate_bp": decision.rate_bp,
        "penalty_bp": asked["penalty_bp"],
        "method": asked["method"],
        "term_months": asked["months"],
        "granted_on": bank_day(at).isoformat(),
        "decision": {
            "source": decision.source,
            "simulated": decision.simulated,
            "reasons": list(decision.reasons),
        },
        "status": "granted",
        **asked.get("facts", {}),
    }
    return Effect(replace(kept(order, NOUN, facts), status="granted"), event="granted")


def withdraw(order: Order, _step: PlanStep, _at: datetime) -> Effect:
    """Undoes ``grant``: nothing more can be drawn."""
    return Effect(replace(kept(order, NOUN, {"status": "withdrawn"}), status="withdrawn"))


def draw(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """Loan book to borrower, within what is left of the limit. Raises LoanLimitExceeded.

    ``ask["loan"]``: amount, and months when this drawing has a term of its own.
    """
    facts = section(order, NOUN)
    amount: Money = ask[NOUN]["amount"]
    if facts.get("status") == "withdrawn":
        raise LoanLimitExceeded("the limit was withdrawn")
    left = facts["limit_minor"] - facts["outstanding_minor"]
    if amount.minor > left:
        shown = order.money(max(left, 0))
        raise LoanLimitExceeded(
            f"{shown} {shown.currency} can still be drawn", extra={"drawable": shown.to_json()}
        )
    today = bank_day(at)
    months = ask[NOUN].get("months") or facts["term_months"]
    before = _book(order)
    after = drawn(accrued(before, today), amount.minor, months, today)
    payee = account(order, step, "credit", "account")
    book = account(order, step, "debit", "loan_book")
    changed = replace(_kept(order, after, today), paid=order.paid + amount.minor, status="active")
    return Effect(
        _woken(changed, at),
        (*_growth(order, before, after), Leg(book, payee, amount)),
        event="drawn",
        reference=ask[NOUN].get("number"),
        output={"amount": str(amount)},
    )


def accrue(order: Order, _step: PlanStep, _ask: Ask, at: datetime) -> Effect:
    """Interest receivable to income: what interest and penalty have grown by since last posted."""
    before, today = of(order), bank_day(at)
    after = accrued(before, today)
    return Effect(
        _woken(_kept(order, after, today), at),
        _growth(order, before, after),
        stays=True,
        output={"interest": after.accrued_minor - before.accrued_minor, "to": today.isoformat()},
    )


def repay(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """Penalty, interest, then principal, what is due first; the rest repays early.

    ``ask["loan"]``: amount (None: everything that ends the loan), payer (ledger account),
    number. The loan ends when nothing is outstanding. Raises LoanOverpaid, LoanNotDrawn.
    """
    asked, today = ask[NOUN], bank_day(at)
    if "card" in asked:
        return card.repay(order, asked, today)
    before = of(order)
    counted = accrued(before, today)
    most = payoff(counted, today)
    amount: Money = asked["amount"] or order.money(most.total)
    if amount.minor > most.total:
        shown = order.money(most.total)
        raise LoanOverpaid(
            f"{shown} {shown.currency} ends this loan", extra={"payoff": shown.to_json()}
        )
    after, payment = repaid(counted, amount.minor, today)
    payer = asked.get("payer") or account(order, step, "debit", "account")
    moves = legs(
        order,
        (payer, order.roles["interest_receivable"], payment.penalty + payment.interest),
        (payer, order.roles["loan_book"], payment.principal),
    )
    ended = after.outstanding == 0 and owed(after, today).total == 0
    changed = replace(
        _kept(order, after, today),
        refunded=order.refunded + payment.principal,
        settled=order.settled + payment.penalty + payment.interest,
        status="repaid" if ended else "active",
    )
    return Effect(
        replace(changed, wake_at=None) if ended else _woken(changed, at),
        (*_growth(order, before, counted), *moves),
        stays=not ended,
        ends=ended,
        event="repaid",
        reference=asked.get("number"),
        output=shown_payment(order, payment),
    )


def take_back(order: Order, step: PlanStep, at: datetime) -> Effect:
    """Undoes ``draw``: the loan is paid off, interest to this day included."""
    debit = step.roles.get("credit", "account")
    ask = {NOUN: {"amount": None, "payer": order.roles[debit]}}
    return replace(repay(order, step, ask, at), stays=False)


def shown_payment(order: Order, payment: Payment) -> dict[str, Any]:
    """Where a payment went, as amounts."""
    return {
        name: order.money(minor).to_json()
        for name, minor in (
            ("penalty", payment.penalty),
            ("interest", payment.interest),
            ("principal", payment.principal),
        )
    }


def _book(order: Order) -> LoanBook:
    facts = section(order, NOUN)
    if facts.get("lines"):
        return of(order)
    return LoanBook(
        rate_bp=facts["rate_bp"], penalty_bp=facts["penalty_bp"], method=facts["method"]
    )


def _growth(order: Order, before: LoanBook, after: LoanBook) -> tuple[Leg, ...]:
    growth = after.accrued_minor - before.accrued_minor
    assert growth >= 0, "interest never shrinks: early money changes only what comes later"
    receivable, income = order.roles["interest_receivable"], order.roles["interest_income"]
    return legs(order, (receivable, income, growth))


def _kept(order: Order, book: LoanBook, day: date) -> Order:
    due = owed(book, day)
    overdue = [line for line in book.lines if line.due < day and line.principal_left]
    next_due = next((line.due for line in book.lines if line.due > day), None)
    facts: dict[str, Any] = msgspec.to_builtins(book)
    return kept(
        order,
        NOUN,
        {
            **facts,
            "outstanding_minor": book.outstanding,
            "due_now_minor": due.total,
            "penalty_minor": due.penalty,
            "next_due": next_due.isoformat() if next_due else None,
            "overdue_days": (day - overdue[0].due).days if overdue else 0,
            "status": "overdue" if overdue else "active" if book.outstanding else "repaid",
        },
    )


def _woken(order: Order, at: datetime) -> Order:
    return replace(order, wake_at=next_midnight(at))


GRANT = Primitive(grant, reverse=withdraw)
DRAW = Primitive(draw, reverse=take_back)
ACCRUE = Primitive(accrue)
REPAY = Primitive(repay)
