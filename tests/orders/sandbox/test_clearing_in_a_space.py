"""T+1 clearing and standing orders of a data space: by its own clock, in its own books."""

from datetime import date, timedelta
from typing import Any

from tests.orders.little_bank import LittleBank, cny
from tests.orders.sandbox.tester import SandboxApp, a_tester

from bankside.bank import clearing
from bankside.bank.accounts import House, house_account, in_space
from bankside.bank.clearing import Batch, BatchState, Outside, Payout, Terms
from bankside.bank.ledger import entries_page, verify
from bankside.kernel.clock import BANK_ZONE
from bankside.kernel.db import transaction

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
SPLIT = "merchant.split-orders"


async def _sold(tester: SandboxApp, number: str, amount: str = "100.00") -> str:
    """A payment at the merchant that is cleared net, ready for the end of the day."""
    body = {
        "merchant": tester.merchant_of("kuaican"),
        "order_no": number,
        "amount": cny(amount),
        "payer_token": tester.code_of(),
    }
    order = str((await tester.shown(f"{SPLIT}.create", body))["id"])
    await tester.call(f"{SPLIT}.finishes", {}, path=order)
    return order


async def _batches(tester: SandboxApp) -> list[Batch]:
    async with tester.pool.acquire() as db:
        return await clearing.batches(db, tester.partner, before=date(2099, 1, 1), limit=50)


async def _payouts(tester: SandboxApp, on: date) -> list[Payout]:
    async with tester.pool.acquire() as db:
        return await clearing.payouts_of(db, on, tester.partner, after="", limit=50)


async def _file(tester: SandboxApp, day: str) -> list[str]:
    asked = {
        "subject": tester.account_of("kuaican-settlement"),
        "period": day,
        "format": "settlement",
    }
    report = await tester.shown("merchant.merchant-reconciliations.create", asked)
    answer = await tester.call("merchant.merchant-reconciliations.content", path=report["id"])
    assert isinstance(answer.body, bytes)
    return answer.body.decode().splitlines()


async def test_a_jump_over_the_cut_off_clears_the_date_and_pays_it_on_its_value_date(
    tester: SandboxApp,
) -> None:
    await _sold(tester, "T1")

    await tester.advance(to="2026-03-02T23:30:00+08:00")

    (evening,) = await _batches(tester)
    assert (evening.on, evening.state, evening.value_on) == (MONDAY, BatchState.CHECKED, TUESDAY)
    assert await tester.balance_of("kuaican-settlement") == "2000000.00"

    await tester.advance(days=1)

    (morning,) = await _batches(tester)
    (payout,) = await _payouts(tester, MONDAY)
    assert morning.state is BatchState.RECONCILED
    paid = 2_000_000_00 + payout.amount
    assert await tester.money(tester.account_of("kuaican-settlement")) == [paid]
    async with tester.pool.acquire() as db:
        page = await entries_page(db, tester.account_of("kuaican-settlement"))
    assert page.items[0].booked_at.astimezone(BANK_ZONE).isoformat() == "2026-03-03T00:00:00+08:00"
    lines = await _file(tester, "2026-03-02")
    assert [line.split(",")[0] for line in lines] == ["H", "P", "L", "L", "L", "T"]
    assert f",{payout.amount // 100}." in lines[1]


async def test_each_date_with_payments_is_a_batch_and_one_without_is_none(
    tester: SandboxApp,
) -> None:
    await _sold(tester, "T1")
    await tester.advance(days=3)
    await _sold(tester, "T2", "50.00")

    await tester.advance(days=400)

    found = await _batches(tester)
    assert [(each.on.isoformat(), each.state) for each in found] == [
        ("2026-03-05", BatchState.RECONCILED),
        ("2026-03-02", BatchState.RECONCILED),
    ]


async def test_the_banks_own_date_never_mixes_in_a_space(
    tester_alone: SandboxApp, bank_alone: LittleBank
) -> None:
    tester, bank = tester_alone, bank_alone
    shop = await bank.merchant(fee_rate_bp=100)
    await bank.pay(shop, "10.00")
    await _sold(tester, "T1")
    bank.clock.advance(timedelta(hours=13, minutes=5))  # 23:05 in Beijing: Monday has ended.

    sealed = await bank.orders.clear(MONDAY)
    await bank.orders.expire()

    async with bank.pool.acquire() as db, db.transaction():
        own = [each async for each in clearing.positions(db, MONDAY)]
        theirs = [each async for each in clearing.positions(db, MONDAY, tester.partner)]
    assert {each.partner for each in own} == {bank.partner}
    assert {each.partner for each in theirs} == {tester.partner}
    (unmoved,) = await _batches(tester)
    assert (sealed.space, unmoved.space) == ("", tester.partner)
    assert (unmoved.on, unmoved.state) == (MONDAY, BatchState.CHECKED)


async def test_two_spaces_clear_the_same_date_at_different_times(
    tester: SandboxApp, bank: LittleBank
) -> None:
    other = await a_tester(bank)
    await other.create()
    await _sold(tester, "T1")
    await _sold(other, "T1", "30.00")

    await tester.advance(days=2)

    assert [each.state for each in await _batches(tester)] == [BatchState.RECONCILED]
    assert await _batches(other) == []
    await other.advance(days=2)
    assert [each.state for each in await _batches(other)] == [BatchState.RECONCILED]
    async with bank.pool.acquire() as db:
        assert (await verify(db)).fault is None


async def test_a_payout_to_another_bank_goes_through_the_spaces_own_accounts(
    tester: SandboxApp,
) -> None:
    # The sandbox's network does not know at first what became of it, and then that it was paid.
    to = Outside("102100099996", "6222020200119101", "海棠小馆")
    terms = Terms(partner=tester.partner, merchant=tester.merchant_of("kuaican"), payout_to=to)
    async with transaction(tester.pool) as db:
        await clearing.agree(db, tester.clock, terms)
    await _sold(tester, "T1")
    nostro, shared = (
        in_space(house_account(House.NOSTRO, "CNY"), tester.partner),
        "house.nostro.CNY",
    )
    before = await _standing(tester, shared)

    await tester.advance(days=2)

    (payout,) = await _payouts(tester, MONDAY)
    assert (payout.state.value, payout.attempts) == ("confirmed", 2)
    assert await tester.money(nostro) == [payout.amount]
    assert await _standing(tester, shared) == before


async def _standing(tester: SandboxApp, account: str) -> Any:
    query = "select balance from bank.ledger_accounts where account_id = $1"
    return await tester.pool.fetchval(query, account)


async def test_a_standing_order_is_paid_on_its_dates_of_the_spaces_clock_alone(
    tester: SandboxApp, bank: LittleBank
) -> None:
    other = await a_tester(bank)
    await other.create()

    await tester.advance(to="2026-05-20T12:00:00+08:00")
    await tester.orders.expire()

    async with tester.pool.acquire() as db:
        page = await entries_page(db, tester.account_of("lin-current"), newest_first=False)
    # The fifth of March; Qingming ends on 6 April; Labour Day on 5 May.
    assert [each.booked_at.astimezone(BANK_ZONE).isoformat() for each in page.items[1:]] == [
        "2026-03-05T09:00:00+08:00",
        "2026-04-07T09:00:00+08:00",
        "2026-05-06T09:00:00+08:00",
    ]
    assert await tester.balance_of("lin-savings") == "56500.00"
    assert await other.balance_of("lin-savings") == "58000.00"


async def test_a_standing_order_that_is_not_covered_is_tried_on_later_days_of_the_space(
    tester: SandboxApp,
) -> None:
    away = {
        "payer_account": tester.account_of("lin-savings"),
        "payee_account": tester.account_of("chen-current"),
        "amount": cny("58000.00"),
    }
    await tester.call("payment.internal-transfers.create", away)
    await tester.advance(to="2026-03-05T12:00:00+08:00")
    back = {"account": tester.account_of("lin-savings"), "amount": cny("700.00")}
    await tester.call("platform.fundings.create", back)

    await tester.advance(days=1)

    assert await tester.balance_of("lin-savings") == "200.00"
