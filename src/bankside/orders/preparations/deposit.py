"""Terms of the deposit a request names, and whether a call deposit was given notice in time."""

from collections.abc import Mapping
from datetime import date

from bankside.bank.shelf import DEPOSITS, DepositTerms
from bankside.kernel.money import MINOR_DIGITS, Money
from bankside.orders.errors_money import (
    AmountBelowMinimum,
    ProductCodeUnknown,
)
from bankside.orders.inputs import fault
from bankside.orders.model import Order, PlanStep
from bankside.orders.preparations.room import Form, Prepare, Prepared, Room
from bankside.orders.primitives.deposit import bank_day

# Codes a product sells: those that begin with its prefix.
_PREFIX: Mapping[str, str] = {
    "account.term-deposits": "TD-",
    "account.call-deposits": "CALL-",
    "account.deposit-certificates": "CD-",
    "wealth.structured-deposits": "SD-",
    "account.agreement-deposits": "AGR",
    "treasury.cash-pools": "AGR",
}


async def placing(_room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """The terms behind the product code. Raises ProductCodeUnknown, AmountBelowMinimum."""
    terms = terms_of(order.product, form.get("product_code"))
    minimum = main_units(terms.minimum, order.currency)
    # What a pool gathers may be less at first; a placement of its own has a smallest amount.
    if order.amount < minimum.minor and "product_code" in form:
        detail = f"{terms.code} takes {minimum} {minimum.currency} or more"
        raise AmountBelowMinimum(detail, errors=[fault("/amount", AmountBelowMinimum.code, detail)])
    retained = main_units(terms.retained, order.currency).minor
    return Prepared(order, {"deposit": {"terms": terms, "retained": retained}})


async def redeeming(room: Room, order: Order, _step: PlanStep, _form: Form) -> Prepared:
    """Whether the notice the deposit needs was given that many days ago."""
    facts = order.book.get("deposit", {})
    given = facts.get("notice_given")
    days = facts.get("notice_days", 0)
    today = bank_day(room.desk.clock.now())
    notified = given is not None and (today - date.fromisoformat(given)).days >= days
    return Prepared(order, {"deposit": {"notified": notified}})


def terms_of(product: str, code: str | None) -> DepositTerms:
    """The terms a product sells under a code; its only ones when it has no choice."""
    prefix = _PREFIX[product]
    wanted = code if code is not None else prefix
    terms = DEPOSITS.get(wanted)
    if terms is None or not wanted.startswith(prefix):
        on_sale = ", ".join(each for each in DEPOSITS if each.startswith(prefix))
        detail = f"this product sells {on_sale}"
        raise ProductCodeUnknown(
            detail, errors=[fault("/product_code", ProductCodeUnknown.code, detail)]
        )
    return terms


def main_units(units: int, currency: str) -> Money:
    """Whole main units of a currency as an amount."""
    return Money(units * int(10 ** MINOR_DIGITS[currency]), currency)


PREPARATIONS: Mapping[str, Prepare] = {
    "deposit.place": placing,
    "deposit.redeem": redeeming,
}
