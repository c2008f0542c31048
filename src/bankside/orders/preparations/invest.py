"""The fund behind a product code, its smallest amount, and the units to redeem."""

import re
from collections.abc import Mapping
from decimal import Decimal

from bankside.bank.shelf import FUNDS, Fund
from bankside.kernel.money import Money
from bankside.orders import parties
from bankside.orders.errors import (
    CurrencyRefused,
)
from bankside.orders.errors_core import PriceAboveMaximum
from bankside.orders.errors_money import (
    AmountBelowMinimum,
    ProductCodeUnknown,
)
from bankside.orders.inputs import fault, refuse
from bankside.orders.model import Order, PlanStep
from bankside.orders.preparations.deposit import main_units
from bankside.orders.preparations.room import Form, Prepare, Prepared, Room
from bankside.orders.primitives.deposit import bank_day

_UNITS = re.compile(r"(0|[1-9][0-9]{0,12})(\.[0-9]{1,4})?")
# What a product sells, by kind; products that are not here sell every kind of their category.
_KINDS: Mapping[str, frozenset[str]] = {
    "wealth.wealth-subscriptions": frozenset({"wealth"}),
    "wealth.fund-subscriptions": frozenset({"fund"}),
    "wealth.corporate-investments": frozenset({"corporate", "wealth"}),
    "wealth.custody-accounts": frozenset({"fund", "wealth", "corporate"}),
}
_BY_CATEGORY: Mapping[str, frozenset[str]] = {
    "wealth": frozenset({"wealth", "fund"}),
    "metalbond": frozenset({"gold", "bond"}),
    "pension": frozenset({"pension"}),
}


async def subscribing(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """The fund, and that the dealer of bars is known.

    Raises ProductCodeUnknown, AmountBelowMinimum, PriceAboveMaximum, CurrencyRefused,
    MerchantUnknown.
    """
    fund = fund_of(order, form)
    if order.currency != fund.currency:
        raise CurrencyRefused(f"{fund.code} is sold in {fund.currency}")
    least = main_units(fund.minimum, fund.currency)
    if order.amount < least.minor:
        detail = f"{fund.code} takes {least} {least.currency} or more"
        raise AmountBelowMinimum(detail, errors=[fault("/amount", AmountBelowMinimum.code, detail)])
    most = form.get("max_price")
    price = fund.price(bank_day(room.desk.clock.now()))
    if isinstance(most, Money) and (most.currency != fund.currency or price > Decimal(str(most))):
        detail = f"one unit costs {price} {fund.currency}"
        raise PriceAboveMaximum(
            detail, errors=[fault("/max_price", PriceAboveMaximum.code, detail)]
        )
    if "merchant" in form and room.ticket is not None:
        await parties.merchant(room.db, room.ticket.scope, form["merchant"], least)
    return Prepared(order, {"invest": {"fund": fund}})


async def holding(_room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """The fund that is held, and the units the request names (None: all of them)."""
    code = order.book.get("invest", {}).get("product_code")
    fund = FUNDS[code] if code in FUNDS else fund_of(order, form)
    return Prepared(order, {"invest": {"fund": fund, "units": units(form)}})


def fund_of(order: Order, form: Form) -> Fund:
    """The fund of the product code, if this product sells its kind. Raises ProductCodeUnknown."""
    kinds = sold_by(order.product)
    code = form.get("product_code") or order.input.get("product_code")
    fund = FUNDS.get(str(code))
    if fund is None or fund.kind not in kinds:
        on_sale = ", ".join(each.code for each in FUNDS.values() if each.kind in kinds)
        detail = f"this product sells {on_sale}"
        raise ProductCodeUnknown(
            detail, errors=[fault("/product_code", ProductCodeUnknown.code, detail)]
        )
    return fund


def sold_by(product: str) -> frozenset[str]:
    """The kinds of funds a product sells."""
    found = _KINDS.get(product)
    if found is not None:
        return found
    if "bond" in product.partition(".")[2]:
        return frozenset({"bond"})
    if "gold" in product:
        return frozenset({"gold"})
    return _BY_CATEGORY[product.partition(".")[0]]


def units(form: Form) -> Decimal | None:
    """The units a request names, above zero with at most 4 decimal places; None for all."""
    text = form.get("units")
    if text is None:
        return None
    if not _UNITS.fullmatch(text) or Decimal(text) == 0:
        refuse([fault("/units", "field.pattern", "expected units such as 12.3456")])
    return Decimal(text)


PREPARATIONS: Mapping[str, Prepare] = {
    "invest.subscribe": subscribing,
    "invest.value": holding,
    "invest.redeem": holding,
    "pension.invest": subscribing,
    "pension.redeem": holding,
}
