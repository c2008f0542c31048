"""Tickets: a right is used once, refunded unused, or runs out; its money is never in two places."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import Account, House, house_account
from bankside.bank.merchants import Merchant
from bankside.kernel.errors import BanksideError

COUPONS, BENEFITS = "engage.coupons", "engage.membership-benefits"
FLOAT = house_account(House.BENEFITS, "CNY")


async def _coupon(bank: LittleBank, issuer: Account, **more: Any) -> dict[str, Any]:
    asked = {"holder": bank.customer, "account": issuer.id, "amount": cny("20.00"), **more}
    return await bank.shown(f"{COUPONS}.create", asked)


def _code(shown: dict[str, Any]) -> dict[str, Any]:
    return {"code": shown["result"]["ticket"]["code"]}


async def test_a_coupon_is_paid_by_its_issuer_to_who_honours_it(bank: LittleBank) -> None:
    issuer, shop = await bank.account("50.00"), await bank.account()
    (before,) = await bank.money(FLOAT)
    coupon = await _coupon(bank, issuer)
    assert await bank.money(FLOAT) == [before + 2_000]

    used = await bank.shown(
        f"{COUPONS}.redemptions", {**_code(coupon), "payee_account": shop.id}, path=coupon["id"]
    )

    assert used["status"] == "redeemed"
    assert await bank.money(issuer.ledger_account, shop.ledger_account, FLOAT) == [
        3_000,
        2_000,
        before,
    ]


async def test_a_coupon_is_used_once(bank: LittleBank) -> None:
    issuer, shop = await bank.account("50.00"), await bank.account()
    coupon = await _coupon(bank, issuer, payee_account=shop.id)
    await bank.call(f"{COUPONS}.redemptions", _code(coupon), path=coupon["id"])

    for word, body in (("redemptions", _code(coupon)), ("refunds", {})):
        with pytest.raises(BanksideError) as refused:
            await bank.call(f"{COUPONS}.{word}", body, path=coupon["id"])
        assert refused.value.code in {"ticket.not_valid", "order.state_refused"}
    assert await bank.balance(shop) == "20.00"


async def test_a_wrong_code_uses_nothing(bank: LittleBank) -> None:
    issuer, shop = await bank.account("50.00"), await bank.account()
    coupon = await _coupon(bank, issuer, payee_account=shop.id)

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{COUPONS}.redemptions", {"code": "WRONG"}, path=coupon["id"])

    assert refused.value.code == "ticket.code_wrong"
    assert await bank.balance(shop) == "0.00"


async def test_an_unused_coupon_goes_back_on_request_and_at_its_end(bank: LittleBank) -> None:
    issuer = await bank.account("50.00")
    first = await _coupon(bank, issuer)
    last = await _coupon(bank, issuer, valid_until="2026-03-10")
    await bank.call(f"{COUPONS}.refunds", {}, path=first["id"])
    assert await bank.balance(issuer) == "30.00"

    bank.clock.advance(timedelta(days=9))
    await bank.orders.expire()

    assert await bank.balance(issuer) == "50.00"
    shown = await bank.shown(f"{COUPONS}.query", path=last["id"])
    assert (shown["state"], shown["status"]) == ("completed", "expired")


async def _benefit(bank: LittleBank, merchant: Merchant, payer: Account) -> dict[str, Any]:
    asked = {
        "merchant": merchant.id,
        "holder": bank.customer,
        "account": payer.id,
        "amount": cny("30.00"),
        "benefit": "年度会员",
    }
    return await bank.shown(f"{BENEFITS}.create", asked)


async def test_a_sold_right_is_settled_only_after_it_was_used(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(fee_rate_bp=100), await bank.account("30.00")
    sold = await _benefit(bank, merchant, payer)
    today = bank.clock.now().date()
    await bank.orders.end_of_day(today)
    assert await bank.money(merchant.settlement_ledger_account) == [0]

    await bank.call(f"{BENEFITS}.redemptions", _code(sold), path=sold["id"])
    await bank.orders.end_of_day(today)

    assert await bank.money(
        payer.ledger_account, merchant.settlement_ledger_account, merchant.pending_ledger_account
    ) == [0, 2_970, 0]


async def test_an_unused_right_is_paid_back_in_full(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(fee_rate_bp=100), await bank.account("30.00")
    sold = await _benefit(bank, merchant, payer)

    back = await bank.shown(f"{BENEFITS}.refunds", {}, path=sold["id"])

    assert (back["state"], back["refunded"]) == ("completed", cny("30.00"))
    assert await bank.money(payer.ledger_account, merchant.pending_ledger_account) == [3_000, 0]


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(acts=st.lists(st.sampled_from(["use", "back", "wait"]), min_size=1, max_size=4))
async def test_whatever_happens_to_a_coupon_its_money_is_in_one_place(
    bank: LittleBank, acts: list[str]
) -> None:
    issuer, shop = await bank.account("20.00"), await bank.account()
    (before,) = await bank.money(FLOAT)
    coupon = await _coupon(bank, issuer, payee_account=shop.id, valid_until="2029-03-02")
    for act in acts:
        try:
            if act == "use":
                await bank.call(f"{COUPONS}.redemptions", _code(coupon), path=coupon["id"])
            elif act == "back":
                await bank.call(f"{COUPONS}.refunds", {}, path=coupon["id"])
            else:
                await bank.orders.expire()
        except BanksideError:
            pass

    money = await bank.money(issuer.ledger_account, shop.ledger_account, FLOAT)

    assert sum(money) == 2_000 + before
    assert sorted(money[:2]) in ([0, 0], [0, 2_000])
    assert (money[2] - before == 2_000) is (sorted(money[:2]) == [0, 0])


async def test_a_right_its_payer_cannot_pay_is_not_issued(bank: LittleBank) -> None:
    merchant = await bank.merchant()
    asked = {
        "merchant": merchant.id,
        "holder": bank.customer,
        "account": (await bank.account("5.00")).id,
        "amount": cny("30.00"),
        "code": "CODE-9",
    }

    with pytest.raises(BanksideError) as refused:
        await bank.call("engage.discount-campaigns.create", asked)

    assert refused.value.code == "payment.funds_insufficient"
    assert await bank.money(merchant.pending_ledger_account) == [0]
