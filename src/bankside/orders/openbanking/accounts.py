"""Accounts, balances and parties as a consent shows them: Basic without numbers, Detail with them.

Source: UK Open Banking Account and Transaction API 3.1 (OBAccount6, OBReadBalance1, OBParty2).
"""

from collections.abc import Mapping

from bankside.bank.accounts import Account, AccountStatus, ProductClass, balance
from bankside.bank.customers import Customer, CustomerKind
from bankside.bank.customers import customer as find_customer
from bankside.identity.consents import ConsentKind, Permission
from bankside.kernel.call import Answer
from bankside.kernel.clock import rfc3339
from bankside.orders.desk import Desk, Ticket
from bankside.orders.openbanking.consulting import allowed, granted, kept_accounts, noted, opened
from bankside.orders.openbanking.errors import PermissionMissing
from bankside.orders.openbanking.reading import SCHEME, read_query, shown_amount
from bankside.orders.openbanking.showing import Shown, done, optional, shown

ACCOUNTS = (Permission.ACCOUNTS_BASIC, Permission.ACCOUNTS_DETAIL)
_STATUS: Mapping[AccountStatus, str] = {
    AccountStatus.OPEN: "Enabled",
    AccountStatus.FROZEN: "Disabled",
    AccountStatus.CLOSED: "Deleted",
}
_SUB_TYPES: Mapping[ProductClass, str] = {
    ProductClass.SAVINGS: "Savings",
    ProductClass.WALLET: "EMoney",
}
_STRUCTURE: Mapping[CustomerKind, str] = {
    CustomerKind.RETAIL: "UK.OBIE.Individual",
    CustomerKind.CORPORATE: "UK.OBIE.PrivateLimitedCompany",
}


async def accounts(desk: Desk, ticket: Ticket) -> Answer:
    """The chosen accounts, or the one in the path."""
    read_query(ticket)
    async with desk.reading() as db:
        found = await opened(desk, db, ticket, ACCOUNTS)
        kept = await kept_accounts(db, ticket, found)
        owners = {
            each.customer: await find_customer(db, each.partner, each.customer) for each in kept
        }
        await noted(desk, db, found.values())
    items = [
        _account(
            each,
            owners[each.customer],
            in_detail=allowed(found[each.id], each.id, Permission.ACCOUNTS_DETAIL),
        )
        for each in kept
    ]
    return done(ticket, shown(desk, ticket, {"Account": items}))


async def balances(desk: Desk, ticket: Ticket) -> Answer:
    """What is booked and what can still be paid, of each account."""
    read_query(ticket)
    items: list[Shown] = []
    async with desk.reading() as db:
        found = await opened(desk, db, ticket, [Permission.BALANCES])
        at = rfc3339(desk.clock.now())
        for each in await kept_accounts(db, ticket, found):
            money = await balance(db, each)
            for kind, value in (
                ("InterimBooked", money.booked),
                ("InterimAvailable", money.available),
            ):
                items.append(
                    {
                        "AccountId": each.id,
                        "CreditDebitIndicator": "Credit" if value.minor >= 0 else "Debit",
                        "Type": kind,
                        "DateTime": at,
                        "Amount": shown_amount(value),
                    }
                )
        await noted(desk, db, found.values())
    return done(ticket, shown(desk, ticket, {"Balance": items}))


async def account_party(desk: Desk, ticket: Ticket) -> Answer:
    """Who owns the account in the path."""
    read_query(ticket)
    async with desk.reading() as db:
        found = await opened(desk, db, ticket, [Permission.PARTY])
        (account,) = await kept_accounts(db, ticket, found)
        owner = await find_customer(db, account.partner, account.customer)
        await noted(desk, db, found.values())
    party = _party(owner) | {"AccountRole": "UK.OBIE.Principal"}
    return done(ticket, shown(desk, ticket, {"Party": party}))


async def party(desk: Desk, ticket: Ticket) -> Answer:
    """The customer who gave the consent."""
    read_query(ticket)
    async with desk.reading() as db:
        consents = await granted(desk, db, ticket, ConsentKind.ACCOUNT_ACCESS)
        those = [each for each in consents if Permission.PARTY_PSU in each.permissions]
        if not those or those[0].customer is None:
            raise PermissionMissing(f"the consent has no {Permission.PARTY_PSU}")
        customer = await find_customer(db, those[0].partner, those[0].customer)
        await noted(desk, db, those)
    return done(ticket, shown(desk, ticket, {"Party": _party(customer)}))


def account_name(account: Account, owner: Customer) -> Shown:
    """The account by its number and its owner's name."""
    return {
        "SchemeName": SCHEME,
        "Identification": account.number,
        "Name": owner.name_zh or owner.name_en,
    }


def _account(account: Account, owner: Customer, *, in_detail: bool) -> Shown:
    facts: Shown = {
        "AccountId": account.id,
        "Status": _STATUS[account.status],
        "StatusUpdateDateTime": rfc3339(account.closed_at or account.opened_at),
        "Currency": account.currency,
        "AccountType": "Personal" if owner.kind is CustomerKind.RETAIL else "Business",
        "AccountSubType": _SUB_TYPES.get(account.product_class, "CurrentAccount"),
        "Description": account.product_class.value,
        "OpeningDate": rfc3339(account.opened_at),
    }
    return facts | {"Account": [account_name(account, owner)]} if in_detail else facts


def _party(customer: Customer) -> Shown:
    return {
        "PartyId": customer.id,
        "PartyType": "Sole",
        "Name": customer.name_zh or customer.name_en,
        "LegalStructure": _STRUCTURE[customer.kind],
    } | optional(FullLegalName=customer.name_en)
