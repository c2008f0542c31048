"""8. Three-way reconciliation: six kinds, timing that clears itself, owner, age, four eyes.

The files a channel may send (twice, late, out of order, cut off, wrong total) and the adjustment's
single effect are tests of their own in ``tests/bank/test_reconciliation*.py``.
"""

from datetime import date

import pytest
from tests.bank.clearing.clearing_world import MONDAY, TUESDAY, Platform
from tests.guarantees.checks import Seen, three_way

from bankside.bank import reconciliation
from bankside.bank.clearing import BatchState
from bankside.bank.reconciliation import (
    Adjustment,
    Chosen,
    Day,
    FourEyesRequired,
    Head,
    Record,
    head_line,
    record_line,
    trailer_line,
)
from bankside.kernel.db import transaction
from bankside.orders import posted_records

KINDS = frozenset({"payment", "settlement"})


async def _reconcile(
    platform: Platform, on: date, records: list[Record], channel: str
) -> dict[str, int]:
    head = Head(channel, platform.bank.partner, on, TUESDAY, KINDS)
    total = sum(each.amount or 0 for each in records if each.status == "posted")
    text = head_line(head) + "".join(map(record_line, records))
    content = (text + trailer_line(len(records), {"CNY": total})).encode()
    async with transaction(platform.bank.pool) as db:
        outcome = await reconciliation.run(
            db,
            platform.bank.clock,
            Day(platform.bank.partner, on, channel),
            orders=posted_records,
            file=reconciliation.read(content.splitlines(keepends=True)),
        )
    return dict(outcome.by_kind)


async def _said(platform: Platform, on: date) -> list[Record]:
    parts: list[bytes] = []
    async with transaction(platform.bank.pool) as db:
        day = Day(platform.bank.partner, on, "wallet")
        await reconciliation.write_own(
            db, platform.bank.clock, day, orders=posted_records, out=parts.append
        )
    return list(reconciliation.read(b"".join(parts).splitlines(keepends=True)).records)


async def test_all_six_kinds_are_found_and_none_beside_them(platform: Platform) -> None:
    merchant = await platform.merchant()
    for _ in range(6):
        await platform.sold(merchant, "10.00")
    await platform.close(MONDAY)
    true = await _said(platform, MONDAY)
    payments = [each for each in true if each.kind == "payment"]
    rest = [each for each in true if each.kind != "payment"]
    damaged = [
        payments[0]._replace(amount=999),
        payments[1]._replace(on=TUESDAY),
        payments[2]._replace(status="refused"),
        payments[3],
        payments[3],
        payments[5],
        payments[5]._replace(reference="stranger"),
    ]

    found = await _reconcile(platform, MONDAY, [*damaged, *rest], "wallet")
    none = await _reconcile(platform, MONDAY, true, "other-wallet")

    assert found == dict.fromkeys(("amount", "date", "duplicate", "long", "short", "status"), 1)
    assert none == {}


async def test_a_date_with_an_open_break_is_not_reconciled_until_two_people_closed_it(
    platform: Platform,
) -> None:
    merchant = await platform.merchant()
    order = await platform.sold(merchant, "10.00")
    await platform.close(MONDAY)
    await platform.bank.pool.execute(
        "update orders.orders set amount = amount + 1 where order_id = $1", order
    )
    platform.until(TUESDAY, 9)

    stuck = await platform.bank.orders.clear(MONDAY)

    bank = platform.bank
    async with bank.pool.acquire() as db:
        (kept,) = (await reconciliation.list_breaks(db, bank.partner, Chosen(on=MONDAY))).items
    assert stuck.state is BatchState.CONFIRMED
    assert reconciliation.age_days(kept, TUESDAY) == 1
    async with transaction(bank.pool) as db:
        at = (db, bank.clock, bank.partner, kept.id)
        await reconciliation.assign(*at, "lin")
        await reconciliation.propose(*at, Adjustment("the order was told wrongly", "lin"))
        with pytest.raises(FourEyesRequired):
            await reconciliation.approve(*at, "lin")
        await reconciliation.approve(*at, "wang")
        await reconciliation.close(*at)
    assert (await bank.orders.clear(MONDAY)).state is BatchState.RECONCILED
    await three_way(platform, Seen())
