"""Wages of a building site: they stand apart, and reach whoever was there, once."""

import asyncio
from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import Account, close
from bankside.bank.ledger import verify
from bankside.kernel.db import transaction
from bankside.kernel.errors import BanksideError

PRODUCT = "payroll.wage-accounts"


def _asked(payer: Account, workers: list[str], **more: Any) -> dict[str, Any]:
    total = 100 * len(workers)
    return {
        "payer_account": payer.id,
        "project": "海棠一期",
        "period": "2026-02",
        "lines": [
            {"line_no": no, "payee_account": each, "name": "林晓雨", "amount": cny("100.00")}
            for no, each in enumerate(workers, start=1)
        ],
        "total": cny(f"{total}.00"),
        "count": len(workers),
        **more,
    }


async def _site(bank: LittleBank, count: int = 3) -> tuple[Account, list[Account]]:
    return await bank.account("1000.00"), [await bank.account() for _ in range(count)]


async def _there(bank: LittleBank, order: str, days: list[int]) -> Any:
    attendance = [{"line_no": no, "days": each} for no, each in enumerate(days, start=1)]
    return await bank.call(f"{PRODUCT}.confirmations", {"attendance": attendance}, path=order)


async def test_wages_stand_apart_until_attendance_is_confirmed(bank: LittleBank) -> None:
    site, workers = await _site(bank)
    order = await bank.shown(f"{PRODUCT}.create", _asked(site, [each.id for each in workers]))
    own = order["result"]["account"]["id"]
    # 300.00 and the fee of 0.05 %.
    assert await bank.balance(site) == "699.85"
    assert await bank.balance(own) == "300.00"
    assert order["result"]["verify"]["identity"]["workers"] == 3

    answer = await _there(bank, order["id"], [22, 0, 7])
    await bank.orders.resume(order["id"], partner=bank.partner)

    assert answer.status == 202
    assert [await bank.balance(each) for each in workers] == ["100.00", "0.00", "100.00"]
    assert await bank.balance(own) == "100.00"
    shown = await bank.shown(f"{PRODUCT}.query", path=order["id"])
    assert (shown["state"], shown["paid"], shown["fee"]) == (
        "completed",
        cny("200.00"),
        cny("0.15"),
    )
    lines = await bank.shown(f"{PRODUCT}.lines", path=order["id"])
    assert [each["code"] for each in lines["items"]] == [None, "wage.attendance_missing", None]
    back = await bank.shown(f"{PRODUCT}.closures", {"sweep_to": site.id}, path=order["id"])
    assert back["result"]["account"]["status"] == "closed"
    assert await bank.balance(site) == "799.85"
    async with bank.pool.acquire() as db:
        assert (await verify(db)).fault is None


async def test_wages_for_a_closed_account_stay_on_the_site_s_own(bank: LittleBank) -> None:
    site, workers = await _site(bank, 2)
    order = await bank.shown(f"{PRODUCT}.create", _asked(site, [each.id for each in workers]))
    async with transaction(bank.pool) as db:
        await close(db, bank.clock, bank.partner, workers[1].id)

    await _there(bank, order["id"], [1, 1])
    await bank.orders.resume(order["id"], partner=bank.partner)
    again = await bank.shown(f"{PRODUCT}.retries", {}, path=order["id"])
    await bank.orders.resume(again["id"], partner=bank.partner)

    assert await bank.balance(workers[0]) == "100.00"
    assert await bank.balance(order["result"]["account"]["id"]) == "100.00"
    # The fee was paid once, with the money that filled the account.
    assert await bank.balance(site) == "799.90"
    shown = await bank.shown(f"{PRODUCT}.query", path=again["id"])
    assert (shown["status"], shown["fee"]) == ("refused", cny("0.00"))


async def test_nobody_who_was_away_is_paid_by_a_retry(bank: LittleBank) -> None:
    site, workers = await _site(bank, 2)
    order = await bank.shown(f"{PRODUCT}.create", _asked(site, [each.id for each in workers]))
    await _there(bank, order["id"], [1, 0])
    await bank.orders.resume(order["id"], partner=bank.partner)

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{PRODUCT}.retries", {}, path=order["id"])

    assert refused.value.code == "payout.nothing_to_retry"
    assert await bank.balance(workers[1]) == "0.00"


async def test_attendance_is_confirmed_once_however_often_it_is_sent(bank: LittleBank) -> None:
    site, workers = await _site(bank)
    order = await bank.shown(f"{PRODUCT}.create", _asked(site, [each.id for each in workers]))

    answers = await asyncio.gather(
        *(_there(bank, order["id"], [1, 1, 1]) for _ in range(10)), return_exceptions=True
    )
    await bank.orders.resume(order["id"], partner=bank.partner)

    assert sum(not isinstance(each, BaseException) for each in answers) == 1
    assert [await bank.balance(each) for each in workers] == ["100.00"] * 3


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"total": cny("299.99")}, "payout.total_mismatch"),
        ({"count": 2}, "payout.count_mismatch"),
        ({"name": "王小明"}, "verification.failed"),
        ({"payee_account": "acc_nowhere"}, "verification.failed"),
        ({"amount": cny("50000.01")}, "payout.total_mismatch"),
        ({"period": "February"}, "request.invalid"),
    ],
)
async def test_wrong_rosters_move_nothing(
    bank: LittleBank, change: dict[str, Any], code: str
) -> None:
    site, workers = await _site(bank)
    asked = _asked(site, [each.id for each in workers])
    first = {name: change[name] for name in change if name in asked["lines"][0]}
    asked["lines"][0].update(first)
    asked.update({name: change[name] for name in change if name not in first})

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{PRODUCT}.create", asked)

    assert refused.value.code == code
    assert await bank.balance(site) == "1000.00"


@pytest.mark.parametrize("days", [[0, 0, 0], [32, 1, 1], [-1, 1, 1], [1, 1, 1, 1]])
async def test_attendance_that_cannot_be_pays_nobody(bank: LittleBank, days: list[int]) -> None:
    site, workers = await _site(bank)
    order = await bank.shown(f"{PRODUCT}.create", _asked(site, [each.id for each in workers]))

    with pytest.raises(BanksideError) as refused:
        await _there(bank, order["id"], days)

    assert refused.value.code == "request.invalid"
    assert [await bank.balance(each) for each in workers] == ["0.00"] * 3


async def test_a_site_without_the_whole_sum_opens_no_account(bank: LittleBank) -> None:
    site = await bank.account("300.14")
    workers = [await bank.account() for _ in range(3)]

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{PRODUCT}.create", _asked(site, [each.id for each in workers]))

    assert refused.value.code == "payment.funds_insufficient"
    assert await bank.balance(site) == "300.14"
