"""Batches, positions, payouts and terms as values, and the two tables of their states.

Always true: amounts are integer minor units of the merchant's one currency; a position's net is
what earlier dates left and what this date moved, a payout is never above it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from bankside.bank.clearing.errors import BatchTransitionRefused, PayoutTransitionRefused
from bankside.kernel.ids import is_space

# The sub-account of a merchant that is cleared net where its proceeds wait for their payout.
AVAILABLE = "available"
# The bank's own clearing; every data space of the sandbox has one of its own, by its own clock.
BANK = ""


def clears(partner: str) -> str:
    """Which clearing a partner's merchants are in: that of its data space, or the bank's."""
    return partner if is_space(partner) else BANK


class BatchState(StrEnum):
    """Where a date's clearing stands (reliability guide, section 4)."""

    OPEN = "open"
    SEALED = "sealed"
    COMPUTED = "computed"
    CHECKED = "checked"
    SUBMITTED = "submitted"
    CONFIRMED = "confirmed"
    RECONCILED = "reconciled"


# One way only, one step at a time: a date that is sealed never opens again.
_NEXT: Mapping[BatchState, BatchState] = {
    BatchState.OPEN: BatchState.SEALED,
    BatchState.SEALED: BatchState.COMPUTED,
    BatchState.COMPUTED: BatchState.CHECKED,
    BatchState.CHECKED: BatchState.SUBMITTED,
    BatchState.SUBMITTED: BatchState.CONFIRMED,
    BatchState.CONFIRMED: BatchState.RECONCILED,
}


def moved(state: BatchState, to: BatchState) -> BatchState:
    """The next state, or BatchTransitionRefused. A reconciled batch stays so."""
    if _NEXT.get(state) is not to:
        raise BatchTransitionRefused(f"a batch that is {state} does not become {to}")
    return to


class PayoutState(StrEnum):
    """Where a payout stands. ``unknown`` is asked about until somebody knows; it is not failed."""

    PREPARED = "prepared"
    SUBMITTED = "submitted"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    RELEASED = "released"


_PAYOUT_NEXT: Mapping[PayoutState, frozenset[PayoutState]] = {
    # To an account here the ledger decides at once.
    PayoutState.PREPARED: frozenset(
        {PayoutState.SUBMITTED, PayoutState.CONFIRMED, PayoutState.FAILED}
    ),
    PayoutState.SUBMITTED: frozenset(
        {PayoutState.CONFIRMED, PayoutState.FAILED, PayoutState.UNKNOWN}
    ),
    PayoutState.UNKNOWN: frozenset(
        {PayoutState.CONFIRMED, PayoutState.FAILED, PayoutState.UNKNOWN}
    ),
    # Nothing that failed is paid again by itself: two people let it go.
    PayoutState.FAILED: frozenset({PayoutState.RELEASED}),
}
FINAL = frozenset({PayoutState.CONFIRMED, PayoutState.FAILED, PayoutState.RELEASED})


def payout_moved(state: PayoutState, to: PayoutState) -> PayoutState:
    """The next state, or PayoutTransitionRefused."""
    if to not in _PAYOUT_NEXT.get(state, frozenset()):
        raise PayoutTransitionRefused(f"a payout that is {state} does not become {to}")
    return to


@dataclass(frozen=True, slots=True)
class Outside:
    """An account at another bank: its CNAPS code or BIC, number and holder."""

    bank: str
    account_no: str
    account_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is agreed with a merchant that is cleared net.

    ``payout_to`` None: its settlement account here. ``reserve`` is kept back for refunds;
    ``advance_max`` is what the bank advances at most for refunds that nothing else covers.
    """

    partner: str
    merchant: str
    payout_to: Outside | None = None
    reserve: int = 0
    advance_max: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A business date's clearing. It consists of the chain above ``first_seq`` to ``last_seq``.

    ``space`` is the data space whose merchants it clears, or ``BANK``. ``head`` is the chain's hash
    there, ``hash`` SHA-256 over the positions; both hexadecimal.
    """

    on: date
    space: str = BANK
    state: BatchState
    value_on: date
    first_seq: int
    last_seq: int | None = None
    head: str | None = None
    positions: int | None = None
    hash: str | None = None
    sealed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A merchant's date: what came in and went out of its sub-accounts, and what is owed to it.

    ``paid_in`` payments, ``captured`` held money taken, ``refunded``, ``split`` to receivers,
    ``returned`` by them, ``fee``, ``settled`` to the merchant, ``other`` all else on the pending
    account. ``moved`` is the change of what is available; ``net`` adds what was carried in. Of it
    ``recovered`` went to the bank's advance, ``kept`` to the reserve, ``payout`` is paid, the rest
    is ``carried_out``; all four are None until the claim.
    """

    partner: str
    on: date
    merchant: str
    tenant: str | None
    currency: str
    netted: bool
    postings: int
    paid_in: int
    captured: int
    refunded: int
    split: int
    returned: int
    fee: int
    settled: int
    other: int
    moved: int
    carried_in: int
    net: int
    recovered: int | None = None
    kept: int | None = None
    payout: int | None = None
    carried_out: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """One payment of a date to one merchant; ``key`` names it to the network for ever.

    ``target`` is the ledger account here, or the account number there (then ``bank`` is set).
    """

    partner: str
    on: date
    merchant: str
    currency: str
    amount: int
    target: str
    bank: str | None
    account_name: str | None
    key: str
    state: PayoutState
    reference: str | None = None
    reason: str | None = None
    simulated: bool = False
    attempts: int = 0
    ask_at: datetime | None = None
    owner: str | None = None
    released_by: str | None = None
    prepared_at: datetime
    moved_at: datetime
