"""Codes, checkouts, shares, escrow and the trades that merchants may be of."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from bankside.kernel.money import Money
from bankside.orders.conditions.condition import Condition, Form, refusing
from bankside.orders.errors_core import (
    AuthenticationTooWeak,
    CategoryRefused,
    ConditionUnmet,
    ItemsMismatch,
    ReceiverTwice,
    StaticCodeLimit,
)
from bankside.orders.rules import in_currency

# PBOC notice 2017-296, norm on bar code payments, grade D: by static codes at most 500 yuan. The
# norm counts a payer's day, the sandbox each payment; in other currencies the figure is its own.
STATIC_CODE_CENTS = 50_000
# PBOC announcement 2015-43, article 24: with fewer than two factors at most 1,000 yuan, with two
# but without certificate or signature at most 5,000. The notice counts days, the sandbox payments.
_WEAK_CENTS = {"none": 100_000, "password": 500_000}
# Betting, dating and escorts, quasi cash, adult lines, wagers on horses and dogs, online casinos
# (ISO 18245 codes).
REFUSED_CATEGORIES = frozenset({"5967", "6051", "7273", "7801", "7802", "7995"})


def collection_code(form: Form, _today: date) -> None:
    """A static code can be copied, so it takes small amounts only."""
    if form.get("code_kind") == "static":
        _within(form["amount"], STATIC_CODE_CENTS, StaticCodeLimit)


def wallet_payment(form: Form, _today: date) -> None:
    """The less the payer proves, the smaller the payment."""
    most = _WEAK_CENTS.get(form.get("authentication", ""))
    if most is not None:
        _within(form["amount"], most, AuthenticationTooWeak)


def checkout(form: Form, _today: date) -> None:
    """The items, where they are named, add up to the amount in its currency."""
    items = form.get("items")
    if items is None:
        return
    amount: Money = form["amount"]
    total = sum(each["quantity"] * each["unit_price"].minor for each in items)
    foreign = any(each["unit_price"].currency != amount.currency for each in items)
    if foreign or total != amount.minor:
        raise refusing(ItemsMismatch, "items", f"the items add up to {amount} {amount.currency}")


def split_order(form: Form, _today: date) -> None:
    """Each receiver stands once among those declared with the order."""
    names = [each["account"] for each in form.get("receivers", ())]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise refusing(ReceiverTwice, f"receivers/{index}/account", "named before")


def merchant(form: Form, _today: date) -> None:
    """Trades that the bank takes no payments for (sandbox list of ISO 18245 codes)."""
    if form.get("category_code") in REFUSED_CATEGORIES:
        raise refusing(CategoryRefused, "category_code", "merchants of this trade are not taken on")


def released(agreed: Mapping[str, Any], form: Form) -> None:
    """Escrow with conditions is paid out for one of them, with the number of its proof."""
    conditions = [each["name"] for each in agreed.get("conditions", ())]
    if conditions and (form.get("condition") not in conditions or "evidence_no" not in form):
        detail = f"name a condition of {', '.join(conditions)} and the number of its proof"
        raise refusing(ConditionUnmet, "condition", detail)


def _within(
    amount: Money, cents: int, error: type[StaticCodeLimit | AuthenticationTooWeak]
) -> None:
    most = Money(in_currency(cents, amount.currency), amount.currency)
    if amount > most:
        raise refusing(error, "amount", f"at most {most} {most.currency}")


CONDITIONS: Mapping[str, Condition] = {
    "merchant.merchants.create": merchant,
    "merchant.collection-codes.create": collection_code,
    "merchant.checkout-payments.create": checkout,
    "merchant.split-orders.create": split_order,
    "wallet.wallet-payments.create": wallet_payment,
}
