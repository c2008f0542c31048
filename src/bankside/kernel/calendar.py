"""The bank's business calendar: which dates are working days in China, and when a date closes.

Always true: a date in a published year is what the State Council's notice says of it; in any other
year only Saturdays and Sundays are days off, and ``is_published`` is False: public holidays and the
weekends worked in exchange become known each November for the year after, and are then added here
as data. Nobody may promise a value date in a year that is not published.

Sources: notices of the General Office of the State Council on holidays, of 12 November 2024 for
2025 and of 4 November 2025 for 2026.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from bankside.kernel.clock import BANK_ZONE

# The bank's date closes at 23:00 Beijing time; what comes later belongs to the next one.
CUT_OFF_HOUR = 23
# The longest run of days off so far is 9 (Spring Festival 2026); a longer search is a broken table.
DAYS_OFF_MAX = 15

# First and last day off of each public holiday, and the weekend days that are worked in exchange.
_HOLIDAYS = (
    ("2025-01-01", "2025-01-01"),  # New Year
    ("2025-01-28", "2025-02-04"),  # Spring Festival
    ("2025-04-04", "2025-04-06"),  # Qingming
    ("2025-05-01", "2025-05-05"),  # Labour Day
    ("2025-05-31", "2025-06-02"),  # Dragon Boat
    ("2025-10-01", "2025-10-08"),  # National Day, Mid-Autumn
    ("2026-01-01", "2026-01-03"),  # New Year
    ("2026-02-15", "2026-02-23"),  # Spring Festival
    ("2026-04-04", "2026-04-06"),  # Qingming
    ("2026-05-01", "2026-05-05"),  # Labour Day
    ("2026-06-19", "2026-06-21"),  # Dragon Boat
    ("2026-09-25", "2026-09-27"),  # Mid-Autumn
    ("2026-10-01", "2026-10-07"),  # National Day
)
_WORKED_WEEKENDS = frozenset(
    map(
        date.fromisoformat,
        (
            *("2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11"),
            *("2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"),
        ),
    )
)
_PUBLISHED_YEARS = frozenset({2025, 2026})


def _days(first: str, last: str) -> Iterator[date]:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return (start + timedelta(days=n) for n in range((end - start).days + 1))


_DAYS_OFF = frozenset(day for first, last in _HOLIDAYS for day in _days(first, last))


def is_published(day: date) -> bool:
    """Whether the holidays of the date's year are known; if not, only weekends are days off."""
    return day.year in _PUBLISHED_YEARS


def is_business_day(day: date) -> bool:
    """Whether banks in China work on the date."""
    return day in _WORKED_WEEKENDS or (day.weekday() < 5 and day not in _DAYS_OFF)


def next_business_day(day: date) -> date:
    """The first working day after the date."""
    return _nearest(day, step=1)


def previous_business_day(day: date) -> date:
    """The last working day before the date."""
    return _nearest(day, step=-1)


def business_date(at: datetime) -> date:
    """The date the instant belongs to: the calendar date, or from the cut-off on the next one."""
    return (at.astimezone(BANK_ZONE) + timedelta(hours=24 - CUT_OFF_HOUR)).date()


def bounds(day: date) -> tuple[datetime, datetime]:
    """The instants from which and before which something belongs to the date."""
    closes = datetime.combine(day, time(CUT_OFF_HOUR), tzinfo=BANK_ZONE)
    return closes - timedelta(days=1), closes


def _nearest(day: date, *, step: int) -> date:
    for count in range(1, DAYS_OFF_MAX + 1):
        found = day + timedelta(days=step * count)
        if is_business_day(found):
            return found
    raise AssertionError(f"more than {DAYS_OFF_MAX} days off around {day}")
