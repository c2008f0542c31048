"""An order and its journal as values, and the one table of its states.

Always true: an ``Order`` is never changed, only replaced; all sums are integer minor units of its
currency. For a collected payment ``paid == (refunds from pending) + split + pending + settled +
fee``; nothing in it can be negative and ``refunded <= paid``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from bankside.kernel.money import Money
from bankside.orders.errors import OrderStateRefused


class State(StrEnum):
    """Where an order stands in the runtime; what it means for money is its ``status`` word."""

    CREATED = "created"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    REFUSED = "refused"
    COMPENSATING = "compensating"
    COMPENSATED = "compensated"
    RECONCILING = "reconciling"
    # Ended without effect before anybody paid: by time, or because the partner closed it.
    EXPIRED = "expired"


_NEXT: Mapping[State, frozenset[State]] = {
    State.CREATED: frozenset({State.RUNNING}),
    State.RUNNING: frozenset(
        {
            State.WAITING,
            State.COMPLETED,
            State.REFUSED,
            State.COMPENSATING,
            State.RECONCILING,
            State.EXPIRED,
        }
    ),
    State.WAITING: frozenset({State.RUNNING}),
    State.RECONCILING: frozenset({State.RUNNING, State.COMPENSATING}),
    State.COMPENSATING: frozenset({State.COMPENSATED}),
}


def moved(state: State, to: State) -> State:
    """The next state, or OrderStateRefused. Terminal states have no row."""
    if to not in _NEXT.get(state, frozenset()):
        raise OrderStateRefused(f"an order that is {state} does not become {to}")
    return to


def is_terminal(state: State) -> bool:
    """Whether nothing more will run by itself (a completed payment can still be refunded)."""
    return state not in _NEXT


@dataclass(frozen=True, slots=True)
class PlanStep:
    """A step of the product version an order began with (``catalogue.md`` section 4).

    ``roles`` names the part each account plays: ``{"debit": "payer_account", ...}``; the words on
    the right are keys of ``Order.roles``.
    """

    id: str
    use: str
    when: str
    on_failure: str
    roles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AccountFee:
    """What keeping the account costs every ``months`` months, in minor units of its currency.

    The first ``free_months`` calendar months are free, and so is a period in which the account
    never stood below ``waived_from`` (None: there is no such waiver).
    """

    minor: int
    months: int = 1
    free_months: int = 0
    waived_from: int | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """The price and caps an order began with; fee bounds are minor units of its currency.

    ``account``: what keeping the account costs that the order opens.
    """

    fee_rate_bp: int = 0
    fee_min: int | None = None
    fee_max: int | None = None
    split_share_max_bp: int = 0
    account: AccountFee | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One product definition at work for one caller.

    ``position`` is the plan index it waits at or runs next; ``waits_for`` the primitive operation
    there. ``reference`` is the partner's own number, unique within ``scope``. ``subject`` is the
    ledger account the order is about (payer of a transfer, merchant of a collection), ``roles``
    are all ledger accounts by role. ``shares`` are account id -> minor units a split receiver holds
    now, ``requests`` how many split requests there were. ``book`` is what the order's own steps
    know, one section of plain JSON a primitive (``loan``, ``deposit`` ...). ``revision``
    counts changes from 1, ``event_seq`` published events.
    """

    partner: str
    id: str
    tenant: str | None
    app: str
    psu: str | None = None
    product: str
    product_version: int = 1
    family: str
    state: State = State.CREATED
    status: str = "waiting"
    plan: tuple[PlanStep, ...]
    position: int = 0
    waits_for: str | None = None
    wake_at: datetime | None = None
    due_on: date | None = None
    scope: str
    reference: str | None = None
    content_hash: bytes
    subject: str
    parent: str | None = None
    currency: str
    amount: int
    paid: int = 0
    refunded: int = 0
    split: int = 0
    pending: int = 0
    held: int = 0
    settled: int = 0
    fee: int = 0
    requests: int = 0
    shares: Mapping[str, int] = field(default_factory=dict)
    terms: Terms = field(default_factory=Terms)
    roles: Mapping[str, str] = field(default_factory=dict)
    input: Mapping[str, Any] = field(default_factory=dict)
    output: Mapping[str, Any] = field(default_factory=dict)
    book: Mapping[str, Any] = field(default_factory=dict)
    revision: int = 0
    event_seq: int = 0
    created_at: datetime
    updated_at: datetime

    def money(self, minor: int) -> Money:
        """Minor units of this order as an amount."""
        return Money(minor, self.currency)

    @property
    def step(self) -> PlanStep | None:
        """The step it waits at; None when it has run them all."""
        return self.plan[self.position] if self.position < len(self.plan) else None


@dataclass(frozen=True, slots=True)
class Entry:
    """One journal row: which step ran in a change, and with what result."""

    step_id: str
    use: str
    status: Literal["done", "refused", "failed", "reversed"] = "done"
    output: Mapping[str, Any] = field(default_factory=dict)
    reference: str | None = None
    content_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One payment of a bulk order; ``ledger_account`` is None when the payee is unknown.

    A failed line is sent again at most once, by the order ``retried_in``.
    """

    no: int
    payee_account: str
    ledger_account: str | None
    amount: int
    remark: str = ""
    state: Literal["prepared", "confirmed", "failed"] = "prepared"
    reason: str | None = None
    group: UUID | None = None
    retried_in: str | None = None
    # Minor units of tax kept back from the line, beside ``amount``, which is paid out.
    withheld: int = 0
