"""What a credit card's months have to know of its account: daily balances and payments to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from bankside.bank import ledger
from bankside.bank.accounts import StatementTooLong
from bankside.bank.ledger import Period
from bankside.kernel.db import Connection
from bankside.kernel.paging import LIMIT_MAX
from bankside.orders.interest.cards import CardBook, bears
from bankside.orders.model import Order, PlanStep
from bankside.orders.preparations.room import Form, Prepared, Room
from bankside.orders.primitives import card
from bankside.orders.primitives.deposit import bank_day
from bankside.orders.primitives.effect import section

# 20,000 entries between two bills: more than any card has.
PAGES_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Turnover:
    """An account over some days: its balance before them, and each entry's day and amount."""

    opening: int
    entries: Sequence[tuple[date, int]]

    @property
    def credits(self) -> int:
        """What was paid to it."""
        return sum(minor for _, minor in self.entries if minor > 0)

    def owed(self, first: date, end: date) -> list[int]:
        """What was owed at the end of each day from ``first`` up to, not including, ``end``."""
        balance = self.opening
        by_day: dict[date, int] = {}
        for day, minor in self.entries:
            by_day[day] = by_day.get(day, 0) + minor
        owed = []
        for offset in range((end - first).days):
            balance += by_day.get(first + timedelta(days=offset), 0)
            owed.append(max(-balance, 0))
        return owed


async def billing(room: Room, order: Order, _step: PlanStep, _form: Form) -> Prepared:
    """For the card's next event: what was paid back until its due date, or the balances to bill."""
    return Prepared(order, {"card": await _facts(room, order)})


async def _facts(room: Room, order: Order) -> dict[str, Any]:
    book = card.of(order)
    account = order.roles["opened_account"]
    if book.bill is not None and book.bill.paid_whole is None:
        found = await turnover(room.db, account, book.bill.bill_date, book.bill.due_on)
        return {"paid_back": found.credits}
    day = book.next_bill
    before = day - timedelta(days=1)
    spent = (await turnover(room.db, account, before, before)).owed(before, day)[0]
    span = bears(book, day)
    daily: list[int] = []
    if span is not None:
        first, end = span
        daily = (await turnover(room.db, account, first, end - timedelta(days=1))).owed(first, end)
    return {"spent": spent, "daily": daily}


async def missing(room: Room, order: Order) -> int:
    """What the least of the last bill still lacks today; 0 without a bill."""
    if not section(order, card.NOUN):
        return 0
    today = bank_day(room.desk.clock.now())
    return await missing_of(room.db, card.of(order), order.roles["opened_account"], today)


async def missing_of(db: Connection, book: CardBook, account: str, today: date) -> int:
    """What the least of the card's last bill lacks on a day; ``account`` is its ledger account."""
    if book.bill is None:
        return 0
    credits = (await turnover(db, account, book.bill.bill_date, today)).credits
    charges = sum(minor for _, minor in book.charges_paid)
    return max(book.bill.minimum_minor - credits - charges, 0)


async def turnover(db: Connection, account: str, first: date, last: date) -> Turnover:
    """The account's entries booked in the days, both included. Raises StatementTooLong."""
    period = Period(first=first, last=last)
    opening = (await ledger.turnover(db, account, period=period)).opening.minor
    entries: list[tuple[date, int]] = []
    cursor: str | None = None
    for _ in range(PAGES_MAX):
        page = await ledger.entries_page(
            db, account, period=period, newest_first=False, cursor=cursor, limit=LIMIT_MAX
        )
        entries += [(each.booking_date, each.amount.minor) for each in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return Turnover(opening, entries)
    raise StatementTooLong(f"{account} has too many entries from {first} to {last}")
