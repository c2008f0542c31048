"""Cover of a sold policy: what may still be claimed, and what a surrender gives back.

Always true: all claims of a policy together never exceed its cover; a surrendered policy is never
claimed, and a surrender gives back the premium of the days that are left.
"""

from dataclasses import replace
from datetime import date, datetime

from bankside.bank.registers import unearned
from bankside.kernel.clock import BANK_ZONE
from bankside.kernel.money import Money
from bankside.orders.errors_papers import ClaimExceedsCover, ContractEnded, CoverRefused
from bankside.orders.model import Order
from bankside.orders.primitives.effect import kept, section


def cover(policy: Order) -> Money:
    """The sum insured."""
    found: dict[str, str] = policy.input["cover"]
    return Money.parse(found["amount"], found["currency"])


def period(policy: Order) -> tuple[date, date]:
    """First and last day of cover."""
    return date.fromisoformat(policy.input["from_on"]), date.fromisoformat(policy.input["to_on"])


def claimed(policy: Order, amount: Money, incident: date, at: datetime) -> Order:
    """The policy with the claim counted. Raises ContractEnded, CoverRefused, ClaimExceedsCover."""
    in_force(policy)
    first, last = period(policy)
    today = at.astimezone(BANK_ZONE).date()
    if not first <= incident <= min(last, today):
        raise CoverRefused(f"the policy covers {first} to {last}")
    before = section(policy, "policy").get("claimed_minor", 0)
    left = Money(cover(policy).minor - before, policy.currency)
    if amount.currency != policy.currency or amount > left:
        raise ClaimExceedsCover(
            f"{left} {left.currency} of the cover are left", extra={"cover_left": left.to_json()}
        )
    return kept(policy, "policy", {"claimed_minor": before + amount.minor})


def surrendered(policy: Order, at: datetime) -> tuple[Order, Money]:
    """The policy as surrendered, and the premium given back. Raises ContractEnded, CoverRefused."""
    in_force(policy)
    if section(policy, "policy").get("claimed_minor", 0):
        raise CoverRefused("a policy that was claimed is not surrendered")
    first, last = period(policy)
    days = (last - first).days + 1
    today = at.astimezone(BANK_ZONE).date()
    left = max(min((last - today).days, days), 0)
    back = Money(unearned(policy.paid, days, left), policy.currency)
    facts = {"surrender_minor": back.minor}
    return replace(kept(policy, "policy", facts), status="surrendered"), back


def in_force(policy: Order) -> None:
    """Raise ContractEnded unless the premium was paid and the contract stands."""
    if section(policy, "contract").get("status") != "active" or not policy.paid or policy.refunded:
        raise ContractEnded(f"the policy is {policy.status}")
