"""When a standing order is due: its dates, and on which day the bank pays them.

Pure functions. Dates are counted from the first one, so that a month without its day (31 February)
moves no later date. A date that is no working day is paid on the next one.
"""

import calendar
import re
from datetime import date, timedelta
from typing import Final

from bankside.bank.standing_orders.model import StandingOrder
from bankside.kernel.calendar import is_business_day, next_business_day

# Every week on a weekday, or every n-th month on a day (UK Open Banking, Frequency).
FREQUENCY: Final = re.compile(
    r"EvryDay|IntrvlWkDay:0[1-9]:0[1-7]|IntrvlMnthDay:(0[1-6]|12|24):(0[1-9]|[12][0-9]|3[01])"
)


def pays_on(order: StandingOrder) -> date | None:
    """The day the order is tried next; None when nothing of it is due any more."""
    if order.next_on is None or not order.is_active:
        return None
    if order.pay_on is not None:
        return order.pay_on
    return order.next_on if is_business_day(order.next_on) else next_business_day(order.next_on)


def date_after(order: StandingOrder, day: date) -> date | None:
    """The order's first date after ``day``; None when that lies beyond its last one."""
    kind, *numbers = order.frequency.split(":")
    first = order.first_on or order.next_on or day
    if kind == "EvryDay":
        found = max(first, day + timedelta(days=1))
    elif kind == "IntrvlWkDay":
        found = _weekly(first, day, int(numbers[0]), int(numbers[1]))
    else:
        found = _monthly(first, day, int(numbers[0]), int(numbers[1]))
    return None if order.final_on is not None and found > order.final_on else found


def _weekly(first: date, day: date, weeks: int, weekday: int) -> date:
    """Every ``weeks`` weeks on ISO weekday ``weekday``, from the first such day."""
    start = first + timedelta(days=(weekday - first.isoweekday()) % 7)
    if start > day:
        return start
    step = 7 * weeks
    return start + timedelta(days=step * ((day - start).days // step + 1))


def _monthly(first: date, day: date, months: int, of_month: int) -> date:
    """Every ``months`` months on a day of the month, or the last day of a month that lacks it."""
    begins = first.year * 12 + first.month - 1
    if _day_of(begins, of_month) < first:
        begins += months
    passed = max(day.year * 12 + day.month - 1 - begins, 0) // months
    found = _day_of(begins + passed * months, of_month)
    return found if found > day else _day_of(begins + (passed + 1) * months, of_month)


def _day_of(month: int, of_month: int) -> date:
    year, number = divmod(month, 12)
    return date(year, number + 1, min(of_month, calendar.monthrange(year, number + 1)[1]))
