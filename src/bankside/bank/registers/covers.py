"""Insurance products on the bank's shelf: what they cover, for how long, and at what rate.

Sandbox rates, no insurer's prices. A premium is cover x rate x days / 365 (actual/365, both ends
counted), half-up to a minor unit and at least one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

DAYS_A_YEAR = 365


@dataclass(frozen=True, slots=True)
class CoverTerms:
    """One product: yearly rate in basis points of the cover, bounds in main units and days."""

    code: str
    name_zh: str
    name_en: str
    rate_bp: int
    cover_min: int
    cover_max: int
    days_max: int


COVERS: Mapping[str, CoverTerms] = {
    each.code: each
    for each in (
        CoverTerms("ACCIDENT-1", "个人意外险", "Personal accident", 30, 1_000, 1_000_000, 366),
        CoverTerms("HEALTH-1", "百万医疗险", "Medical expenses", 45, 10_000, 2_000_000, 366),
        CoverTerms("PROPERTY-1", "家庭财产险", "Household contents", 20, 1_000, 2_000_000, 366),
        CoverTerms("RIDER-1", "骑手意外险", "Rider accident", 120, 1_000, 600_000, 366),
        CoverTerms("CARGO-1", "货运险", "Cargo in transit", 180, 100, 5_000_000, 120),
        CoverTerms("RETURN-1", "退货运费险", "Return freight", 9_000, 5, 200, 60),
        CoverTerms("EMPLOYER-1", "雇主责任险", "Employer's liability", 60, 10_000, 5_000_000, 366),
        CoverTerms("FARM-1", "农业种植险", "Crops", 250, 100, 1_000_000, 366),
    )
}


def premium(cover_minor: int, terms: CoverTerms, days: int) -> int:
    """The premium in minor units for ``days`` of cover."""
    base = 10_000 * DAYS_A_YEAR
    return max((2 * cover_minor * terms.rate_bp * days + base) // (2 * base), 1)


def unearned(premium_minor: int, days: int, days_left: int) -> int:
    """What of a premium is given back when ``days_left`` of its days are left, half-up."""
    return (2 * premium_minor * days_left + days) // (2 * days)
