"""Valid, boring customers, logins, consent requests and agreements for tests."""

import itertools
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from tests.orders.little_bank import a_person

from bankside.bank.accounts import (
    Account,
    Opening,
    ProductClass,
    ensure_house_accounts,
    open_account,
)
from bankside.bank.customers import register
from bankside.identity.consents import (
    PAYMENT_PERMISSIONS,
    Agreement,
    Consent,
    ConsentKind,
    ConsentRequest,
    PaymentTerms,
    Permission,
    request_consent,
    settled,
    terms_digest,
)
from bankside.identity.credentials import Credential
from bankside.identity.credentials import store as credentials
from bankside.identity.realms import Realm
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import CustomerId
from bankside.kernel.money import Money

_refs = itertools.count(1)
PASSWORD = "correct horse battery"
READS = frozenset({Permission.ACCOUNTS_DETAIL, Permission.BALANCES})
PAYMENT = PaymentTerms(
    amount=Money(12350, "CNY"),
    creditor_name="Merchant A",
    creditor_account="number 6222000011112222",
    remittance_information="Order 7",
    end_to_end_id="E2E-7",
)


async def an_owner(
    db: Connection, clock: Clock, partner: str, *, currencies: Iterable[str] = ("CNY", "CNY")
) -> tuple[CustomerId, list[Account]]:
    """A customer and its accounts, one a currency named."""
    customer = (await register(db, clock, partner, a_person())).id
    accounts = []
    for currency in currencies:
        await ensure_house_accounts(db, currency)
        asked = Opening(customer=customer, product_class=ProductClass.CURRENT, currency=currency)
        accounts.append(await open_account(db, clock, partner, asked))
    return customer, accounts


def asks_access(partner: str = "prt_a", **change: Any) -> ConsentRequest:
    """A request to see accounts."""
    request = ConsentRequest(
        partner=partner,
        client="app_budget",
        client_name="Budget app",
        ref=f"ref-{next(_refs)}",
        kind=ConsentKind.ACCOUNT_ACCESS,
        purpose="Budget planning",
        permissions=READS,
    )
    return replace(request, **change)


def asks_payment(partner: str = "prt_a", **change: Any) -> ConsentRequest:
    """A request to make one payment."""
    return asks_access(
        partner,
        kind=ConsentKind.PAYMENT,
        permissions=PAYMENT_PERMISSIONS,
        payment=PAYMENT,
        **change,
    )


async def awaiting(
    db: Connection, clock: Clock, request: ConsentRequest
) -> tuple[Consent, ConsentRequest]:
    """A consent that awaits its answer, and the request with its end date."""
    request = settled(request, clock.now())
    return await request_consent(db, clock, request), request


def yes(request: ConsentRequest, customer: CustomerId, *accounts: Account) -> Agreement:
    """The customer's agreement to all that is asked, on these accounts."""
    return Agreement(
        customer=customer,
        accounts={each.id: request.permissions for each in accounts},
        shown=terms_digest(request),
        amr=("pwd", "otp"),
    )


async def put_login(
    db: Connection,
    clock: Clock,
    partner: str,
    customer: str,
    login: str,
    realm: Realm = Realm.CUSTOMER,
) -> None:
    """The person logs in with PASSWORD. Its hash is a cheap one: checking a real one takes 0.2 s of
    the processor, and a hash says itself what it costs (``test_credentials`` has the real ones).
    """
    await credentials.put(
        db,
        Credential(partner, customer, login, realm),
        password_hash=_password_hash(),
        at=clock.now(),
    )


@cache
def _password_hash() -> str:
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
