"""Each state change of an order is told once, in order, in the change's own commit."""

import json
from datetime import date

import pytest
from tests.orders.little_bank import LittleBank, cny

from bankside.orders.errors import FundsInsufficient


async def _told(bank: LittleBank, order: str) -> list[tuple[int, str, dict[str, object]]]:
    async with bank.pool.acquire() as db:
        rows = await db.fetch(
            "select object_seq, type, body from kernel.outbox"
            " where partner_id = $1 and object_id = $2 order by object_seq",
            bank.partner,
            order,
        )
    return [(row["object_seq"], row["type"], json.loads(row["body"])) for row in rows]


async def test_a_payments_life_is_told_in_order(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    order = await bank.shown(
        "merchant.collection-codes.create",
        {"merchant": merchant.id, "order_no": "C1", "amount": cny("10.00")},
    )
    await bank.call(
        "platform.payer-confirmations.create",
        {"order": order["id"], "payer_token": await bank.token(payer)},
    )
    refund = await bank.shown(
        "merchant.collection-codes.refunds",
        {"amount": cny("4.00"), "refund_no": "R1"},
        path=order["id"],
    )
    await bank.orders.end_of_day(date(2026, 3, 2))

    told = await _told(bank, order["id"])
    of_refund = await _told(bank, refund["id"])

    assert [(seq, kind) for seq, kind, _ in told] == [
        (1, "orders.order.created"),
        (2, "orders.order.paid"),
        (3, "orders.order.refunded"),
        (4, "orders.order.settled"),
    ]
    assert told[2][2]["refunded"] == "4.00"
    assert told[3][2]["status"] == "settled"
    assert [(seq, kind) for seq, kind, _ in of_refund] == [(1, "orders.order.completed")]
    assert of_refund[0][2]["parent"] == order["id"]


async def test_a_refused_payment_is_told_as_refused(bank: LittleBank) -> None:
    payer, payee = await bank.account("1.00"), await bank.account()
    with pytest.raises(FundsInsufficient):
        await bank.call(
            "payment.internal-transfers.create",
            {
                "payer_account": payer.id,
                "payee_account": payee.id,
                "amount": cny("2.00"),
                "end_to_end_id": "E1",
            },
        )
    order = await bank.shown("platform.order-lookups.query", query={"order_no": "E1"})

    told = await _told(bank, order["order"]["id"])

    assert [kind for _, kind, _ in told] == ["orders.order.refused"]


async def test_a_repeated_call_tells_nothing_again(bank: LittleBank) -> None:
    payer, payee = await bank.account("10.00"), await bank.account()
    body = {"payer_account": payer.id, "payee_account": payee.id, "amount": cny("2.00")}
    order = await bank.shown("payment.internal-transfers.create", body, key="k")

    await bank.call("payment.internal-transfers.create", body, key="k")

    assert [kind for _, kind, _ in await _told(bank, order["id"])] == ["orders.order.paid"]


async def test_a_split_that_finishes_tells_both(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    rider = await bank.receiver(merchant)
    order = await bank.shown(
        "merchant.split-orders.create",
        {
            "merchant": merchant.id,
            "order_no": "S1",
            "amount": cny("100.00"),
            "payer_token": await bank.token(payer),
        },
    )
    share = [{"account": rider.id, "amount": cny("10.00")}]
    await bank.call(
        "merchant.split-orders.splits", {"receivers": share, "finish": True}, path=order["id"]
    )

    assert [kind for _, kind, _ in await _told(bank, order["id"])] == [
        "orders.order.paid",
        "orders.order.split",
        "orders.order.settled",
    ]
