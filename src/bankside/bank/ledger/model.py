"""What is posted and what is read: legs, groups, holds, verdicts, accounts, balances, entries.

Always true: a leg moves one positive amount from its debit to its credit account, so every group
adds up to zero in each currency by its shape. Balances are credits minus debits: a customer's money
is positive (the bank owes it), an asset of the bank is negative.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID, uuid5

from bankside.bank.ledger.errors import GroupInvalid
from bankside.kernel.clock import BANK_ZONE
from bankside.kernel.money import MINOR_DIGITS, MINOR_MAX, Money

# The ledger of the sandbox bank; migration 0010 opens it.
MAIN = "main"
# A bulk order books its lines one by one; a group is one step of an order and stays this small.
LEGS_MAX = 200
NARRATIVE_OCTETS_MAX = 560  # 140 characters of UTF-8: ISO 20022 Max140Text

# Why the ledger says no to a group; stored with it and given again to a repeat.
REASONS: Mapping[str, str] = {
    "account_unknown": "an account of a leg is not open in this ledger",
    "account_closed": "an account of a leg is closed",
    "account_blocked": "the debited account is blocked for debits",
    "currency_mismatch": "an account of a leg is kept in another currency",
    "funds_insufficient": "the debited account would fall below its floor",
    "balance_limit": "the credited account would exceed the largest balance",
    "group_reused": "the group id stands in the books with another content",
    "hold_unknown": "there is no such hold",
    "hold_closed": "nothing is left of the hold",
    "hold_expired": "the time of the hold is over",
    "hold_exceeded": "more is captured than is left of the hold",
    "hold_account_wrong": "money enters and leaves a hold account only with its own hold",
}

# Root of all derived group ids; it must never change, or repeats would be posted twice.
_GROUP_SPACE = UUID("5f0c2c8e-6a3b-5d1e-9b5a-0d6e1c7a4b21")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,127}")
_KIND = re.compile(r"[a-z][a-z0-9_.-]{0,39}")


def group_id(*parts: str) -> UUID:
    """The group id that belongs to ``parts``: (partner, operation, key) or (order id, step id).

    The same parts always give the same id, so claiming the key and posting are one act. RFC 9562
    version 5; each part is preceded by its length, so no two lists of parts read alike.
    """
    return uuid5(_GROUP_SPACE, "".join(f"{len(part)}:{part}" for part in parts))


@dataclass(frozen=True, slots=True)
class Leg:
    """``amount`` (positive) leaves the account ``debit`` and arrives on the account ``credit``."""

    debit: str
    credit: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Hold:
    """The group's first leg credits a hold account: until ``expires_at`` it can be captured.

    The hold's id is the id of the group that places it; its holder is the account debited there.
    """

    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Capture:
    """Legs that debit the hold's account draw on the hold: at most what is left, before it expires.

    What a group returns to the holder beside its captures is a leg like any other.
    """

    hold: UUID


@dataclass(frozen=True, slots=True)
class Release:
    """Money goes back from the hold to its holder, before or after it expired.

    Without legs all that is left of the hold goes back; a leg names a part of it.
    """

    hold: UUID


HoldAct: TypeAlias = Hold | Capture | Release


@dataclass(frozen=True, slots=True)
class Group:
    """What must happen together: all its legs are posted, or none.

    ``kind`` and ``narrative`` describe it in statements. ``request_hash`` is what a repeat must
    agree with (b"": the hash of the group's own content). ``value_date`` None means the booking
    date. ``hold`` says that a leg enters or leaves a hold account.
    """

    id: UUID
    legs: tuple[Leg, ...]
    kind: str = "transfer"
    narrative: str = ""
    request_hash: bytes = b""
    value_date: date | None = None
    hold: HoldAct | None = None

    def fingerprint(self) -> bytes:
        """What a repeat of this id must agree with."""
        if self.request_hash:
            return self.request_hash
        content = [self.kind, self.narrative, str(self.hold)]
        for leg in self.legs:
            content += (leg.debit, leg.credit, str(leg.amount.minor), leg.amount.currency)
        return hashlib.sha256("\x1f".join(content).encode()).digest()

    def check(self) -> None:
        """Raise GroupInvalid when no ledger could take the group. Its bugs, not its money."""
        for fault in _faults(self):
            raise GroupInvalid(fault)


def _faults(group: Group) -> list[str]:
    faults = []
    if not _KIND.fullmatch(group.kind):
        faults.append(f"{group.kind[:50]!r} is no kind of a group")
    if len(group.legs) > LEGS_MAX:
        faults.append(f"a group has at most {LEGS_MAX} legs, not {len(group.legs)}")
    if not group.legs and not isinstance(group.hold, Release):
        faults.append("a group has at least one leg")
    if isinstance(group.hold, Hold) and group.hold.expires_at.tzinfo is None:
        faults.append("a hold expires at an instant with a time zone")
    if not is_text(group.narrative, octets=NARRATIVE_OCTETS_MAX):
        faults.append(f"a narrative is text of at most {NARRATIVE_OCTETS_MAX} octets")
    for leg in group.legs:
        if not (_REFERENCE.fullmatch(leg.debit) and _REFERENCE.fullmatch(leg.credit)):
            faults.append(f"{leg.debit[:40]!r} > {leg.credit[:40]!r} are no ledger accounts")
        elif leg.debit == leg.credit:
            faults.append(f"a leg moves money between two accounts, not from {leg.debit} to itself")
        elif not 0 < leg.amount.minor <= MINOR_MAX:
            faults.append(f"a leg moves from 1 to {MINOR_MAX} minor units, not {leg.amount.minor}")
        elif leg.amount.currency not in MINOR_DIGITS:
            faults.append(f"{leg.amount.currency[:10]!r} is not a currency of this bank")
    return faults


def is_text(text: str, *, octets: int) -> bool:
    """Whether PostgreSQL can keep the text: UTF-8 without NUL, not longer than ``octets``."""
    try:
        return "\x00" not in text and len(text.encode()) <= octets
    except UnicodeEncodeError:
        return False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the ledger decided about a group.

    ``reason`` is a key of REASONS when it was refused. ``repeat``: the group had been decided
    before; this is the verdict it got then, and nothing was written now.
    """

    accepted: bool
    reason: str | None = None
    repeat: bool = False


class AccountClass(StrEnum):
    """What a ledger account stands for. ``hold`` keeps reserved money and never falls below 0."""

    ASSET = "asset"
    LIABILITY = "liability"
    EQUITY = "equity"
    INCOME = "income"
    EXPENSE = "expense"
    HOLD = "hold"


class AccountStatus(StrEnum):
    """``blocked`` accounts take credits only; ``closed`` ones nothing, for ever."""

    OPEN = "open"
    BLOCKED = "blocked"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """A ledger account to open: empty, of one currency and one data space (``partner``).

    ``floor`` is the lowest balance in minor units, None for no limit (the bank's own accounts).
    """

    id: str
    partner: str
    currency: str
    account_class: AccountClass = AccountClass.LIABILITY
    floor: int | None = 0


@dataclass(frozen=True, slots=True)
class Balance:
    """An account's money: ``booked`` is all of it, ``held`` the part on hold.

    ``available`` is what can still be debited: booked less held, and down to the floor if it has
    one. ``version`` counts the account's entries.
    """

    account: str
    booked: Money
    held: Money
    available: Money
    status: AccountStatus
    version: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One side of a posted leg, as the account's statement shows it.

    ``amount`` is signed: negative was debited. ``balance_after`` is the account's own balance, in
    which money on hold is no longer included. ``counterparty`` is the leg's other account.
    """

    account: str
    version: int
    amount: Money
    balance_after: Money
    counterparty: str
    group: UUID
    leg: int
    kind: str
    narrative: str
    booked_at: datetime
    value_date: date

    @property
    def booking_date(self) -> date:
        """The bank's calendar date on which it was booked."""
        return self.booked_at.astimezone(BANK_ZONE).date()


@dataclass(frozen=True, slots=True)
class Posted:
    """A group as it stands in the books, accepted or refused. ``batch`` is its place in the chain.

    ``hold`` is the hold it placed, captured from or released.
    """

    id: UUID
    verdict: Verdict
    legs: tuple[Leg, ...]
    kind: str
    narrative: str
    request_hash: bytes
    booked_at: datetime
    value_date: date
    batch: int
    hold: UUID | None


@dataclass(frozen=True, slots=True)
class HoldState:
    """A placed hold: ``rest`` is what was neither captured nor released yet."""

    id: UUID
    account: str
    hold_account: str
    amount: Money
    rest: Money
    expires_at: datetime

    @property
    def is_open(self) -> bool:
        """Whether money still stands on it."""
        return self.rest.minor > 0


@dataclass(frozen=True, slots=True)
class Head:
    """The newest batch of a chain: keep it elsewhere, and a cut tail shows at the next verify.

    ``hash`` is hexadecimal.
    """

    ledger: str
    seq: int
    hash: str
