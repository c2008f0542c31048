"""Standing orders: each date is paid once, on a working day, or passed over after three tries."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.orders.little_bank import LittleBank

from bankside.bank.accounts import Account
from bankside.bank.ledger import verify
from bankside.bank.standing_orders import (
    NewStandingOrder,
    StandingOrder,
    set_up,
    standing_orders_of,
)
from bankside.bank.standing_orders.rules import date_after, pays_on
from bankside.kernel.calendar import is_business_day
from bankside.kernel.db import transaction
from bankside.kernel.ids import AccountId
from bankside.kernel.money import Money


async def _agreed(
    bank: LittleBank, payer: Account, payee: str, first: date, **more: Any
) -> StandingOrder:
    asked = NewStandingOrder(
        account=payer.id,
        payee_account=payee,
        payee_name="林晓雨",
        amount=Money.parse(more.pop("amount", "30.00"), "CNY"),
        first_on=first,
        frequency=more.pop("frequency", "IntrvlMnthDay:01:05"),
        reference="房租",
        **more,
    )
    async with transaction(bank.pool) as db:
        return await set_up(db, bank.clock, bank.partner, asked)


async def _now(bank: LittleBank, payer: Account) -> StandingOrder:
    async with bank.pool.acquire() as db:
        (found,) = await standing_orders_of(db, bank.partner, [payer.id])
    return found


async def _sweeps(bank: LittleBank, *days: date, hour: int = 10) -> None:
    """The sweeper runs at ``hour`` o'clock in Beijing on each of the days."""
    for day in days:
        at = datetime(day.year, day.month, day.day, hour - 8, tzinfo=UTC)
        bank.clock.advance(at - bank.clock.now())
        await bank.orders.expire()


async def _journal(bank: LittleBank, standing: StandingOrder) -> list[tuple[str, str]]:
    async with bank.pool.acquire() as db:
        rows = await db.fetch(
            "select reference, state from orders.orders where partner_id = $1 and scope = $2"
            " order by order_id",
            bank.partner,
            f"standing:{standing.id}",
        )
    return [(each["reference"], each["state"]) for each in rows]


async def test_a_date_is_paid_from_nine_o_clock_and_once(bank: LittleBank) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    standing = await _agreed(bank, payer, payee.number, date(2026, 3, 5))
    await _sweeps(bank, date(2026, 3, 5), hour=8)
    assert await bank.balance(payee) == "0.00"

    await _sweeps(bank, date(2026, 3, 5), hour=9)
    await asyncio.gather(*(bank.orders.expire() for _ in range(5)))

    assert await bank.balance(payee) == "30.00"
    assert (await _now(bank, payer)).next_on == date(2026, 4, 5)
    assert await _journal(bank, standing) == [("2026-03-05/1", "completed")]
    async with bank.pool.acquire() as db:
        assert (await verify(db)).fault is None


async def test_a_date_on_a_holiday_is_paid_on_the_next_working_day(bank: LittleBank) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    # 5 April 2026 is Qingming, 6 April is off as well.
    await _agreed(bank, payer, payee.id, date(2026, 4, 5))

    await _sweeps(bank, date(2026, 4, 5), date(2026, 4, 6))
    assert await bank.balance(payee) == "0.00"
    await _sweeps(bank, date(2026, 4, 7))

    assert await bank.balance(payee) == "30.00"
    assert (await _now(bank, payer)).next_on == date(2026, 5, 5)


async def test_an_empty_account_is_tried_on_three_working_days(bank: LittleBank) -> None:
    payer, payee = await bank.account("10.00"), await bank.account()
    standing = await _agreed(bank, payer, payee.id, date(2026, 3, 5))

    # Thursday, Friday, and Monday.
    await _sweeps(bank, *(date(2026, 3, day) for day in (5, 6, 7, 8, 9, 10)))

    assert await bank.balance(payee) == "0.00"
    assert await _journal(bank, standing) == [
        ("2026-03-05/1", "refused"),
        ("2026-03-05/2", "refused"),
        ("2026-03-05/3", "refused"),
    ]
    after = await _now(bank, payer)
    assert (after.next_on, after.pay_on, after.tries) == (date(2026, 4, 5), None, 0)


async def test_money_that_comes_the_next_day_pays_the_date(bank: LittleBank) -> None:
    payer, payee = await bank.account("10.00"), await bank.account()
    rich = await bank.account("500.00")
    standing = await _agreed(bank, payer, payee.id, date(2026, 3, 5))
    await _sweeps(bank, date(2026, 3, 5))
    asked = {
        "payer_account": rich.id,
        "payee_account": payer.id,
        "amount": {"amount": "50.00", "currency": "CNY"},
    }
    await bank.call("payment.internal-transfers.create", asked)

    await _sweeps(bank, date(2026, 3, 6))

    assert await bank.balance(payer) == "30.00"
    assert (await _journal(bank, standing))[-1] == ("2026-03-05/2", "completed")


async def test_what_nobody_paid_for_a_week_is_not_paid_in_arrears(bank: LittleBank) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    standing = await _agreed(bank, payer, payee.id, date(2026, 3, 5))

    await _sweeps(bank, date(2026, 6, 3))

    assert await _journal(bank, standing) == []
    assert (await _now(bank, payer)).next_on == date(2026, 6, 5)


async def test_the_last_date_ends_it(bank: LittleBank) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    last = {"final_on": date(2026, 4, 29), "frequency": "EvryDay"}
    standing = await _agreed(bank, payer, payee.id, date(2026, 4, 28), **last)

    await _sweeps(bank, *(date(2026, 4, day) for day in (28, 29, 30)))

    after = await _now(bank, payer)
    assert (after.is_active, after.next_on) == (False, None)
    assert await _journal(bank, standing) == [
        ("2026-04-28/1", "completed"),
        ("2026-04-29/1", "completed"),
    ]


@pytest.mark.parametrize("payee", ["6222000012345678", "nobody"])
async def test_a_payee_who_is_not_here_is_not_paid_and_costs_nothing(
    bank: LittleBank, payee: str
) -> None:
    payer = await bank.account("100.00")
    await _agreed(bank, payer, payee, date(2026, 3, 5))

    await _sweeps(bank, *(date(2026, 3, day) for day in (5, 6, 9)))

    assert await bank.balance(payer) == "100.00"
    assert (await _now(bank, payer)).next_on == date(2026, 4, 5)


async def test_a_transfer_above_the_product_s_limit_is_not_made(bank: LittleBank) -> None:
    payer, payee = await bank.account("9000000.00"), await bank.account()
    await _agreed(bank, payer, payee.id, date(2026, 3, 5), amount="8000000.00")

    await _sweeps(bank, date(2026, 3, 5))

    assert await bank.balance(payee) == "0.00"
    assert (await _now(bank, payer)).tries == 1


def _order(frequency: str, first: date) -> StandingOrder:
    return StandingOrder(
        id="so", partner="p", account=AccountId("a"), payee_account="b", payee_name="",
        amount=Money(1, "CNY"), reference="", frequency=frequency, first_on=first, next_on=first,
        final_on=None, is_active=True,
    )  # fmt: skip


_FREQUENCIES = st.one_of(
    st.just("EvryDay"),
    st.builds("IntrvlWkDay:0{}:0{}".format, st.integers(1, 9), st.integers(1, 7)),
    st.builds(
        "IntrvlMnthDay:{}:{:02d}".format,
        st.sampled_from(["01", "02", "03", "04", "05", "06", "12", "24"]),
        st.integers(1, 31),
    ),
)


@given(_FREQUENCIES, st.dates(date(2024, 1, 1), date(2027, 1, 1)), st.integers(0, 900))
def test_every_date_is_reached_whatever_day_one_asks_from(
    frequency: str, first: date, days: int
) -> None:
    order = _order(frequency, first)
    asked = first + timedelta(days=days)

    found = date_after(order, asked)
    assert found is not None and asked < found <= asked + timedelta(days=800)
    # Asked from any day before it, the same date comes: none is skipped and none comes twice.
    between = asked + timedelta(days=(found - asked).days // 2)
    assert date_after(order, between) == found
    if frequency.startswith("IntrvlMnthDay"):
        assert found.day == int(frequency[-2:]) or (found + timedelta(days=1)).day == 1
    if frequency.startswith("IntrvlWkDay"):
        assert found.isoweekday() == int(frequency[-1])


@given(st.dates(date(2026, 1, 1), date(2026, 12, 20)))
def test_it_is_paid_on_a_working_day_not_before_its_date(day: date) -> None:
    found = pays_on(_order("EvryDay", day))

    assert found is not None and found >= day and is_business_day(found)
    assert (found == day) == is_business_day(day)
