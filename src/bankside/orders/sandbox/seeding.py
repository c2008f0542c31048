"""Moves the test people into a fresh space, and tells of them with their balances of now."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bankside.bank import clearing, ledger
from bankside.bank.accounts import (
    House,
    Opening,
    ensure_house_accounts,
    house_account,
    in_space,
    open_account,
    put_sandbox_token,
)
from bankside.bank.customers import CustomerKind, Registration, register
from bankside.bank.ledger import Group, Leg, group_id, post
from bankside.bank.merchants import MerchantTerms, register_merchant
from bankside.bank.standing_orders import NewStandingOrder, set_up
from bankside.identity.credentials import Credential, set_password
from bankside.identity.factors import set_totp
from bankside.kernel.clock import Clock, booking_date
from bankside.kernel.db import Connection
from bankside.kernel.ids import PartnerId, TenantId, derived_id
from bankside.kernel.money import Money
from bankside.kernel.secrets import Vault
from bankside.orders.interest import month_after
from bankside.orders.sandbox import people
from bankside.orders.sandbox.people import CURRENCIES, INHABITANTS, PASSWORD, SHOPS, Inhabitant
from bankside.partners import create_tenant, list_tenants

# Longer than any test clock is moved.
CODES_GOOD_FOR = timedelta(days=36_500)
# One funding; an account of the space is empty often enough to need more than one.
FUNDING_MAX_MINOR = 10**11


@dataclass(frozen=True, slots=True)
class Arrived:
    """Who was moved in; ``tenant_token`` is told this once, None when the tenant stood before."""

    tenant: str
    tenant_token: str | None


async def move_in(db: Connection, clock: Clock, vault: Vault | None, space: PartnerId) -> Arrived:
    """The space has its people, merchants, a tenant and money; the ledger is posted to last.

    Without a ``vault`` the people have no second factor, and cannot agree to consents.
    """
    tenants = (await list_tenants(db, space)).items
    token = None
    if tenants:
        tenant = tenants[0].id
    else:
        names = {"name_zh": "老街面馆", "name_en": "Old Street Noodles"}
        made, token = await create_tenant(db, clock, space, **names)
        tenant = made.id
    for each in INHABITANTS:
        await _settle(db, clock, vault, space, each)
    for shop in SHOPS:
        await _open_shop(db, clock, space, shop, tenant if shop.of_tenant else None)
    await _pocket_money(db, clock, space)
    await _opening_balances(db, clock, space)
    return Arrived(tenant, token)


async def pay_in(
    db: Connection, clock: Clock, space: str, account: tuple[str, Money], *, key: str
) -> ledger.Verdict:
    """The ledger account (with the amount) is credited from the space's opening balances, once.

    ``key`` names the funding: the same one again changes nothing.
    """
    to, amount = account
    source = in_space(house_account(House.OPENING, amount.currency), space)
    group = Group(
        id=group_id("sandbox", "funding", space, key),
        legs=(Leg(source, to, amount),),
        kind="opening",
        narrative="sandbox funding",
    )
    (verdict,) = await post(db, [group], at=clock.now())
    return verdict


async def told(db: Connection, space: str) -> dict[str, Any]:
    """The people and merchants a space began with: how they sign in, pay, and what they have."""
    ids = [people.account_id(space, each.key) for who in INHABITANTS for each in who.holdings]
    balances = await ledger.balances(db, ids)
    return {
        "people": [_told(space, each, balances) for each in INHABITANTS],
        "merchants": [
            {
                "merchant": people.merchant_id(space, each.key),
                "owner": people.customer_id(space, each.owner),
                "of_tenant": each.of_tenant,
                "cleared_net": each.netted,
            }
            for each in SHOPS
        ],
    }


def _told(space: str, who: Inhabitant, balances: dict[str, ledger.Balance]) -> dict[str, Any]:
    pays = who.kind is CustomerKind.RETAIL
    return {
        "customer": people.customer_id(space, who.key),
        "kind": who.kind.value,
        "name_zh": who.name_zh,
        "name_en": who.name_en,
        "document_no": who.paper,
        "login": people.login(space, who.key),
        "password": PASSWORD,
        "totp_secret": people.totp_secret(space, who.key),
        "payer_token": people.payer_code(space, who.key) if pays else None,
        "accounts": [
            {
                "account": people.account_id(space, each.key),
                "class": each.product_class.value,
                "available": {
                    "amount": str(balances[people.account_id(space, each.key)].available),
                    "currency": each.currency,
                },
            }
            for each in who.holdings
        ],
    }


async def _settle(
    db: Connection, clock: Clock, vault: Vault | None, space: str, who: Inhabitant
) -> None:
    customer = people.customer_id(space, who.key)
    retail = who.kind is CustomerKind.RETAIL
    papers = Registration(
        id=customer,
        kind=who.kind,
        name_zh=who.name_zh,
        name_en=who.name_en,
        resident_id=who.paper if retail else None,
        credit_code=None if retail else who.paper,
    )
    await register(db, clock, space, papers)
    credential = Credential(space, customer, people.login(space, who.key))
    await set_password(db, clock, credential, password=PASSWORD)
    if vault is not None:
        secret = people.totp_secret(space, who.key)
        await set_totp(db, clock, vault, space, customer, secret=secret)
    for each in who.holdings:
        opening = Opening(
            id=people.account_id(space, each.key),
            customer=customer,
            product_class=each.product_class,
            currency=each.currency,
        )
        await open_account(db, clock, space, opening)
    if retail:
        first = people.account_id(space, who.holdings[0].key)
        code, until = people.payer_code(space, who.key), clock.now() + CODES_GOOD_FOR
        await put_sandbox_token(db, clock, space, first, code=code, until=until)


async def _open_shop(
    db: Connection, clock: Clock, space: str, shop: people.Shop, tenant: TenantId | None
) -> None:
    owner = next(each for each in INHABITANTS if each.key == shop.owner)
    merchant = people.merchant_id(space, shop.key)
    terms = MerchantTerms(
        id=merchant,
        tenant=tenant,
        customer=people.customer_id(space, owner.key),
        name_zh=owner.name_zh,
        name_en=owner.name_en,
        settlement_account=people.account_id(space, owner.holdings[0].key),
    )
    await register_merchant(db, clock, space, terms)
    if shop.netted:
        await clearing.agree(db, clock, clearing.Terms(partner=space, merchant=merchant))


async def _pocket_money(db: Connection, clock: Clock, space: str) -> None:
    """Somebody has a standing order: the clock can be moved to its next date."""
    fifth = booking_date(clock).replace(day=people.POCKET_MONEY_DAY)
    payee = people.account_id(space, "lin-current")
    order = NewStandingOrder(
        id=derived_id("standing_order", space, payee),
        account=people.account_id(space, "lin-savings"),
        payee_account=payee,
        payee_name=INHABITANTS[0].name_zh,
        amount=Money.parse(people.POCKET_MONEY, "CNY"),
        frequency=f"IntrvlMnthDay:01:{fifth.day:02d}",
        first_on=fifth if fifth > booking_date(clock) else month_after(fifth, 1),
        reference="零用钱 pocket money",
    )
    await set_up(db, clock, space, order)


async def _opening_balances(db: Connection, clock: Clock, space: str) -> None:
    for currency in CURRENCIES:
        await ensure_house_accounts(db, currency, partner=space)
    groups = []
    for each in (holding for who in INHABITANTS for holding in who.holdings):
        source = in_space(house_account(House.OPENING, each.currency), space)
        target = people.account_id(space, each.key)
        leg = Leg(source, target, Money.parse(each.balance, each.currency))
        groups.append(Group(group_id("sandbox", "opening", target), (leg,), kind="opening"))
    for verdict in await post(db, groups, at=clock.now()):
        assert verdict.accepted, verdict.reason
