"""Loans of platform workers: a share of what they earn repays them, and nothing else does."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import Account, freeze
from bankside.bank.ledger import verify
from bankside.kernel.db import transaction
from bankside.kernel.errors import BanksideError

ADVANCES = "payroll.wage-advances"


async def _lent(bank: LittleBank, amount: str = "1000.00", **more: Any) -> tuple[str, Account]:
    rider = await bank.account()
    asked = {
        "borrower": bank.customer,
        "account": rider.id,
        "amount": cny(amount),
        "income_share_bp": 3_000,
        **more,
    }
    loan = await bank.shown(f"{ADVANCES}.applications-create", asked)
    await bank.call(f"{ADVANCES}.drawdowns", {}, path=loan["id"])
    return loan["id"], rider


async def _earns(bank: LittleBank, platform: Account, rider: Account, amount: str) -> None:
    batch = {
        "payer_account": platform.id,
        "lines": [{"line_no": 1, "payee_account": rider.id, "amount": cny(amount)}],
        "total": cny(amount),
        "count": 1,
        "platform": "跑跑",
        "period": "2026-03",
    }
    order = await bank.shown("payroll.gig-settlements.create", batch)
    await bank.orders.resume(order["id"], partner=bank.partner)


async def _left(bank: LittleBank, loan: str) -> dict[str, Any]:
    shown = await bank.shown(f"{ADVANCES}.query", path=loan)
    return {
        "outstanding": shown["result"]["loan"]["outstanding"],
        "taken": shown["result"]["income"]["taken"],
        "state": shown["state"],
    }


async def test_a_share_of_each_income_goes_to_the_loan_until_it_is_repaid(bank: LittleBank) -> None:
    platform = await bank.account("9000.00")
    loan, rider = await _lent(bank)
    await bank.orders.expire()
    assert (await _left(bank, loan))["taken"] == cny("0.00")

    await _earns(bank, platform, rider, "100.01")
    await bank.orders.expire()

    # 30 % of 100.01, rounded down: 30.00.
    assert (await _left(bank, loan))["taken"] == cny("30.00")
    assert await bank.balance(rider) == "1070.01"
    for _ in range(5):
        await _earns(bank, platform, rider, "700.00")
        await bank.orders.expire()
    assert await _left(bank, loan) == {
        "outstanding": cny("0.00"),
        "taken": cny("1000.00"),
        "state": "completed",
    }
    async with bank.pool.acquire() as db:
        assert (await verify(db)).fault is None


async def test_an_income_counts_once_however_many_workers_look(bank: LittleBank) -> None:
    platform = await bank.account("9000.00")
    loan, rider = await _lent(bank)
    await _earns(bank, platform, rider, "500.00")

    await asyncio.gather(*(bank.orders.expire() for _ in range(8)))
    await bank.orders.expire()

    assert (await _left(bank, loan))["taken"] == cny("150.00")


async def test_money_that_is_not_earned_repays_nothing(bank: LittleBank) -> None:
    loan, rider = await _lent(bank)
    payee = await bank.account()
    asked = {"payer_account": rider.id, "payee_account": payee.id, "amount": cny("200.00")}
    await bank.call("payment.internal-transfers.create", asked)
    other, _ = await _lent(bank)
    assert other != loan

    await bank.orders.expire()

    assert await bank.balance(rider) == "800.00"
    assert (await _left(bank, loan))["taken"] == cny("0.00")


async def test_a_rider_who_has_spent_it_pays_what_is_there_and_the_rest_when_due(
    bank: LittleBank,
) -> None:
    platform = await bank.account("9000.00")
    loan, rider = await _lent(bank)
    await _earns(bank, platform, rider, "100.00")
    spent = {
        "payer_account": rider.id,
        "payee_account": platform.id,
        "amount": cny("1090.00"),
    }
    await bank.call("payment.internal-transfers.create", spent)

    await bank.orders.expire()

    assert (await _left(bank, loan))["taken"] == cny("10.00")
    await _earns(bank, platform, rider, "800.00")
    bank.clock.advance(timedelta(days=40))
    for _ in range(2):
        await bank.orders.expire()
    left = await _left(bank, loan)
    assert await bank.balance(rider) == "0.00"
    assert left["outstanding"] == cny("190.00")


async def test_a_blocked_account_is_asked_once_and_not_again(bank: LittleBank) -> None:
    platform = await bank.account("9000.00")
    loan, rider = await _lent(bank)
    await _earns(bank, platform, rider, "100.00")
    async with transaction(bank.pool) as db:
        await freeze(db, bank.partner, rider.id, reason="court")

    for _ in range(5):
        await bank.orders.expire()

    assert (await _left(bank, loan))["taken"] == cny("0.00")
    async with bank.pool.acquire() as db:
        tried = await db.fetchval(
            "select count(*) from orders.journal where partner_id = $1 and order_id = $2"
            " and step_id = 'income'",
            bank.partner,
            loan,
        )
    # Once for the drawing itself, once for the income.
    assert tried <= 2


@pytest.mark.parametrize("share", [0, -1, 10_001])
async def test_a_share_that_cannot_be_is_refused(bank: LittleBank, share: int) -> None:
    with pytest.raises(BanksideError) as refused:
        await _lent(bank, income_share_bp=share)

    assert refused.value.code == "request.invalid"
