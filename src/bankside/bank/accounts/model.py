"""An account, its balance, its entries and a payer's token as values, and the status table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from bankside.bank.accounts.errors import AccountTransitionRefused
from bankside.kernel.ids import AccountId, BranchId, CustomerId
from bankside.kernel.money import Money


class AccountStatus(StrEnum):
    """Open pays and receives; frozen only receives; closed does neither, for ever."""

    OPEN = "open"
    FROZEN = "frozen"
    CLOSED = "closed"


class ProductClass(StrEnum):
    """What kind of account it is; the number carries it (``rules.CLASS_DIGITS``)."""

    CURRENT = "current"
    SAVINGS = "savings"
    SETTLEMENT = "settlement"
    SUB = "sub"
    WALLET = "wallet"
    ESCROW = "escrow"
    MARGIN = "margin"
    PENSION = "pension"
    CARD = "card"
    CREDIT = "credit"


class DispositionRole(StrEnum):
    """What a customer may do with an account: own it, or dispose of it for the owner."""

    OWNER = "owner"
    DISPONENT = "disponent"


_NEXT: Mapping[AccountStatus, frozenset[AccountStatus]] = {
    AccountStatus.OPEN: frozenset({AccountStatus.FROZEN, AccountStatus.CLOSED}),
    # A frozen account is not closed: whoever froze it decides first what becomes of the money.
    AccountStatus.FROZEN: frozenset({AccountStatus.OPEN}),
}


def moved(status: AccountStatus, to: AccountStatus) -> AccountStatus:
    """The next status, or AccountTransitionRefused. Closed has no row."""
    if to not in _NEXT.get(status, frozenset()):
        raise AccountTransitionRefused(f"an account that is {status} does not become {to}")
    return to


@dataclass(frozen=True, slots=True)
class Standing:
    """What has to be known of an account to move it from its present status to another."""

    partner: str
    id: AccountId
    ledger_account: str
    status: AccountStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account of a data space; its money stands in the ledger under ``ledger_account``.

    ``account_class``: I, II or III of a person's, the kind of a company's; None where nobody said.
    Money moves freely between a class II or III account and the one it is bound to.
    """

    id: AccountId
    partner: str
    number: str
    customer: CustomerId
    product_class: ProductClass
    currency: str
    status: AccountStatus
    status_reason: str
    ledger_account: str
    branch: BranchId | None
    opened_at: datetime
    closed_at: datetime | None
    account_class: str | None = None
    bound_ledger_account: str | None = None

    @property
    def standing(self) -> Standing:
        """The account as it would be moved."""
        return Standing(self.partner, self.id, self.ledger_account, self.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What is needed to open an account; ``id`` and ``serial`` only when a loader derives them."""

    customer: CustomerId
    product_class: ProductClass
    currency: str
    account_class: str | None = None
    bound_ledger_account: str | None = None
    id: AccountId | None = None
    serial: int | None = None


@dataclass(frozen=True, slots=True)
class Disposition:
    """One customer's power over one account."""

    account: AccountId
    customer: CustomerId
    role: DispositionRole
    since: date


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """``booked`` is what was posted, ``held`` what is reserved of it, ``available`` the rest."""

    booked: Money
    available: Money
    held: Money


@dataclass(frozen=True, slots=True)
class Counterparty:
    """The other side of an entry: an account of the same data space, or the bank itself."""

    account: str
    name_zh: str
    name_en: str


# An account of somebody this data space does not know: nothing about it is told.
OUTSIDE = Counterparty("", "其他账户", "Another account")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One entry on an account as its owner sees it.

    ``amount`` is signed (a debit is negative); ``credit_debit`` says the same in the words of
    ISO 20022. ``sequence`` counts the account's entries from 1 without gaps.
    """

    sequence: int
    group: UUID
    kind: str
    booking_date: date
    value_date: date
    booked_at: datetime
    amount: Money
    credit_debit: Literal["CRDT", "DBIT"]
    balance_after: Money
    counterparty: Counterparty
    narrative: str


@dataclass(frozen=True, slots=True)
class Statement:
    """All entries booked in a period, oldest first: opening + their sum = closing, always."""

    account: Account
    from_date: date
    to_date: date
    opening: Money
    closing: Money
    rows: tuple[Transaction, ...]

    def __post_init__(self) -> None:
        total = self.opening.minor + sum(row.amount.minor for row in self.rows)
        assert total == self.closing.minor, "a statement that does not reconcile is a bug"


@dataclass(frozen=True, slots=True)
class PayerToken:
    """A payment code a payer's wallet shows, as the bank knows it: by its hash."""

    hash: bytes
    account: AccountId
    reusable: bool
    expires_at: datetime
    used: bool
