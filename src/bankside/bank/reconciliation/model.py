"""Records of three sources, the breaks between them, and the one table of a break's states.

Always true: a record is one posting (``reference``, the id of its ledger group) on one credited
account (``party``), so that each share of a split is a record; amounts are integer minor units.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from bankside.bank.reconciliation.errors import BreakTransitionRefused

# The groups of the ledger that are reconciled, by the word the ledger keeps for them.
KINDS = frozenset({"payment", "refund", "split", "split_return", "settlement"})
# Money that arrived at the bank for an account the channel could not name: in channel files only.
RECEIPT = "receipt"
# The name under which a date is reconciled without a channel: orders against the ledger.
OWN = "platform"


class Source(StrEnum):
    """Who says so: the orders' journal, the ledger, or the channel's file."""

    ORDERS = "orders"
    LEDGER = "ledger"
    CHANNEL = "channel"


class BreakKind(StrEnum):
    """How a side differs: it has more, less, another sum, day or outcome, or says it twice."""

    LONG = "long"
    SHORT = "short"
    AMOUNT = "amount"
    DATE = "date"
    DUPLICATE = "duplicate"
    STATUS = "status"


class Record(NamedTuple):
    """One line of one source. A tuple, because a million of them pass through a run.

    ``amount`` None: the source stands behind the whole posting without stating its sums (``party``
    is then empty). ``status`` is ``posted`` or ``refused``. ``about`` is the order behind it.
    """

    reference: str
    party: str
    kind: str
    amount: int | None
    currency: str
    on: date
    status: str = "posted"
    about: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A break as the comparison found it: ``side`` is the source that differs.

    ``found`` is what that side says and ``expected`` what the others say, in minor units; None is
    nothing at all.
    """

    kind: BreakKind
    side: Source
    reference: str
    party: str
    line_kind: str
    found: int | None
    expected: int | None
    currency: str


class BreakStatus(StrEnum):
    """Where a break stands. ``timing``: it may clear itself with the next date's file."""

    FOUND = "found"
    TIMING = "timing"
    ASSIGNED = "assigned"
    ADJUSTED = "adjusted"
    CLOSED = "closed"


_NEXT: Mapping[BreakStatus, frozenset[BreakStatus]] = {
    BreakStatus.FOUND: frozenset({BreakStatus.ASSIGNED}),
    # Cleared by a neighbouring date's file; or not, and then it is a break like any other.
    BreakStatus.TIMING: frozenset({BreakStatus.ASSIGNED, BreakStatus.CLOSED, BreakStatus.FOUND}),
    BreakStatus.ASSIGNED: frozenset({BreakStatus.ASSIGNED, BreakStatus.ADJUSTED}),
    BreakStatus.ADJUSTED: frozenset({BreakStatus.CLOSED}),
}


def moved(status: BreakStatus, to: BreakStatus) -> BreakStatus:
    """The next status, or BreakTransitionRefused. A closed break stays closed."""
    if to not in _NEXT.get(status, frozenset()):
        raise BreakTransitionRefused(f"a break that is {status} does not become {to}")
    return to


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What somebody proposes: ``debit`` > ``credit``, or nothing to post and a reason why.

    ``amount`` is minor units of the break's currency; all three are None when nothing is posted.
    """

    reason: str
    by: str
    debit: str | None = None
    credit: str | None = None
    amount: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A break as it is kept. ``group`` is the posting of its adjustment, or of its suspense."""

    partner: str
    id: str
    channel: str
    on: date
    found: Found
    status: BreakStatus
    owner: str | None = None
    cleared_on: date | None = None
    proposed: Adjustment | None = None
    approved_by: str | None = None
    group: UUID | None = None
    found_at: datetime
    moved_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the run of one date found; the same at every later run of it.

    ``compared`` counts references, ``cleared`` the earlier breaks that were a matter of time (now,
    not in total), ``breaks`` all that were found. ``digest`` is SHA-256 over them.
    """

    partner: str
    channel: str
    on: date
    lines: int
    compared: int
    breaks: int
    by_kind: Mapping[str, int]
    cleared: int
    digest: str
    repeat: bool
