"""Day counts and simple interest.

ACT/360 counts calendar days over a year of 360, the convention of Chinese deposits and loans
(PBoC notice 2005-129: daily rate = annual rate / 360); ACT/365 that of bonds and funds; 30/360
counts every month as 30 days (ISDA 2006, section 4.16(f)), which makes a month a twelfth of a year.
"""

from datetime import date
from enum import StrEnum


class Basis(StrEnum):
    """How days and years are counted."""

    ACT_360 = "ACT/360"
    ACT_365 = "ACT/365"
    THIRTY_360 = "30/360"


# Days of a year by basis.
BASES: dict[Basis, int] = {Basis.ACT_360: 360, Basis.ACT_365: 365, Basis.THIRTY_360: 360}
_BP = 10_000


def half_even(numerator: int, denominator: int) -> int:
    """The quotient rounded to the nearest whole number, a tie to the even one.

    ``denominator`` is positive; a negative numerator rounds like its opposite.
    """
    assert denominator > 0, "a day count and a rate have a positive denominator"
    if numerator < 0:
        return -half_even(-numerator, denominator)
    whole, rest = divmod(numerator, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1):
        whole += 1
    return whole


def days_between(first: date, last: date, basis: Basis) -> int:
    """Days from ``first`` (counted) to ``last`` (not counted); 0 when it does not lie later."""
    if last <= first:
        return 0
    if basis is not Basis.THIRTY_360:
        return (last - first).days
    start, end = min(first.day, 30), last.day
    if end == 31 and start == 30:
        end = 30
    return (last.year - first.year) * 360 + (last.month - first.month) * 30 + end - start


def simple(principal: int, rate_bp: int, first: date, last: date, basis: Basis) -> int:
    """Interest in minor units from ``first`` to ``last``, rounded half-even once, for the whole.

    ``principal`` in minor units. Asked again for a longer time it answers the new whole, so what is
    posted day by day are the differences, and they add up to exactly this.
    """
    days = days_between(first, last, basis)
    return half_even(principal * rate_bp * days, _BP * BASES[basis])
