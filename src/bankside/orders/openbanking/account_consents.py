"""Account access consents: which permissions go together, and what the client reads of them.

Source: UK Open Banking Account and Transaction API 3.1, account-access-consents (permissions:
accounts always, transactions with a direction and a direction with transactions).
"""

from collections.abc import Mapping
from typing import Any

from bankside.identity.consents import Consent, ConsentKind, Permission
from bankside.kernel.call import Answer
from bankside.kernel.clock import rfc3339
from bankside.orders.desk import Desk, Ticket
from bankside.orders.openbanking import asking
from bankside.orders.openbanking.reading import INVALID, optional_instant, read_body, refuse
from bankside.orders.openbanking.showing import (
    Shown,
    consent_status,
    created_and_changed,
    optional,
)

_KIND = ConsentKind.ACCOUNT_ACCESS
_ACCOUNTS = {Permission.ACCOUNTS_BASIC, Permission.ACCOUNTS_DETAIL}
_ENTRIES = {Permission.TRANSACTIONS_BASIC, Permission.TRANSACTIONS_DETAIL}
_DIRECTIONS = {Permission.TRANSACTIONS_CREDITS, Permission.TRANSACTIONS_DEBITS}


async def create(desk: Desk, ticket: Ticket) -> Answer:
    """A consent to read accounts awaits its customer."""
    body = read_body(desk, ticket)
    data = body["Data"]
    permissions = frozenset(map(Permission, data["Permissions"]))
    refuse(_mismatches(permissions))
    begins = optional_instant(data, "TransactionFromDateTime", "Data")
    ends = optional_instant(data, "TransactionToDateTime", "Data")
    if begins and ends and begins > ends:
        where = "Data.TransactionToDateTime"
        refuse([{"pointer": where, "code": INVALID, "detail": "the period ends before it begins"}])
    terms = {
        "permissions": permissions,
        "entries_from": begins,
        "entries_to": ends,
        "valid_until": optional_instant(data, "ExpirationDateTime", "Data"),
        "stated": {"Risk": body["Risk"]},
    }
    return await asking.ask(desk, ticket, _KIND, terms, _show)


async def query(desk: Desk, ticket: Ticket) -> Answer:
    """The consent as it stands now."""
    return await asking.read(desk, ticket, _KIND, _show)


async def revoke(desk: Desk, ticket: Ticket) -> Answer:
    """The client has given the consent back."""
    return await asking.end(desk, ticket, _KIND)


def _mismatches(permissions: frozenset[Permission]) -> list[dict[str, str]]:
    """What is wrong with the choice of permissions."""
    faults = []
    if not permissions & _ACCOUNTS:
        faults.append("ReadAccountsBasic or ReadAccountsDetail is needed beside all others")
    if bool(permissions & _ENTRIES) != bool(permissions & _DIRECTIONS):
        faults.append(
            "ReadTransactionsBasic or ...Detail goes with ReadTransactionsCredits or ...Debits"
        )
    return [{"pointer": "Data.Permissions", "code": INVALID, "detail": detail} for detail in faults]


def _show(consent: Consent) -> tuple[Shown, Mapping[str, Any]]:
    data = created_and_changed(consent) | {
        "Status": consent_status(consent),
        "Permissions": sorted(consent.permissions),
        "ExpirationDateTime": rfc3339(consent.valid_until),
    }
    return data | optional(
        TransactionFromDateTime=consent.entries_from, TransactionToDateTime=consent.entries_to
    ), (consent.stated or {}).get("Risk", {})
