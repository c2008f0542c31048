"""From what a client asks (RFC 9396 details and scopes) to the consents a customer gives.

The same request gives the same asks, so what was shown can be compared with what is agreed to.
An entry that names a consent made beforehand asks for exactly that one: its stored terms are shown,
and the request can add nothing to them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from bankside.identity.authorisations import Asked, Detail, named_consent
from bankside.identity.consents import (
    PAYMENT_PERMISSIONS,
    ConsentInvalid,
    ConsentKind,
    ConsentRequest,
    PaymentTerms,
    Permission,
    request_of,
    settled,
)
from bankside.kernel.clock import BANK_ZONE, Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import AccountId, ConsentId
from bankside.kernel.money import Money

# What each action of `account_information` lets a client read.
_ACTIONS: Mapping[str, frozenset[Permission]] = {
    "list_accounts": frozenset({Permission.ACCOUNTS_BASIC, Permission.ACCOUNTS_DETAIL}),
    "read_balances": frozenset({Permission.BALANCES}),
    "read_transactions": frozenset(
        {
            Permission.TRANSACTIONS_BASIC,
            Permission.TRANSACTIONS_DETAIL,
            Permission.TRANSACTIONS_CREDITS,
            Permission.TRANSACTIONS_DEBITS,
        }
    ),
    "read_beneficiaries": frozenset(
        {Permission.BENEFICIARIES_BASIC, Permission.BENEFICIARIES_DETAIL}
    ),
    "read_standing_orders": frozenset(
        {Permission.STANDING_ORDERS_BASIC, Permission.STANDING_ORDERS_DETAIL}
    ),
}
_ACCOUNT_NAMES = ("id", "iban", "number")


@dataclass(frozen=True, slots=True)
class Ask:
    """One consent that an interaction asks for, and the entry of the request that asks it.

    ``detail`` None: the scope ``accounts`` asks for it without an entry. ``stored`` is the consent
    that was made beforehand and awaits this customer, None: it is made with the answer.
    """

    request: ConsentRequest
    detail: Detail | None
    stored: ConsentId | None = None

    def with_choice(self, accounts: Sequence[AccountId]) -> Detail | None:
        """The entry with the accounts that the customer chose."""
        if self.detail is None:
            return None
        if self.request.pays:
            return {**self.detail, "debtorAccount": {"id": accounts[0]}}
        return {**self.detail, "accounts": list(accounts)}


async def asks_of(db: Connection, clock: Clock, found: Asked) -> tuple[Ask, ...]:
    """The consents that this asks for, each with its end date settled.

    Raises ConsentInvalid for what cannot be shown or agreed to, such as a consent that is not the
    client's own, awaits nobody any more, or is of another kind.
    """
    entries: list[Detail | None] = list(found.authorization_details)
    kinds = {entry["type"] for entry in found.authorization_details}
    if "accounts" in found.scopes and "account_information" not in kinds:
        entries.append(None)
    asks = []
    for number, entry in enumerate(entries):
        if entry is not None and "consent_id" in entry:
            asks.append(await _stored(db, clock, found, entry))
            continue
        request = ConsentRequest(
            partner=found.partner,
            client=found.client_id,
            client_name=found.client_name,
            ref=f"{found.id}:{number}",
            **_terms(entry if entry is not None else {"type": "account_information"}),
        )
        asks.append(Ask(settled(request, found.opened_at), entry))
    return tuple(asks)


async def _stored(db: Connection, clock: Clock, found: Asked, entry: Detail) -> Ask:
    """The ask for a consent that was made beforehand."""
    consent = await named_consent(db, clock, (found.partner, found.client_id), entry)
    return Ask(request_of(consent), entry, consent.id)


def _terms(entry: Detail) -> dict[str, Any]:
    """What the entry says, in the words of a consent."""
    if entry["type"] == "account_information":
        actions = entry.get("actions", list(_ACTIONS))
        return {
            "kind": ConsentKind.ACCOUNT_ACCESS,
            "purpose": entry.get("purpose", ""),
            "permissions": frozenset[Permission]().union(*(_ACTIONS[each] for each in actions)),
            "valid_until": _end_of_day(entry.get("validUntil")),
        }
    if entry["type"] != "payment_initiation":
        raise ConsentInvalid(f"there is no consent for {entry['type']}")
    amount = entry["instructedAmount"]
    return {
        "kind": ConsentKind.PAYMENT,
        "purpose": entry.get("purpose", ""),
        "permissions": PAYMENT_PERMISSIONS,
        "payment": PaymentTerms(
            amount=Money.parse(amount["amount"], amount["currency"]),
            creditor_name=entry["creditorName"],
            creditor_account=_account(entry["creditorAccount"]),
            remittance_information=entry.get("remittanceInformationUnstructured", ""),
            end_to_end_id=entry.get("endToEndId", ""),
        ),
    }


def _account(named: Mapping[str, str]) -> str:
    """The creditor's account as one text: ``number 6222...`` and, when named, ``bank ...``."""
    if not any(name in named for name in _ACCOUNT_NAMES):
        raise ConsentInvalid("the creditor's account is not named")
    return ", ".join(f"{name} {named[name]}" for name in (*_ACCOUNT_NAMES, "bank") if name in named)


def _end_of_day(text: str | None) -> datetime | None:
    """The end of a local bank date, that day included."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ConsentInvalid(f"{text} is no date") from error
    # The longest possible date asks for the longest life; there is no day after it.
    if day == date.max:
        return None
    return datetime.combine(day + timedelta(days=1), time(), BANK_ZONE)
