"""Many at once: a right is used once, a claim paid once, a part passed on once."""

import asyncio
from typing import Any

from tests.orders.little_bank import LittleBank, cny

from bankside.kernel.call import Answer

AT_ONCE = 12


async def _all(bank: LittleBank, operation: str, body: dict[str, Any], path: str | None) -> int:
    """How many of many equal calls, each under a key of its own, went through."""
    told = await asyncio.gather(
        *(bank.call(operation, body, path=path) for _ in range(AT_ONCE)), return_exceptions=True
    )
    return sum(isinstance(each, Answer) and not each.hit for each in told)


async def test_of_many_redemptions_one_pays(bank: LittleBank) -> None:
    issuer, shop = await bank.account("50.00"), await bank.account()
    asked = {"holder": bank.customer, "account": issuer.id, "amount": cny("20.00"), "code": "C"}
    coupon = (await bank.shown("engage.coupons.create", asked))["id"]
    use = {"code": "C", "payee_account": shop.id}

    assert await _all(bank, "engage.coupons.redemptions", use, coupon) == 1
    assert await bank.balance(shop) == "20.00"


async def test_of_many_payments_of_a_bill_one_is_taken(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(fee_rate_bp=0), await bank.account("500.00")
    asked = {
        "merchant": merchant.id,
        "order_no": "B",
        "amount": cny("20.00"),
        "payer_no": "1",
    }
    bill = (await bank.shown("payment.bill-payments.create", asked))["id"]
    pay = {"payer_token": await bank.token(payer)}

    assert await _all(bank, "payment.bill-payments.payments", pay, bill) == 1
    assert await bank.balance(payer) == "480.00"


async def test_many_endorsements_pass_on_no_more_than_there_is(bank: LittleBank) -> None:
    drawer, holder, other = await bank.account("99.00"), await bank.account(), await bank.account()
    asked = {
        "drawer_account": drawer.id,
        "holder": bank.customer,
        "holder_account": holder.id,
        "amount": cny("90.00"),
        "maturity": "2026-06-01",
    }
    product = "supplychain.credit-vouchers"
    voucher = (await bank.shown(f"{product}.create", asked))["id"]
    await bank.call(f"{product}.confirmations", {}, path=voucher)
    part = {"from_account": holder.id, "to_account": other.id, "amount": cny("20.00")}

    assert await _all(bank, f"{product}.endorsements", part, voucher) == 4
    shown = await bank.shown(f"{product}.query", path=voucher)
    held = {each["account"]: each["amount"] for each in shown["result"]["instrument"]["holders"]}
    assert held == {holder.id: cny("10.00"), other.id: cny("80.00")}


async def test_of_many_red_letter_invoices_one_is_issued(bank: LittleBank) -> None:
    await bank.account()
    asked = {
        "seller": bank.customer,
        "lines": [{"name": "茶", "amount": cny("10.00"), "tax_rate_bp": 0}],
        "total": cny("10.00"),
    }
    invoice = (await bank.shown("bill.invoices.create", asked))["id"]

    assert await _all(bank, "bill.invoices.revoke", {}, invoice) == 1
