"""What the pages show of asks, consents and accounts in one language: values for templates."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from bankside.bank.accounts import Account, masked_number
from bankside.console.showing import shown_time
from bankside.console.texts import Language, has_text, text
from bankside.identity.authorisations import Asked
from bankside.identity.consents import (
    Consent,
    ConsentKind,
    ConsentRequest,
    PaymentTerms,
    Permission,
    RecurringTerms,
    request_of,
    terms_digest,
)
from bankside.identity.decisions import Ask
from bankside.kernel.clock import BANK_ZONE
from bankside.kernel.money import Money

# A permission that another one contains is not told of beside it.
_CONTAINED_IN: Mapping[Permission, Permission] = {
    Permission.ACCOUNTS_BASIC: Permission.ACCOUNTS_DETAIL,
    Permission.BENEFICIARIES_BASIC: Permission.BENEFICIARIES_DETAIL,
    Permission.STANDING_ORDERS_BASIC: Permission.STANDING_ORDERS_DETAIL,
    Permission.STATEMENTS_BASIC: Permission.STATEMENTS_DETAIL,
    Permission.TRANSACTIONS_BASIC: Permission.TRANSACTIONS_DETAIL,
}
_BOTH_WAYS = {Permission.TRANSACTIONS_CREDITS, Permission.TRANSACTIONS_DEBITS}
# Scopes that say nothing beside the consents of the same request.
_TOLD_BY_CONSENTS = ("accounts", "payments", "fundsconfirmations")
# What each kind of consent is called, and what is asked about accounts.
_HEADINGS: Mapping[ConsentKind, tuple[str, str]] = {
    ConsentKind.ACCOUNT_ACCESS: ("consent.access", "consent.accounts"),
    ConsentKind.PAYMENT: ("consent.payment", "consent.pay_from"),
    ConsentKind.RECURRING_PAYMENTS: ("consent.recurring", "consent.pay_from"),
    ConsentKind.FUNDS_CONFIRMATION: ("consent.funds", "consent.funds.account"),
}


def ask_shown(ask: Ask, lang: Language) -> dict[str, Any]:
    """An ask before the decision; ``terms`` comes back with the form."""
    return _terms(ask.request, lang) | {"terms": terms_digest(ask.request).hex()}


def scopes_shown(found: Asked, lang: Language) -> list[str]:
    """What the request reaches beside its consents."""
    told = [
        each for each in found.scopes if each not in _TOLD_BY_CONSENTS or not _asks(found, each)
    ]
    return [text(lang, f"consent.scope.{each}") for each in told]


def consent_shown(
    consent: Consent, accounts: Mapping[str, Account], lang: Language
) -> dict[str, Any]:
    """A consent on the customer's own pages; ``accounts`` by id, as far as they are known."""
    return _terms(request_of(consent), lang) | {
        "id": consent.id,
        "client": consent.client_name,
        "status": consent.status.value,
        "status_text": _status(consent, lang),
        "since": shown_time(consent.authorised_at or consent.requested_at),
        "ended": shown_time(consent.ended_at) if consent.ended_at else None,
        "last_used": shown_time(consent.last_used_at) if consent.last_used_at else None,
        "accounts": [
            account_shown(accounts[each], lang)
            if each in accounts
            else {"number": each, "id": each}
            for each in consent.accounts
        ],
    }


def account_shown(account: Account, lang: Language) -> dict[str, str]:
    """One account as a line; the number is masked (JR/T 0171-2020 C2 on display)."""
    shown = masked_number(account.number)
    return {
        "id": account.id,
        "number": f"{shown[:6]} **** {shown[-4:]}",
        "kind": text(lang, f"customer.account.{account.product_class.value}"),
        "currency": account.currency,
    }


def shown_money(amount: Money) -> str:
    """``CNY 1,234.50``: the digits in groups of three, all of the currency's places."""
    whole, point, fraction = str(amount).partition(".")
    return f"{amount.currency} {int(whole):,}{point}{fraction}"


def _terms(asked: ConsentRequest, lang: Language) -> dict[str, Any]:
    assert asked.valid_until is not None, "an ask is settled before it is shown"
    heading, choose = _HEADINGS[asked.kind]
    return {
        "heading": text(lang, heading),
        "choose": text(lang, choose),
        "is_payment": asked.kind is ConsentKind.PAYMENT,
        "pays": asked.pays,
        "one_account": asked.kind is not ConsentKind.ACCOUNT_ACCESS,
        "purpose": asked.purpose,
        "permissions": _permissions(asked.permissions, lang) + _period(asked, lang),
        "until": _until(asked.valid_until, lang),
        "payment": asked.payment and _payment(asked.payment, lang),
        "recurring": asked.recurring and _recurring(asked.recurring, lang),
    }


def _period(asked: ConsentRequest, lang: Language) -> list[str]:
    """The time of the entries that may be read, where it is bounded."""
    ends = (("from", asked.entries_from), ("to", asked.entries_to))
    return [
        text(lang, f"consent.entries.{end}", at=shown_time(at))
        for end, at in ends
        if at is not None
    ]


def _recurring(terms: RecurringTerms, lang: Language) -> dict[str, Any]:
    """Payee and every limit in plain words."""
    limits = [text(lang, "consent.limit.payment", amount=shown_money(terms.per_payment))]
    limits += [
        text(
            lang,
            f"consent.limit.{each.period.value}.{each.alignment.value}",
            amount=shown_money(each.amount),
        )
        for each in terms.limits
    ]
    return {
        "creditor": terms.creditor_name,
        "account": _creditor_account(terms.creditor_account, lang),
        "reference": terms.reference,
        "limits": limits,
        "begins": shown_time(terms.valid_from) if terms.valid_from else None,
    }


def _permissions(permissions: Collection[Permission], lang: Language) -> list[str]:
    """Plain words, one line a permission that says something of its own."""
    told = [
        each
        for each in Permission
        if each in permissions and _CONTAINED_IN.get(each) not in permissions
    ]
    if set(told) >= _BOTH_WAYS:
        told = [each for each in told if each not in _BOTH_WAYS]
    return [text(lang, f"consent.permission.{each.value}") for each in told]


def _payment(payment: PaymentTerms, lang: Language) -> dict[str, str]:
    return {
        "amount": shown_money(payment.amount),
        "creditor": payment.creditor_name,
        "account": _creditor_account(payment.creditor_account, lang),
        "reference": payment.remittance_information,
        "payee_reference": payment.reference,
        "end_to_end_id": payment.end_to_end_id,
    }


def _status(consent: Consent, lang: Language) -> str:
    """What the status means to the customer; a payment is not an access."""
    key = f"consent.status.{consent.status.value}"
    of_kind = f"{key}.{consent.kind.value}"
    return text(lang, of_kind if has_text(lang, of_kind) else key)


def _creditor_account(account: str, lang: Language) -> str:
    """The stored text with its first words in the reader's language, digits in groups."""
    parts: Sequence[tuple[str, str, str]] = [each.partition(" ") for each in account.split(", ")]
    words = []
    for name, _, value in parts:
        key = f"consent.creditor.{name}"
        shown = _grouped(value) if name in {"iban", "number"} else value
        words.append(text(lang, key, value=shown) if has_text(lang, key) else f"{name} {value}")
    return text(lang, "consent.list.and").join(words)


def _until(at: datetime, lang: Language) -> str:
    """A day when the consent lasts to its end, else the minute."""
    local = at.astimezone(BANK_ZONE)
    if local.time() == time():
        day = (local - timedelta(days=1)).date().isoformat()
        return text(lang, "consent.until.day", day=day)
    return text(lang, "consent.until.time", time=shown_time(at))


def _grouped(number: str) -> str:
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))


def _asks(found: Asked, scope: str) -> bool:
    """Whether a consent of this request stands for the scope."""
    kinds = {str(each["type"]) for each in found.authorization_details}
    by_scope = {"payments": "payment_initiation", "fundsconfirmations": "funds_confirmation"}
    return scope == "accounts" or by_scope[scope] in kinds
