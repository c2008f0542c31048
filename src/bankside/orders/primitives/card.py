"""A credit card's months: bills, the judgement of their due dates, and payments.

What was spent stands in the card's own account, whose floor is the limit; interest and late fees
stand as receivable until they are paid, so that they neither use the limit nor bear interest.
Money: receivable to interest income or fee income; payer to receivable, then to the card account.
The conventions are those of ``orders.interest.cards``.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

import msgspec

from bankside.kernel.clock import BANK_ZONE
from bankside.kernel.money import Money
from bankside.orders.errors_money import LoanOverpaid
from bankside.orders.interest.cards import CardBook, billed, judged, paid
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

NOUN = "card"


def of(order: Order) -> CardBook:
    """The card's months in the order's book; those of an older order begin when it was opened."""
    facts = dict(section(order, NOUN))
    facts["charges_paid"] = facts.pop("_charges_paid", ())
    return msgspec.convert(facts, CardBook)


def begun(order: Order, book: CardBook) -> Order:
    """The order with a new card's months; it wakes at the first bill."""
    return _kept(order, book)


def bill(order: Order, step: PlanStep, ask: Ask, _at: datetime) -> Effect:
    """A bill, or a due date that is over: interest or a late fee becomes receivable.

    ``ask["card"]``: ``spent`` and ``daily`` for a bill, ``paid_back`` for a due date.
    """
    asked = ask[NOUN]
    before = of(order)
    receivable = account(order, step, "debit", "interest_receivable")
    if "paid_back" in asked:
        after = judged(before, asked["paid_back"])
        growth = after.late_fee_minor - before.late_fee_minor
        moves = legs(order, (receivable, account(order, step, "fee", "fee_income"), growth))
        output: dict[str, Any] = {"late_fee": growth, "paid_back": asked["paid_back"]}
    else:
        after = billed(before, asked["spent"], asked["daily"])
        growth = after.interest_minor - before.interest_minor
        moves = legs(order, (receivable, account(order, step, "credit", "interest_income"), growth))
        assert after.bill is not None, "it has just been billed"
        output = {"bill": after.bill.bill_date.isoformat(), "interest": growth}
    changed = replace(_kept(order, after), status=after.status)
    overdue = after.status == "overdue" and before.status != "overdue"
    return Effect(
        changed,
        moves,
        stays=True,
        event="overdue" if overdue else "billed" if "bill" in output else None,
        output=output,
    )


def repay(order: Order, asked: Mapping[str, Any], day: date) -> Effect:
    """Late fees, interest, then what was spent; at most what is owed. Raises LoanOverpaid.

    ``asked``: card and payer (ledger accounts), owed (in the ledger), amount (None: all of it),
    missing (what the last bill's least still lacks).
    """
    book = of(order) if section(order, NOUN) else None
    charges = book.due_minor if book else 0
    owed: int = asked["owed"] + charges
    amount: Money = asked["amount"] or order.money(owed)
    if amount.minor > owed or owed == 0:
        shown = order.money(owed)
        raise LoanOverpaid(
            f"{shown} {shown.currency} are owed on this card", extra={"payoff": shown.to_json()}
        )
    after, principal = order, amount.minor
    if book is not None:
        book, principal = paid(book, amount.minor, day)
        if book.status == "overdue" and amount.minor >= asked["missing"]:
            book = replace(book, status="open")
        after = replace(_kept(order, book), status=book.status)
    moves = legs(
        order,
        (asked["payer"], order.roles["interest_receivable"], amount.minor - principal),
        (asked["payer"], asked["card"], principal),
    )
    output = {"amount": str(amount), "charges": amount.minor - principal}
    settled = order.settled + amount.minor
    return Effect(replace(after, settled=settled), moves, event="repaid", output=output)


def _kept(order: Order, book: CardBook) -> Order:
    facts: dict[str, Any] = msgspec.to_builtins(book)
    facts["_charges_paid"] = facts.pop("charges_paid")
    facts["next_bill"] = book.next_bill.isoformat()
    wakes = datetime.combine(book.next_day, time(), BANK_ZONE)
    return replace(kept(order, NOUN, facts), wake_at=wakes)


BILL = Primitive(bill)
