"""5. Cut-off: a sealed marker closes the date, the late is the next one's, re-runs are equal."""

import asyncio
from datetime import timedelta

import pytest
from tests.bank.clearing.clearing_world import MONDAY, TUESDAY, Platform
from tests.guarantees.checks import Seen, cut_off

from bankside.bank import clearing
from bankside.bank.clearing import BatchUnbalanced, DateNotClosed, StatementChanged, Whose
from bankside.kernel.db import transaction


async def test_the_marker_and_not_the_clock_decides_what_is_late(platform: Platform) -> None:
    merchant = await platform.merchant()
    platform.until(MONDAY, 22, 59)
    with pytest.raises(DateNotClosed):
        await platform.bank.orders.clear(MONDAY)
    platform.until(MONDAY, 23, 1)
    await platform.sold(merchant, "10.00")  # After 23:00, and before anybody sealed the date.
    await platform.bank.orders.clear(MONDAY)
    await platform.sold(merchant, "20.00")  # The same minute, after the seal.

    await platform.close(TUESDAY)

    paid = [(await platform.positions(on))[0].paid_in for on in (MONDAY, TUESDAY)]
    assert paid == [1_000, 2_000]
    await cut_off(platform, Seen())


async def test_payments_that_race_with_the_seal_are_in_one_date_each(platform: Platform) -> None:
    merchant = await platform.merchant()
    payer = await platform.bank.account("100.00")
    platform.until(MONDAY, 23, 5)

    async def sell() -> None:
        for _ in range(5):
            await platform.finish(await platform.bank.pay(merchant, "1.00", payer))

    await asyncio.gather(sell(), sell(), platform.bank.orders.clear(MONDAY), sell(), sell())
    await platform.close(TUESDAY)

    paid = [sum(each.paid_in for each in await platform.positions(on)) for on in (MONDAY, TUESDAY)]
    assert sum(paid) == 2_000
    await cut_off(platform, Seen())


async def test_a_re_run_is_byte_identical_and_what_was_changed_is_told(platform: Platform) -> None:
    merchant = await platform.merchant()
    await platform.sold(merchant, "10.00")
    await platform.close(MONDAY)
    seen = Seen()
    await cut_off(platform, seen)
    whose = Whose(partner=platform.bank.partner, on=MONDAY)

    async def given() -> str:
        async with transaction(platform.bank.pool) as db:
            statement = await clearing.give_out(
                db,
                platform.bank.clock,
                whose,
                form="csv",
                out=lambda _: None,
                sign=lambda digest: ("key", digest),
            )
        return statement.written.sha256

    first = await given()
    platform.bank.clock.advance(timedelta(hours=2))
    await platform.sold(merchant, "99.00")
    assert await given() == first
    await cut_off(platform, seen)

    await platform.bank.pool.execute(
        "update bank.clearing_positions set fee = fee + 1 where merchant_id = $1", merchant.id
    )
    with pytest.raises(StatementChanged):
        await given()
    platform.until(TUESDAY, 9)
    with pytest.raises(BatchUnbalanced):
        await platform.bank.orders.clear(MONDAY)
