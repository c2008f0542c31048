"""What keeping a business account costs: charged at each month's end, never further than its money.

30.00 a month from the second one on, and none while 50,000.00 are always in the account
(definition of account.business-accounts).
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.orders.little_bank import LittleBank, cny
from tests.orders.requests.money import MONEY
from tests.orders.requests.world import World, stand_up

from bankside.bank.accounts import House, house_account
from bankside.bank.ledger import Books, entries_page, verify
from bankside.catalog import load
from bankside.kernel.clock import BANK_ZONE, FixedClock
from bankside.kernel.db import Pool
from bankside.orders import Orders
from bankside.orders.errors_money import AccountFeeOwed
from bankside.orders.interest import upkeep
from bankside.orders.model import AccountFee

PRODUCT = "account.business-accounts"
INCOME = house_account(House.FEE_INCOME, "CNY")


class Company:
    """A company's account, opened on 2 March 2026, and what happens to it."""

    def __init__(self, world: World, order: dict[str, Any]) -> None:
        self.world, self.order = world, str(order["id"])
        self.account = str(order["result"]["account"]["id"])
        self.bank: LittleBank = world["bank"]

    async def gets(self, amount: str) -> None:
        payer = await self.bank.account(amount)
        await self._moves(payer.id, self.account, amount)

    async def spends(self, amount: str) -> None:
        payee = await self.bank.account()
        await self._moves(self.account, payee.id, amount)

    async def _moves(self, payer: str, payee: str, amount: str) -> None:
        asked = {"payer_account": payer, "payee_account": payee, "amount": cny(amount)}
        await self.bank.call("payment.internal-transfers.create", asked)

    async def goes_to(self, day: date) -> None:
        """The clock stands at 23:30 of a day; the sweeper ran at that hour of each until then."""
        clock = self.bank.clock
        evening = clock.now().astimezone(BANK_ZONE).replace(hour=23, minute=30)
        while (left := evening - clock.now()) >= timedelta(0) and evening.date() <= day:
            clock.advance(left)
            await self.bank.orders.expire()
            evening += timedelta(days=1)

    async def shown(self) -> dict[str, Any]:
        return await self.bank.shown(f"{PRODUCT}.query", path=self.order)

    async def fees(self) -> list[tuple[str, str, str]]:
        """The fees on the account's statement: booked when, what for, how much."""
        async with self.bank.pool.acquire() as db:
            page = await entries_page(db, self.account, newest_first=False, limit=200)
        return [
            (
                each.booked_at.astimezone(BANK_ZONE).date().isoformat(),
                each.narrative.rpartition("fee ")[2],
                str(each.amount),
            )
            for each in page.items
            if each.kind == "fee"
        ]

    async def closes(self, sweep_to: str | None = None) -> dict[str, Any]:
        body = {"sweep_to": sweep_to} if sweep_to else {}
        return await self.bank.shown(f"{PRODUCT}.closures", body, path=self.order)


async def test_a_debit_card_costs_ten_a_year_from_the_second_on(
    fresh_pool: Pool, clock: FixedClock
) -> None:
    async with Books(fresh_pool, clock) as books:
        orders = Orders(fresh_pool, books, clock, load())
        world = await stand_up(LittleBank(fresh_pool, books, clock, orders, "prt_card"))
        asked = MONEY["card.debit-cards.create"](world)
        card = Company(world, await world["bank"].shown("card.debit-cards.create", asked))
        await card.gets("100.00")
        clock.advance(timedelta(days=761))  # 1 April 2028: two years are over.
        for _ in range(3):
            await card.bank.orders.expire()

        assert await card.fees() == [("2028-04-01", "2028-02", "-10.00")]


@pytest.fixture
async def company(fresh_pool: Pool, clock: FixedClock) -> AsyncIterator[Company]:
    async with Books(fresh_pool, clock) as books:
        orders = Orders(fresh_pool, books, clock, load())
        world = await stand_up(LittleBank(fresh_pool, books, clock, orders, "prt_upkeep"))
        opened = await world["bank"].shown(f"{PRODUCT}.create", MONEY[f"{PRODUCT}.create"](world))
        yield Company(world, opened)


async def test_each_month_is_charged_at_its_end_and_the_first_is_free(company: Company) -> None:
    await company.gets("1000.00")

    await company.goes_to(date(2026, 5, 31))

    assert await company.fees() == [
        ("2026-04-30", "2026-04", "-30.00"),
        ("2026-05-31", "2026-05", "-30.00"),
    ]
    shown = await company.shown()
    assert shown["status"] == "open"
    assert shown["result"]["upkeep"] == {"next_on": "2026-06-30", "taken": cny("60.00"), "owed": []}
    assert await company.bank.balance(company.account) == "940.00"
    async with company.bank.pool.acquire() as db:
        told = await db.fetchval(
            "select count(*) from kernel.outbox where type = 'orders.order.fee_charged'"
        )
        assert (told, (await verify(db)).fault) == (2, None)


async def test_a_worker_that_was_away_charges_each_month_once_and_in_order(
    company: Company,
) -> None:
    await company.gets("1000.00")
    company.bank.clock.advance(timedelta(days=120))  # 30 June, before the evening.

    for _ in range(6):
        await company.bank.orders.expire()

    assert await company.fees() == [
        ("2026-06-30", "2026-04", "-30.00"),
        ("2026-06-30", "2026-05", "-30.00"),
    ]


async def test_two_workers_at_once_charge_a_month_once(company: Company) -> None:
    await company.gets("1000.00")
    company.bank.clock.advance(timedelta(days=60))

    for _ in range(3):  # March, which is free, April, and nothing any more.
        await asyncio.gather(*(company.bank.orders.expire() for _ in range(4)))

    assert await company.fees() == [("2026-05-01", "2026-04", "-30.00")]


async def test_a_month_with_enough_in_the_account_every_day_is_free(company: Company) -> None:
    await company.gets("50000.00")
    await company.goes_to(date(2026, 4, 30))
    assert await company.fees() == []

    await company.goes_to(date(2026, 5, 10))
    await company.spends("0.01")
    await company.gets("100.00")
    await company.goes_to(date(2026, 5, 31))

    assert await company.fees() == [("2026-05-31", "2026-05", "-30.00")]


async def test_only_what_is_there_is_taken_and_the_rest_is_tried_again_by_night(
    company: Company,
) -> None:
    await company.gets("12.00")
    await company.goes_to(date(2026, 4, 30))
    owed = (await company.shown())["result"]["upkeep"]["owed"]

    await company.goes_to(date(2026, 5, 3))
    await company.gets("100.00")
    await company.goes_to(date(2026, 5, 4))

    assert owed == [{"period": "2026-04", "amount": cny("18.00")}]
    assert await company.fees() == [
        ("2026-04-30", "2026-04", "-12.00"),
        ("2026-05-04", "2026-04", "-18.00"),
    ]
    assert await company.bank.balance(company.account) == "82.00"


async def test_an_empty_account_is_never_overdrawn_and_owes_a_year_at_most(
    company: Company,
) -> None:
    await company.goes_to(date(2027, 9, 30))

    shown = await company.shown()
    assert len(shown["result"]["upkeep"]["owed"]) == upkeep.OWED_PERIODS_MAX
    assert shown["state"] == "waiting"
    assert await company.bank.money(company.account) == [0]
    assert await company.fees() == []


async def test_a_frozen_account_is_not_debited_and_pays_once_it_is_free(company: Company) -> None:
    await company.gets("100.00")
    controls = "account.account-controls"
    frozen = await company.bank.shown(
        f"{controls}.create",
        {**MONEY[f"{controls}.create"](company.world), "account": company.account},
    )
    await company.goes_to(date(2026, 4, 30))
    assert await company.fees() == []

    await company.bank.call(f"{controls}.closures", {}, path=frozen["id"])
    await company.goes_to(date(2026, 5, 1))

    assert await company.fees() == [("2026-05-01", "2026-04", "-30.00")]


async def test_closing_takes_what_is_owed_and_sweeps_the_rest(company: Company) -> None:
    await company.goes_to(date(2026, 4, 30))
    await company.gets("100.00")
    target = await company.bank.account()

    closed = await company.closes(target.id)

    assert closed["status"] == "closed"
    assert await company.bank.balance(target) == "70.00"
    assert [amount for _, _, amount in await company.fees()] == []
    assert await company.bank.money(INCOME) == [3_000]
    await company.goes_to(date(2026, 6, 30))
    assert await company.bank.money(INCOME) == [3_000]


async def test_an_account_that_cannot_pay_what_it_owes_is_not_closed(company: Company) -> None:
    await company.goes_to(date(2026, 4, 30))
    await company.gets("29.99")

    with pytest.raises(AccountFeeOwed) as refused:
        await company.closes()

    assert refused.value.extra == {"owed": cny("30.00")}
    assert (await company.shown())["status"] == "open"
    assert await company.bank.balance(company.account) == "29.99"


@given(st.lists(st.integers(0, 10_000), max_size=30), st.sampled_from([1, 3, 6, 12]))
def test_what_is_taken_and_owed_is_what_was_charged(can_pay: list[int], months: int) -> None:
    fee = AccountFee(minor=3_000, months=months)
    book, charged = upkeep.opened(date(2026, 1, 31), fee), 0
    for each in can_pay:
        before = len(book.owed)
        book = upkeep.period_over(book, fee, None)
        charged += fee.minor * (len(book.owed) - before)
        book, amount = upkeep.taken(book, each)
        assert 0 <= amount <= each

    assert book.taken_minor + book.owed_minor == charged
    assert len(book.owed) <= upkeep.OWED_PERIODS_MAX
    assert (book.next_on + timedelta(days=1)).day == 1


def test_a_yearly_fee_is_charged_at_the_end_of_the_twelfth_month() -> None:
    fee = AccountFee(minor=1_000, months=12)
    book = upkeep.opened(date(2026, 3, 2), fee)

    assert book.next_on == date(2027, 2, 28)
    assert upkeep.first_day(book, fee) == date(2026, 3, 2)
    book = upkeep.period_over(book, fee, None)
    assert (book.next_on, upkeep.first_day(book, fee)) == (date(2028, 2, 29), date(2027, 3, 1))
