"""Credit decisions, drawings and repayments: what the pure steps have to know of the world."""

from collections.abc import Mapping
from typing import Any

from bankside.bank import ledger
from bankside.bank.accounts import ProductClass
from bankside.bank.credit import Application
from bankside.bank.shelf import LOANS, LoanTerms
from bankside.kernel.db import Write
from bankside.orders import parties, store_subscriptions
from bankside.orders.errors import (
    CurrencyRefused,
)
from bankside.orders.errors_money import (
    CreditDeskUnavailable,
    LoanMethodUnknown,
    LoanNotDrawn,
)
from bankside.orders.inputs import fault, ranged
from bankside.orders.model import Order, PlanStep
from bankside.orders.preparations import card
from bankside.orders.preparations.room import Form, Prepare, Prepared, Room
from bankside.orders.primitives.effect import kept

# Fields every application has; the rest are the product's own and go to the credit desk as facts.
_COMMON = frozenset({"borrower", "account", "amount", "term_months", "method", "purpose"})
# Orders of these products stand for one drawing of all that was granted.
_WHOLE = frozenset({"loan_merchant"})


async def granting(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """The desk's decision. Raises CreditDeskUnavailable outside the sandbox without a desk.

    ``term_months`` out of range and an unknown ``method`` are InputInvalid, LoanMethodUnknown.
    """
    if room.environment != "sandbox" and not room.desk.credit.real:
        raise CreditDeskUnavailable("no credit desk is connected outside the sandbox")
    terms = terms_of(order.product)
    form = {**order.input, **form}
    ranged(form, "term_months", 1, terms.months_max)
    ranged(form, "income_share_bp", 1, 10_000)
    months = form.get("term_months", terms.months_max)
    method = form.get("method", terms.methods[0])
    if method not in terms.methods:
        detail = f"this loan is repaid by {', '.join(terms.methods)}"
        raise LoanMethodUnknown(detail, errors=[fault("/method", LoanMethodUnknown.code, detail)])
    facts = {name: value for name, value in order.input.items() if name not in _COMMON}
    borrower = str(form.get("borrower") or form.get("holder") or "")
    application = Application(
        order.product, borrower, order.money(order.amount), months, terms, facts
    )
    asked = {
        "decision": await room.desk.credit.decide(application),
        "penalty_bp": terms.penalty_bp,
        "method": method,
        "months": months,
    }
    return Prepared(order, {"loan": asked})


async def drawing(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """The amount of a drawing (all of the limit unless said) and its own term."""
    limit = order.book.get("loan", {}).get("limit_minor", order.amount)
    amount = form.get("amount") or order.money(limit)
    if amount.currency != order.currency:
        raise CurrencyRefused(f"the loan is in {order.currency}")
    if order.family in _WHOLE:
        amount = order.money(order.amount)
    term = order.book.get("loan", {}).get("term_months")
    if term is not None:
        ranged(form, "term_months", 1, term)
    asked = {
        "amount": amount,
        "months": form.get("term_months"),
        "number": form.get("drawdown_no"),
    }
    order, writes = await _from_income(room, order)
    return Prepared(order, {"loan": asked}, writes)


async def _from_income(room: Room, order: Order) -> tuple[Order, tuple[Write, ...]]:
    """From its first drawing on, a loan with ``income_share_bp`` is told what comes in."""
    share = order.input.get("income_share_bp")
    if share is None or "income" in order.book:
        return order, ()
    account = order.roles["account"]
    last = (await ledger.balance(room.db, account)).version
    row = store_subscriptions.Subscription(order.partner, order.id, account, last)
    facts = {"share_bp": share, "last": last, "taken_minor": 0}
    return kept(order, "income", facts), (store_subscriptions.started(row),)


async def repaying(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """The amount (None with ``settle``: all that ends the loan) and who pays it.

    By the clock the borrower's account pays what is due as far as it goes: the clock says how much.
    """
    if order.book.get("account", {}).get("class") == ProductClass.CREDIT:
        return await _card(room, order, form)
    if not order.book.get("loan", {}).get("lines"):
        raise LoanNotDrawn
    amount = form.get("amount")
    if amount is not None and amount.currency != order.currency:
        raise CurrencyRefused(f"the loan is in {order.currency}")
    asked: dict[str, Any] = {"amount": amount, "number": form.get("repayment_no")}
    if "payer_account" in form:
        assert room.ticket is not None, "a payer is named by a request"
        named = {"/payer_account": form["payer_account"]}
        found = await parties.accounts(room.db, room.ticket.scope, named, order.money(0))
        asked["payer"] = found[form["payer_account"]].ledger_account
    return Prepared(order, {"loan": asked})


async def _card(room: Room, order: Order, form: Form) -> Prepared:
    """What is owed on a credit card account, and who pays it back."""
    assert room.ticket is not None, "a card is repaid on request"
    account = order.roles["opened_account"]
    owed = max(-(await ledger.balance(room.db, account)).booked.minor, 0)
    named = {"/payer_account": form["payer_account"]}
    found = await parties.accounts(room.db, room.ticket.scope, named, order.money(0))
    asked = {
        "card": account,
        "owed": owed,
        "missing": await card.missing(room, order),
        "amount": form.get("amount"),
        "payer": found[form["payer_account"]].ledger_account,
    }
    return Prepared(order, {"loan": asked})


def terms_of(product: str) -> LoanTerms:
    """The terms of a loan product."""
    return LOANS[product]


PREPARATIONS: Mapping[str, Prepare] = {
    "loan.grant": granting,
    "loan.bill": card.billing,
    "loan.draw": drawing,
    "loan.repay": repaying,
}
