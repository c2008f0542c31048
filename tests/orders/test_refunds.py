"""Refunds: never above what was paid, once a number, from pending first, then from the merchant."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.orders.little_bank import LittleBank, cny

from bankside.kernel.errors import BanksideError
from bankside.kernel.money import Money
from bankside.orders import rules
from bankside.orders.errors import (
    CurrencyRefused,
    InputInvalid,
    NumberReused,
    OrderNotFound,
    OrderNotPaid,
    RefundExceedsPaid,
    RefundFundsInsufficient,
    RefundPosted,
)
from bankside.orders.model import Terms

REFUND = "merchant.merchant-refunds.create"


async def _paid(bank: LittleBank, amount: str = "100.00") -> tuple[dict[str, Any], Any, Any]:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    order = await bank.shown(
        "merchant.scan-payments.create",
        {
            "merchant": merchant.id,
            "order_no": "T1",
            "amount": cny(amount),
            "payer_token": await bank.token(payer),
        },
    )
    return order, merchant, payer


async def test_a_part_refund_comes_out_of_what_is_pending(bank: LittleBank) -> None:
    order, merchant, payer = await _paid(bank)

    refund = await bank.shown(
        REFUND,
        {"order_no": "T1", "refund_no": "R1", "amount": cny("30.00"), "reason": "少一份"},
    )

    assert (refund["state"], refund["status"]) == ("completed", "completed")
    assert (refund["order"], refund["order_no"]) == (order["id"], "T1")
    assert (refund["amount"], refund["order_refunded"]) == (cny("30.00"), cny("30.00"))
    assert await bank.balance(payer) == "30.00"
    assert await bank.balance(merchant.pending_ledger_account) == "70.00"
    shown = await bank.shown("merchant.scan-payments.query", path=order["id"])
    assert (shown["status"], shown["refunded"]) == ("paid", cny("30.00"))


async def test_the_fee_is_taken_on_what_was_kept(bank: LittleBank) -> None:
    order, merchant, _payer = await _paid(bank)
    await bank.call(REFUND, {"order": order["id"], "amount": cny("50.00")})

    await bank.orders.end_of_day(date(2026, 3, 2))

    assert await bank.balance(merchant.settlement_ledger_account) == "49.81"


async def test_all_refunds_together_never_exceed_what_was_paid(bank: LittleBank) -> None:
    order, _merchant, payer = await _paid(bank)
    await bank.call(REFUND, {"order": order["id"], "refund_no": "R1", "amount": cny("60.00")})

    with pytest.raises(RefundExceedsPaid) as refused:
        await bank.call(REFUND, {"order": order["id"], "refund_no": "R2", "amount": cny("40.01")})
    second = await bank.shown(
        REFUND, {"order": order["id"], "refund_no": "R3", "amount": cny("40.00")}
    )

    assert refused.value.extra["refundable"] == cny("40.00")
    assert second["order_refunded"] == cny("100.00")
    shown = await bank.shown("merchant.scan-payments.query", path=order["id"])
    assert (shown["state"], shown["status"]) == ("completed", "refunded")
    assert await bank.balance(payer) == "100.00"
    await bank.orders.end_of_day(date(2026, 3, 2))
    assert await bank.shown("merchant.scan-payments.query", path=order["id"]) == shown


async def test_the_same_refund_number_is_the_same_refund(bank: LittleBank) -> None:
    order, _merchant, payer = await _paid(bank)
    body = {"order_no": "T1", "refund_no": "R1", "amount": cny("10.00")}
    first = await bank.shown(REFUND, body)

    again = await bank.call(REFUND, body)
    by_id = await bank.call(
        REFUND, {"order": order["id"], "refund_no": "R1", "amount": cny("10.00")}
    )

    assert again.hit and by_id.hit
    assert again.body["id"] == by_id.body["id"] == first["id"]
    assert await bank.balance(payer) == "10.00"
    with pytest.raises(NumberReused):
        await bank.call(REFUND, body | {"amount": cny("11.00")})


async def test_after_settlement_the_merchants_account_funds_the_refund(
    bank: LittleBank,
) -> None:
    order, merchant, payer = await _paid(bank)
    await bank.orders.end_of_day(date(2026, 3, 2))

    await bank.call(REFUND, {"order": order["id"], "amount": cny("99.00")})

    assert await bank.balance(payer) == "99.00"
    assert await bank.balance(merchant.settlement_ledger_account) == "0.62"
    shown = await bank.shown("merchant.scan-payments.query", path=order["id"])
    assert (shown["state"], shown["refunded"]) == ("completed", cny("99.00"))


async def test_a_refund_the_merchant_cannot_fund_is_refused_and_can_be_tried_again(
    bank: LittleBank,
) -> None:
    order, merchant, payer = await _paid(bank)
    await bank.orders.end_of_day(date(2026, 3, 2))
    body = {"order": order["id"], "refund_no": "R1", "amount": cny("100.00")}

    with pytest.raises(RefundFundsInsufficient):
        await bank.call(REFUND, body, key="first")
    with pytest.raises(RefundFundsInsufficient):
        await bank.call(REFUND, body, key="first")
    rich = await bank.account("10.00")
    await bank.call(
        "payment.internal-transfers.create",
        {
            "payer_account": rich.id,
            "payee_account": merchant.settlement_account,
            "amount": cny("10.00"),
        },
    )
    refund = await bank.shown(REFUND, body, key="second")

    assert refund["status"] == "completed"
    assert await bank.balance(payer) == "100.00"


async def test_an_unpaid_order_is_not_refunded(bank: LittleBank) -> None:
    merchant = await bank.merchant()
    order = await bank.shown(
        "merchant.collection-codes.create",
        {"merchant": merchant.id, "order_no": "C1", "amount": cny("10.00")},
    )

    with pytest.raises(OrderNotPaid):
        await bank.call(REFUND, {"order": order["id"], "amount": cny("1.00")})


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"order": None}, InputInvalid),
        ({"order": "ord_nowhere"}, OrderNotFound),
        ({"order": None, "order_no": "nowhere"}, OrderNotFound),
        ({"order_no": "another"}, OrderNotFound),
        ({"amount": {"amount": "1.00", "currency": "USD"}}, CurrencyRefused),
        ({"amount": cny("0.00")}, InputInvalid),
        ({"refund_no": ""}, InputInvalid),
    ],
)
async def test_a_refund_that_is_just_invalid_changes_nothing(
    bank: LittleBank, change: dict[str, Any], refusal: type[BanksideError]
) -> None:
    order, merchant, _payer = await _paid(bank)

    with pytest.raises(refusal):
        await bank.call(REFUND, {"order": order["id"], "amount": cny("1.00")} | change)

    assert await bank.balance(merchant.pending_ledger_account) == "100.00"


async def test_refunds_are_found_by_their_order_and_number(bank: LittleBank) -> None:
    order, _merchant, _payer = await _paid(bank)
    for number in ("R1", "R2"):
        await bank.call(
            "merchant.scan-payments.refunds",
            {"amount": cny("1.00"), "refund_no": number},
            path=order["id"],
        )
    listing = "merchant.merchant-refunds.list"

    by_both = await bank.shown(listing, query={"order_no": "T1", "refund_no": "R2"})
    everything = await bank.shown(listing)
    nothing = await bank.shown(listing, query={"order_no": "T9"})

    (found,) = by_both["items"]
    assert (found["refund_no"], found["order_refunded"]) == ("R2", cny("2.00"))
    assert {each["refund_no"] for each in everything["items"]} == {"R2", "R1"}
    assert nothing["items"] == []
    one = await bank.shown("merchant.merchant-refunds.query", path=found["id"])
    assert one == found
    with pytest.raises(RefundPosted):
        await bank.call("merchant.merchant-refunds.cancellations", {}, path=found["id"])


@given(
    amount=st.integers(0, 10**12),
    rate=st.integers(0, 10_000),
    low=st.none() | st.integers(0, 10**6),
    high=st.none() | st.integers(0, 10**6),
)
def test_a_fee_is_never_above_its_base_and_never_falls_with_it(
    amount: int, rate: int, low: int | None, high: int | None
) -> None:
    terms = Terms(fee_rate_bp=rate, fee_min=low, fee_max=high)

    fee = rules.fee_on(Money(amount, "CNY"), terms).minor
    more = rules.fee_on(Money(amount + 1, "CNY"), terms).minor

    assert 0 <= fee <= amount
    assert fee <= more
