"""Micro-deposits: who can tell two small payments to an account has the account."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny
from tests.orders.requests.world import World, stand_up

from bankside.bank.ledger import verify
from bankside.kernel.errors import BanksideError

PRODUCT = "identity.microdeposit-verifications"


@pytest.fixture
async def world(bank: LittleBank) -> World:
    return await stand_up(bank)


def _asked(world: World, **more: Any) -> dict[str, Any]:
    return {
        "subject": world["company"],
        "document_no": world["credit_code"],
        "name": "海棠科技有限公司",
        "payee_account_no": "6222000012345678",
        "payee_bank": "102100099996",
        "payer_account": world["payer"],
        **more,
    }


async def _sent(world: World, **more: Any) -> tuple[str, list[dict[str, str]]]:
    shown = await world["bank"].shown(f"{PRODUCT}.create", _asked(world, **more))
    return shown["id"], shown["result"]["code"]["sandbox_amounts"]


async def test_two_amounts_told_back_in_any_order_prove_the_account(world: World) -> None:
    bank: LittleBank = world["bank"]
    before = await bank.balance(world["payer"])
    order, (first, second) = await _sent(world)
    for child in (await bank.shown(f"{PRODUCT}.query", path=order))["result"]["deposits"]["orders"]:
        await bank.orders.resume(child, partner=bank.partner)

    told = {"first": second, "second": first}
    shown = await bank.shown(f"{PRODUCT}.confirmations", told, path=order)

    assert (shown["state"], shown["status"]) == ("completed", "passed")
    spent = sum(round(float(each["amount"]) * 100) for each in (first, second))
    after = await bank.balance(world["payer"])
    assert round(float(before) * 100) - round(float(after) * 100) == spent
    async with bank.pool.acquire() as db:
        assert (await verify(db)).fault is None


async def test_the_amounts_are_told_nowhere_outside_the_sandbox_s_own_field(world: World) -> None:
    bank: LittleBank = world["bank"]
    order, _ = await _sent(world)

    shown = await bank.shown(f"{PRODUCT}.query", path=order)

    assert shown["amount"] == cny("0.00")
    assert set(shown["result"]["code"]) == {"expires_at", "attempts", "sandbox_amounts"}
    bank.environment = "live"
    with pytest.raises(BanksideError) as live:
        await bank.call(f"{PRODUCT}.create", _asked(world))
    assert live.value.code == "payment.network_unavailable"


async def test_the_third_wrong_try_is_the_last(world: World) -> None:
    bank: LittleBank = world["bank"]
    order, (first, second) = await _sent(world)
    wrong = {"first": cny("1.00"), "second": cny("1.00")}

    tried = [await bank.shown(f"{PRODUCT}.confirmations", wrong, path=order) for _ in range(3)]
    with pytest.raises(BanksideError) as late:
        await bank.call(f"{PRODUCT}.confirmations", {"first": first, "second": second}, path=order)

    assert [each["state"] for each in tried] == ["waiting", "waiting", "completed"]
    assert tried[-1]["status"] == "failed"
    assert tried[-1]["result"]["verify"]["code"]["reasons"] == ["code.wrong"]
    assert late.value.code == "order.state_refused"


async def test_twenty_tries_at_once_are_still_three(world: World) -> None:
    bank: LittleBank = world["bank"]
    order, _ = await _sent(world)
    wrong = {"first": cny("1.00"), "second": cny("1.00")}

    answers = await asyncio.gather(
        *(bank.call(f"{PRODUCT}.confirmations", wrong, path=order) for _ in range(20)),
        return_exceptions=True,
    )

    assert sum(not isinstance(each, BaseException) for each in answers) == 3
    shown = await bank.shown(f"{PRODUCT}.query", path=order)
    assert (shown["status"], shown["result"]["code"]["attempts"]) == ("failed", 3)


async def test_amounts_are_good_until_their_time_and_not_at_it(world: World) -> None:
    bank: LittleBank = world["bank"]
    order, (first, second) = await _sent(world)
    other, _ = await _sent(world)
    told = {"first": first, "second": second}
    bank.clock.advance(timedelta(days=3))

    late = await bank.shown(f"{PRODUCT}.confirmations", told, path=order)
    await bank.orders.expire()

    assert late["result"]["verify"]["code"]["reasons"] == ["code.expired"]
    shown = await bank.shown(f"{PRODUCT}.query", path=other)
    assert (shown["state"], shown["status"]) == ("expired", "closed")


async def test_a_deposit_the_network_gives_back_proves_nothing(world: World) -> None:
    bank: LittleBank = world["bank"]
    before = await bank.balance(world["payer"])
    order, (first, second) = await _sent(world, payee_account_no="6222000012349001")
    for child in (await bank.shown(f"{PRODUCT}.query", path=order))["result"]["deposits"]["orders"]:
        await bank.orders.resume(child, partner=bank.partner)

    told = {"first": first, "second": second}
    shown = await bank.shown(f"{PRODUCT}.confirmations", told, path=order)

    assert shown["result"]["verify"]["code"]["reasons"] == ["deposit.returned"]
    assert await bank.balance(world["payer"]) == before


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": "海棠集团"}, "verification.failed"),
        ({"document_no": "91350100M000100Y43"}, "verification.failed"),
        ({"payer_account": "acc_nowhere"}, "account.not_found"),
        ({"subject": "cus_nobody"}, "party.not_found"),
        ({"payee_bank": "12"}, "request.invalid"),
    ],
)
async def test_nothing_is_sent_for_wrong_papers(
    world: World, change: dict[str, str], code: str
) -> None:
    bank: LittleBank = world["bank"]
    before = await bank.balance(world["payer"])

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{PRODUCT}.create", _asked(world, **change))

    assert refused.value.code == code
    assert await bank.balance(world["payer"]) == before


async def test_an_empty_account_sends_no_deposits(world: World) -> None:
    bank: LittleBank = world["bank"]
    empty = await bank.account()

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{PRODUCT}.create", _asked(world, payer_account=empty.id, reference="V1"))

    assert refused.value.code == "payment.funds_insufficient"
    sent = await bank.shown("payment.interbank-transfers.list")
    assert sent["items"] == []
