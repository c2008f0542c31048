"""A consent, the payment or limits it may bind, and the table of its moves.

Source: UK Open Banking Read/Write API 3.1 (permission codes, consent states, control parameters of
variable recurring payments); Berlin Group NextGenPSD2 1.3 has the same states under other names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bankside.identity.consents.errors import ConsentTransitionRefused
from bankside.kernel.ids import AccountId, ConsentId, CustomerId
from bankside.kernel.money import Money


class ConsentKind(StrEnum):
    """Seeing accounts for a time, one payment, payments within limits, or "is there enough?"."""

    ACCOUNT_ACCESS = "account_access"
    PAYMENT = "payment"
    RECURRING_PAYMENTS = "recurring_payments"
    FUNDS_CONFIRMATION = "funds_confirmation"


class ConsentStatus(StrEnum):
    """Where a consent stands; the last five are final.

    The customer revokes, the client terminates.
    """

    AWAITING_AUTHORISATION = "awaiting_authorisation"
    AUTHORISED = "authorised"
    CONSUMED = "consumed"
    REJECTED = "rejected"
    REVOKED = "revoked"
    TERMINATED = "terminated"
    EXPIRED = "expired"


_NEXT: Mapping[ConsentStatus, frozenset[ConsentStatus]] = {
    ConsentStatus.AWAITING_AUTHORISATION: frozenset(
        {
            ConsentStatus.AUTHORISED,
            ConsentStatus.REJECTED,
            ConsentStatus.TERMINATED,
            ConsentStatus.EXPIRED,
        }
    ),
    ConsentStatus.AUTHORISED: frozenset(
        {
            ConsentStatus.CONSUMED,
            ConsentStatus.REVOKED,
            ConsentStatus.TERMINATED,
            ConsentStatus.EXPIRED,
        }
    ),
}


def moved(status: ConsentStatus, to: ConsentStatus) -> ConsentStatus:
    """The next status, or ConsentTransitionRefused. Final states have no row."""
    if to not in _NEXT.get(status, frozenset()):
        raise ConsentTransitionRefused(f"a consent that is {status} does not become {to}")
    return to


class Permission(StrEnum):
    """What a consent allows on an account; the reads are codes of UK Open Banking."""

    ACCOUNTS_BASIC = "ReadAccountsBasic"
    ACCOUNTS_DETAIL = "ReadAccountsDetail"
    BALANCES = "ReadBalances"
    BENEFICIARIES_BASIC = "ReadBeneficiariesBasic"
    BENEFICIARIES_DETAIL = "ReadBeneficiariesDetail"
    STANDING_ORDERS_BASIC = "ReadStandingOrdersBasic"
    STANDING_ORDERS_DETAIL = "ReadStandingOrdersDetail"
    TRANSACTIONS_BASIC = "ReadTransactionsBasic"
    TRANSACTIONS_DETAIL = "ReadTransactionsDetail"
    TRANSACTIONS_CREDITS = "ReadTransactionsCredits"
    TRANSACTIONS_DEBITS = "ReadTransactionsDebits"
    STATEMENTS_BASIC = "ReadStatementsBasic"
    STATEMENTS_DETAIL = "ReadStatementsDetail"
    PARTY = "ReadParty"
    PARTY_PSU = "ReadPartyPSU"
    INITIATE_PAYMENT = "InitiatePayment"
    INITIATE_PAYMENTS = "InitiateRecurringPayments"
    CONFIRM_FUNDS = "ConfirmFunds"


# What the one account of a payment consent is good for.
PAYMENT_PERMISSIONS = frozenset({Permission.INITIATE_PAYMENT})
RECURRING_PERMISSIONS = frozenset({Permission.INITIATE_PAYMENTS})
FUNDS_PERMISSIONS = frozenset({Permission.CONFIRM_FUNDS})
READ_PERMISSIONS = (
    frozenset(Permission) - PAYMENT_PERMISSIONS - RECURRING_PERMISSIONS - FUNDS_PERMISSIONS
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentTerms:
    """The payment a consent binds: exactly this amount to exactly this creditor."""

    amount: Money
    creditor_name: str
    creditor_account: str
    remittance_information: str = ""
    end_to_end_id: str = ""
    reference: str = ""


class PeriodType(StrEnum):
    """How long a limit's period is."""

    DAY = "Day"
    WEEK = "Week"
    FORTNIGHT = "Fortnight"
    MONTH = "Month"
    HALF_YEAR = "Half-year"
    YEAR = "Year"


class Alignment(StrEnum):
    """Whether periods begin with the calendar's or with the day the consent begins."""

    CALENDAR = "Calendar"
    CONSENT = "Consent"


@dataclass(frozen=True, slots=True)
class PeriodLimit:
    """All payments of one period together are at most ``amount``."""

    period: PeriodType
    alignment: Alignment
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class RecurringTerms:
    """Payments a consent allows again and again: to one creditor, within every limit.

    All amounts have one currency; ``valid_from`` None: from the customer's yes on.
    """

    creditor_name: str
    creditor_account: str
    per_payment: Money
    limits: tuple[PeriodLimit, ...]
    reference: str = ""
    valid_from: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRequest:
    """What a client asks a customer for; ``ref`` names the request within the client.

    ``valid_until`` None asks for the longest life a consent may have. ``entries_from`` and
    ``entries_to`` bound the booking time of entries that may be read. ``debtor_account`` is the
    number of the one account it is about, when the client names it. ``stated`` is what the client
    wrote, in its own words; ``answer_by`` the time it gives the customer, None: ours.
    """

    partner: str
    client: str
    client_name: str
    ref: str
    kind: ConsentKind
    purpose: str = ""
    permissions: frozenset[Permission] = frozenset()
    payment: PaymentTerms | None = None
    recurring: RecurringTerms | None = None
    entries_from: datetime | None = None
    entries_to: datetime | None = None
    debtor_account: str = ""
    stated: Mapping[str, Any] | None = None
    valid_until: datetime | None = None
    answer_by: datetime | None = None

    @property
    def pays(self) -> bool:
        """Whether a yes moves money, now or later."""
        return self.payment is not None or self.recurring is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How a customer said yes: to which accounts, having seen what, proven how.

    ``shown`` is ``rules.terms_digest`` of the request on the page. ``grant`` is the authorization
    server's name for what it handed out for this consent.
    """

    customer: CustomerId
    accounts: Mapping[AccountId, frozenset[Permission]]
    shown: bytes
    amr: tuple[str, ...] = ()
    grant: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A consent as stored; ask ``rules.effective_status`` what it is worth now.

    ``accounts`` is what the customer allowed on each account, empty before it decided.
    ``version`` counts the changes from 1.
    """

    id: ConsentId
    partner: str
    client: str
    client_name: str
    ref: str
    kind: ConsentKind
    status: ConsentStatus
    purpose: str
    permissions: frozenset[Permission]
    payment: PaymentTerms | None
    requested_at: datetime
    answer_by: datetime
    valid_until: datetime
    recurring: RecurringTerms | None = None
    entries_from: datetime | None = None
    entries_to: datetime | None = None
    debtor_account: str = ""
    stated: Mapping[str, Any] | None = None
    customer: CustomerId | None = None
    accounts: Mapping[AccountId, frozenset[Permission]] = field(default_factory=dict)
    grant: str | None = None
    amr: tuple[str, ...] = ()
    shown: bytes | None = None
    authorised_at: datetime | None = None
    ended_at: datetime | None = None
    last_used_at: datetime | None = None
    version: int = 1

    @property
    def changed_at(self) -> datetime:
        """When somebody last decided about it."""
        return self.ended_at or self.authorised_at or self.requested_at
