"""What a credit desk is asked, and the sandbox's fixed rule."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from bankside.bank.shelf import LoanTerms
from bankside.kernel.money import MINOR_DIGITS, Money

# In the sandbox an application for such a number of main units is declined, or waits for nobody.
DECLINED_ENDING = 666


@dataclass(frozen=True, slots=True)
class Application:
    """Who wants how much for how long; ``facts`` are the product's own fields (patent no. ...)."""

    product: str
    customer: str
    amount: Money
    months: int
    terms: LoanTerms
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """The desk's word. ``limit`` is what may be drawn, in minor units of the application."""

    approved: bool
    limit: int
    rate_bp: int
    reasons: tuple[str, ...]
    source: str
    simulated: bool


class CreditDesk(Protocol):
    """Whoever decides on credit; ``real`` is false for the sandbox's rule."""

    real: bool

    async def decide(self, application: Application) -> Decision:
        """Whether, how much and at which rate the bank lends."""


class SandboxCreditDesk:
    """Approves what the product's terms allow, and says that nobody has looked at it.

    Declined: amounts above the product's limit (``credit.above_limit``), terms beyond its longest
    (``credit.term_too_long``), and whole amounts ending in 666 (``credit.declined``).
    """

    real = False

    async def decide(self, application: Application) -> Decision:
        """The fixed rule."""
        terms, amount = application.terms, application.amount
        scale = int(10 ** MINOR_DIGITS[amount.currency])
        reasons = []
        if amount.minor > terms.limit * scale:
            reasons.append("credit.above_limit")
        if application.months > terms.months_max:
            reasons.append("credit.term_too_long")
        if amount.minor // scale % 1_000 == DECLINED_ENDING:
            reasons.append("credit.declined")
        return Decision(
            approved=not reasons,
            limit=0 if reasons else amount.minor,
            rate_bp=terms.rate_bp,
            reasons=tuple(reasons),
            source="sandbox",
            simulated=True,
        )
