"""Merchants: terms, receivers, and who may see them."""

import pytest

from bankside.bank import ledger
from bankside.bank.accounts import (
    Account,
    AccountClosed,
    AccountNotFound,
    Opening,
    ProductClass,
    close,
    open_account,
)
from bankside.bank.customers import CustomerKind, CustomerNotFound, Registration, register
from bankside.bank.merchants import (
    MerchantExists,
    MerchantNotFound,
    MerchantTerms,
    MerchantTermsInvalid,
    ReceiverCurrencyMismatch,
    ReceiverIsMerchant,
    ReceiversTooMany,
    merchant,
    merchants,
    only_merchant,
    receivers,
    register_merchant,
    register_receiver,
    service,
)
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Connection
from bankside.kernel.ids import CustomerId, MerchantId, TenantId

A, B = "prt_a", "prt_b"


async def opened(
    db: Connection, clock: FixedClock, *, partner: str = A, currency: str = "CNY"
) -> Account:
    shop = Registration(kind=CustomerKind.CORPORATE, name_zh="海棠餐饮", name_en="Begonia Catering")
    owner = await register(db, clock, partner, shop)
    opening = Opening(customer=owner.id, product_class=ProductClass.SETTLEMENT, currency=currency)
    return await open_account(db, clock, partner, opening)


def terms(of: Account, **changes: object) -> MerchantTerms:
    facts = {
        "customer": of.customer,
        "name_zh": "海棠餐厅",
        "name_en": "Begonia Restaurant",
        "settlement_account": of.id,
    }
    return MerchantTerms(**(facts | changes))  # type: ignore[arg-type]


async def test_a_merchant_has_an_empty_account_for_what_is_collected(
    db: Connection, clock: FixedClock
) -> None:
    account = await opened(db, clock)
    made = await register_merchant(db, clock, A, terms(account, fee_rate_bp=38))

    assert await merchant(db, A, made.id) == made
    assert made.settlement_ledger_account == account.ledger_account
    assert (made.currency, made.split_share_max_bp) == ("CNY", 3_000)
    assert (await ledger.balance(db, made.pending_ledger_account)).booked.minor == 0


async def test_a_merchant_is_seen_by_its_partner_and_its_tenant_only(
    db: Connection, clock: FixedClock
) -> None:
    account = await opened(db, clock)
    own = await register_merchant(db, clock, A, terms(account))
    tenants = await register_merchant(db, clock, A, terms(account, tenant=TenantId("tnt_1")))

    assert await merchant(db, A, tenants.id, tenant="tnt_1") == tenants
    assert await merchant(db, A, own.id, tenant="tnt_1") == own
    assert await merchant(db, A, tenants.id) == tenants
    for partner, tenant in ((A, "tnt_2"), (B, None), (B, "tnt_1")):
        with pytest.raises(MerchantNotFound):
            await merchant(db, partner, tenants.id, tenant=tenant)
    assert {m.id for m in (await merchants(db, A, tenant="tnt_2")).items} == {own.id}
    assert {m.id for m in (await merchants(db, A)).items} == {own.id, tenants.id}
    assert (await merchants(db, B)).items == ()


@pytest.mark.parametrize("reference", ["", "\0", "mch_none", "\ud800", "x" * 500])
async def test_a_strange_reference_is_no_merchant(db: Connection, reference: str) -> None:
    with pytest.raises(MerchantNotFound):
        await merchant(db, A, reference)
    assert await receivers(db, A, reference) == []


async def test_terms_that_do_not_fit_are_refused(db: Connection, clock: FixedClock) -> None:
    account, foreign = await opened(db, clock), await opened(db, clock, partner=B)
    await register_merchant(db, clock, A, terms(account, id=MerchantId("mch_taken")))

    for refusal, asked in (
        (MerchantTermsInvalid, terms(account, fee_rate_bp=1_001)),
        (MerchantTermsInvalid, terms(account, fee_rate_bp=-1)),
        (MerchantTermsInvalid, terms(account, split_share_max_bp=10_001)),
        (MerchantTermsInvalid, terms(account, name_zh="")),
        (MerchantTermsInvalid, terms(account, name_en="a\0")),
        (CustomerNotFound, terms(account, customer=CustomerId("cus_none"))),
        (AccountNotFound, terms(account, settlement_account=foreign.id)),
        (MerchantExists, terms(account, id=MerchantId("mch_taken"))),
    ):
        with pytest.raises(refusal):
            await register_merchant(db, clock, A, asked)
    assert len((await merchants(db, A)).items) == 1


async def test_receivers_are_accounts_of_the_same_space_and_currency(
    db: Connection, clock: FixedClock
) -> None:
    account, rider = await opened(db, clock), await opened(db, clock)
    dollars = await opened(db, clock, currency="USD")
    foreign = await opened(db, clock, partner=B)
    gone = await opened(db, clock)
    await close(db, clock, A, gone.id)
    made = await register_merchant(db, clock, A, terms(account))

    first = await register_receiver(db, clock, made, rider.number, relation="rider")
    again = await register_receiver(db, clock, made, rider.id, relation="courier")

    assert first == again
    assert await receivers(db, A, made.id) == [first]
    assert await receivers(db, B, made.id) == []
    for reference, refusal in (
        (account.id, ReceiverIsMerchant),
        (dollars.id, ReceiverCurrencyMismatch),
        (foreign.id, AccountNotFound),
        (gone.id, AccountClosed),
    ):
        with pytest.raises(refusal):
            await register_receiver(db, clock, made, reference, relation="rider")
    with pytest.raises(MerchantTermsInvalid):
        await register_receiver(db, clock, made, rider.id, relation="")


async def test_a_merchant_has_a_limited_number_of_receivers(
    db: Connection, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "RECEIVERS_MAX", 1)
    made = await register_merchant(db, clock, A, terms(await opened(db, clock)))
    await register_receiver(db, clock, made, (await opened(db, clock)).id, relation="rider")

    with pytest.raises(ReceiversTooMany):
        await register_receiver(db, clock, made, (await opened(db, clock)).id, relation="rider")


async def test_the_only_merchant_of_a_tenant_is_its_own(db: Connection, clock: FixedClock) -> None:
    account = await opened(db, clock)
    own = await register_merchant(db, clock, A, terms(account))
    shop = await register_merchant(db, clock, A, terms(account, tenant=TenantId("tnt_noodles")))

    assert await only_merchant(db, A, None) == own
    assert await only_merchant(db, A, "tnt_noodles") == shop
    assert await only_merchant(db, A, "tnt_other") is None
    await register_merchant(db, clock, A, terms(account))
    assert await only_merchant(db, A, None) is None
