"""Exact amounts: integer minor units with an ISO 4217 currency.

Always true: an amount never passes through a float, and two currencies never mix.
Source: ISO 4217:2015 (minor units); amounts cross the edge as decimal strings.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from bankside.kernel.errors import Invalid

# Digits after the decimal point. A currency that is not here is refused, never guessed.
MINOR_DIGITS: dict[str, int] = {
    "AED": 2, "AUD": 2, "BHD": 3, "BRL": 2, "CAD": 2, "CHF": 2, "CNY": 2, "CZK": 2, "DKK": 2,
    "EUR": 2, "GBP": 2, "HKD": 2, "IDR": 2, "INR": 2, "JOD": 3, "JPY": 0, "KRW": 0, "KWD": 3,
    "MOP": 2, "MYR": 2, "NOK": 2, "NZD": 2, "OMR": 3, "PLN": 2, "RUB": 2, "SAR": 2, "SEK": 2,
    "SGD": 2, "THB": 2, "TND": 3, "TRY": 2, "TWD": 2, "USD": 2, "VND": 0, "ZAR": 2,
}  # fmt: skip

# A ledger column is a signed 64-bit integer; one amount stays far below its end so that sums do.
MINOR_MAX = 10**15
# Of a text that is no amount, a refusal repeats this many characters.
SHOWN_MAX = 40

_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,15})(?:\.([0-9]{1,4}))?")


class AmountInvalid(Invalid):
    """The text is no amount of this currency (sign, digits, exponent or size)."""

    code = "amount.invalid"


class CurrencyUnknown(Invalid):
    """The currency is not one this bank keeps accounts in."""

    code = "amount.currency_unknown"


class CurrencyMismatch(Invalid):
    """Two amounts of different currencies met in one operation."""

    code = "amount.currency_mismatch"


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An exact amount: ``minor`` units (CNY 12.34 is 1234) of an ISO 4217 ``currency``."""

    minor: int
    currency: str

    @classmethod
    def parse(cls, amount: str, currency: str) -> Self:
        """Read a non-negative decimal string such as ``"12.34"``; at most the currency's digits.

        Raises AmountInvalid (``"12.345"`` for CNY, ``"1e3"``, ``"-1"``) and CurrencyUnknown.
        """
        digits = minor_digits(currency)
        match = _DECIMAL.fullmatch(amount) if isinstance(amount, str) else None
        if match is None:
            raise AmountInvalid(f"{_shown(amount)} is not a decimal amount such as '12.34'")
        fraction = match[2] or ""
        if len(fraction) > digits:
            raise AmountInvalid(
                f"{currency} has {digits} decimal places; {_shown(amount)} has more"
            )
        minor = int(match[1]) * 10**digits + int(fraction.ljust(digits, "0") or "0")
        if minor > MINOR_MAX:
            raise AmountInvalid(f"{_shown(amount)} is above the largest amount of one operation")
        return cls(minor, currency)

    def __str__(self) -> str:
        """The decimal string that crosses the edge, with all digits of the currency."""
        digits = MINOR_DIGITS[self.currency]
        sign, minor = ("-", -self.minor) if self.minor < 0 else ("", self.minor)
        whole, fraction = divmod(minor, 10**digits)
        return f"{sign}{whole}.{fraction:0{digits}d}" if digits else f"{sign}{whole}"

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other).minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other).minor

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other).minor

    def __gt__(self, other: "Money") -> bool:
        return self.minor > self._same(other).minor

    def __ge__(self, other: "Money") -> bool:
        return self.minor >= self._same(other).minor

    def split(self, weights: Sequence[int]) -> list["Money"]:
        """Divide by integer weights; the shares always add up to ``self``.

        The first shares with a weight take the left-over minor units, one each.
        """
        whole = sum(weights)
        if whole <= 0 or min(weights) < 0 or self.minor < 0:
            raise AmountInvalid("only a non-negative amount is split, by non-negative weights")
        shares = [self.minor * weight // whole for weight in weights]
        left_over = self.minor - sum(shares)
        for index, weight in enumerate(weights):
            if left_over and weight:
                shares[index] += 1
                left_over -= 1
        return [Money(share, self.currency) for share in shares]

    def basis_points(self, rate_bp: int) -> "Money":
        """``rate_bp`` hundredths of a percent of the amount, rounded half-even to a minor unit."""
        whole, rest = divmod(self.minor * rate_bp, 10_000)
        if rest > 5_000 or (rest == 5_000 and whole % 2 == 1):
            whole += 1
        return Money(whole, self.currency)

    def to_json(self) -> dict[str, str]:
        """The shape an amount has in every request and answer."""
        return {"amount": str(self), "currency": self.currency}

    def _same(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not mix")
        return other


def minor_digits(currency: str) -> int:
    """Decimal places of a currency, or CurrencyUnknown."""
    digits = MINOR_DIGITS.get(currency) if isinstance(currency, str) else None
    if digits is None:
        raise CurrencyUnknown(f"{_shown(currency)} is not a currency of this bank")
    return digits


def _shown(given: object) -> str:
    """What was sent instead, cut: a refusal is never longer than the request it refuses."""
    if isinstance(given, str):
        return repr(given[:SHOWN_MAX])
    return repr(given) if isinstance(given, int | float) else f"a {type(given).__name__}"
