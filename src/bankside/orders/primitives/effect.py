"""What a primitive decides: the order afterwards, the legs to post, and what the journal keeps.

Always true: a primitive is a pure function; it names accounts only by the roles its step declares,
and a leg of zero is no leg.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from bankside.bank.ledger import Leg
from bankside.orders.errors import OrderStateRefused
from bankside.orders.model import Order, PlanStep

# What a call, a clock or a worker asks of a step: typed values of the request by field name.
Ask = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Effect:
    """The outcome of one step.

    ``hold`` says that the legs place, capture or release the order's hold. ``stays`` keeps the
    order waiting at a step that can run again. ``skips`` names steps this outcome makes pointless.
    ``event`` is the fact to publish (``paid`` becomes ``orders.order.paid``). ``reference`` is the
    partner's own number of this very step.
    """

    order: Order
    legs: tuple[Leg, ...] = ()
    hold: Literal["place", "capture", "release"] | None = None
    stays: bool = False
    skips: frozenset[str] = frozenset()
    event: str | None = None
    reference: str | None = None
    output: Mapping[str, Any] = field(default_factory=dict)


Run = Callable[[Order, PlanStep, Ask, datetime], Effect]


@dataclass(frozen=True, slots=True)
class Primitive:
    """A primitive operation: how it runs, when an ``event`` step needs no waiting, what undoes it.

    ``ready`` looks at what was asked: a payment that brings the payer's token is confirmed at once.
    ``reverse`` undoes what is left of the step's effect (None: it posts nothing).
    """

    run: Run
    ready: Callable[[Ask], bool] = lambda _: False
    reverse: Callable[[Order, PlanStep, datetime], Effect] | None = None


def account(order: Order, step: PlanStep, part: str, default: str) -> str:
    """The ledger account that plays ``part`` (debit, credit, fee) in the step."""
    role = step.roles.get(part, default)
    found = order.roles.get(role)
    if found is None:
        raise OrderStateRefused(f"order {order.id} has no account in the role {role}")
    return found


def legs(order: Order, *moves: tuple[str, str, int]) -> tuple[Leg, ...]:
    """Legs of (debit account, credit account, minor units), without those of zero."""
    return tuple(Leg(debit, credit, order.money(minor)) for debit, credit, minor in moves if minor)
