"""Term and call deposits: interest is exact, counted by the day, and paid once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import House, house_account
from bankside.orders.errors import (
    OrderStateRefused,
)
from bankside.orders.errors_money import (
    AmountBelowMinimum,
    ProductCodeUnknown,
)
from bankside.orders.interest import Basis, days_between, half_even, month_after, simple

PLACE = "account.term-deposits.create"
REDEEM = "account.term-deposits.cancellations"
DEPOSITS = house_account(House.DEPOSITS, "CNY")


async def _placed(bank: LittleBank, amount: str = "100000.00", code: str = "TD-3M") -> dict:
    payer = await bank.account("200000.00")
    body = {"account": payer.id, "product_code": code, "amount": cny(amount)}
    shown = await bank.shown(PLACE, body)
    return {"order": shown["id"], "payer": payer, "shown": shown}


async def test_a_deposit_leaves_the_account_and_earns_by_the_day(bank: LittleBank) -> None:
    placed = await _placed(bank)

    assert placed["shown"]["state"] == "waiting"
    assert await bank.balance(placed["payer"]) == "100000.00"
    bank.clock.advance(timedelta(days=30))
    await bank.orders.expire()

    shown = await bank.shown("account.term-deposits.query", path=placed["order"])
    # 100,000.00 * 0.65 % * 30 / 360 = 54.1666...
    assert shown["result"]["deposit"]["accrued"] == cny("54.17")


async def test_a_day_of_interest_is_posted_once(bank: LittleBank) -> None:
    placed = await _placed(bank)
    bank.clock.advance(timedelta(days=1))
    await bank.orders.expire()
    first = await bank.money(DEPOSITS)

    await bank.orders.expire()

    assert await bank.money(DEPOSITS) == first
    shown = await bank.shown("account.term-deposits.query", path=placed["order"])
    assert shown["result"]["deposit"]["accrued_to"] == "2026-03-03"


async def test_a_deposit_redeemed_at_maturity_pays_its_rate(bank: LittleBank) -> None:
    placed = await _placed(bank)
    bank.clock.advance(timedelta(days=92))  # 2 March to 2 June
    await bank.orders.expire()

    shown = await bank.shown(REDEEM, {}, path=placed["order"])

    # 100,000.00 * 0.65 % * 92 / 360 = 166.11
    assert (shown["state"], shown["status"]) == ("completed", "redeemed")
    assert shown["result"]["deposit"]["interest_paid"] == cny("166.11")
    assert await bank.balance(placed["payer"]) == "200166.11"


async def test_a_deposit_redeemed_early_pays_the_demand_rate(bank: LittleBank) -> None:
    placed = await _placed(bank)
    bank.clock.advance(timedelta(days=30))
    await bank.orders.expire()

    shown = await bank.shown(REDEEM, {}, path=placed["order"])

    # 100,000.00 * 0.05 % * 30 / 360 = 4.17; the rest of the 54.17 accrued goes back to the bank.
    assert shown["result"]["deposit"]["interest_paid"] == cny("4.17")
    assert await bank.balance(placed["payer"]) == "200004.17"


async def test_after_maturity_the_demand_rate_runs_on(bank: LittleBank) -> None:
    placed = await _placed(bank)
    bank.clock.advance(timedelta(days=92 + 36))

    shown = await bank.shown(REDEEM, {}, path=placed["order"])

    # 166.11 (166.111...) + 100,000.00 * 0.05 % * 36 / 360 = 5.00
    assert shown["result"]["deposit"]["interest_paid"] == cny("171.11")


async def test_a_deposit_is_redeemed_once(bank: LittleBank) -> None:
    placed = await _placed(bank)
    await bank.shown(REDEEM, {}, path=placed["order"])

    with pytest.raises(OrderStateRefused):
        await bank.call(REDEEM, {}, path=placed["order"])

    assert await bank.balance(placed["payer"]) == "200000.00"


async def test_codes_and_minima_are_checked(bank: LittleBank) -> None:
    payer = await bank.account("100.00")
    body = {"account": payer.id, "product_code": "TD-3M", "amount": cny("49.99")}

    with pytest.raises(AmountBelowMinimum):
        await bank.call(PLACE, body)
    with pytest.raises(ProductCodeUnknown):
        await bank.call(PLACE, body | {"product_code": "CALL-7D"})

    assert await bank.balance(payer) == "100.00"


async def test_a_call_deposit_without_notice_pays_the_demand_rate(bank: LittleBank) -> None:
    payer = await bank.account("60000.00")
    body = {"account": payer.id, "product_code": "CALL-7D", "amount": cny("50000.00")}
    order = (await bank.shown("account.call-deposits.create", body))["id"]
    bank.clock.advance(timedelta(days=36))

    shown = await bank.shown("account.call-deposits.cancellations", {}, path=order)

    # 50,000.00 * 0.05 % * 36 / 360 = 2.50
    assert shown["result"]["deposit"]["interest_paid"] == cny("2.50")


async def test_a_call_deposit_with_notice_pays_its_rate(bank: LittleBank) -> None:
    payer = await bank.account("60000.00")
    body = {"account": payer.id, "product_code": "CALL-7D", "amount": cny("50000.00")}
    order = (await bank.shown("account.call-deposits.create", body))["id"]
    bank.clock.advance(timedelta(days=29))
    await bank.shown("account.call-deposits.notices", {}, path=order)
    bank.clock.advance(timedelta(days=7))

    shown = await bank.shown("account.call-deposits.cancellations", {}, path=order)

    # 50,000.00 * 0.30 % * 36 / 360 = 15.00
    assert shown["result"]["deposit"]["interest_paid"] == cny("15.00")


@given(
    st.integers(1, 10**13),
    st.integers(0, 3000),
    st.lists(st.integers(0, 400), min_size=1, max_size=12),
    st.sampled_from(list(Basis)),
)
def test_interest_posted_in_pieces_is_the_interest_of_the_whole(
    principal: int, rate_bp: int, days: list[int], basis: Basis
) -> None:
    start = date(2026, 1, 31)
    posted, at = 0, start
    for more in days:
        at += timedelta(days=more)
        posted += simple(principal, rate_bp, start, at, basis) - posted

    assert posted == simple(principal, rate_bp, start, at, basis)
    assert posted >= 0


@given(st.integers(-(10**18), 10**18), st.integers(1, 10**9))
def test_half_even_is_the_nearest_and_even_on_a_tie(numerator: int, denominator: int) -> None:
    rounded = half_even(numerator, denominator)

    assert abs(2 * (rounded * denominator - numerator)) <= denominator
    if abs(2 * (rounded * denominator - numerator)) == denominator:
        assert rounded % 2 == 0


def test_months_end_on_the_same_day_or_the_last_one() -> None:
    assert month_after(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert month_after(date(2026, 1, 31), 2) == date(2026, 3, 31)
    assert month_after(date(2027, 12, 29), 2) == date(2028, 2, 29)
    assert days_between(date(2026, 1, 31), date(2026, 3, 1), Basis.THIRTY_360) == 31
    assert days_between(date(2026, 1, 15), date(2026, 2, 15), Basis.THIRTY_360) == 30
    assert days_between(date(2026, 3, 1), date(2026, 1, 1), Basis.ACT_360) == 0
    assert datetime(2026, 3, 2, tzinfo=UTC).date() == date(2026, 3, 2)
