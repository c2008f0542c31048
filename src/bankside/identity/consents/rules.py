"""Decisions about consents: pure, so that page, interface and edge ask the same functions.

Always true: a consent that has run out is expired at that very instant, whether or not any job has
noticed; whoever compares two consents compares ``terms_digest``, in which no field can pass for
another.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bankside.bank.accounts import Account, AccountStatus
from bankside.identity.consents.errors import (
    ConsentAccountsInvalid,
    ConsentInvalid,
    ConsentNotActive,
    ConsentNotEnough,
    PaymentDiffers,
)
from bankside.identity.consents.model import (
    PAYMENT_PERMISSIONS,
    READ_PERMISSIONS,
    Consent,
    ConsentKind,
    ConsentRequest,
    ConsentStatus,
    PaymentTerms,
    Permission,
)
from bankside.kernel.clock import rfc3339
from bankside.kernel.ids import AccountId, is_reference

# How long a customer may take to answer; the authorization request behind it lives no longer.
ANSWER_TTL = timedelta(minutes=10)
# Access to accounts is asked for again twice a year (EU 2022/2360 names 180 days).
ACCESS_TTL_MAX = timedelta(days=180)
# A payment that was agreed to is made on the same day or asked for again.
PAYMENT_TTL_MAX = timedelta(hours=24)
ACCOUNTS_MAX = 50
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
    if request.kind is ConsentKind.PAYMENT:
        fits = request.payment is not None and request.permissions == PAYMENT_PERMISSIONS
        longest = at + PAYMENT_TTL_MAX
    else:
        fits = request.payment is None and bool(request.permissions)
        fits = fits and request.permissions <= READ_PERMISSIONS
        longest = at + ACCESS_TTL_MAX
    if not fits:
        raise ConsentInvalid("the permissions do not fit the kind of consent")
    if request.payment is not None:
        _checked_payment(request.payment)
    _checked_texts(purpose=request.purpose, client_name=request.client_name)
    if not is_reference(request.client) or not is_reference(request.ref):
        raise ConsentInvalid("the names of the client and its request are no references")
    until = request.valid_until or longest
    if until <= at:
        raise ConsentInvalid("the consent would have ended before it began")
    return min(until, longest)


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
    most = 1 if consent.kind is ConsentKind.PAYMENT else ACCOUNTS_MAX
    if not 1 <= len(chosen) <= most:
        raise ConsentAccountsInvalid(f"choose from 1 to {most} accounts")
    if not set(chosen) <= set(eligible):
        raise ConsentAccountsInvalid("an account that was chosen is not the customer's, or not fit")
    if any(not each or not each <= consent.permissions for each in chosen.values()):
        raise ConsentAccountsInvalid("a permission was chosen that nobody asked for")


def is_eligible(request: ConsentRequest, account: Account) -> bool:
    """Whether an account of the customer's may be chosen: open to be read, or able to pay this."""
    if request.payment is None:
        return account.status is not AccountStatus.CLOSED
    currency = request.payment.amount.currency
    return account.status is AccountStatus.OPEN and account.currency == currency


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
    )


def _checked_texts(**texts: str) -> None:
    """Texts a customer reads are short and show all there is: no control or bidi characters."""
    for name, text in texts.items():
        if len(text) > TEXT_LENGTH_MAX or not text.isprintable():
            raise ConsentInvalid(f"{name} is longer than {TEXT_LENGTH_MAX} or not printable")
