"""Terms of deposits: term, rate, demand rate, notice and minimum, by product code."""

from collections.abc import Mapping
from dataclasses import dataclass

# Paid on what is withdrawn before its term or without notice, and after maturity.
DEMAND_RATE_BP = 5


@dataclass(frozen=True, slots=True)
class DepositTerms:
    """What a deposit pays. ``months`` None: no term; ``notice_days`` to be given before the end.

    ``minimum`` is in main units of any currency; ``retained`` of them stay at the demand rate
    (agreement deposits).
    """

    code: str
    rate_bp: int
    months: int | None
    minimum: int
    notice_days: int = 0
    retained: int = 0
    demand_rate_bp: int = DEMAND_RATE_BP


DEPOSITS: Mapping[str, DepositTerms] = {
    each.code: each
    for each in (
        DepositTerms("TD-3M", 65, 3, 50),
        DepositTerms("TD-6M", 85, 6, 50),
        DepositTerms("TD-1Y", 95, 12, 50),
        DepositTerms("TD-2Y", 105, 24, 50),
        DepositTerms("TD-3Y", 125, 36, 50),
        DepositTerms("CALL-1D", 10, None, 50_000, notice_days=1),
        DepositTerms("CALL-7D", 30, None, 50_000, notice_days=7),
        DepositTerms("CD-1Y", 115, 12, 200_000),
        DepositTerms("CD-3Y", 155, 36, 200_000),
        DepositTerms("SD-6M", 120, 6, 10_000),
        DepositTerms("AGR", 10, None, 100_000, retained=100_000),
    )
}
