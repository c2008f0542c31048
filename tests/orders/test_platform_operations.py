"""The platform's own operations: echo, look-up over all products, close, cancel."""

from datetime import date

import pytest
from tests.orders.little_bank import LittleBank, cny, operation

from bankside.catalog import load
from bankside.kernel.call import Answer, Call
from bankside.kernel.errors import NotBuilt
from bankside.kernel.snapshot import Operation
from bankside.orders import Orders
from bankside.orders.errors import (
    InputInvalid,
    OrderAlreadyPaid,
    OrderNotFound,
    OrderStateRefused,
    TransferPosted,
)

LOOKUP = "platform.order-lookups.query"
CANCEL = "platform.order-cancellations.create"
CLOSE = "platform.order-closures.create"


async def test_the_echo_answers_at_once_and_touches_nothing(bank: LittleBank) -> None:
    body = {"anything": [1, {"nested": "值"}]}

    answer = bank.orders.handle(
        Call(operation=operation("platform.echoes.create"), caller=bank.caller(), body=body)
    )

    assert isinstance(answer, Answer)
    assert answer.body == body


async def test_what_nothing_executes_is_refused_as_not_available(bank: LittleBank) -> None:
    unknown = Operation("no.such.create", "POST", "/v1/x", "no.such", "create", "/x")
    answer = bank.orders.handle(Call(operation=unknown, caller=bank.caller()))
    assert not isinstance(answer, Answer)
    with pytest.raises(NotBuilt):
        await answer


def test_every_operation_of_this_issues_products_runs() -> None:
    wanted = [
        "account.account-balances",
        "account.account-transactions",
        "account.account-statements",
        "payment.internal-transfers",
        "payment.bulk-transfers",
        "payment.payment-statuses",
        "merchant.collection-codes",
        "merchant.scan-payments",
        "merchant.checkout-payments",
        "merchant.split-orders",
        "merchant.preauthorizations",
        "merchant.escrow-payments",
        "merchant.merchant-refunds",
    ]
    catalogue = load()

    missing = [
        each.id
        for name in wanted
        for each in catalogue.products[name].all_operations
        if not Orders.runnable(catalogue.products[name], each)
    ]

    assert missing == []
    assert all(Orders.runnable(catalogue.platform, each) for each in catalogue.platform.operations)


async def test_an_order_is_found_by_either_number_whatever_made_it(bank: LittleBank) -> None:
    merchant, payer, payee = (
        await bank.merchant(),
        await bank.account("100.00"),
        await bank.account(),
    )
    order = await bank.shown(
        "merchant.checkout-payments.create",
        {"merchant": merchant.id, "order_no": "T1", "amount": cny("10.00")},
    )
    transfer = await bank.shown(
        "payment.internal-transfers.create",
        {
            "payer_account": payer.id,
            "payee_account": payee.id,
            "amount": cny("1.00"),
            "end_to_end_id": "E1",
        },
    )

    by_number = await bank.shown(LOOKUP, query={"order_no": "T1"})
    by_id = await bank.shown(LOOKUP, query={"order": order["id"]})
    other = await bank.shown(LOOKUP, query={"order_no": "E1"})

    assert by_number == by_id == {"product": "merchant.checkout-payments", "order": order}
    assert other["order"] == transfer
    with pytest.raises(OrderNotFound):
        await bank.call(LOOKUP, query={"order": order["id"], "order_no": "T2"})
    with pytest.raises(InputInvalid):
        await bank.call(LOOKUP)


async def test_cancelling_closes_an_unpaid_order_and_refunds_a_paid_one(
    bank: LittleBank,
) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    token = await bank.token(payer)
    body = {"merchant": merchant.id, "amount": cny("10.00")}
    await bank.call("merchant.checkout-payments.create", body | {"order_no": "open"})
    await bank.call(
        "merchant.scan-payments.create", body | {"order_no": "paid", "payer_token": token}
    )
    await bank.call("merchant.merchant-refunds.create", {"order_no": "paid", "amount": cny("4.00")})

    closed = await bank.shown(CANCEL, {"order_no": "open"})
    refunded = await bank.shown(CANCEL, {"order_no": "paid", "reason": "超时"})
    again = [await bank.shown(CANCEL, {"order_no": each}) for each in ("open", "paid")]

    assert (closed["action"], closed["order"]["status"]) == ("close", "closed")
    assert (refunded["action"], refunded["order"]["status"]) == ("refund", "refunded")
    assert [each["action"] for each in again] == ["close", "refund"]
    assert await bank.balance(payer) == "100.00"


async def test_cancelling_frees_a_hold(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    await bank.call(
        "merchant.preauthorizations.create",
        {
            "merchant": merchant.id,
            "order_no": "H1",
            "amount": cny("80.00"),
            "payer_token": await bank.token(payer),
        },
    )

    cancelled = await bank.shown(CANCEL, {"order_no": "H1"})

    assert (cancelled["action"], cancelled["order"]["status"]) == ("close", "released")
    assert await bank.balance(payer) == "100.00"


async def test_cancelling_after_settlement_refunds_from_the_merchant(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(fee_rate_bp=0), await bank.account("100.00")
    await bank.call(
        "merchant.scan-payments.create",
        {
            "merchant": merchant.id,
            "order_no": "T1",
            "amount": cny("80.00"),
            "payer_token": await bank.token(payer),
        },
    )
    await bank.orders.end_of_day(date(2026, 3, 2))

    cancelled = await bank.shown(CANCEL, {"order_no": "T1"})

    assert cancelled["action"] == "refund"
    assert await bank.balance(payer) == "100.00"
    assert await bank.balance(merchant.settlement_ledger_account) == "0.00"


async def test_what_is_posted_for_good_is_not_cancelled(bank: LittleBank) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    transfer = await bank.shown(
        "payment.internal-transfers.create",
        {"payer_account": payer.id, "payee_account": payee.id, "amount": cny("1.00")},
    )
    lines = [{"line_no": 1, "payee_account": payee.id, "amount": cny("1.00")}]
    batch = await bank.shown(
        "payment.bulk-transfers.create",
        {"payer_account": payer.id, "lines": lines, "total": cny("1.00"), "count": 1},
    )

    with pytest.raises(TransferPosted):
        await bank.call(CANCEL, {"order": transfer["id"]})
    with pytest.raises(OrderStateRefused):
        await bank.call(CANCEL, {"order": batch["id"]})


async def test_closing_by_number_is_for_unpaid_orders_only(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    body = {"merchant": merchant.id, "amount": cny("10.00")}
    await bank.call("merchant.checkout-payments.create", body | {"order_no": "open"})
    await bank.call(
        "merchant.scan-payments.create",
        body | {"order_no": "paid", "payer_token": await bank.token(payer)},
    )

    closed = await bank.shown(CLOSE, {"order_no": "open"})

    assert closed["order"]["status"] == "closed"
    with pytest.raises(OrderAlreadyPaid):
        await bank.call(CLOSE, {"order_no": "paid"})
