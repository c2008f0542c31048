"""Subscriptions to an account: every entry is told once, in order, to whoever may read it."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import Account
from bankside.kernel.errors import BanksideError

PRODUCT = "account.account-subscriptions"
PAY = "payment.internal-transfers.create"


async def _pays(bank: LittleBank, payer: Account, payee: Account, amount: str = "1.00") -> None:
    asked = {"payer_account": payer.id, "payee_account": payee.id, "amount": cny(amount)}
    await bank.call(PAY, asked)


async def _told(bank: LittleBank, order: str) -> list[dict[str, Any]]:
    async with bank.pool.acquire() as db:
        rows = await db.fetch(
            "select type, object_seq, body from kernel.outbox"
            " where partner_id = $1 and object_id = $2 order by object_seq",
            bank.partner,
            order,
        )
    assert [each["object_seq"] for each in rows] == list(range(1, len(rows) + 1))
    return [json.loads(each["body"]) for each in rows if each["type"] == "orders.entry.booked"]


async def _subscribed(bank: LittleBank, account: Account, **more: Any) -> str:
    return str((await bank.shown(f"{PRODUCT}.create", {"account": account.id, **more}))["id"])


async def test_every_entry_from_the_subscription_on_is_told_once_and_in_order(
    bank: LittleBank,
) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    await _pays(bank, payer, payee, "9.00")
    order = await _subscribed(bank, payee)
    for amount in ("1.00", "2.00"):
        await _pays(bank, payer, payee, amount)
    await _pays(bank, payee, payer, "0.50")

    for _ in range(3):
        await bank.orders.expire()

    told = await _told(bank, order)
    assert [(each["credit_debit"], each["amount"]) for each in told] == [
        ("CRDT", "1.00"),
        ("CRDT", "2.00"),
        ("DBIT", "0.50"),
    ]
    assert {each["account"] for each in told} == {payee.id}
    assert not {"balance_after", "counterparty", "narrative"} & set(told[0])
    entry = await bank.shown("account.account-transactions.query", path=told[0]["entry"])
    assert entry["amount"] == cny("1.00")
    receipts = await bank.shown(f"{PRODUCT}.receipts", path=order)
    assert [each["no"] for each in receipts["items"]] == [1, 2, 3]
    assert receipts["items"][0]["text"] == {"zh": "入账 1.00 CNY", "en": "In: 1.00 CNY"}


async def test_tellers_at_once_tell_an_entry_once(bank: LittleBank) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    order = await _subscribed(bank, payee)
    for _ in range(5):
        await _pays(bank, payer, payee)

    await asyncio.gather(*(bank.orders.expire() for _ in range(8)))

    assert len(await _told(bank, order)) == 5


async def test_more_entries_than_one_commit_tells_are_all_told(
    bank: LittleBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bankside.orders.subscriptions.ENTRIES_AT_ONCE", 3)
    payer, payee = await bank.account("100.00"), await bank.account()
    order = await _subscribed(bank, payee)
    for _ in range(7):
        await _pays(bank, payer, payee)

    for _ in range(3):
        await bank.orders.expire()

    assert len(await _told(bank, order)) == 7


@pytest.mark.parametrize(
    ("more", "amounts"),
    [
        ({"direction": "credit"}, ["1.00", "2.00"]),
        ({"direction": "debit"}, ["0.50"]),
        ({"minimum": cny("1.00")}, ["1.00", "2.00"]),
        ({"minimum": cny("1.01")}, ["2.00"]),
    ],
)
async def test_only_what_was_asked_for_is_told(
    bank: LittleBank, more: dict[str, Any], amounts: list[str]
) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    order = await _subscribed(bank, payee, **more)
    await _pays(bank, payer, payee, "1.00")
    await _pays(bank, payer, payee, "2.00")
    await _pays(bank, payee, payer, "0.50")

    await bank.orders.expire()

    assert [each["amount"] for each in await _told(bank, order)] == amounts


async def test_an_ended_subscription_is_told_nothing(bank: LittleBank) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    ended = await _subscribed(bank, payee)
    over = await _subscribed(bank, payee, until="2026-03-02")
    await bank.shown(f"{PRODUCT}.revoke", path=ended)
    bank.clock.advance(timedelta(days=1))
    await bank.orders.expire()
    await _pays(bank, payer, payee)

    await bank.orders.expire()

    assert await _told(bank, ended) == await _told(bank, over) == []
    assert (await bank.shown(f"{PRODUCT}.query", path=over))["state"] == "expired"
    async with bank.pool.acquire() as db:
        left = await db.fetchval(
            "select count(*) from orders.subscriptions where partner_id = $1", bank.partner
        )
    assert left == 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"account": "acc_nowhere"}, "account.not_found"),
        ({"until": "2026-03-01"}, "request.invalid"),
        ({"minimum": {"amount": "1.00", "currency": "USD"}}, "payment.currency_mismatch"),
        ({"direction": "sideways"}, "request.invalid"),
    ],
)
async def test_a_subscription_that_cannot_be_is_refused(
    bank: LittleBank, change: dict[str, Any], code: str
) -> None:
    payee = await bank.account()

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{PRODUCT}.create", {"account": payee.id, **change})

    assert refused.value.code == code
