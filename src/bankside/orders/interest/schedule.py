"""Repayment schedules: what of a loan is due when.

Methods: ``annuity`` (equal instalments), ``equal_principal``, ``bullet`` (everything at the end).
Months are twelfths of a year (30/360), so a month's interest is rate / 12 of what is outstanding at
its beginning; a bullet counts calendar days (ACT/360). Each line is rounded half-even; what the
roundings leave over is in the last line's principal, so that all principals add up to the loan.
"""

import calendar
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction

from bankside.orders.interest.daycount import Basis, half_even, simple

# A mortgage runs 30 years; nothing here runs longer.
TERM_MONTHS_MAX = 360
_MONTHS_BP = 12 * 10_000


class Method(StrEnum):
    """How a loan is repaid."""

    ANNUITY = "annuity"
    EQUAL_PRINCIPAL = "equal_principal"
    BULLET = "bullet"


@dataclass(frozen=True, slots=True)
class Instalment:
    """One line of a schedule: what falls due for the time since ``start``, in minor units."""

    no: int
    start: date
    due: date
    principal: int
    interest: int


def month_after(day: date, months: int, anchor: int | None = None) -> date:
    """The same day ``months`` later, or the month's last day when it is shorter.

    ``anchor`` is the day of the month to return to (31 January, 28 February, 31 March).
    """
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    last = calendar.monthrange(year, month)[1]
    return date(year, month, min(anchor or day.day, last))


def schedule(
    principal: int, rate_bp: int, months: int, drawn: date, method: Method
) -> tuple[Instalment, ...]:
    """All lines of a loan drawn on a day, the first due a month later.

    ``principal`` in minor units above zero, ``months`` from 1 to TERM_MONTHS_MAX.
    """
    assert principal > 0 and 1 <= months <= TERM_MONTHS_MAX, "checked at the grant"
    if method is Method.BULLET:
        due = month_after(drawn, months)
        interest = simple(principal, rate_bp, drawn, due, Basis.ACT_360)
        return (Instalment(1, drawn, due, principal, interest),)
    level = _level(principal, rate_bp, months)
    outstanding = principal
    lines: list[Instalment] = []
    start = drawn
    for no in range(1, months + 1):
        interest = half_even(outstanding * rate_bp, _MONTHS_BP)
        part = principal // months if method is Method.EQUAL_PRINCIPAL else level - interest
        # Tiny loans round to more than is left: nothing is ever due twice.
        part = outstanding if no == months else max(0, min(part, outstanding))
        due = month_after(drawn, no, drawn.day)
        lines.append(Instalment(no, start, due, part, interest))
        outstanding -= part
        start = due
    assert outstanding == 0, "principals add up to the loan"
    return tuple(lines)


def _level(principal: int, rate_bp: int, months: int) -> int:
    """The equal instalment: P r (1+r)^n / ((1+r)^n - 1), exact until it is rounded half-even."""
    if rate_bp == 0:
        return half_even(principal, months)
    rate = Fraction(rate_bp, _MONTHS_BP)
    growth = (1 + rate) ** months
    level = principal * rate * growth / (growth - 1)
    return half_even(level.numerator, level.denominator)
