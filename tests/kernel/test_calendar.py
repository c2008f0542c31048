"""The business calendar: Chinese working days as published, and the cut-off."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankside.kernel.calendar import (
    bounds,
    business_date,
    is_business_day,
    is_published,
    next_business_day,
    previous_business_day,
)
from bankside.orders.primitives import collect

INSTANTS = st.integers(0, 2 * 365 * 24 * 3600).map(
    lambda seconds: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
DAYS = st.dates(date(2025, 1, 1), date(2030, 12, 31))


@pytest.mark.parametrize(
    ("year", "working_days"),
    # 52 weeks and a day, 261 weekdays each year, less the weekdays off, plus the weekends worked.
    [(2025, 248), (2026, 248)],
)
def test_a_published_year_has_as_many_working_days_as_the_notice_leaves(
    year: int, working_days: int
) -> None:
    days = (date(year, 1, 1) + timedelta(days=n) for n in range(365))
    assert sum(map(is_business_day, days)) == working_days


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 2, 14), True),  # a Saturday worked for Spring Festival
        (date(2026, 2, 16), False),  # a Monday off
        (date(2026, 2, 28), True),
        (date(2026, 10, 7), False),
        (date(2026, 10, 8), True),
        (date(2025, 10, 8), False),
        (date(2025, 9, 28), True),  # a Sunday worked
        (date(2026, 3, 7), False),  # an ordinary Saturday
    ],
)
def test_holidays_are_off_and_exchanged_weekends_are_worked(day: date, works: bool) -> None:
    assert is_business_day(day) is works


def test_a_file_before_spring_festival_has_its_value_date_after_it() -> None:
    assert next_business_day(date(2026, 2, 14)) == date(2026, 2, 24)
    assert previous_business_day(date(2026, 2, 24)) == date(2026, 2, 14)


def test_a_year_without_a_notice_says_so_and_knows_weekends_only() -> None:
    assert is_published(date(2026, 12, 31))
    assert not is_published(date(2027, 1, 1))
    assert is_business_day(date(2027, 1, 1))  # a holiday for sure, but no notice says which days


@given(DAYS)
def test_next_and_previous_working_days_undo_each_other(day: date) -> None:
    following = next_business_day(day)
    assert day < following
    assert is_business_day(following)
    if is_business_day(day):
        assert previous_business_day(following) == day


@given(INSTANTS)
def test_an_instant_lies_within_the_bounds_of_its_business_date(at: datetime) -> None:
    since, until = bounds(business_date(at))
    assert since <= at < until
    assert business_date(at) == collect.business_date(at)
