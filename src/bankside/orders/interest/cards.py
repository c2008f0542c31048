"""A credit card's own account beside the ledger: bills, what is due on them, and what it costs.

Pure values; sums in minor units. What was spent and not paid back is the card account's balance in
the ledger; interest and late fees stand here until they are paid. Conventions (the issuer's, within
PBoC notice 2016-111):

- A bill on the same day of each month; payment due 20 days after it. Bill = what was spent + due
  interest + due fees; the least to pay is a tenth of what was spent + all interest and fees.
- Whoever pays a whole bill in time pays no interest. Otherwise interest runs from the day of
  booking, on each day's balance, at 0.05 % a day (ACT, by calendar days), rounded half-even once a
  bill; it runs until a later bill is paid whole and in time. No interest on interest or fees.
- A bill whose least was not paid in time costs 5 % of what was missing, once (article 3: no
  interest on it).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from bankside.orders.interest.daycount import half_even
from bankside.orders.interest.schedule import month_after

DAILY_RATE_PER_10K: Final = 5
MINIMUM_PERCENT: Final = 10
LATE_FEE_PERCENT: Final = 5
DAYS_TO_PAY: Final = 20
# Every month has this day.
BILL_DAY_MAX: Final = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """One month's bill. ``paid_whole`` is known once its due date is over."""

    bill_date: date
    due_on: date
    spent_minor: int
    interest_minor: int
    late_fee_minor: int
    balance_minor: int
    minimum_minor: int
    paid_whole: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardBook:
    """Where a card stands. ``bears_from``: the first day whose balance bears interest not yet
    counted; ``bears_to``: the day it stops at (None: it goes on). ``charges_paid``: (day, minor)
    of interest and fees paid since the last bill.
    """

    first_day: date
    bills: int = 0
    interest_minor: int = 0
    late_fee_minor: int = 0
    bears_from: date | None = None
    bears_to: date | None = None
    charges_paid: tuple[tuple[date, int], ...] = ()
    bill: Bill | None = None
    status: str = "open"

    @property
    def next_bill(self) -> date:
        """The day of the next bill."""
        return month_after(self.first_day, self.bills + 1)

    @property
    def due_minor(self) -> int:
        """Interest and fees that are due."""
        return self.interest_minor + self.late_fee_minor

    @property
    def next_day(self) -> date:
        """The day on which something happens next: the day after a due date, or the next bill."""
        if self.bill is not None and self.bill.paid_whole is None:
            return self.bill.due_on + timedelta(days=1)
        return self.next_bill


def opened(day: date) -> CardBook:
    """A new card: billed on the day of the month it was opened, at most the 28th."""
    return CardBook(first_day=day.replace(day=min(day.day, BILL_DAY_MAX)))


def interest_on(daily: Sequence[int]) -> int:
    """Interest on the balances owed at the end of each day: rounded half-even once."""
    return half_even(sum(daily) * DAILY_RATE_PER_10K, 10_000)


def bears(book: CardBook, until: date) -> tuple[date, date] | None:
    """The days (first, first not counted) that bear interest on a bill of ``until``."""
    if book.bears_from is None:
        return None
    last = min(book.bears_to or until, until)
    return (book.bears_from, last) if last > book.bears_from else None


def billed(book: CardBook, spent: int, daily: Sequence[int]) -> CardBook:
    """The card after its next bill. ``spent``: owed in the ledger; ``daily``: of ``bears``."""
    day = book.next_bill
    interest = interest_on(daily)
    due = book.interest_minor + interest
    balance = spent + due + book.late_fee_minor
    least = half_even(spent * MINIMUM_PERCENT, 100) + due + book.late_fee_minor
    bill = Bill(
        bill_date=day,
        due_on=day + timedelta(days=DAYS_TO_PAY),
        spent_minor=spent,
        interest_minor=interest,
        late_fee_minor=book.late_fee_minor,
        balance_minor=balance,
        minimum_minor=least,
        paid_whole=None if balance else True,
    )
    goes_on = book.bears_from is not None and book.bears_to is None
    return replace(
        book,
        bills=book.bills + 1,
        interest_minor=due,
        bears_from=day if goes_on else None,
        bears_to=None,
        charges_paid=(),
        bill=bill,
    )


def judged(book: CardBook, paid_back: int) -> CardBook:
    """The card after a due date. ``paid_back``: credits to it from the bill to that date."""
    bill = book.bill
    assert bill is not None and bill.paid_whole is None, "a bill is judged once"
    paid = paid_back + sum(minor for day, minor in book.charges_paid if day <= bill.due_on)
    whole = paid >= bill.balance_minor
    fee = half_even(max(bill.minimum_minor - paid, 0) * LATE_FEE_PERCENT, 100)
    after = replace(
        book,
        bill=replace(bill, paid_whole=whole),
        late_fee_minor=book.late_fee_minor + fee,
        status="overdue" if paid < bill.minimum_minor else "open",
    )
    if whole:
        over = bill.due_on + timedelta(days=1)
        return replace(after, bears_to=over if book.bears_from else None)
    if book.bears_from is not None:
        return after
    # The interest-free time is lost from the first purchase of that bill on.
    first = book.first_day if book.bills == 1 else month_after(book.first_day, book.bills - 1)
    return replace(after, bears_from=first)


def paid(book: CardBook, minor: int, day: date) -> tuple[CardBook, int]:
    """The card after a payment, fees and interest first, and what is left for what was spent."""
    to_fee = min(minor, book.late_fee_minor)
    to_interest = min(minor - to_fee, book.interest_minor)
    charges = to_fee + to_interest
    after = replace(
        book,
        late_fee_minor=book.late_fee_minor - to_fee,
        interest_minor=book.interest_minor - to_interest,
    )
    if charges:
        after = replace(after, charges_paid=(*book.charges_paid, (day, charges)))
    return after, minor - charges
