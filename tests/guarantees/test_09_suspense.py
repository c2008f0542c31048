"""9. Money for a wrong account goes to suspense with a task, never to a guess."""

import pytest
from tests.bank.clearing.clearing_world import MONDAY, Platform
from tests.guarantees.checks import Seen, suspense

from bankside.bank import reconciliation
from bankside.bank.reconciliation import (
    BreakStatus,
    BreakTransitionRefused,
    Chosen,
    Day,
    Head,
    Record,
    head_line,
    record_line,
    trailer_line,
)
from bankside.kernel.calendar import next_business_day
from bankside.kernel.db import transaction
from bankside.orders import posted_records


@pytest.mark.parametrize("nearly", [False, True])
async def test_a_receipt_without_an_account_waits_with_a_task(
    platform: Platform, nearly: bool
) -> None:
    customer = await platform.bank.account()
    # Also an account that exists but for one character is nobody's.
    party = customer.number[:-1] if nearly else "no-such-account"
    receipt = Record("net-9", party, "receipt", 4_200, "CNY", MONDAY)
    partner = platform.bank.partner
    head = Head("wallet", partner, MONDAY, next_business_day(MONDAY), frozenset({"refund"}))
    content = head_line(head) + record_line(receipt) + trailer_line(1, {"CNY": 4_200})
    platform.until(MONDAY, 23, 5)
    for _ in range(2):
        async with transaction(platform.bank.pool) as db:
            file = reconciliation.read(content.encode().splitlines(keepends=True))
            day = Day(partner, MONDAY, "wallet")
            await reconciliation.run(db, platform.bank.clock, day, orders=posted_records, file=file)

    async with transaction(platform.bank.pool) as db:
        (task,) = (await reconciliation.list_breaks(db, partner, Chosen(on=MONDAY))).items
        with pytest.raises(BreakTransitionRefused):
            await reconciliation.close(db, platform.bank.clock, partner, task.id)
    assert (task.status, task.group is not None) == (BreakStatus.FOUND, True)
    assert await platform.bank.balance(customer.ledger_account) == "0.00"
    await suspense(platform, Seen(receipts=1))
