"""A date of real orders: sealed, netted, claimed, paid out on the next working day, reconciled."""

from datetime import timedelta

import pytest
from tests.bank.clearing.clearing_world import (
    ELSEWHERE,
    FRIDAY,
    MONDAY,
    SATURDAY,
    TUESDAY,
    Platform,
)
from tests.orders.little_bank import cny

from bankside.bank import clearing
from bankside.bank.clearing import (
    BatchState,
    DateNotClosed,
    DatePassed,
    Outside,
    PayoutState,
    PayoutTransitionRefused,
    ReleaseFourEyesRequired,
    TermsInvalid,
)
from bankside.bank.ledger import AccountStatus, carry_out, set_status, verify
from bankside.kernel.db import transaction
from bankside.kernel.money import Money
from bankside.orders.errors import RefundFundsInsufficient


async def test_a_merchants_date_is_one_payment_on_the_next_working_day(platform: Platform) -> None:
    merchant = await platform.merchant()
    first, second = (
        await platform.bank.pay(merchant, "100.00"),
        await platform.bank.pay(merchant, "50.00"),
    )
    rider = await platform.bank.receiver(merchant)
    share = {"receivers": [{"account": rider.id, "amount": cny("10.00")}]}
    await platform.bank.call("merchant.split-orders.splits", share, path=first)
    await platform.refund(second, "20.00")
    await platform.finish(first)
    await platform.finish(second)

    evening = await platform.close(MONDAY)

    (position,) = await platform.positions(MONDAY)
    assert evening.state is BatchState.CHECKED
    assert (position.paid_in, position.refunded, position.split) == (15_000, 2_000, 1_000)
    assert (position.fee, position.settled, position.net) == (130, 11_870, 11_870)
    (payout,) = await platform.payouts(MONDAY)
    assert (payout.state, payout.amount) == (PayoutState.PREPARED, 11_870)
    assert await platform.bank.balance(merchant.settlement_ledger_account) == "0.00"
    platform.until(TUESDAY, 9)
    morning = await platform.bank.orders.clear(MONDAY)
    assert morning.state is BatchState.RECONCILED
    assert await platform.bank.balance(merchant.settlement_ledger_account) == "118.70"
    assert await platform.balance(merchant, "available") == 0
    assert await platform.balance(merchant, "payable") == 0


async def test_a_friday_is_paid_on_monday_and_never_on_the_weekend(platform: Platform) -> None:
    merchant = await platform.merchant()
    platform.until(FRIDAY, 10)
    await platform.sold(merchant, "100.00")
    await platform.close(FRIDAY)
    platform.until(SATURDAY, 10)
    await platform.bank.orders.clear(FRIDAY)
    assert await platform.bank.balance(merchant.settlement_ledger_account) == "0.00"
    await platform.sold(merchant, "10.00")
    await platform.close(SATURDAY)

    platform.until(FRIDAY + timedelta(days=3), 9)
    await platform.bank.orders.clear_due(FRIDAY + timedelta(days=2))

    # Each date is a payment of its own, both on Monday.
    assert await platform.bank.balance(merchant.settlement_ledger_account) == "108.90"
    assert [each.amount for each in await platform.payouts(SATURDAY)] == [990]


async def test_an_order_that_is_due_is_settled_into_the_date_it_was_paid_on(
    platform: Platform,
) -> None:
    merchant = await platform.merchant()
    payer = await platform.bank.account("30.00")
    body = {
        "merchant": merchant.id,
        "order_no": "A1",
        "amount": cny("30.00"),
        "payer_token": await platform.bank.token(payer),
    }
    await platform.bank.shown("merchant.scan-payments.create", body)

    await platform.close(MONDAY)

    (position,) = await platform.positions(MONDAY)
    assert (position.paid_in, position.net) == (3_000, 2_970)


async def test_nothing_enters_a_date_after_its_seal(platform: Platform) -> None:
    merchant = await platform.merchant()
    await platform.sold(merchant, "100.00")
    sealed = await platform.close(MONDAY)
    content, written = await platform.file(MONDAY)

    await platform.sold(merchant, "7.00")
    again = await platform.bank.orders.clear(MONDAY)

    assert (again.hash, again.last_seq) == (sealed.hash, sealed.last_seq)
    assert await platform.file(MONDAY) == (content, written)
    await platform.close(TUESDAY)
    (late,) = await platform.positions(TUESDAY)
    assert late.paid_in == 700


async def test_a_date_is_not_sealed_before_its_cut_off_and_not_after_a_later_one(
    platform: Platform,
) -> None:
    with pytest.raises(DateNotClosed):
        await platform.bank.orders.clear(MONDAY)
    await platform.close(TUESDAY)

    with pytest.raises(DatePassed):
        await platform.bank.orders.clear(MONDAY)


async def test_a_refund_after_the_seal_makes_the_payout_smaller_and_is_counted_once(
    platform: Platform,
) -> None:
    merchant = await platform.merchant()
    order = await platform.sold(merchant, "100.00")
    platform.until(MONDAY, 23, 5)
    await clearing.seal(platform.bank.pool, platform.bank.clock, MONDAY)
    await platform.refund(order, "30.00")
    await platform.bank.orders.clear(MONDAY)

    (position,) = await platform.positions(MONDAY)
    assert (position.net, position.payout, position.carried_out) == (9_900, 6_900, 3_000)
    await platform.close(TUESDAY)
    (position,) = await platform.positions(TUESDAY)
    assert (position.carried_in, position.refunded, position.net) == (3_000, 3_000, 0)


async def test_a_payout_to_another_bank_goes_by_the_network(platform: Platform) -> None:
    merchant = await platform.merchant(payout_to=ELSEWHERE)
    await platform.sold(merchant, "100.00")
    await platform.close(MONDAY)
    platform.until(TUESDAY, 9)

    batch = await platform.bank.orders.clear(MONDAY)

    (payout,) = await platform.payouts(MONDAY)
    assert (batch.state, payout.state) == (BatchState.RECONCILED, PayoutState.CONFIRMED)
    assert payout.simulated and payout.reference


async def test_an_unknown_payout_is_asked_again_and_never_swept(platform: Platform) -> None:
    to = clearing.Outside("102100099996", "6222020200119101", "海棠小馆")
    merchant = await platform.merchant(payout_to=to)
    await platform.sold(merchant, "100.00")
    await platform.close(MONDAY)
    platform.until(TUESDAY, 9)

    batch = await platform.bank.orders.clear(MONDAY)
    (payout,) = await platform.payouts(MONDAY)
    assert (batch.state, payout.state) == (BatchState.SUBMITTED, PayoutState.UNKNOWN)
    await platform.close(TUESDAY)
    assert await platform.payouts(TUESDAY) == []
    batch = await platform.bank.orders.clear(MONDAY)

    (payout,) = await platform.payouts(MONDAY)
    assert (batch.state, payout.state) == (BatchState.RECONCILED, PayoutState.CONFIRMED)


async def test_a_failed_payout_waits_for_two_people(platform: Platform) -> None:
    to = clearing.Outside("102100099996", "6222020200119001", "海棠小馆")
    merchant = await platform.merchant(payout_to=to)
    await platform.sold(merchant, "100.00")
    await platform.close(MONDAY)
    platform.until(TUESDAY, 9)
    await platform.bank.orders.clear(MONDAY)
    (payout,) = await platform.payouts(MONDAY)
    assert (payout.state, payout.reason) == (PayoutState.FAILED, "AC01")
    assert await platform.balance(merchant, "payable") == 9_900

    async def release(by: str) -> None:
        async with transaction(platform.bank.pool) as db:
            about = (platform.bank.partner, MONDAY)
            await clearing.release(db, platform.bank.clock, *about, merchant=merchant.id, by=by)

    await release("li.na")
    with pytest.raises(ReleaseFourEyesRequired):
        await release("li.na")
    await platform.agree(merchant)
    await release("wang.wei")
    with pytest.raises(PayoutTransitionRefused):
        await release("wang.wei")

    await platform.close(TUESDAY)
    (position,) = await platform.positions(TUESDAY)
    assert position.payout == 9_900


async def test_a_settlement_account_that_takes_nothing_fails_its_payout_only(
    platform: Platform,
) -> None:
    closed, other = await platform.merchant(), await platform.merchant()
    for each in (closed, other):
        await platform.sold(each, "100.00")
    await platform.close(MONDAY)
    async with platform.bank.pool.acquire() as db:
        await carry_out(db, set_status(closed.settlement_ledger_account, AccountStatus.CLOSED))
    platform.until(TUESDAY, 9)

    await platform.bank.orders.clear(MONDAY)

    states = {each.merchant: each.state for each in await platform.payouts(MONDAY)}
    assert states == {closed.id: PayoutState.FAILED, other.id: PayoutState.CONFIRMED}
    async with platform.bank.pool.acquire() as db:
        assert (await verify(db)).fault is None


async def test_a_refund_of_paid_out_money_takes_reserve_then_platform_then_an_advance(
    platform: Platform,
) -> None:
    merchant = await platform.merchant(reserve=1_000, advance_max=500)
    order = await platform.sold(merchant, "100.00")
    treasury = await platform.bank.account("5.00")
    async with transaction(platform.bank.pool) as db:
        clock, about = platform.bank.clock, (platform.bank.partner, treasury.id)
        reserve = await clearing.fund_reserve(db, clock, *about, Money(500, "CNY"), key="R-1")
    await platform.close(MONDAY)
    platform.until(TUESDAY, 9)
    await platform.bank.orders.clear(MONDAY)

    await platform.refund(order, "19.00")
    with pytest.raises(RefundFundsInsufficient):
        await platform.refund(order, "1.01")

    parts = [await platform.balance(merchant, part) for part in ("available", "reserved", "owed")]
    assert (parts, await platform.bank.money(reserve)) == ([0, 0, -400], [0])
    # What the merchant earns next pays the advance back first, then fills its reserve.
    await platform.sold(merchant, "10.00")
    await platform.close(TUESDAY)
    (position,) = await platform.positions(TUESDAY)
    # Five of the nineteen were the platform's.
    assert (position.refunded, position.net) == (1_400, 990)
    assert (position.recovered, position.kept, position.payout) == (400, 590, 0)


@pytest.mark.parametrize(
    "to",
    [
        Outside("CODE", "6222020200112230000", "海棠小馆"),
        Outside("10210009999", "6222020200112230000", "海棠小馆"),
        Outside("102100099996", "N", "海棠小馆"),
        Outside("102100099996", "6222 0202", "海棠小馆"),
        Outside("102100099996", "6222020200112230000", " "),
    ],
)
async def test_an_account_elsewhere_is_named_by_real_codes(platform: Platform, to: Outside) -> None:
    merchant = await platform.bank.merchant()

    with pytest.raises(TermsInvalid):
        await platform.agree(merchant, payout_to=to)
