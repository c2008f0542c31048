"""What a primitive decides: the order afterwards, the legs to post, and what the journal keeps.

Always true: a primitive is a pure function; it names accounts only by the roles its step declares,
and a leg of zero is no leg.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from bankside.bank.ledger import Leg
from bankside.kernel.db import Write
from bankside.orders.errors import OrderStateRefused
from bankside.orders.model import Order, PlanStep

# What a call, a clock or a worker asks of a step: typed values of the request by field name.
Ask = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Effect:
    """The outcome of one step.

    ``hold`` says that the legs place, capture or release the order's hold. ``stays`` keeps the
    order waiting at a step that can run again; ``ends`` ends it, whatever steps are left.
    ``skips`` names steps this outcome makes pointless.
    ``event`` is the fact to publish (``paid`` becomes ``orders.order.paid``). ``reference`` is the
    partner's own number of this very step. ``writes`` are rows of the bank's registers that commit
    with the step; they were made by the register's own slice.
    """

    order: Order
    legs: tuple[Leg, ...] = ()
    hold: Literal["place", "capture", "release"] | None = None
    stays: bool = False
    ends: bool = False
    skips: frozenset[str] = frozenset()
    event: str | None = None
    reference: str | None = None
    output: Mapping[str, Any] = field(default_factory=dict)
    writes: tuple[Write, ...] = ()


Run = Callable[[Order, PlanStep, Ask, datetime], Effect]


@dataclass(frozen=True, slots=True)
class Primitive:
    """A primitive operation: how it runs, when an ``event`` step needs no waiting, what undoes it.

    ``ready`` looks at what was asked: a payment that brings the payer's token is confirmed at once.
    ``reverse`` undoes what is left of the step's effect (None: it posts nothing). A ``lasting``
    one decides by its own section of the book and may run after the plan has gone on or ended: an
    invoice is checked for years.
    """

    run: Run
    ready: Callable[[Ask], bool] = lambda _: False
    reverse: Callable[[Order, PlanStep, datetime], Effect] | None = None
    lasting: bool = False


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


def section(order: Order, noun: str) -> Mapping[str, Any]:
    """What the primitive ``noun`` has kept in the order's book; empty before its first step."""
    found: Mapping[str, Any] = order.book.get(noun, {})
    return found


def kept(order: Order, noun: str, facts: Mapping[str, Any]) -> Order:
    """The order with ``facts`` (plain JSON) added to the section of the primitive ``noun``."""
    return replace(order, book={**order.book, noun: {**section(order, noun), **facts}})
