"""The seven tables of the Berka bank as values, one class a file, fields named as the columns.

Source: P. Berka, PKDD'99 Discovery Challenge, as described in the data folder's README (dates moved
by 20 years, amounts divided by 10). ``line`` is the row's place in its file; amounts are minor
units of CZK.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

CURRENCY = "CZK"


@dataclass(frozen=True, slots=True)
class District:
    """A district of the country; becomes a branch. ``facts`` are the demographic columns."""

    line: int
    district_id: int
    district_name: str
    region: str
    facts: Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True)
class Client:
    """A person; becomes a retail customer without papers."""

    line: int
    client_id: int
    birth_date: date
    gender: str
    district_id: int


@dataclass(frozen=True, slots=True)
class BankAccount:
    """An account and how often its statement is issued (M monthly, W weekly, T transaction)."""

    line: int
    account_id: int
    district_id: int
    create_date: date
    frequency: str


@dataclass(frozen=True, slots=True)
class Disp:
    """A client's power over an account: O owner, D disponent."""

    line: int
    disp_id: int
    client_id: int
    account_id: int
    disp_type: str


@dataclass(frozen=True, slots=True)
class PermanentOrder:
    """A monthly debit to an account of another bank; category HH, IN, LO, LE or none."""

    line: int
    order_id: int
    account_id: int
    bank_to: str
    account_to: str
    amount: int
    category: str


@dataclass(frozen=True, slots=True)
class Loan:
    """A loan: A repaid, B ended unpaid, C running, D running in debt; ``payments`` a month."""

    line: int
    loan_id: int
    account_id: int
    granted_date: date
    amount: int
    duration: int
    payments: int
    status: str


@dataclass(frozen=True, slots=True)
class Card:
    """A credit card issued to a disposition: J junior, C classic, G gold."""

    line: int
    card_id: int
    disp_id: int
    card_type: str
    issued_date: date


@dataclass(frozen=True, slots=True)
class Files:
    """A whole folder, read and checked.

    ``digest`` is SHA-256 over all file contents, ``names`` says how each table's file is called.
    """

    digest: bytes
    names: Mapping[str, str]
    districts: tuple[District, ...]
    clients: tuple[Client, ...]
    accounts: tuple[BankAccount, ...]
    disps: tuple[Disp, ...]
    orders: tuple[PermanentOrder, ...]
    loans: tuple[Loan, ...]
    cards: tuple[Card, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many rows each file has, by our name of what they became."""
        return {
            "branches": len(self.districts),
            "customers": len(self.clients),
            "accounts": len(self.accounts),
            "dispositions": len(self.disps),
            "standing_orders": len(self.orders),
            "loan_contracts": len(self.loans),
            "cards": len(self.cards),
        }


@dataclass(frozen=True, slots=True)
class DerivedPosting:
    """A posting the files do not hold but imply; ``key`` names it for ever.

    ``account_id`` is the customer's side; a positive ``amount`` is credited to it, a negative one
    debited. ``against`` is the kind of the bank's own account on the other side.
    """

    key: str
    on: date
    account_id: int
    against: str
    amount: int
    narrative: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a load did. ``changed`` is False when the same files had been loaded completely.

    ``facts`` counts rows by table as they stand in the files; ``derived`` counts postings by kind
    (openings, loan_grants, instalments, standing_payments), none of which is in the files.
    ``posted`` is how many of them this run booked.
    """

    changed: bool
    resumed: bool
    facts: Mapping[str, int] = field(default_factory=dict)
    derived: Mapping[str, int] = field(default_factory=dict)
    posted: int = 0

    def text(self) -> str:
        """The report for a person."""
        if not self.changed:
            head = "these files were loaded before; nothing was changed"
        elif self.resumed:
            head = f"an unfinished load was finished: {self.posted} postings were missing"
        else:
            head = "loaded"
        facts = [f"  {count:>6} {name.replace('_', ' ')}" for name, count in self.facts.items()]
        derived = [f"  {count:>6} {name.replace('_', ' ')}" for name, count in self.derived.items()]
        return "\n".join(
            [
                head,
                "from the files:",
                *facts,
                "derived, not in the files (kind 'derived'):",
                *derived,
            ]
        )
