"""Exchange rates: what one unit of a currency sold to the bank buys of another.

Rates have 8 decimal places, rounded down where the customer pays and up nowhere: the bank's spread
is never negative. The sandbox table is fixed (middle rates of no particular day) and says so.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Protocol

from bankside.kernel.errors import Invalid
from bankside.kernel.money import MINOR_DIGITS

# CNY for one unit of a currency: middle rates of the sandbox, of no particular day.
_MIDDLE: dict[str, Decimal] = {
    "CNY": Decimal(1),
    "USD": Decimal("7.1200"),
    "EUR": Decimal("7.7400"),
    "GBP": Decimal("9.0300"),
    "HKD": Decimal("0.9110"),
    "JPY": Decimal("0.0478"),
    "SGD": Decimal("5.3200"),
    "AUD": Decimal("4.6800"),
    "CAD": Decimal("5.2100"),
    "CHF": Decimal("8.0600"),
    "KRW": Decimal("0.0052"),
    "THB": Decimal("0.2080"),
    "MOP": Decimal("0.8850"),
}
# Each side of a deal gives up this much of the middle rate.
_SPREAD = Decimal("0.0015")
_DIGITS = Decimal("0.00000001")


class PairUnknown(Invalid):
    """The bank does not deal in this pair of currencies."""

    code = "fx.pair_unknown"


@dataclass(frozen=True, slots=True)
class Rate:
    """``rate`` units of ``buy`` for one unit of ``sell``; who says so, and when."""

    sell: str
    buy: str
    rate: Decimal
    at: datetime
    source: str
    simulated: bool

    def bought(self, sell_minor: int) -> int:
        """What an amount sold buys, in minor units of ``buy``: rounded down, to the bank's side."""
        scale = Decimal(10) ** (MINOR_DIGITS[self.buy] - MINOR_DIGITS[self.sell])
        return int((sell_minor * self.rate * scale).to_integral_value(ROUND_DOWN))

    def sold(self, buy_minor: int) -> int:
        """The least to sell, in minor units of ``sell``, that buys at least an amount."""
        scale = Decimal(10) ** (MINOR_DIGITS[self.sell] - MINOR_DIGITS[self.buy])
        # tidy: float-money - Decimals throughout, and the result is whole minor units
        least = int((buy_minor * scale / self.rate).to_integral_value(ROUND_DOWN))
        while self.bought(least) < buy_minor:
            least += 1
        return least


class Market(Protocol):
    """Where the bank gets its rates from; ``real`` is false for the sandbox's table."""

    real: bool

    def rate(self, sell: str, buy: str, at: datetime) -> Rate:
        """The rate of a pair now. Raises PairUnknown."""

    def pairs(self) -> tuple[str, ...]:
        """The currencies the bank deals in against its own."""


class SandboxMarket:
    """A fixed table, labelled as simulated."""

    real = False

    def rate(self, sell: str, buy: str, at: datetime) -> Rate:
        """The middle rates' quotient less the spread on both sides. Raises PairUnknown."""
        if sell not in _MIDDLE or buy not in _MIDDLE or sell == buy:
            raise PairUnknown(f"{sell} is not dealt against {buy}")
        sides = 1 if "CNY" in (sell, buy) else 2
        middle = _MIDDLE[sell] / _MIDDLE[buy]
        rate = (middle * (1 - _SPREAD) ** sides).quantize(_DIGITS, ROUND_DOWN)
        return Rate(sell, buy, rate, at, "sandbox", simulated=True)

    def pairs(self) -> tuple[str, ...]:
        """Every currency of the table but the bank's own."""
        return tuple(each for each in _MIDDLE if each != "CNY")
