"""Decisions about consents: pure, so that page, interface and edge ask the same functions.

Always true: a consent that has run out is expired at that very instant, whether or not any job has
noticed; whoever compares two consents compares ``terms_digest``, in which no field can pass for
another.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bankside.bank.accounts import Account, AccountStatus, is_locked
from bankside.identity.consents.errors import (
    ConsentAccountsInvalid,
    ConsentInvalid,
    ConsentNotActive,
    ConsentNotEnough,
    LimitOfConsentExceeded,
    PaymentDiffers,
)
from bankside.identity.consents.model import (
    FUNDS_PERMISSIONS,
    PAYMENT_PERMISSIONS,
    READ_PERMISSIONS,
    RECURRING_PERMISSIONS,
    Consent,
    ConsentKind,
    ConsentRequest,
    ConsentStatus,
    PaymentTerms,
    Permission,
    RecurringTerms,
)
from bankside.kernel.clock import rfc3339
from bankside.kernel.ids import AccountId, is_reference
from bankside.kernel.money import Money

# How long a customer may take to answer; the authorization request behind it lives no longer.
ANSWER_TTL = timedelta(minutes=10)
# A consent that was made beforehand waits a day for the customer, at most.
BEFOREHAND_TTL_MAX = timedelta(days=1)
# Access to accounts is asked for again twice a year (EU 2022/2360 names 180 days).
ACCESS_TTL_MAX = timedelta(days=180)
# A payment that was agreed to is made on the same day or asked for again.
PAYMENT_TTL_MAX = timedelta(hours=24)
# Payments within limits and questions about funds: as long as a standing authority is customary.
STANDING_TTL_MAX = timedelta(days=366)
ACCOUNTS_MAX = 50
# One limit a kind of period and alignment, and no more.
LIMITS_MAX = 12
TEXT_LENGTH_MAX = 140  # ISO 20022 Max140Text, which the remittance information has


def effective_status(
    stored: ConsentStatus, *, answer_by: datetime, valid_until: datetime, at: datetime
) -> ConsentStatus:
    """What a stored status is worth at an instant: the one state function of all faces.

    The limits are ends, not last moments: at ``valid_until`` the consent is expired.
    """
    if stored is ConsentStatus.AWAITING_AUTHORISATION and at >= min(answer_by, valid_until):
        return ConsentStatus.EXPIRED
    if stored is ConsentStatus.AUTHORISED and at >= valid_until:
        return ConsentStatus.EXPIRED
    return stored


def status_of(consent: Consent, at: datetime) -> ConsentStatus:
    """``effective_status`` of a consent."""
    return effective_status(
        consent.status, answer_by=consent.answer_by, valid_until=consent.valid_until, at=at
    )


def admitted(request: ConsentRequest, at: datetime) -> datetime:
    """The instant until which this request would be valid, or ConsentInvalid.

    A longer life than the longest is cut to it; the caller tells the client the adjusted instant.
    """
    longest = at + _LONGEST[request.kind]
    if not _fits_kind(request):
        raise ConsentInvalid("the permissions do not fit the kind of consent")
    if request.payment is not None:
        _checked_payment(request.payment)
    if request.recurring is not None:
        _checked_recurring(request.recurring)
    if request.answer_by is not None and request.answer_by <= at:
        raise ConsentInvalid("the customer is left no time to answer")
    if request.debtor_account and not is_reference(request.debtor_account):
        raise ConsentInvalid("the account to be debited is no account")
    _checked_texts(purpose=request.purpose, client_name=request.client_name)
    if not is_reference(request.client) or not is_reference(request.ref):
        raise ConsentInvalid("the names of the client and its request are no references")
    until = request.valid_until or longest
    if until <= at:
        raise ConsentInvalid("the consent would have ended before it began")
    return min(until, longest)


def answer_by(request: ConsentRequest, at: datetime) -> datetime:
    """Until when the customer may answer a request made at ``at``."""
    if request.answer_by is None:
        return at + ANSWER_TTL
    return min(request.answer_by, at + BEFOREHAND_TTL_MAX)


def settled(request: ConsentRequest, at: datetime) -> ConsentRequest:
    """The request with the end date it gets when it is asked at ``at``, or ConsentInvalid.

    A page shows this one; asking for it a little later settles on the same date.
    """
    return replace(request, valid_until=admitted(request, at))


def checked_accounts(
    consent: Consent,
    chosen: Mapping[AccountId, frozenset[Permission]],
    *,
    eligible: Collection[AccountId],
) -> None:
    """ConsentAccountsInvalid unless the choice is of ``eligible`` accounts and what was asked for.

    Access takes one account or more, a payment exactly one; every account gets a permission, none
    gets one that the client did not ask for.
    """
    most = ACCOUNTS_MAX if consent.kind is ConsentKind.ACCOUNT_ACCESS else 1
    if not 1 <= len(chosen) <= most:
        raise ConsentAccountsInvalid(f"choose from 1 to {most} accounts")
    if not set(chosen) <= set(eligible):
        raise ConsentAccountsInvalid("an account that was chosen is not the customer's, or not fit")
    if any(not each or not each <= consent.permissions for each in chosen.values()):
        raise ConsentAccountsInvalid("a permission was chosen that nobody asked for")


def is_eligible(request: ConsentRequest, account: Account) -> bool:
    """Whether an account of the customer's may be chosen: open to be read, or able to pay this."""
    if request.debtor_account and request.debtor_account not in {account.id, account.number}:
        return False
    if not request.pays:
        return account.status is not AccountStatus.CLOSED
    # Nobody pays from the very account that is paid.
    if _creditor_account(request) == f"number {account.number}":
        return False
    pays = account.status is AccountStatus.OPEN and not is_locked(account)
    return pays and account.currency == _currency(request)


def allows(consent: Consent, account: str, permission: Permission, *, at: datetime) -> None:
    """ConsentNotActive or ConsentNotEnough unless the consent covers this use at this instant."""
    checked_active(consent, at)
    if permission not in consent.accounts.get(AccountId(account), frozenset()):
        raise ConsentNotEnough


def checked_active(consent: Consent, at: datetime) -> None:
    """ConsentNotActive unless the consent is authorised at this instant."""
    status = status_of(consent, at)
    if status is not ConsentStatus.AUTHORISED:
        raise ConsentNotActive(f"the consent is {status}")


def checked_same_payment(consent: Consent, payment: PaymentTerms) -> None:
    """PaymentDiffers unless amount, currency, creditor and references are those agreed to."""
    agreed = consent.payment
    if agreed is None or _payment_fields(agreed) != _payment_fields(payment):
        raise PaymentDiffers


def checked_limits(consent: Consent, amount: Money) -> None:
    """LimitOfConsentExceeded or PaymentDiffers unless one payment may be of this amount."""
    agreed = consent.recurring
    if agreed is None or agreed.per_payment.currency != amount.currency:
        raise PaymentDiffers("the consent allows payments in another currency only")
    if amount > agreed.per_payment:
        raise LimitOfConsentExceeded(
            f"at most {agreed.per_payment} {amount.currency} in one payment"
        )


def in_force_since(consent: Consent) -> datetime:
    """From when periods aligned with the consent are counted."""
    begun = consent.recurring.valid_from if consent.recurring else None
    return begun or consent.requested_at


def terms_digest(request: ConsentRequest) -> bytes:
    """SHA-256 of everything a customer agrees to; any other word or digit gives another one.

    Each field is written with its length, so that no two different requests read the same.
    """
    fields = [
        request.partner,
        request.client,
        request.client_name,
        request.ref,
        request.kind,
        request.purpose,
        rfc3339(request.valid_until) if request.valid_until else "",
        *sorted(request.permissions),
        *(_payment_fields(request.payment) if request.payment else ()),
        request.debtor_account,
        *(rfc3339(end) if end else "" for end in (request.entries_from, request.entries_to)),
        *(_recurring_fields(request.recurring) if request.recurring else ()),
        # What the client wrote beside what the page shows is bound as well.
        json.dumps(request.stated, sort_keys=True) if request.stated is not None else "",
    ]
    digest = hashlib.sha256()
    for each in fields:
        written = each.encode("utf-8", "surrogatepass")
        digest.update(len(written).to_bytes(4, "big") + written)
    return digest.digest()


def request_of(consent: Consent) -> ConsentRequest:
    """The request that a stored consent answers, with the end date as it was settled."""
    return ConsentRequest(
        partner=consent.partner,
        client=consent.client,
        client_name=consent.client_name,
        ref=consent.ref,
        kind=consent.kind,
        purpose=consent.purpose,
        permissions=consent.permissions,
        payment=consent.payment,
        recurring=consent.recurring,
        entries_from=consent.entries_from,
        entries_to=consent.entries_to,
        debtor_account=consent.debtor_account,
        stated=consent.stated,
        valid_until=consent.valid_until,
    )


def _payment_fields(payment: PaymentTerms) -> tuple[str, ...]:
    return (
        str(payment.amount),
        payment.amount.currency,
        payment.creditor_name,
        payment.creditor_account,
        payment.remittance_information,
        payment.end_to_end_id,
        payment.reference,
    )


def _recurring_fields(terms: RecurringTerms) -> tuple[str, ...]:
    return (
        terms.creditor_name,
        terms.creditor_account,
        terms.reference,
        str(terms.per_payment),
        terms.per_payment.currency,
        rfc3339(terms.valid_from) if terms.valid_from else "",
        *(f"{each.period} {each.alignment} {each.amount}" for each in terms.limits),
    )


_LONGEST: Mapping[ConsentKind, timedelta] = {
    ConsentKind.ACCOUNT_ACCESS: ACCESS_TTL_MAX,
    ConsentKind.PAYMENT: PAYMENT_TTL_MAX,
    ConsentKind.RECURRING_PAYMENTS: STANDING_TTL_MAX,
    ConsentKind.FUNDS_CONFIRMATION: STANDING_TTL_MAX,
}
_PERMITS: Mapping[ConsentKind, frozenset[Permission]] = {
    ConsentKind.PAYMENT: PAYMENT_PERMISSIONS,
    ConsentKind.RECURRING_PAYMENTS: RECURRING_PERMISSIONS,
    ConsentKind.FUNDS_CONFIRMATION: FUNDS_PERMISSIONS,
}


def _fits_kind(request: ConsentRequest) -> bool:
    """Whether terms and permissions are those of the kind, and nothing besides."""
    kind = request.kind
    if (request.payment is not None) != (kind is ConsentKind.PAYMENT):
        return False
    if (request.recurring is not None) != (kind is ConsentKind.RECURRING_PAYMENTS):
        return False
    if kind is ConsentKind.ACCOUNT_ACCESS:
        return bool(request.permissions) and request.permissions <= READ_PERMISSIONS
    if kind is ConsentKind.FUNDS_CONFIRMATION and not request.debtor_account:
        return False
    return request.permissions == _PERMITS[kind]


def _creditor_account(request: ConsentRequest) -> str:
    terms = request.payment or request.recurring
    return terms.creditor_account if terms else ""


def _currency(request: ConsentRequest) -> str:
    if request.payment is not None:
        return request.payment.amount.currency
    return request.recurring.per_payment.currency if request.recurring else ""


def _checked_recurring(terms: RecurringTerms) -> None:
    kinds = {(each.period, each.alignment) for each in terms.limits}
    if not 1 <= len(terms.limits) <= LIMITS_MAX or len(kinds) != len(terms.limits):
        raise ConsentInvalid("name one limit or more, each kind of period once")
    amounts = [terms.per_payment, *(each.amount for each in terms.limits)]
    if any(each.minor < 1 or each.currency != amounts[0].currency for each in amounts):
        raise ConsentInvalid("limits are above zero and all in one currency")
    if not terms.creditor_name or not terms.creditor_account:
        raise ConsentInvalid("payments name their creditor and the creditor's account")
    _checked_texts(
        creditor_name=terms.creditor_name,
        creditor_account=terms.creditor_account,
        reference=terms.reference,
    )


def _checked_payment(payment: PaymentTerms) -> None:
    if payment.amount.minor < 1:
        raise ConsentInvalid("a payment has an amount above zero")
    if not payment.creditor_name or not payment.creditor_account:
        raise ConsentInvalid("a payment names its creditor and the creditor's account")
    _checked_texts(
        creditor_name=payment.creditor_name,
        creditor_account=payment.creditor_account,
        remittance_information=payment.remittance_information,
        end_to_end_id=payment.end_to_end_id,
        reference=payment.reference,
    )


def _checked_texts(**texts: str) -> None:
    """Texts a customer reads are short and show all there is: no control or bidi characters."""
    for name, text in texts.items():
        if len(text) > TEXT_LENGTH_MAX or not text.isprintable():
            raise ConsentInvalid(f"{name} is longer than {TEXT_LENGTH_MAX} or not printable")
