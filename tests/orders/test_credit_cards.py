"""Credit cards: who pays in time pays no interest, who does not pays it from the day of booking.

The figures are worked out by hand from the conventions in ``orders.interest.cards``.
"""

import secrets
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.orders.little_bank import LittleBank, cny
from tests.orders.requests.money import person
from tests.orders.requests.world import World, stand_up

from bankside.bank.accounts import House, house_account
from bankside.bank.ledger import Books, verify
from bankside.catalog import load
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool
from bankside.kernel.errors import BanksideError
from bankside.orders import Orders
from bankside.orders.interest import half_even
from bankside.orders.interest.cards import CardBook, billed, interest_on, judged, opened, paid

CARDS, BILLS = "card.credit-cards", "card.credit-card-bills"
RECEIVABLE = house_account(House.INTEREST_RECEIVABLE, "CNY")


class Card:
    """A card opened on 2 March 2026 with a limit of 5,000.00, and what its holder does."""

    def __init__(self, world: World, order: str, account: str) -> None:
        self.world, self.order, self.account = world, order, account
        self.bank: LittleBank = world["bank"]

    async def spends(self, amount: str) -> None:
        asked = {
            "payer_account": self.account,
            "payee_account": self.world["payee"],
            "amount": cny(amount),
        }
        await self.bank.call("payment.internal-transfers.create", asked)

    async def pays(self, amount: str | None = None) -> dict[str, Any]:
        asked: dict[str, Any] = {"card": self.order, "payer_account": self.world["payer"]}
        if amount:
            asked["amount"] = cny(amount)
        return await self.bank.shown("card.credit-card-repayments.create", asked)

    async def goes_to(self, day: date) -> None:
        """The clock goes on to the morning of a day; the sweeper runs each night."""
        while (now := self.bank.clock.now().date()) < day:
            self.bank.clock.advance(min(timedelta(days=1), timedelta(days=(day - now).days)))
            await self.bank.orders.expire()

    async def bill(self) -> dict[str, Any]:
        return await self.bank.shown(f"{BILLS}.query", path=self.account)

    async def months(self) -> dict[str, Any]:
        shown = await self.bank.shown(f"{CARDS}.query", path=self.order)
        return dict(shown["result"]["card"], status=shown["status"], state=shown["state"])


@pytest.fixture
async def card(fresh_pool: Pool, clock: FixedClock) -> AsyncIterator[Card]:
    """On books of its own: what others booked later would date its entries later as well."""
    async with Books(fresh_pool, clock) as books:
        orders = Orders(fresh_pool, books, clock, load())
        bank = LittleBank(fresh_pool, books, clock, orders, f"prt_{secrets.token_hex(8)}")
        world = await stand_up(bank)
        shown = await bank.shown(f"{CARDS}.create", {**person(world), "amount": cny("5000.00")})
        yield Card(world, shown["id"], shown["result"]["account"]["id"])


async def test_a_bill_paid_whole_by_its_due_date_costs_nothing(card: Card) -> None:
    await card.goes_to(date(2026, 3, 10))
    await card.spends("1000.00")
    await card.goes_to(date(2026, 4, 2))

    bill = await card.bill()
    assert (bill["billed"], bill["minimum"]) == (cny("1000.00"), cny("100.00"))
    assert (bill["bill_date"], bill["due_on"]) == ("2026-04-02", "2026-04-22")
    await card.goes_to(date(2026, 4, 22))
    await card.pays()
    await card.goes_to(date(2026, 5, 2))

    after = await card.bill()
    assert (after["billed"], after["interest"]) == (cny("0.00"), cny("0.00"))
    assert (await card.months())["status"] == "open"


async def test_a_day_too_late_costs_interest_from_booking_and_a_late_fee(card: Card) -> None:
    await card.goes_to(date(2026, 3, 10))
    await card.spends("1000.00")
    await card.goes_to(date(2026, 4, 23))
    # 5 % of the least of 100.00.
    judged_ = await card.months()
    assert (judged_["status"], judged_["late_fee"]) == ("overdue", cny("5.00"))
    await card.pays("200.00")
    assert (await card.months())["status"] == "open"

    await card.goes_to(date(2026, 5, 2))

    # 1,000.00 from 10 March to 23 April (44 days), then 1,000.00 - (200.00 - 5.00) = 805.00 for
    # 9 days: (44,000 + 7,245) * 0.0005 = 25.62.
    bill = await card.bill()
    assert bill["interest"] == cny("25.62")
    assert bill["billed"] == cny("830.62")
    # A tenth of 805.00 and the interest.
    assert bill["minimum"] == cny("106.12")
    assert bill["owed"] == cny("830.62")


async def test_the_least_in_time_costs_interest_and_no_fee(card: Card) -> None:
    await card.spends("1000.00")
    await card.goes_to(date(2026, 4, 22))
    await card.pays("100.00")
    await card.goes_to(date(2026, 5, 2))

    bill = await card.bill()
    # 1,000.00 for 51 days from 2 March, 900.00 for 10 days: (51,000 + 9,000) * 0.0005 = 30.00.
    assert (bill["interest"], bill["late_fee"]) == (cny("30.00"), cny("0.00"))
    assert (await card.months())["status"] == "open"


async def test_a_cent_less_than_the_least_is_late(card: Card) -> None:
    await card.spends("1000.00")
    await card.goes_to(date(2026, 4, 22))
    await card.pays("99.99")

    await card.goes_to(date(2026, 4, 23))

    months = await card.months()
    # 5 % of one cent is nothing, and it is late all the same.
    assert (months["status"], months["late_fee"]) == ("overdue", cny("0.00"))


async def test_interest_is_paid_first_and_never_uses_the_limit(card: Card) -> None:
    await card.spends("5000.00")
    await card.goes_to(date(2026, 5, 2))
    bill = await card.bill()
    # 5,000.00 for 61 days: 152.50, and 5 % of the least of 500.00.
    assert (bill["interest"], bill["late_fee"]) == (cny("152.50"), cny("25.00"))
    assert bill["available"] == cny("0.00")
    (receivable,) = await card.bank.money(RECEIVABLE)

    with pytest.raises(BanksideError) as refused:
        await card.pays("5177.51")
    paid_ = await card.pays("177.50")

    assert refused.value.extra == {"payoff": cny("5177.50")}
    assert paid_["status"] != "refused"
    assert await card.bank.money(RECEIVABLE) == [receivable + 17_750]
    assert (await card.bill())["available"] == cny("0.00")
    await card.pays()
    assert (await card.bill())["owed"] == cny("0.00")
    assert await card.bank.balance(card.account) == "5000.00"
    async with card.bank.pool.acquire() as db:
        assert (await verify(db)).fault is None


async def test_paying_whole_again_ends_the_interest(card: Card) -> None:
    await card.spends("1000.00")
    await card.goes_to(date(2026, 5, 10))
    await card.pays()
    await card.spends("300.00")
    await card.goes_to(date(2026, 6, 2))
    # What was spent until the due date of the bill that was paid whole bears interest as well.
    await card.pays()
    await card.goes_to(date(2026, 7, 2))
    await card.spends("100.00")
    await card.goes_to(date(2026, 8, 2))
    await card.pays()
    await card.goes_to(date(2026, 9, 2))

    assert (await card.months())["bears_from"] is None
    assert (await card.bill())["interest"] == cny("0.00")


async def test_a_worker_that_was_away_for_months_bills_each_of_them(card: Card) -> None:
    await card.spends("1000.00")
    card.bank.clock.advance(timedelta(days=92))
    for _ in range(8):
        await card.bank.orders.expire()

    months = await card.months()
    # Bills of 2 April, 2 May and 2 June; 5 % of the least of the first two.
    assert (months["bills"], months["bill"]["bill_date"]) == (3, "2026-06-02")
    # 61 days of interest on the second bill, 31 on the third.
    assert months["interest"] == cny("46.00")


async def test_a_card_with_charges_due_is_not_closed_and_a_closed_one_is_not_billed(
    card: Card,
) -> None:
    await card.spends("1000.00")
    await card.goes_to(date(2026, 5, 2))
    with pytest.raises(BanksideError) as refused:
        await card.bank.call(f"{CARDS}.closures", {}, path=card.order)
    await card.pays()
    await card.bank.call(f"{CARDS}.closures", {}, path=card.order)
    card.bank.clock.advance(timedelta(days=60))
    await card.bank.orders.expire()

    assert refused.value.code == "account.not_empty"
    months = await card.months()
    assert (months["state"], months["bills"]) == ("completed", 2)


@given(st.lists(st.integers(0, 10**9), max_size=70))
def test_interest_is_rounded_once_for_all_days(daily: list[int]) -> None:
    assert interest_on(daily) == half_even(sum(daily) * 5, 10_000)
    assert abs(interest_on(daily) - sum(interest_on([each]) for each in daily)) <= len(daily)


@given(
    st.integers(0, 10**7),
    st.integers(0, 10**7),
    st.lists(st.integers(1, 10**6), max_size=6),
)
def test_a_bill_and_its_payments_add_up_whatever_is_paid(
    spent: int, back: int, payments: list[int]
) -> None:
    book = billed(opened(date(2026, 3, 31)), spent, [])
    if book.bill is not None and book.bill.paid_whole is None:
        book = judged(book, back)
    book = billed(book, spent, [spent] * 30 if book.bears_from else [])
    charges = book.due_minor
    for each in payments:
        book, principal = paid(book, each, book.next_bill)
        assert 0 <= principal <= each
        charges -= each - principal
        assert book.due_minor == charges >= 0
    assert book.bill is not None
    assert book.bill.minimum_minor <= book.bill.balance_minor


@given(st.dates(date(2024, 1, 1), date(2030, 12, 31)), st.integers(1, 60))
def test_bills_come_every_month_and_never_twice(day: date, count: int) -> None:
    book: CardBook = opened(day)
    days = []
    for _ in range(count):
        days.append(book.next_bill)
        book = billed(book, 0, [])
    assert days == sorted(set(days)) and days[0] > day.replace(day=1)
    assert all((each.year, each.month) != (day.year, day.month) for each in days)
