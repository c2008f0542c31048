"""Primitive ``verify``: what was presented, compared with what is known; nothing is posted.

The comparison is made before the step (``preparations.verify``): against check characters, the
bank's own registers, or an authority. Here it is written down, and stops an order that needs it.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bankside.kernel.clock import rfc3339
from bankside.orders.errors_papers import PartyListed, VerificationFailed
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives.effect import Ask, Effect, Primitive, kept

PASSED, FAILED = "passed", "failed"
# How often one code may be tried.
ATTEMPTS_MAX = 3
KINDS = ("identity", "card", "business", "face", "code", "list", "document", "risk")


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison: its result, why, who answered, and whether that answer is simulated.

    ``binding`` stops the order when it failed; a verification that was ordered for its own sake
    has the failure as its result. ``facts`` are further outcomes, such as a risk grade.
    """

    passed: bool
    reasons: tuple[str, ...] = ()
    source: str = "bank"
    simulated: bool = False
    binding: bool = True
    facts: dict[str, Any] = field(default_factory=dict)


def verified(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """Keeps the check of this step. Raises VerificationFailed or PartyListed when it binds.

    ``ask["verify"]``: primitive operation -> ``Check``.
    """
    check: Check = ask["verify"][step.use]
    if check.binding and not check.passed:
        reasons = {"reasons": list(check.reasons)}
        if step.use == "verify.list":
            raise PartyListed(extra=reasons)
        raise VerificationFailed(f"{step.use}: {', '.join(check.reasons)}", extra=reasons)
    what = step.use.partition(".")[2]
    facts = {
        "result": PASSED if check.passed else FAILED,
        "reasons": list(check.reasons),
        "source": check.source,
        "simulated": check.simulated,
        "checked_at": rfc3339(at),
        **check.facts,
    }
    after = kept(order, "verify", {what: facts})
    if not check.binding:
        after = replace(after, status=facts["result"])
    return _attempted(after, step, check)


def _attempted(order: Order, step: PlanStep, check: Check) -> Effect:
    """A code of the order's own may be tried again until its attempts are used up."""
    output = {"result": PASSED if check.passed else FAILED}
    sent = order.book.get("code")
    if step.use != "verify.code" or sent is None:
        return Effect(order, output=output)
    tried = kept(order, "code", {"attempts": sent["attempts"] + 1})
    again = not check.passed and sent["attempts"] + 1 < ATTEMPTS_MAX
    return Effect(tried, stays=again, output=output)


VERIFIED = Primitive(verified)
