"""Units are exact, positions are marked to the day's price, and no cent is made or lost."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.shelf import FUNDS
from bankside.orders.errors import (
    FundsInsufficient,
)
from bankside.orders.errors_money import (
    AboveRiskGrade,
    AmountBelowMinimum,
    NothingHeld,
    ProductCodeUnknown,
)
from bankside.orders.model import Order, PlanStep, State
from bankside.orders.primitives import invest
from bankside.orders.primitives.invest import units_for, value_of

BUY = "wealth.fund-subscriptions.create"
START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
FEE = 15  # basis points, on top


async def _bought(bank: LittleBank, amount: str = "1000.00", **more: object) -> dict:
    payer = await bank.account("5000.00")
    body = {"account": payer.id, "product_code": "FD-BOND", "amount": cny(amount), **more}
    return {"payer": payer, "shown": await bank.shown(BUY, body)}


async def test_money_becomes_units_at_the_price_of_the_day(bank: LittleBank) -> None:
    bought = await _bought(bank)

    held = bought["shown"]["result"]["invest"]
    price = FUNDS["FD-BOND"].price(date(2026, 3, 2))
    assert held["price"] == str(price)
    assert held["units"] == str(units_for(100_000, price, "CNY"))
    assert held["simulated"] is True
    assert await bank.balance(bought["payer"]) == "3998.50"


async def test_a_position_is_marked_every_day(bank: LittleBank) -> None:
    bought = await _bought(bank)
    bank.clock.advance(timedelta(days=10))

    await bank.orders.expire()

    held = (await bank.shown("wealth.fund-subscriptions.query", path=bought["shown"]["id"]))[
        "result"
    ]["invest"]
    price = FUNDS["FD-BOND"].price(date(2026, 3, 12))
    assert (held["price"], held["price_date"]) == (str(price), "2026-03-12")
    worth = value_of(Decimal(held["units"]), price, "CNY")
    assert held["value"]["amount"] == f"{worth // 100}.{worth % 100:02d}"


async def test_a_fund_above_the_investors_grade_is_not_sold(bank: LittleBank) -> None:
    payer = await bank.account("5000.00")
    body = {"account": payer.id, "product_code": "FD-EQUITY", "amount": cny("100.00")}

    with pytest.raises(AboveRiskGrade):
        await bank.call(BUY, body | {"risk_grade": "C3"})
    with pytest.raises(AboveRiskGrade):
        await bank.call(BUY, body | {"answers": [1, 2, 3]})
    await bank.call(BUY, body | {"answers": [10, 10, 9]})

    assert await bank.balance(payer) == "4899.85"


async def test_codes_minima_and_cover_are_checked(bank: LittleBank) -> None:
    payer = await bank.account("50.00")
    body = {"account": payer.id, "product_code": "FD-BOND", "amount": cny("100.00")}

    with pytest.raises(ProductCodeUnknown):
        await bank.call(BUY, body | {"product_code": "AU-GRAM"})
    with pytest.raises(AmountBelowMinimum):
        await bank.call(BUY, body | {"amount": cny("0.99")})
    with pytest.raises(FundsInsufficient):
        await bank.call(BUY, body)

    assert await bank.balance(payer) == "50.00"


async def test_a_cancelled_subscription_returns_what_it_is_worth(bank: LittleBank) -> None:
    bought = await _bought(bank)

    shown = await bank.shown(
        "wealth.fund-subscriptions.cancellations", {}, path=bought["shown"]["id"]
    )

    assert shown["state"] == "compensated"
    assert await bank.balance(bought["payer"]) == "5000.00"


async def test_a_holding_is_redeemed_in_parts(bank: LittleBank) -> None:
    payer = await bank.account("5000.00")
    body = {"account": payer.id, "product_code": "WM-STABLE", "amount": cny("1000.00")}
    held = (await bank.shown("wealth.wealth-subscriptions.create", body))["id"]
    before = await bank.balance(payer)

    first = await bank.shown(
        "wealth.wealth-redemptions.create", {"holding": held, "units": "400.5000"}
    )
    last = await bank.shown("wealth.wealth-redemptions.create", {"holding": held})

    assert (first["status"], last["status"]) == ("redeemed", "redeemed")
    assert first["parent"] == held
    total = float(first["paid"]["amount"]) + float(last["paid"]["amount"])
    assert float(await bank.balance(payer)) == pytest.approx(float(before) + total)
    with pytest.raises(NothingHeld):
        await bank.call("wealth.wealth-redemptions.create", {"holding": held})
    listed = await bank.shown("wealth.wealth-redemptions.list")
    assert len(listed["items"]) == 2


async def test_a_plan_buys_every_month(bank: LittleBank) -> None:
    payer = await bank.account("350.00")
    body = {"account": payer.id, "product_code": "AU-GRAM", "amount": cny("100.00")}
    order = (await bank.shown("metalbond.gold-plans.create", body))["id"]
    for _ in range(5):
        bank.clock.advance(timedelta(days=32))
        await bank.orders.expire()
        await bank.orders.expire()

    shown = await bank.shown("metalbond.gold-plans.query", path=order)

    assert shown["paid"] == cny("300.00")
    assert shown["result"]["invest"]["paid_in"] == cny("300.00")


def _order() -> Order:
    names = ("account", "pool", "valuation", "fee_income")
    plan = (
        PlanStep("s1", "invest.subscribe", "request", "compensate"),
        PlanStep("s2", "invest.value", "daily", "continue"),
        PlanStep("s3", "invest.redeem", "request", "compensate"),
    )
    return Order(
        partner="prt_1",
        id="ord_1",
        tenant=None,
        app="app_1",
        product="wealth.fund-subscriptions",
        family="invest",
        state=State.WAITING,
        plan=plan,
        scope="",
        content_hash=b"",
        subject="account",
        currency="CNY",
        amount=0,
        roles={name: name for name in names},
        created_at=START,
        updated_at=START,
    )


_acts = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 10**9), st.integers(0, 40)), max_size=20
)


@settings(max_examples=80)
@given(_acts, st.sampled_from(sorted(FUNDS)))
def test_the_pool_holds_exactly_what_positions_are_worth(
    acts: list[tuple[int, int, int]], code: str
) -> None:
    order, at, books = _order(), START, {"account": 0, "pool": 0, "valuation": 0, "fee_income": 0}
    for kind, minor, days in acts:
        ask = {"invest": {"fund": FUNDS[code], "amount": order.money(minor), "units": None}}
        held = order.book.get("invest", {}).get("units", "0")
        if kind == 0 or Decimal(held) == 0:
            effect = invest.subscribe(order, order.plan[0], ask, at)
        elif kind == 1:
            effect = invest.value(order, order.plan[1], ask, at)
        else:
            part = min(Decimal(held), Decimal(minor).scaleb(-4))
            ask["invest"]["units"] = part
            effect = invest.redeem(order, order.plan[2], ask, at)
        for leg in effect.legs:
            books[leg.debit] -= leg.amount.minor
            books[leg.credit] += leg.amount.minor
        order = effect.order
        assert sum(books.values()) == 0
        assert books["pool"] == invest.of(order).value_minor >= 0
        at += timedelta(days=days)
