"""Bills: issued, shown, paid once and whole, refunded, or withdrawn unpaid."""

import pytest
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.merchants import Merchant
from bankside.kernel.errors import BanksideError

BILLS = "payment.bill-payments"


async def _bill(bank: LittleBank, merchant: Merchant, number: str = "B1") -> str:
    asked = {
        "merchant": merchant.id,
        "order_no": number,
        "amount": cny("80.00"),
        "payer_no": "PROPERTY-7-1203",
        "subject": "物业费 2026-03",
    }
    shown = await bank.shown(f"{BILLS}.create", asked)
    assert (shown["state"], shown["status"]) == ("waiting", "presented")
    return str(shown["id"])


async def test_a_paid_bill_reaches_the_biller_less_the_fee_and_gets_an_invoice(
    bank: LittleBank,
) -> None:
    merchant, payer = await bank.merchant(fee_rate_bp=100), await bank.account("100.00")
    bill = await _bill(bank, merchant)

    paid = await bank.shown(
        f"{BILLS}.payments", {"payer_token": await bank.token(payer)}, path=bill
    )

    assert (paid["state"], paid["status"]) == ("completed", "paid")
    assert await bank.money(payer.ledger_account, merchant.settlement_ledger_account) == [
        2_000,
        7_920,
    ]
    invoice = paid["result"]["invoice"]
    assert len(invoice["invoice_no"]) == 20 and invoice["net"] == cny("80.00")


async def test_a_bill_is_paid_once(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(), await bank.account("200.00")
    bill = await _bill(bank, merchant)
    pay = {"payer_token": await bank.token(payer)}
    await bank.call(f"{BILLS}.payments", pay, path=bill)

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{BILLS}.payments", pay, path=bill)

    assert refused.value.code == "bill.already_paid"
    assert await bank.balance(payer) == "120.00"


async def test_a_payer_without_cover_leaves_the_bill_to_be_paid(bank: LittleBank) -> None:
    merchant, poor, payer = (
        await bank.merchant(),
        await bank.account("79.99"),
        await bank.account("80.00"),
    )
    bill = await _bill(bank, merchant)

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{BILLS}.payments", {"payer_token": await bank.token(poor)}, path=bill)
    paid = await bank.shown(
        f"{BILLS}.payments", {"payer_token": await bank.token(payer)}, path=bill
    )

    assert refused.value.code == "payment.funds_insufficient"
    assert paid["status"] == "paid"


async def test_a_withdrawn_bill_cannot_be_paid(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    bill = await _bill(bank, merchant)
    closed = await bank.shown(f"{BILLS}.closures", {"reason": "wrong period"}, path=bill)

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{BILLS}.payments", {"payer_token": await bank.token(payer)}, path=bill)

    assert (closed["status"], refused.value.code) == ("closed", "bill.closed")
    assert await bank.balance(payer) == "100.00"


async def test_refunds_of_a_bill_never_exceed_what_was_paid(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(fee_rate_bp=0), await bank.account("100.00")
    bill = await _bill(bank, merchant)
    await bank.call(f"{BILLS}.payments", {"payer_token": await bank.token(payer)}, path=bill)
    await bank.call(f"{BILLS}.refunds", {"amount": cny("50.00"), "refund_no": "R1"}, path=bill)

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{BILLS}.refunds", {"amount": cny("30.01"), "refund_no": "R2"}, path=bill)

    assert refused.value.code == "refund.exceeds_paid"
    assert await bank.balance(payer) == "70.00"


async def test_the_same_number_names_the_same_bill(bank: LittleBank) -> None:
    merchant = await bank.merchant()
    first = await _bill(bank, merchant)
    asked = {
        "merchant": merchant.id,
        "order_no": "B1",
        "amount": cny("80.01"),
        "payer_no": "PROPERTY-7-1203",
    }

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{BILLS}.create", asked)

    assert refused.value.code == "order.number_reused"
    listed = await bank.shown(f"{BILLS}.list", query={"order_no": "B1"})
    assert [each["id"] for each in listed["items"]] == [first]
