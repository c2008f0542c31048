"""The bank side of the demo: one partner's branches, customers, accounts, merchants and codes."""

from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Any

from bankside.app.demo import keyfiles
from bankside.app.demo.payees import seed_payees
from bankside.app.demo.spec import (
    BankSpec,
    CustomerSpec,
    MerchantSpec,
    PartnerSpec,
    demo_id,
)
from bankside.bank.accounts import (
    Account,
    AccountNotFound,
    House,
    Opening,
    account,
    ensure_house_accounts,
    house_account,
    open_account,
    put_sandbox_token,
)
from bankside.bank.branches import Branch, open_branch
from bankside.bank.customers import CustomerNotFound, Registration, customer, register
from bankside.bank.ledger import Group, Leg, group_id, post
from bankside.bank.merchants import (
    MerchantNotFound,
    MerchantTerms,
    merchant,
    register_merchant,
    register_receiver,
)
from bankside.identity.credentials import Credential, login_of, set_password
from bankside.identity.factors import set_totp
from bankside.kernel.clock import BANK_ZONE, Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import AccountId, BranchId, CustomerId, MerchantId, TenantId
from bankside.kernel.money import Money
from bankside.kernel.secrets import Vault

Facts = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Authenticators:
    """Where the demo's authenticator secrets are kept, and what seals the bank's copy of them."""

    vault: Vault
    home: Path


async def seed_data_space(
    db: Connection, clock: Clock, factors: Authenticators, bank: BankSpec, spec: PartnerSpec
) -> Facts:
    """The partner's data space stands; what ``demo.json`` tells of it, by list."""
    for branch in bank.branches:
        await open_branch(
            db,
            Branch(
                id=BranchId(demo_id("branch", spec.key, branch.key)),
                partner=demo_id("partner", spec.key),
                code=branch.code,
                name_zh=branch.name_zh,
                name_en=branch.name_en,
                region=branch.region,
            ),
        )
    until = datetime.combine(bank.expires, time(), BANK_ZONE)
    facts: Facts = {
        "customers": [
            await _customer(db, clock, factors, spec.key, each) for each in spec.customers
        ],
        "payer_tokens": [
            await _payer_token(db, clock, spec.key, each, until)
            for each in spec.customers
            if each.payer_token is not None
        ],
        "merchants": [await _merchant(db, clock, spec.key, each) for each in spec.merchants],
    }
    await seed_payees(db, clock, spec)
    # Last: the ledger stays locked from here until the transaction ends.
    await _opening_balances(db, clock, spec)
    return facts


async def _customer(
    db: Connection, clock: Clock, factors: Authenticators, space: str, spec: CustomerSpec
) -> dict[str, Any]:
    partner, customer_id = demo_id("partner", space), _customer_id(space, spec.key)
    try:
        await customer(db, partner, customer_id)
    except CustomerNotFound:
        papers = Registration(
            id=customer_id,
            kind=spec.kind,
            name_zh=spec.name_zh,
            name_en=spec.name_en,
            resident_id=spec.resident_id,
            credit_code=spec.credit_code,
            branch=BranchId(demo_id("branch", space, spec.branch)),
        )
        await register(db, clock, partner, papers)
    if await login_of(db, partner, customer_id) is None:
        credential = Credential(partner, customer_id, spec.login)
        await set_password(db, clock, credential, password=spec.password)
    secret = keyfiles.totp_secret(factors.home, f"{space}-{spec.key}")
    await set_totp(db, clock, factors.vault, partner, customer_id, secret=secret)
    return {
        "id": customer_id,
        "partner": partner,
        "kind": spec.kind.value,
        "name": spec.name_zh,
        "name_en": spec.name_en,
        # Of the range for tests: what a partner would send to have the customer verified.
        "document_no": spec.resident_id or spec.credit_code,
        "login": spec.login,
        "password": spec.password,
        "totp_secret": secret,
        "accounts": await _accounts(db, clock, space, spec),
    }


async def _accounts(
    db: Connection, clock: Clock, space: str, spec: CustomerSpec
) -> list[dict[str, str]]:
    told = []
    for each in spec.accounts:
        opening = Opening(
            id=_account_id(space, each.key),
            customer=_customer_id(space, spec.key),
            product_class=each.product_class,
            currency=each.currency,
            serial=each.serial,
        )
        opened = await _opened(db, clock, demo_id("partner", space), opening)
        told.append(
            {
                "id": opened.id,
                "number": opened.number,
                "class": opened.product_class.value,
                "currency": opened.currency,
            }
        )
    return told


async def _opened(db: Connection, clock: Clock, partner: str, opening: Opening) -> Account:
    assert opening.id is not None
    try:
        return await account(db, partner, opening.id)
    except AccountNotFound:
        return await open_account(db, clock, partner, opening)


async def _payer_token(
    db: Connection, clock: Clock, space: str, spec: CustomerSpec, until: datetime
) -> dict[str, str]:
    assert spec.payer_token is not None
    partner = demo_id("partner", space)
    payer = _account_id(space, spec.payer_token.account)
    await put_sandbox_token(db, clock, partner, payer, code=spec.payer_token.code, until=until)
    return {
        "code": spec.payer_token.code,
        "partner": partner,
        "customer": _customer_id(space, spec.key),
        "account": payer,
        "name": spec.name_zh,
    }


async def _merchant(db: Connection, clock: Clock, space: str, spec: MerchantSpec) -> dict[str, Any]:
    partner, merchant_id = demo_id("partner", space), demo_id("merchant", space, spec.key)
    tenant = TenantId(demo_id("tenant", spec.tenant)) if spec.tenant else None
    settlement = _account_id(space, spec.account)
    try:
        made = await merchant(db, partner, merchant_id)
    except MerchantNotFound:
        terms = MerchantTerms(
            id=MerchantId(merchant_id),
            tenant=tenant,
            customer=_customer_id(space, spec.customer),
            name_zh=spec.name_zh,
            name_en=spec.name_en,
            settlement_account=settlement,
            fee_rate_bp=spec.fee_rate_bp,
        )
        made = await register_merchant(db, clock, partner, terms)
    receivers = []
    for each in spec.receivers:
        shared = _account_id(space, each.account)
        await register_receiver(db, clock, made, shared, relation=each.relation)
        receivers.append({"account": shared, "relation": each.relation})
    return {
        "id": merchant_id,
        "partner": partner,
        "tenant": tenant,
        "name": spec.name_zh,
        "name_en": spec.name_en,
        "account": settlement,
        "currency": made.currency,
        "receivers": receivers,
    }


async def _opening_balances(db: Connection, clock: Clock, spec: PartnerSpec) -> None:
    """What each account is opened with is booked once, against the bank's opening balances."""
    groups = []
    accounts = [each for owner in spec.customers for each in owner.accounts]
    for currency in sorted({each.currency for each in accounts}):
        await ensure_house_accounts(db, currency)
    for each in accounts:
        amount = Money.parse(each.balance, each.currency)
        source = house_account(House.OPENING, each.currency)
        target = _account_id(spec.key, each.key)
        if amount.minor:
            groups.append(
                Group(
                    id=group_id("demo", "opening", target),
                    legs=(Leg(source, target, amount),),
                    kind="opening",
                    narrative="demo opening balance",
                    # A later version of the demo with another balance finds this one booked.
                    request_hash=b"demo opening",
                )
            )
    for group, verdict in zip(groups, await post(db, groups, at=clock.now()), strict=True):
        assert verdict.accepted, f"{group.legs[0].credit}: {verdict.reason}"


def _customer_id(space: str, key: str) -> CustomerId:
    return CustomerId(demo_id("customer", space, key))


def _account_id(space: str, key: str) -> AccountId:
    return AccountId(demo_id("account", space, key))
