"""Primitive ``invest``: money becomes units at a price, is marked to the day's price, and returns.

Always true: units have 4 decimal places and are rounded down at a subscription; the pool holds
exactly the marked value of every position; a position's value is units x price, half-even to a
minor unit, at the one place where it is marked; what a redemption pays is the fall of that value,
so that nothing is left over. Money: payer to pool; pool and valuation as the price moves; pool to
payer.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Any

import msgspec

from bankside.bank.ledger import Leg
from bankside.bank.shelf import Fund
from bankside.kernel.money import MINOR_DIGITS, Money
from bankside.orders.errors_money import (
    AboveRiskGrade,
    NothingHeld,
    UnitsExceeded,
)
from bankside.orders.model import Order, PlanStep
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
from bankside.orders.rules import fee_on

NOUN = "invest"
_UNIT = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What an order holds of a fund; sums in minor units, ``units`` and ``price`` decimal texts."""

    product_code: str
    units: str = "0"
    price: str = "0"
    price_date: date | None = None
    value_minor: int = 0
    paid_in_minor: int = 0
    paid_out_minor: int = 0
    source: str = "sandbox"
    simulated: bool = True
    status: str = "held"

    @property
    def held(self) -> Decimal:
        """The units as a number."""
        return Decimal(self.units)


def of(order: Order) -> Position:
    """The position in the order's book. Raises NothingHeld."""
    facts = section(order, NOUN)
    if not facts:
        raise NothingHeld
    return msgspec.convert(dict(facts), Position)


def units_for(minor: int, price: Decimal, currency: str) -> Decimal:
    """Units an amount buys: 4 decimal places, rounded down."""
    amount = Decimal(minor).scaleb(-MINOR_DIGITS[currency])
    # tidy: float-money - Decimals throughout, rounded down to units at this one place
    return (amount / price).quantize(_UNIT, ROUND_DOWN)


def value_of(units: Decimal, price: Decimal, currency: str) -> int:
    """Minor units that units are worth: half-even."""
    worth = (units * price).scaleb(MINOR_DIGITS[currency])
    return int(worth.to_integral_value(ROUND_HALF_EVEN))


def subscribe(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """Payer to pool, units up; the fee comes on top. Raises AboveRiskGrade.

    ``ask["invest"]``: fund, and amount when it is not the order's own. The investor's grade is what
    ``verify.risk`` found in the same change.
    """
    fund: Fund = ask[NOUN]["fund"]
    amount: Money = ask[NOUN].get("amount") or order.money(order.amount)
    _suitable(fund, ask)
    payer = account(order, step, "debit", "account")
    pool = account(order, step, "credit", "pool")
    fee = fee_on(amount, order.terms).minor
    moves = [(payer, pool, amount.minor)]
    if fee:
        moves.append((payer, account(order, step, "fee", "fee_income"), fee))
    after, legs_ = bought(order, fund, amount.minor, at)
    after = replace(
        after,
        paid=order.paid + amount.minor,
        fee=order.fee + fee,
        status="held",
        wake_at=marks_at(order, at),
    )
    return Effect(after, (*legs(order, *moves), *legs_), event="subscribed")


def marks_at(order: Order, at: datetime) -> datetime | None:
    """When the position is marked next; None for a plan that never marks."""
    marks = any(step.use == "invest.value" for step in order.plan)
    return next_midnight(at) if marks else None


def bought(
    order: Order, fund: Fund, minor: int, at: datetime, *, noun: str = NOUN
) -> tuple[Order, tuple[Leg, ...]]:
    """The order with the units an amount buys today; what stood is marked to today's price."""
    today = bank_day(at)
    price = fund.price(today)
    facts = section(order, noun)
    before = msgspec.convert(dict(facts), Position) if facts else Position(product_code=fund.code)
    units = before.held + units_for(minor, price, order.currency)
    value = value_of(units, price, order.currency)
    after = replace(
        before,
        units=str(units),
        price=str(price),
        price_date=today,
        value_minor=value,
        paid_in_minor=before.paid_in_minor + minor,
        status="held",
    )
    moved = marked(order, value - before.value_minor - minor)
    return _kept(order, after, noun), moved


def marked(order: Order, growth: int) -> tuple[Leg, ...]:
    """Valuation to pool when a position gains, pool to valuation when it loses."""
    valuation, pool = order.roles["valuation"], order.roles["pool"]
    if growth >= 0:
        return legs(order, (valuation, pool, growth))
    return legs(order, (pool, valuation, -growth))


def value(order: Order, _step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """The position is marked to the day's price: its value's change moves pool or valuation."""
    before, today = of(order), bank_day(at)
    price = ask[NOUN]["fund"].price(today)
    worth = value_of(before.held, price, order.currency)
    after = replace(before, price=str(price), price_date=today, value_minor=worth)
    wakes = next_midnight(at) if before.held else None
    return Effect(
        replace(_kept(order, after), wake_at=wakes),
        marked(order, worth - before.value_minor),
        stays=True,
        output={"value": str(order.money(worth)), "price": str(price)},
    )


def redeem(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """Marked to today's price, then pool to payer, units down. Raises UnitsExceeded, NothingHeld.

    ``ask["invest"]``: fund, units (None: all). The step stays while units are left.
    """
    after, moves, paid = sold(order, step, ask, at)
    position = of(after)
    ended = position.held == 0
    after = replace(
        after,
        refunded=min(order.refunded + paid, order.paid),
        settled=order.settled + paid,
        status="redeemed" if ended else "held",
        wake_at=None if ended else marks_at(order, at),
    )
    return Effect(
        after,
        moves,
        stays=not ended,
        ends=ended,
        event="redeemed",
        output={"paid": str(order.money(paid)), "units": position.units},
    )


def sold(
    order: Order, step: PlanStep, ask: Ask, at: datetime
) -> tuple[Order, tuple[Leg, ...], int]:
    """The order after units were sold at today's price, the legs, and what they brought."""
    before, today = of(order), bank_day(at)
    if before.held == 0:
        raise NothingHeld
    wanted = ask[NOUN].get("units")
    units: Decimal = before.held if wanted is None else wanted
    if units > before.held:
        raise UnitsExceeded(f"{before.units} units are held", extra={"units": before.units})
    price = ask[NOUN]["fund"].price(today)
    worth = value_of(before.held, price, order.currency)
    left = before.held - units
    kept_value = value_of(left, price, order.currency)
    paid = worth - kept_value
    pool = account(order, step, "debit", "pool")
    payee = account(order, step, "credit", "account")
    after = replace(
        before,
        units=str(left),
        price=str(price),
        price_date=today,
        value_minor=kept_value,
        paid_out_minor=before.paid_out_minor + paid,
        status="held" if left else "redeemed",
    )
    moves = (*marked(order, worth - before.value_minor), *legs(order, (pool, payee, paid)))
    return _kept(order, after), moves, paid


def take_back(order: Order, step: PlanStep, _at: datetime) -> Effect:
    """Undoes ``subscribe``: all units return at the price they were last marked to, fee and all."""
    before = of(order)
    pool = account(order, step, "credit", "pool")
    payer = account(order, step, "debit", "account")
    moves = [(pool, payer, before.value_minor)]
    if order.fee:
        moves.append((account(order, step, "fee", "fee_income"), payer, order.fee))
    ended = replace(
        before,
        units="0",
        value_minor=0,
        paid_out_minor=before.paid_out_minor + before.value_minor,
        status="redeemed",
    )
    after = replace(order, refunded=order.paid, fee=0, status="redeemed")
    return Effect(_kept(after, ended), legs(order, *moves))


def _suitable(fund: Fund, ask: Ask) -> None:
    """AboveRiskGrade when the fund is riskier than the investor's grade (C1 to C5)."""
    check = ask.get("verify", {}).get("verify.risk")
    if check is None:
        return
    grade = int(str(check.facts["grade"]).removeprefix("C"))
    if fund.grade > grade:
        raise AboveRiskGrade(
            f"{fund.code} is for grades from C{fund.grade}, the investor's is C{grade}"
        )


def _kept(order: Order, position: Position, noun: str = NOUN) -> Order:
    facts: dict[str, Any] = msgspec.to_builtins(position)
    return kept(order, noun, facts)


SUBSCRIBE = Primitive(subscribe, reverse=take_back)
VALUE = Primitive(value)
REDEEM = Primitive(redeem)
