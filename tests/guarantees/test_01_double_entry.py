"""1. Double entry: whole minor units, zero per currency at every commit, balances from entries."""

import pytest
from tests.bank.clearing.clearing_world import MONDAY, TUESDAY, Platform
from tests.guarantees.checks import Seen, double_entry

from bankside.bank.ledger import Group, GroupInvalid, Leg, group_id, verify
from bankside.kernel.money import Money


async def test_a_cleared_date_leaves_every_currency_at_zero(platform: Platform) -> None:
    merchant = await platform.merchant(reserve=300)
    await platform.sold(merchant, "100.00")
    await platform.close(MONDAY)
    await double_entry(platform, Seen())
    platform.until(TUESDAY, 9)
    await platform.bank.orders.clear(MONDAY)

    await double_entry(platform, Seen())
    async with platform.bank.pool.acquire() as db:
        report = await verify(db)
    assert report.fault is None and report.entries > 0


async def test_a_balance_that_is_not_the_sum_of_its_entries_is_found(platform: Platform) -> None:
    merchant = await platform.merchant()
    await platform.sold(merchant, "100.00")
    async with platform.bank.pool.acquire() as db:
        await db.execute("alter table bank.ledger_accounts disable trigger user")
        await db.execute(
            "update bank.ledger_accounts set balance = balance + 1 where account_id = $1",
            merchant.sub_account("available"),
        )
        fault = (await verify(db)).fault

    assert fault is not None and merchant.sub_account("available") in fault.where
    with pytest.raises(AssertionError):
        await double_entry(platform, Seen())


def test_no_leg_moves_a_part_of_a_minor_unit_or_nothing() -> None:
    for minor in (0, -1):
        with pytest.raises(GroupInvalid):
            Group(group_id("g1", str(minor)), (Leg("a", "b", Money(minor, "CNY")),)).check()
