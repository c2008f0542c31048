"""Exact interest: day counts, roundings and repayment schedules, each with its convention named.

Pure integer arithmetic. Rates are basis points a year (100 is 1 %); every rounding is half-even to
a minor unit and happens at one place: the accrual (of the whole sum since the last change, never of
single days, so that roundings do not add up) or the line of a schedule.
"""

from bankside.orders.interest.daycount import BASES, Basis, days_between, half_even, simple
from bankside.orders.interest.schedule import (
    Instalment,
    Method,
    month_after,
    schedule,
)

__all__ = [
    "BASES",
    "Basis",
    "Instalment",
    "Method",
    "days_between",
    "half_even",
    "month_after",
    "schedule",
    "simple",
]
