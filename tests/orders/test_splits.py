"""Split orders: shares within the caps, returned before they are refunded, the rest freed."""

from datetime import date, timedelta
from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import Account
from bankside.bank.merchants import Merchant
from bankside.kernel.errors import BanksideError
from bankside.orders import rules
from bankside.orders.errors import (
    AccountUnknown,
    CurrencyRefused,
    FundsInsufficient,
    InputInvalid,
    NumberReused,
    OrderNotFound,
    OrderNotPaid,
    OrderSettled,
    RefundNeedsSplitReturn,
    SplitCapExceeded,
    SplitReceiverUnknown,
    SplitRequestsExceeded,
    SplitReturnExceeded,
)

SPLITS = "merchant.split-orders.splits"
RETURNS = "merchant.split-orders.returns"
FINISHES = "merchant.split-orders.finishes"


async def _order(
    bank: LittleBank, *, amount: str = "100.00", declared: tuple[Account, ...] = (), **terms: Any
) -> tuple[dict[str, Any], Merchant, Account]:
    merchant, payer = await bank.merchant(**terms), await bank.account(amount)
    body = {
        "merchant": merchant.id,
        "order_no": "S1",
        "amount": cny(amount),
        "payer_token": await bank.token(payer),
    }
    if declared:
        body["receivers"] = [{"account": each.id} for each in declared]
    return await bank.shown("merchant.split-orders.create", body), merchant, payer


def _to(*shares: tuple[Account, str], **more: Any) -> dict[str, Any]:
    return {
        "receivers": [{"account": each.id, "amount": cny(amount)} for each, amount in shares]
    } | more


async def test_a_paid_order_is_split_and_the_rest_freed_to_the_merchant(
    bank: LittleBank,
) -> None:
    rider, kitchen = await bank.account(), await bank.account()
    order, merchant, _payer = await _order(bank, declared=(rider, kitchen))
    assert (order["state"], order["status"]) == ("waiting", "paid")
    assert order["frozen_until"] == "2026-04-01T02:00:00.000Z"

    split = await bank.shown(
        SPLITS, _to((rider, "20.00"), (kitchen, "60.00"), split_no="P1"), path=order["id"]
    )
    done = await bank.shown(FINISHES, {}, path=order["id"])

    assert (split["split"], split["split_no"]) == (cny("80.00"), "P1")
    assert (done["state"], done["status"]) == ("completed", "settled")
    assert (done["fee"], done["settled"]) == (cny("0.38"), cny("19.62"))
    assert await bank.balance(rider) == "20.00"
    assert await bank.balance(kitchen) == "60.00"
    assert await bank.balance(merchant.settlement_ledger_account) == "19.62"
    assert await bank.balance(merchant.pending_ledger_account) == "0.00"


async def test_shares_and_fee_never_exceed_what_was_paid(bank: LittleBank) -> None:
    rider = await bank.account()
    order, *_ = await _order(bank, declared=(rider,))

    with pytest.raises(SplitCapExceeded) as refused:
        await bank.call(SPLITS, _to((rider, "99.63")), path=order["id"])
    await bank.call(SPLITS, _to((rider, "99.62")), path=order["id"])

    assert refused.value.extra["splittable"] == cny("99.62")
    with pytest.raises(SplitCapExceeded):
        await bank.call(SPLITS, _to((rider, "0.01")), path=order["id"])


async def test_receivers_the_merchant_registered_share_in_its_maximum_only(
    bank: LittleBank,
) -> None:
    order, merchant, _payer = await _order(bank)
    rider, scout = await bank.receiver(merchant), await bank.receiver(merchant)
    await bank.call(SPLITS, _to((rider, "20.00")), path=order["id"])

    with pytest.raises(SplitCapExceeded) as refused:
        await bank.call(SPLITS, _to((scout, "10.01")), path=order["id"])
    await bank.call(SPLITS, _to((scout, "10.00")), path=order["id"])

    assert refused.value.extra["maximum_share"] == cny("30.00")


async def test_a_stranger_receives_no_share(bank: LittleBank) -> None:
    stranger = await bank.account()
    order, *_ = await _order(bank)

    with pytest.raises(SplitReceiverUnknown):
        await bank.call(SPLITS, _to((stranger, "1.00")), path=order["id"])

    assert await bank.balance(stranger) == "0.00"


async def test_a_split_number_names_one_split(bank: LittleBank) -> None:
    rider = await bank.account()
    order, *_ = await _order(bank, declared=(rider,))
    await bank.call(SPLITS, _to((rider, "5.00"), split_no="P1"), path=order["id"])

    again = await bank.call(SPLITS, _to((rider, "5.00"), split_no="P1"), path=order["id"])

    assert again.hit
    assert await bank.balance(rider) == "5.00"
    with pytest.raises(NumberReused):
        await bank.call(SPLITS, _to((rider, "6.00"), split_no="P1"), path=order["id"])


async def test_a_share_comes_back_before_its_money_is_refunded(bank: LittleBank) -> None:
    rider = await bank.account()
    order, _merchant, payer = await _order(bank, declared=(rider,))
    await bank.call(SPLITS, _to((rider, "40.00")), path=order["id"])
    refund = {"amount": cny("100.00"), "refund_no": "R1"}

    with pytest.raises(RefundNeedsSplitReturn):
        await bank.call("merchant.split-orders.refunds", refund, path=order["id"])
    with pytest.raises(SplitReturnExceeded):
        await bank.call(RETURNS, {"account": rider.id, "amount": cny("40.01")}, path=order["id"])
    await bank.call(
        RETURNS,
        {"account": rider.id, "amount": cny("40.00"), "return_no": "B1"},
        path=order["id"],
    )
    await bank.call("merchant.split-orders.refunds", refund, path=order["id"])

    shown = await bank.shown("merchant.split-orders.query", path=order["id"])
    assert (shown["state"], shown["status"]) == ("completed", "refunded")
    assert await bank.balance(payer) == "100.00"


async def test_a_receiver_that_spent_its_share_cannot_return_it(bank: LittleBank) -> None:
    rider, shop = await bank.account(), await bank.account()
    order, *_ = await _order(bank, declared=(rider,))
    await bank.call(SPLITS, _to((rider, "40.00")), path=order["id"])
    await bank.call(
        "payment.internal-transfers.create",
        {"payer_account": rider.id, "payee_account": shop.id, "amount": cny("40.00")},
    )

    with pytest.raises(FundsInsufficient):
        await bank.call(RETURNS, {"account": rider.id, "amount": cny("40.00")}, path=order["id"])

    shown = await bank.shown("merchant.split-orders.query", path=order["id"])
    assert shown["split"] == cny("40.00")


async def test_a_share_returned_after_settlement_goes_on_to_the_merchant(
    bank: LittleBank,
) -> None:
    rider = await bank.account()
    order, merchant, _payer = await _order(bank, declared=(rider,))
    await bank.call(SPLITS, _to((rider, "40.00"), finish=True), path=order["id"])
    assert await bank.balance(merchant.settlement_ledger_account) == "59.62"

    shown = await bank.shown(
        RETURNS, {"account": rider.id, "amount": cny("10.00")}, path=order["id"]
    )

    assert (shown["state"], shown["split"], shown["settled"]) == (
        "completed",
        cny("30.00"),
        cny("69.62"),
    )
    assert await bank.balance(merchant.settlement_ledger_account) == "69.62"
    assert await bank.balance(merchant.pending_ledger_account) == "0.00"


async def test_splitting_ends_with_finish(bank: LittleBank) -> None:
    rider = await bank.account()
    order, *_ = await _order(bank, declared=(rider,))
    await bank.call(FINISHES, {}, path=order["id"])

    with pytest.raises((OrderNotPaid, OrderSettled)):
        await bank.call(SPLITS, _to((rider, "1.00")), path=order["id"])
    with pytest.raises(OrderSettled):
        await bank.call(FINISHES, {}, path=order["id"])


async def test_money_nobody_split_is_freed_after_thirty_days(bank: LittleBank) -> None:
    order, merchant, _payer = await _order(bank)
    bank.clock.advance(timedelta(days=30))

    await bank.orders.expire()

    shown = await bank.shown("merchant.split-orders.query", path=order["id"])
    assert (shown["state"], shown["status"]) == ("completed", "settled")
    assert await bank.balance(merchant.settlement_ledger_account) == "99.62"


async def test_an_ordinary_payment_can_be_split_until_its_end_of_day(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    rider = await bank.receiver(merchant)
    order = await bank.shown(
        "merchant.scan-payments.create",
        {
            "merchant": merchant.id,
            "order_no": "T1",
            "amount": cny("100.00"),
            "payer_token": await bank.token(payer),
        },
    )

    split = await bank.shown(SPLITS, _to((rider, "30.00"), split_no="P1"), path=order["id"])
    await bank.orders.end_of_day(date(2026, 3, 2))

    assert (split["product"], split["split"]) == ("merchant.scan-payments", cny("30.00"))
    assert await bank.balance(rider) == "30.00"
    assert await bank.balance(merchant.settlement_ledger_account) == "69.62"


async def test_an_ordinary_payment_can_be_split_and_settled_at_once(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    rider = await bank.receiver(merchant)
    order = await bank.shown(
        "merchant.scan-payments.create",
        {
            "merchant": merchant.id,
            "order_no": "T1",
            "amount": cny("100.00"),
            "payer_token": await bank.token(payer),
        },
    )

    done = await bank.shown(SPLITS, _to((rider, "30.00"), finish=True), path=order["id"])

    assert (done["state"], done["status"]) == ("completed", "settled")
    assert await bank.balance(merchant.settlement_ledger_account) == "69.62"


async def test_an_unpaid_order_is_not_split(bank: LittleBank) -> None:
    merchant, rider = await bank.merchant(), await bank.account()
    order = await bank.shown(
        "merchant.split-orders.create",
        {
            "merchant": merchant.id,
            "order_no": "S1",
            "amount": cny("100.00"),
            "receivers": [{"account": rider.id}],
        },
    )

    for word in (SPLITS, FINISHES):
        body = _to((rider, "1.00")) if word == SPLITS else {}
        with pytest.raises(OrderNotPaid):
            await bank.call(word, body, path=order["id"])


async def test_an_order_takes_a_bounded_number_of_split_requests(
    bank: LittleBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "SPLIT_REQUESTS_MAX", 2)
    rider = await bank.account()
    order, *_ = await _order(bank, declared=(rider,))
    for _ in range(2):
        await bank.call(SPLITS, _to((rider, "1.00")), path=order["id"])

    with pytest.raises(SplitRequestsExceeded):
        await bank.call(SPLITS, _to((rider, "1.00")), path=order["id"])


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"receivers": []}, InputInvalid),
        ({"receivers": "all"}, InputInvalid),
        ({"receivers": [7]}, InputInvalid),
        ({"receivers": [{"account": "acc_nowhere", "amount": cny("1.00")}]}, AccountUnknown),
        ({"receivers": [{"account": "acc_1"}]}, InputInvalid),
        ({"receivers": [{"account": "acc_1", "amount": cny("1.00")}] * 51}, InputInvalid),
        ({}, InputInvalid),
    ],
)
async def test_a_split_that_is_just_invalid_changes_nothing(
    bank: LittleBank, body: dict[str, Any], refusal: type[BanksideError]
) -> None:
    order, *_ = await _order(bank)

    with pytest.raises(refusal):
        await bank.call(SPLITS, body, path=order["id"])

    shown = await bank.shown("merchant.split-orders.query", path=order["id"])
    assert shown["split_requests"] == 0


async def test_shares_are_in_the_orders_currency(bank: LittleBank) -> None:
    rider = await bank.account()
    order, *_ = await _order(bank, declared=(rider,))
    shares = [{"account": rider.id, "amount": {"amount": "1.00", "currency": "USD"}}]

    with pytest.raises(CurrencyRefused):
        await bank.call(SPLITS, {"receivers": shares}, path=order["id"])


async def test_other_orders_are_not_split(bank: LittleBank) -> None:
    payer, payee = await bank.account("10.00"), await bank.account()
    transfer = await bank.shown(
        "payment.internal-transfers.create",
        {"payer_account": payer.id, "payee_account": payee.id, "amount": cny("1.00")},
    )

    with pytest.raises(OrderNotFound):
        await bank.call(SPLITS, _to((payee, "1.00")), path=transfer["id"])
