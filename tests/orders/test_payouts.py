"""Bulk transfers: totals first, a result a line, failed lines back to the payer and sent again."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import Account, House, close, house_account
from bankside.bank.ledger import Books
from bankside.catalog import load
from bankside.kernel.db import transaction
from bankside.kernel.errors import BanksideError
from bankside.orders import Orders
from bankside.orders.errors import (
    AccountUnknown,
    FundsInsufficient,
    InputInvalid,
    LimitPerDay,
    LimitPerTransaction,
    NothingToRetry,
    NumberReused,
    PayoutCountMismatch,
    PayoutTotalMismatch,
)

CREATE = "payment.bulk-transfers.create"
LINES = "payment.bulk-transfers.lines"
RETRIES = "payment.bulk-transfers.retries"
QUERY = "payment.bulk-transfers.query"


def batch(payer: Account, payees: Sequence[tuple[str, str]], total: str, **more: Any) -> Any:
    """A request that pays (account, amount) lines numbered from 1."""
    return {
        "payer_account": payer.id,
        "lines": [
            {"line_no": number, "payee_account": account, "amount": cny(amount)}
            for number, (account, amount) in enumerate(payees, start=1)
        ],
        "total": cny(total),
        "count": len(payees),
    } | more


async def test_a_batch_is_submitted_at_once_and_paid_line_by_line_by_a_worker(
    bank: LittleBank,
) -> None:
    payer, first, second = await bank.account("1000.00"), await bank.account(), await bank.account()

    answer = await bank.call(
        CREATE, batch(payer, [(first.id, "100.00"), (second.number, "200.00")], "300.00")
    )
    assert answer.status == 202
    assert (answer.body["state"], answer.body["status"]) == ("waiting", "waiting")
    assert await bank.balance(payer) == "699.85"
    await bank.orders.resume(answer.body["id"], partner=bank.partner)
    await bank.orders.resume(answer.body["id"], partner=bank.partner)

    done = await bank.shown(QUERY, path=answer.body["id"])
    assert (done["state"], done["status"], done["paid"]) == (
        "completed",
        "completed",
        cny("300.00"),
    )
    assert (done["paid_count"], done["failed_count"], done["fee"]) == (2, 0, cny("0.15"))
    assert await bank.balance(first) == "100.00"
    assert await bank.balance(second) == "200.00"
    assert await bank.balance(payer) == "699.85"


async def test_a_submitted_batch_asks_for_its_worker_in_the_same_commit(
    bank: LittleBank,
) -> None:
    payer, payee = await bank.account("10.00"), await bank.account()

    order = await bank.shown(CREATE, batch(payer, [(payee.id, "5.00")], "5.00"))

    async with bank.pool.acquire() as db:
        job = await db.fetchrow(
            "select entrypoint, convert_from(payload, 'UTF8') as payload from kernel.jobs"
            " where dedupe_key = $1",
            f"{order['id']}:submitted",
        )
    assert job["entrypoint"] == "orders.resume"
    assert order["id"] in job["payload"]


async def test_a_line_that_fails_goes_back_to_the_payer_and_the_others_are_paid(
    bank: LittleBank,
) -> None:
    payer, good, gone = await bank.account("1000.00"), await bank.account(), await bank.account()
    euro = await bank.account(currency="EUR")
    async with transaction(bank.pool) as db:
        await close(db, bank.clock, bank.partner, gone.id)
    clearing = house_account(House.BATCH_CLEARING, "CNY")
    before = await bank.money(clearing)
    order = await bank.shown(
        CREATE,
        batch(
            payer,
            [
                (good.id, "100.00"),
                (gone.id, "200.00"),
                ("acc_nowhere", "50.00"),
                (euro.id, "25.00"),
            ],
            "375.00",
        ),
    )

    await bank.orders.resume(order["id"], partner=bank.partner)

    done = await bank.shown(QUERY, path=order["id"])
    assert (done["status"], done["paid_count"], done["failed_count"]) == ("completed", 1, 3)
    lines = (await bank.shown(LINES, path=order["id"]))["items"]
    assert [(each["state"], each["code"]) for each in lines] == [
        ("confirmed", None),
        ("failed", "payment.account_closed"),
        ("failed", "account.not_found"),
        ("failed", "payment.currency_mismatch"),
    ]
    # 5 basis points of the 100.00 that were paid.
    assert await bank.balance(payer) == "899.95"
    assert await bank.money(clearing) == before


async def test_failed_lines_are_sent_again_once_as_an_order_of_their_own(
    bank: LittleBank,
) -> None:
    payer, gone = await bank.account("1000.00"), await bank.account()
    async with transaction(bank.pool) as db:
        await close(db, bank.clock, bank.partner, gone.id)
    order = await bank.shown(
        CREATE, batch(payer, [(gone.id, "200.00"), ("acc_nowhere", "50.00")], "250.00")
    )
    await bank.orders.resume(order["id"], partner=bank.partner)
    refused = await bank.shown(QUERY, path=order["id"])
    assert (refused["state"], refused["status"]) == ("completed", "refused")
    assert await bank.balance(payer) == "1000.00"

    again = await bank.call(RETRIES, {"line_nos": [2]}, path=order["id"])
    with pytest.raises(InputInvalid):
        await bank.call(RETRIES, {"line_nos": [2]}, path=order["id"])
    rest = await bank.shown(RETRIES, {}, path=order["id"])
    with pytest.raises(NothingToRetry):
        await bank.call(RETRIES, {}, path=order["id"])

    assert (again.status, again.body["retry_of"]) == (202, order["id"])
    assert (again.body["amount"], again.body["count"]) == (cny("50.00"), 1)
    assert rest["amount"] == cny("200.00")
    lines = (await bank.shown(LINES, path=order["id"]))["items"]
    assert [each["retried_in"] for each in lines] == [rest["id"], again.body["id"]]
    await bank.orders.resume(rest["id"], partner=bank.partner)
    assert (await bank.shown(QUERY, path=rest["id"]))["status"] == "refused"


async def test_a_batch_that_no_worker_took_up_is_settled_by_the_sweep(bank: LittleBank) -> None:
    payer, payee = await bank.account("10.00"), await bank.account()
    order = await bank.shown(CREATE, batch(payer, [(payee.id, "5.00")], "5.00"))
    bank.clock.advance(timedelta(minutes=5))

    await bank.orders.expire()

    assert (await bank.shown(QUERY, path=order["id"]))["state"] == "completed"
    assert await bank.balance(payee) == "5.00"


async def test_many_lines_are_paid_in_several_batches(bank: LittleBank) -> None:
    payer, payee = await bank.account("1000.00"), await bank.account()
    order = await bank.shown(CREATE, batch(payer, [(payee.id, "0.50")] * 450, "225.00"))

    await bank.orders.resume(order["id"], partner=bank.partner)

    assert (await bank.shown(QUERY, path=order["id"]))["paid_count"] == 450
    assert await bank.balance(payee) == "225.00"
    page = await bank.shown(LINES, path=order["id"], query={"limit": "200", "cursor": "400"})
    assert [each["line_no"] for each in page["items"]] == list(range(401, 451))
    assert page["next_cursor"] is None


async def test_two_workers_on_one_batch_pay_once(bank: LittleBank) -> None:
    payer, payee = await bank.account("1000.00"), await bank.account()
    order = await bank.shown(CREATE, batch(payer, [(payee.id, "1.00")] * 100, "100.00"))

    async with Books(bank.pool, bank.clock) as books:
        other = Orders(bank.pool, books, bank.clock, load())
        await asyncio.gather(
            bank.orders.resume(order["id"], partner=bank.partner),
            other.resume(order["id"], partner=bank.partner),
        )

    assert await bank.balance(payee) == "100.00"
    assert await bank.balance(payer) == "899.95"


async def test_a_payer_without_cover_submits_nothing(bank: LittleBank) -> None:
    payer, payee = await bank.account("5.00"), await bank.account()

    # The fee of 0.0025 rounds half-even to nothing, so 5.00 would do and 5.01 does not.
    with pytest.raises(FundsInsufficient):
        await bank.call(CREATE, batch(payer, [(payee.id, "5.01")], "5.01"))

    assert await bank.balance(payer) == "5.00"


async def test_the_same_batch_number_is_the_same_batch(bank: LittleBank) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    body = batch(payer, [(payee.id, "5.00")], "5.00", batch_no="B1")
    first = await bank.shown(CREATE, body)

    again = await bank.call(CREATE, body)

    assert again.hit
    assert again.body["id"] == first["id"]
    with pytest.raises(NumberReused):
        await bank.call(CREATE, batch(payer, [(payee.id, "6.00")], "6.00", batch_no="B1"))


@pytest.mark.parametrize(
    ("change", "refusal", "pointer"),
    [
        ({"total": cny("5.01")}, PayoutTotalMismatch, "/total"),
        ({"count": 2}, PayoutCountMismatch, "/count"),
        ({"lines": []}, InputInvalid, "/lines"),
        ({"lines": [{"line_no": 1}]}, InputInvalid, "/lines/0/payee_account"),
        ({"payer_account": "acc_nowhere"}, AccountUnknown, "/payer_account"),
        (
            {"total": {"amount": "5.00", "currency": "USD"}},
            InputInvalid,
            "/lines/0/amount/currency",
        ),
        ({"count": "1"}, InputInvalid, "/count"),
    ],
)
async def test_a_batch_that_is_just_invalid_is_refused_by_name(
    bank: LittleBank, change: dict[str, Any], refusal: type[BanksideError], pointer: str
) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()

    with pytest.raises(refusal) as refused:
        await bank.call(CREATE, batch(payer, [(payee.id, "5.00")], "5.00") | change)

    assert refused.value.errors[0]["pointer"] == pointer
    assert await bank.balance(payer) == "100.00"


async def test_line_numbers_are_unique_and_lines_within_the_limit(bank: LittleBank) -> None:
    payer, payee = await bank.account("200000.00"), await bank.account()
    twice = batch(payer, [(payee.id, "5.00"), (payee.id, "5.00")], "10.00")
    twice["lines"][1]["line_no"] = 1

    with pytest.raises(InputInvalid):
        await bank.call(CREATE, twice)
    with pytest.raises(LimitPerTransaction) as refused:
        await bank.call(CREATE, batch(payer, [(payee.id, "50000.01")], "50000.01"))

    assert refused.value.errors[0]["pointer"] == "/lines/0/amount"


async def test_a_payers_batches_of_a_day_are_limited_together(bank: LittleBank) -> None:
    payer, payee = await bank.account("20000000.00"), await bank.account()
    await bank.call(CREATE, batch(payer, [(payee.id, "50000.00")] * 200, "10000000.00"))

    with pytest.raises(LimitPerDay):
        await bank.call(CREATE, batch(payer, [(payee.id, "0.01")], "0.01"))
