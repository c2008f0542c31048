"""What keeping an account costs: periods, waivers, what is owed and what is taken. Pure.

Conventions (the sandbox bank's own): a period is ``months`` calendar months, the one of the opening
counts whole, and its fee falls due at 22:00 Beijing time of its last day, so that it is in that
business date. The first ``free_months`` calendar months cost nothing, nor does a period in which
the account never stood below the waiver's balance. What the account does not cover stays owed, the
oldest period first, and is tried again each night; nothing bears interest. Amounts: minor units.
"""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final

from bankside.kernel.clock import BANK_ZONE
from bankside.orders.interest.schedule import month_after
from bankside.orders.model import AccountFee

# An hour before the business date closes.
CHARGE_HOUR: Final = 22
# Nights on which what is owed is tried again; then it waits for the next period's end.
TRIES_MAX: Final = 10
# An account that owes this many periods is charged no more until some of it is paid.
OWED_PERIODS_MAX: Final = 12


@dataclass(frozen=True, slots=True)
class Owed:
    """What a period (its last month: ``2026-03``) still lacks."""

    period: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """An account's fees: the last day of the period in progress, and what earlier ones lack.

    ``try_on`` is the day on which what is owed is tried again; ``taken_minor`` all that was paid.
    """

    opened_on: date
    next_on: date
    owed: tuple[Owed, ...] = ()
    try_on: date | None = None
    tries: int = 0
    taken_minor: int = 0

    @property
    def owed_minor(self) -> int:
        """All that is owed."""
        return sum(each.amount_minor for each in self.owed)

    @property
    def wakes(self) -> datetime:
        """When the clock has something to do next."""
        return due_at(min(self.next_on, self.try_on or self.next_on))


def due_at(day: date) -> datetime:
    """The instant at which a period that ends on the day is charged."""
    return datetime.combine(day, time(CHARGE_HOUR), BANK_ZONE)


def opened(day: date, fee: AccountFee) -> Upkeep:
    """The fees of an account that was opened on the day."""
    return Upkeep(opened_on=day, next_on=_last_day(month_after(day, fee.months - 1)))


def first_day(book: Upkeep, fee: AccountFee) -> date:
    """The first day of the period in progress: its first month's, or the opening."""
    return max(month_after(book.next_on.replace(day=1), 1 - fee.months), book.opened_on)


def period_over(book: Upkeep, fee: AccountFee, lowest: int | None) -> Upkeep:
    """The period in progress is over and its fee owed, unless it is free or waived.

    ``lowest``: the least the account had in it; None where no waiver asks.
    """
    owed = book.owed
    if not _is_free(book, fee) and not _is_waived(fee, lowest) and len(owed) < OWED_PERIODS_MAX:
        owed = (*owed, Owed(f"{book.next_on:%Y-%m}", fee.minor))
    following = _last_day(month_after(book.next_on.replace(day=1), fee.months))
    return replace(book, owed=owed, next_on=following, try_on=None, tries=0)


def taken(book: Upkeep, can_pay: int) -> tuple[Upkeep, int]:
    """As much of what is owed as the account covers is taken, oldest first: (after, amount)."""
    left = amount = min(max(can_pay, 0), book.owed_minor)
    owed: list[Owed] = []
    for each in book.owed:
        part = min(each.amount_minor, left)
        left -= part
        if part < each.amount_minor:
            owed.append(Owed(each.period, each.amount_minor - part))
    return replace(book, owed=tuple(owed), taken_minor=book.taken_minor + amount), amount


def tried(book: Upkeep, day: date) -> Upkeep:
    """What is still owed is tried again the next night, or at the end of the next period."""
    again = bool(book.owed) and book.tries < TRIES_MAX
    on = day + timedelta(days=1) if again else None
    return replace(book, try_on=on, tries=book.tries + 1 if again else book.tries)


def periods(owed: Sequence[Owed]) -> str:
    """The periods by name, for the words of a posting."""
    return ", ".join(each.period for each in owed)


def _is_free(book: Upkeep, fee: AccountFee) -> bool:
    opened_on, ends = book.opened_on, book.next_on
    months = (ends.year - opened_on.year) * 12 + ends.month - opened_on.month
    return months < fee.free_months


def _is_waived(fee: AccountFee, lowest: int | None) -> bool:
    return fee.waived_from is not None and lowest is not None and lowest >= fee.waived_from


def _last_day(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])
