"""Funds, metals and bonds that can be bought in units, and their sandbox prices.

A price is a pure function of code and date: first price plus a fixed daily step from the fund's
first day, and a small swing with the day's number, so that it also falls. Labelled ``sandbox``
wherever it is shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

_PRICE_DIGITS = Decimal("0.0001")
_FIRST_DAY = date(2026, 1, 1)


@dataclass(frozen=True, slots=True)
class Fund:
    """Something held in units.

    ``grade`` is the lowest risk grade of an investor (1 to 5) it is sold to; ``minimum`` in main
    units of the currency; ``first`` price of one unit, ``step`` a day, ``swing`` over a week.
    """

    code: str
    name_zh: str
    name_en: str
    kind: str
    grade: int
    minimum: int
    first: Decimal
    step: Decimal
    swing: Decimal = Decimal(0)
    currency: str = "CNY"
    pension: bool = False

    def price(self, day: date) -> Decimal:
        """The price of one unit on a day: 4 decimal places, half-even, always above zero."""
        days = max((day - _FIRST_DAY).days, 0)
        swing = self.swing * (days % 7 - 3)
        return (self.first + self.step * days + swing).quantize(_PRICE_DIGITS, ROUND_HALF_EVEN)


def _fund(code: str, zh: str, en: str, kind: str, grade: int, *, price: str, **more: str) -> Fund:
    return Fund(
        code=code,
        name_zh=zh,
        name_en=en,
        kind=kind,
        grade=grade,
        minimum=int(more.get("minimum", "1")),
        first=Decimal(price),
        step=Decimal(more.get("step", "0")),
        swing=Decimal(more.get("swing", "0")),
        pension="pension" in more,
    )


FUNDS: Mapping[str, Fund] = {
    each.code: each
    for each in (
        _fund("WM-CASH", "现金管理一号", "Cash management 1", "wealth", 1, price="1",
              step="0.0001"),
        _fund("WM-STABLE", "稳健理财一号", "Stable plan 1", "wealth", 2, price="1", step="0.0001",
              swing="0.0002"),
        _fund("WM-BALANCED", "均衡理财一号", "Balanced plan 1", "wealth", 3, price="1.05",
              step="0.0001", swing="0.0015"),
        _fund("FD-BOND", "纯债基金", "Bond fund", "fund", 2, price="1.12", step="0.0001",
              swing="0.0004"),
        _fund("FD-EQUITY", "股票基金", "Equity fund", "fund", 4, price="1.5", step="0.0002",
              swing="0.0120"),
        _fund("CI-30D", "对公三十天", "Corporate 30 days", "corporate", 2, price="1",
              step="0.0001", minimum="10000"),
        _fund("AU-GRAM", "积存金(克)", "Gold, gram", "gold", 3, price="780.00", step="0.05",
              swing="1.5"),
        _fund("AU-9999", "黄金现货9999(克)", "Gold spot 9999, gram", "gold", 4, price="779.50",
              step="0.05", swing="1.8"),
        _fund("GB-3Y", "储蓄国债三年", "Savings bond 3 years", "bond", 1, price="100",
              step="0.0060", minimum="100"),
        _fund("GB-CTR-5Y", "柜台债五年", "Counter bond 5 years", "bond", 2, price="100.20",
              step="0.0055", swing="0.05", minimum="100"),
        _fund("PN-TARGET-2050", "养老目标2050", "Pension target 2050", "pension", 3,
              price="1.20", step="0.0002", swing="0.0030", pension="yes"),
        _fund("PN-DEPOSIT", "养老储蓄", "Pension savings", "pension", 1, price="1",
              step="0.0001", pension="yes"),
    )
}  # fmt: skip
