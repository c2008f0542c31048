"""Whose orders, accounts and merchants a caller can see: its own, and nobody else's."""

from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import AccountNotFound
from bankside.kernel.errors import BanksideError
from bankside.orders.errors import (
    AccountUnknown,
    MerchantUnknown,
    OrderNotFound,
    TransactionNotFound,
)


def _neighbour(bank: LittleBank) -> LittleBank:
    return LittleBank(bank.pool, bank.books, bank.clock, bank.orders, f"{bank.partner}x")


async def _scanned(bank: LittleBank, number: str = "T1", **more: Any) -> dict[str, Any]:
    merchant, payer = await bank.merchant(**more), await bank.account("100.00")
    return await bank.shown(
        "merchant.scan-payments.create",
        {
            "merchant": merchant.id,
            "order_no": number,
            "amount": cny("10.00"),
            "payer_token": await bank.token(payer),
        },
    )


async def test_another_partners_order_is_not_found_by_any_route(bank: LittleBank) -> None:
    order = await _scanned(bank)
    other = _neighbour(bank)
    path = {"path": order["id"]}
    attempts: list[tuple[str, Any, dict[str, Any]]] = [
        ("merchant.scan-payments.query", None, path),
        ("merchant.scan-payments.refunds", {"amount": cny("1.00")}, path),
        ("merchant.scan-payments.closures", {}, path),
        ("merchant.split-orders.finishes", {}, path),
        ("merchant.merchant-refunds.create", {"order": order["id"], "amount": cny("1.00")}, {}),
        ("merchant.merchant-refunds.create", {"order_no": "T1", "amount": cny("1.00")}, {}),
        ("platform.order-lookups.query", None, {"query": {"order": order["id"]}}),
        ("platform.order-lookups.query", None, {"query": {"order_no": "T1"}}),
        ("platform.order-cancellations.create", {"order": order["id"]}, {}),
        ("platform.order-closures.create", {"order_no": "T1"}, {}),
        (
            "platform.payer-confirmations.create",
            {"order": order["id"], "payer_token": "28"},
            {},
        ),
        ("payment.payment-statuses.query", None, path),
    ]

    for operation, body, more in attempts:
        with pytest.raises(OrderNotFound):
            await other.call(operation, body, **more)

    assert (await other.shown("merchant.scan-payments.list"))["items"] == []
    assert (await other.shown("payment.payment-statuses.list"))["items"] == []


async def test_another_partners_accounts_and_merchants_do_not_exist(bank: LittleBank) -> None:
    theirs, merchant = await bank.account("100.00"), await bank.merchant()
    other = _neighbour(bank)
    mine = await other.account("100.00")
    transfer = {"payer_account": theirs.id, "payee_account": mine.id, "amount": cny("1.00")}
    subject = {"subject": theirs.id}
    attempts: list[tuple[type[BanksideError], str, Any, dict[str, Any]]] = [
        (AccountUnknown, "payment.internal-transfers.create", transfer, {}),
        (AccountUnknown, "account.account-balances.list", None, {"query": subject}),
        (AccountUnknown, "account.account-transactions.list", None, {"query": subject}),
        (AccountUnknown, "account.account-transactions.exports", subject, {}),
        (
            AccountUnknown,
            "account.account-statements.create",
            subject | {"period": "2026-03"},
            {},
        ),
        (AccountNotFound, "account.account-balances.query", None, {"path": theirs.id}),
        (
            TransactionNotFound,
            "account.account-transactions.query",
            None,
            {"path": f"{theirs.id}.1"},
        ),
        (
            MerchantUnknown,
            "merchant.collection-codes.create",
            {"merchant": merchant.id, "order_no": "T1", "amount": cny("1.00")},
            {},
        ),
    ]

    for refusal, operation, body, more in attempts:
        with pytest.raises(refusal):
            await other.call(operation, body, **more)

    assert await bank.balance(theirs) == "100.00"


async def test_two_partners_may_use_the_same_numbers_and_keys(bank: LittleBank) -> None:
    other = _neighbour(bank)

    first, second = await _scanned(bank), await _scanned(other)

    assert first["order_no"] == second["order_no"]
    assert first["id"] != second["id"]


async def test_a_tenant_sees_its_own_orders_and_the_partner_sees_all(bank: LittleBank) -> None:
    bank.tenant = "tnt_a"
    order = await _scanned(bank, tenant="tnt_a")

    bank.tenant = "tnt_b"
    with pytest.raises(OrderNotFound):
        await bank.call("merchant.scan-payments.query", path=order["id"])
    with pytest.raises(OrderNotFound):
        await bank.call("platform.order-lookups.query", query={"order_no": "T1"})
    assert (await bank.shown("merchant.scan-payments.list"))["items"] == []
    bank.tenant = None
    seen = await bank.shown("merchant.scan-payments.query", path=order["id"])

    assert seen["id"] == order["id"]


async def test_a_tenant_does_not_collect_for_another_tenants_merchant(bank: LittleBank) -> None:
    merchant = await bank.merchant(tenant="tnt_a")
    bank.tenant = "tnt_b"

    with pytest.raises(MerchantUnknown):
        await bank.call(
            "merchant.collection-codes.create",
            {"merchant": merchant.id, "order_no": "T1", "amount": cny("1.00")},
        )


async def test_an_order_is_found_under_the_product_that_made_it_only(bank: LittleBank) -> None:
    order = await _scanned(bank)

    for product in ("collection-codes", "checkout-payments", "preauthorizations"):
        with pytest.raises(OrderNotFound):
            await bank.call(f"merchant.{product}.query", path=order["id"])
        with pytest.raises(OrderNotFound):
            await bank.call(f"merchant.{product}.closures", {}, path=order["id"])


async def test_a_tenant_funds_no_coupon_from_an_account_that_is_not_its_own(
    bank: LittleBank,
) -> None:
    other = await bank.account("50.00")
    bank.tenant = "tnt_b"
    asked = {"holder": bank.customer, "account": other.id, "amount": cny("20.00")}

    with pytest.raises(BanksideError) as refused:
        await bank.call("engage.coupons.create", asked)

    assert refused.value.errors[0]["pointer"] == "/account"
    assert await bank.balance(other) == "50.00"


async def test_a_mandate_a_policy_and_a_draft_of_another_partner_do_not_exist(
    bank: LittleBank,
) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    terms = {"payer_account": payer.id, "payee_account": payee.id, "limit": cny("50.00")}
    mandate = (await bank.shown("payment.direct-debits.mandates-create", terms))["id"]
    owner, bank.partner = bank.partner, "prt_somebody_else"

    for operation, body, path in (
        ("payment.direct-debits.create", {"mandate": mandate, "amount": cny("1.00")}, None),
        ("payment.direct-debits.mandates-revoke", {}, mandate),
        ("insurance.policy-surrenders.create", {"policy": mandate}, None),
        ("bill.commercial-drafts.query", None, mandate),
    ):
        with pytest.raises(BanksideError) as refused:
            await bank.call(operation, body, path=path)
        assert refused.value.status == 404

    bank.partner = owner
    assert await bank.balance(payer) == "100.00"
