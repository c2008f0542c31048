"""Periods of recurring payments: which one an instant lies in, and what may be paid in it.

Always true: periods are days of the bank's zone; every instant lies in exactly one period of each
limit. Calendar weeks begin on Monday, fortnights are pairs of ISO weeks counted from 5 January
1970, half-years begin in January and July; aligned with the consent, a period begins on the day
of the month (or of the week) on which the consent began. The first calendar period is shortened to
the days the consent has in it, and its amount with it, rounded down.
Source: UK Open Banking, Domestic VRP consents (ControlParameters.PeriodicLimits).
"""

import calendar
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bankside.identity.consents.model import Alignment, PeriodLimit, PeriodType
from bankside.kernel.clock import BANK_ZONE

_MONDAY = date(1970, 1, 5)
_DAYS = {PeriodType.DAY: 1, PeriodType.WEEK: 7, PeriodType.FORTNIGHT: 14}
_MONTHS = {PeriodType.MONTH: 1, PeriodType.HALF_YEAR: 6, PeriodType.YEAR: 12}


@dataclass(frozen=True, slots=True)
class Period:
    """The days from ``starts_on`` to before ``ends_on``, and the most minor units paid in them."""

    starts_on: date
    ends_on: date
    ceiling: int


def period_at(limit: PeriodLimit, begun: datetime, at: datetime) -> Period:
    """The period of a limit that ``at`` lies in, for a consent in force since ``begun``."""
    first, day = begun.astimezone(BANK_ZONE).date(), at.astimezone(BANK_ZONE).date()
    if limit.alignment is Alignment.CONSENT:
        start, end = _bounds(limit.period, first, day)
        return Period(start, end, limit.amount.minor)
    anchor = _MONDAY if limit.period in _DAYS else date(_MONDAY.year, 1, 1)
    start, end = _bounds(limit.period, anchor, day)
    in_force = (end - max(start, first)).days
    return Period(start, end, limit.amount.minor * in_force // (end - start).days)


def _bounds(period: PeriodType, anchor: date, day: date) -> tuple[date, date]:
    """First day of the period that holds ``day``, and of the next, counted from ``anchor``."""
    if period in _DAYS:
        length = timedelta(days=_DAYS[period])
        start = anchor + (day - anchor) // length * length
        return start, start + length
    months = _MONTHS[period]
    count = ((day.year - anchor.year) * 12 + day.month - anchor.month) // months
    # The anchor's day may lie later in the month than this day: then the period before holds it.
    if _months_after(anchor, count * months) > day:
        count -= 1
    return _months_after(anchor, count * months), _months_after(anchor, (count + 1) * months)


def _months_after(anchor: date, months: int) -> date:
    """The same day of a later month, or that month's last day when it is shorter."""
    year, month = divmod(anchor.month - 1 + months, 12)
    year, month = anchor.year + year, month + 1
    return date(year, month, min(anchor.day, calendar.monthrange(year, month)[1]))
