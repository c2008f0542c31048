"""Scorecards over the bank's own books: pure, whole numbers, each step with its reason.

They are transparent rules, not calibrated on defaults: an answer names its model, and says so. The
facts are those of one customer over the last ``DAYS`` days, amounts in minor units.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

DAYS = 90
_SCORE_MIN, _SCORE_MAX = 300, 850
_GRADES = ((720, "AAA"), (660, "AA"), (600, "A"), (540, "BBB"), (480, "BB"), (0, "B"))


@dataclass(frozen=True, slots=True)
class Facts:
    """What the books say of a customer: accounts, age of the oldest in days, money in and out."""

    accounts: int
    age_days: int
    balance: int
    credits: int
    debits: int
    entries: int
    frozen: int = 0


def credit(facts: Facts) -> dict[str, Any]:
    """A credit score from 300 to 850 with a grade: higher is better."""
    points = [
        (min(facts.age_days // 30 * 5, 60), "relationship.age"),
        (min(facts.accounts * 10, 30), "accounts.count"),
        (min(facts.balance // 100_000 * 10, 80), "balance.level"),
        (60 if facts.credits > facts.debits else -20, "flow.net"),
        (-60 if facts.entries == 0 else min(facts.entries, 40), "history.entries"),
        (-120 if facts.frozen else 0, "accounts.frozen"),
    ]
    score = max(min(520 + sum(each for each, _ in points), _SCORE_MAX), _SCORE_MIN)
    grade = next(word for floor, word in _GRADES if score >= floor)
    return _result("bankside-credit-1", score, points, grade=grade)


def fraud(facts: Facts) -> dict[str, Any]:
    """A fraud score from 0 to 100: higher is riskier, 60 and more is for a person to look at."""
    turned = facts.debits * 100 // facts.credits if facts.credits else 0
    points = [
        (35 if facts.age_days < 30 else 0, "account.new"),
        (30 if turned >= 95 and facts.entries >= 4 else 0, "money.passed_through"),
        (25 if facts.frozen else 0, "accounts.frozen"),
        (10 if facts.entries > 300 else 0, "history.many_entries"),
    ]
    score = min(sum(each for each, _ in points), 100)
    return _result("bankside-fraud-1", score, points, grade="review" if score >= 60 else "pass")


def income(facts: Facts) -> dict[str, Any]:
    """What came in on average in a month of 30 days, in minor units."""
    points = [(min(facts.entries, 40), "history.entries")]
    result = _result("bankside-income-1", min(facts.entries, 100), points, grade=None)
    return {**result, "monthly_minor": facts.credits * 30 // DAYS}


def recommendation(facts: Facts) -> dict[str, Any]:
    """Products that fit, best first, by rule."""
    fitting = [
        ("account.term-deposits", facts.balance >= 1_000_000),
        ("wealth.wealth-subscriptions", facts.balance >= 5_000_000),
        ("loan.personal-loans", facts.credits > 0 and not facts.frozen),
        ("pension.pension-accounts", facts.age_days >= 30),
        ("account.account-statements", True),
    ]
    chosen = [product for product, fits in fitting if fits]
    result = _result("bankside-next-1", len(chosen), [(1, each) for each in chosen], grade=None)
    return {**result, "products": chosen}


# Which model a product asks for; every other product asks for a credit score.
MODELS: Mapping[str, Callable[[Facts], dict[str, Any]]] = {
    "data.fraud-scores": fraud,
    "data.merchant-risk-alerts": fraud,
    "identity.device-checks": fraud,
    "data.income-verifications": income,
    "engage.product-recommendations": recommendation,
}


def scored(product: str, facts: Facts) -> dict[str, Any]:
    """The product's model on the facts: score, grade, reasons (strongest first), model."""
    return MODELS.get(product, credit)(facts)


def _result(
    model: str, score: int, points: list[tuple[int, str]], *, grade: str | None
) -> dict[str, Any]:
    strongest = sorted((each for each in points if each[0]), key=lambda each: -abs(each[0]))
    return {
        "model": model,
        "calibrated": False,
        "score": score,
        "grade": grade,
        "reasons": [{"code": code, "points": each} for each, code in strongest],
    }
