"""A date's orders, ledger and channel file; breaks, timing, suspense, four eyes; on real orders."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
from tests.orders.little_bank import LittleBank, cny

from bankside.bank import reconciliation
from bankside.bank.accounts import House, house_account
from bankside.bank.ledger import Books, verify
from bankside.bank.merchants import Merchant
from bankside.bank.reconciliation import (
    Adjustment,
    AdjustmentInvalid,
    AdjustmentRefused,
    Break,
    BreakNotFound,
    BreakStatus,
    BreakTransitionRefused,
    ChannelFileMismatch,
    ChannelFileReplaced,
    ChannelFileTotalWrong,
    Chosen,
    DateChanged,
    DateNotSealed,
    Day,
    FourEyesRequired,
    Head,
    Outcome,
    Record,
    head_line,
    record_line,
    trailer_line,
)
from bankside.catalog import load
from bankside.kernel.calendar import next_business_day
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, transaction
from bankside.orders import Orders, reconciling

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
COVERED = frozenset({"payment", "refund", "split", "split_return", "settlement"})


@dataclass
class Desk:
    """A little bank, what happened at it, and files about it."""

    bank: LittleBank

    async def run(self, on: date, content: bytes | None, channel: str = "unionpay") -> Outcome:
        """Reconcile the date with a file (None: without a channel)."""
        day = Day(self.bank.partner, on, "platform" if content is None else channel)
        file = None if content is None else reconciliation.read(content.splitlines(keepends=True))
        async with transaction(self.bank.pool) as db:
            return await reconciliation.run(
                db, self.bank.clock, day, orders=reconciling.records, file=file
            )

    async def own_file(self, on: date, channel: str = "unionpay") -> bytes:
        """The platform's file of the date."""
        parts: list[bytes] = []
        async with transaction(self.bank.pool) as db:
            await reconciliation.write_own(
                db,
                self.bank.clock,
                Day(self.bank.partner, on, channel),
                orders=reconciling.records,
                out=parts.append,
            )
        return b"".join(parts)

    def file(self, on: date, records: Sequence[Record], channel: str = "unionpay") -> bytes:
        """A channel's file with these lines."""
        head = Head(channel, self.bank.partner, on, next_business_day(on), COVERED)
        totals: dict[str, int] = {}
        for each in records:
            if each.status == "posted":
                totals[each.currency] = totals.get(each.currency, 0) + (each.amount or 0)
        body = "".join(map(record_line, records))
        return (head_line(head) + body + trailer_line(len(records), totals)).encode()

    async def records(self, on: date) -> list[Record]:
        """What a channel that agrees would send."""
        content = await self.own_file(on)
        return list(reconciliation.read(content.splitlines(keepends=True)).records)

    async def breaks(self, *, closed: bool = False) -> list[Break]:
        async with self.bank.pool.acquire() as db:
            page = await reconciliation.list_breaks(db, self.bank.partner, Chosen(closed=closed))
        return list(page.items)

    async def pay(self, *, to: Merchant | None = None, amount: str = "100.00") -> str:
        """A payment by code; the order's id."""
        return await self.bank.pay(to or await self.bank.merchant(), amount)

    async def split(self, order: str, merchant: Merchant) -> str:
        """A share of ten to somebody the merchant registered; the receiver."""
        rider = await self.bank.receiver(merchant)
        share = {"receivers": [{"account": rider.id, "amount": cny("10.00")}]}
        await self.bank.call("merchant.split-orders.splits", share, path=order)
        return rider.id

    def close(self, on: date) -> None:
        """The clock stands after the cut-off of the date."""
        until = datetime(on.year, on.month, on.day, 15, 5, tzinfo=UTC)
        self.bank.clock.advance(until - self.bank.clock.now())


@pytest.fixture
async def desk(fresh_pool: Pool, clock: FixedClock) -> AsyncIterator[Desk]:
    """On a database of its own: the ledger never books earlier than it did for another test."""
    pool = fresh_pool
    async with Books(pool, clock) as books:
        orders = Orders(pool, books, clock, load())
        yield Desk(LittleBank(pool, books, clock, orders, f"prt_{secrets.token_hex(8)}"))


async def _busy_day(desk: Desk) -> None:
    """Payments, a split, a returned share, refunds before and after the settlement, settlements."""
    bank = desk.bank
    merchant = await bank.merchant()
    first, second = await desk.pay(to=merchant), await desk.pay(to=merchant)
    third = await desk.pay(to=merchant, amount="30.00")
    rider = await desk.split(first, merchant)
    back = {"account": rider, "amount": cny("4.00")}
    await bank.call("merchant.split-orders.returns", back, path=first)
    refund = {"amount": cny("5.00")}
    await bank.call("merchant.split-orders.refunds", refund, path=second)
    await bank.call("merchant.split-orders.refunds", {"amount": cny("30.00")}, path=third)
    await bank.call("merchant.split-orders.finishes", {}, path=first)
    await bank.call("merchant.split-orders.finishes", {}, path=second)
    await bank.call("merchant.split-orders.refunds", refund, path=second)
    back = {"account": rider, "amount": cny("2.00")}
    await bank.call("merchant.split-orders.returns", back, path=first)


async def test_a_date_whose_orders_ledger_and_channel_agree_has_no_break(desk: Desk) -> None:
    await _busy_day(desk)
    desk.close(MONDAY)

    two = await desk.run(MONDAY, None)
    three = await desk.run(MONDAY, await desk.own_file(MONDAY))

    assert (two.breaks, three.breaks) == (0, 0)
    assert two.compared == three.compared == 11
    assert three.lines == 14


async def test_the_platforms_file_of_a_date_is_the_same_bytes_and_names_orders(desk: Desk) -> None:
    order = await desk.pay()
    desk.close(MONDAY)
    content = await desk.own_file(MONDAY)
    desk.bank.clock.advance(timedelta(hours=10))
    await desk.pay()

    assert await desk.own_file(MONDAY) == content
    (record,) = await desk.records(MONDAY)
    assert (record.about, record.amount, record.on) == (order, 10_000, MONDAY)
    assert content.splitlines()[0].endswith(b",2026-03-02,2026-03-03," + _kinds())


def _kinds() -> bytes:
    return " ".join(sorted(COVERED)).encode()


def _other_sum(records: list[Record]) -> list[Record]:
    return [records[0]._replace(amount=9_999), *records[1:]]


def _other_day(records: list[Record]) -> list[Record]:
    return [records[0]._replace(on=TUESDAY), *records[1:]]


def _refused(records: list[Record]) -> list[Record]:
    return [records[0]._replace(status="refused"), *records[1:]]


def _twice(records: list[Record]) -> list[Record]:
    return [*records, records[0]]


def _missing(records: list[Record]) -> list[Record]:
    return records[1:]


def _more(records: list[Record]) -> list[Record]:
    return [*records, records[0]._replace(reference="stranger")]


DAMAGES = (
    (_other_sum, "amount"),
    (_other_day, "date"),
    (_refused, "status"),
    (_twice, "duplicate"),
    (_missing, "short"),
    (_more, "long"),
)


async def test_each_kind_of_break_is_found_on_the_channels_side(desk: Desk) -> None:
    await desk.pay()
    await desk.pay()
    desk.close(MONDAY)
    records = await desk.records(MONDAY)

    for damage, kind in DAMAGES:
        content = desk.file(MONDAY, damage(records), channel=f"wallet-{kind}")
        outcome = await desk.run(MONDAY, content, channel=f"wallet-{kind}")
        assert outcome.by_kind == {kind: 1}

    found = await desk.breaks()
    assert {(each.channel, each.found.kind.value) for each in found} == {
        (f"wallet-{kind}", kind) for _, kind in DAMAGES
    }
    assert {each.found.side.value for each in found} == {"channel"}


async def test_our_own_sides_are_found_wrong_too(desk: Desk) -> None:
    order = await desk.pay()
    desk.close(MONDAY)
    execute = desk.bank.pool.execute
    await execute("update orders.orders set amount = amount + 1 where order_id = $1", order)

    outcome = await desk.run(MONDAY, None)

    assert outcome.by_kind == {"amount": 1}
    (found,) = await desk.breaks()
    assert (found.found.side, found.found.found, found.found.expected) == ("orders", 10_001, 10_000)
    assert found.status is BreakStatus.FOUND


async def test_records_that_were_changed_after_the_run_are_told(desk: Desk) -> None:
    order = await desk.pay()
    desk.close(MONDAY)
    await desk.run(MONDAY, None)
    execute = desk.bank.pool.execute
    await execute("update orders.orders set amount = amount + 1 where order_id = $1", order)

    with pytest.raises(DateChanged):
        await desk.run(MONDAY, None)


async def test_bills_and_the_settlement_of_the_days_end_are_reconciled(desk: Desk) -> None:
    bank = desk.bank
    merchant, payer = await bank.merchant(fee_rate_bp=100), await bank.account("100.00")
    asked = {"merchant": merchant.id, "order_no": "B1", "amount": cny("80.00"), "payer_no": "7"}
    bill = await bank.shown("payment.bill-payments.create", asked | {"subject": "物业费"})
    pay = {"payer_token": await bank.token(payer)}
    await bank.call("payment.bill-payments.payments", pay, path=bill["id"])
    scan = {"merchant": merchant.id, "order_no": "T1", "amount": cny("20.00"), "subject": "午餐"}
    await bank.call("merchant.scan-payments.create", scan | pay)
    desk.close(MONDAY)
    assert await bank.orders.end_of_day(MONDAY) == 1
    desk.close(TUESDAY)

    monday = await desk.run(MONDAY, await desk.own_file(MONDAY))
    tuesday = await desk.run(TUESDAY, await desk.own_file(TUESDAY))

    assert (monday.breaks, monday.compared, tuesday.breaks, tuesday.compared) == (0, 2, 0, 1)


async def test_a_second_run_of_a_date_is_byte_identical_and_keeps_what_was_done(desk: Desk) -> None:
    await desk.pay()
    desk.close(MONDAY)
    content = desk.file(MONDAY, _other_sum(await desk.records(MONDAY)))
    first = await desk.run(MONDAY, content)
    (found,) = await desk.breaks()
    async with transaction(desk.bank.pool) as db:
        await reconciliation.assign(db, desk.bank.clock, desk.bank.partner, found.id, "lin")

    again = await desk.run(MONDAY, content)

    assert again == replace(first, repeat=True)
    assert [(each.id, each.owner) for each in await desk.breaks()] == [(found.id, "lin")]


async def test_a_date_that_has_not_closed_is_not_reconciled(desk: Desk) -> None:
    with pytest.raises(DateNotSealed):
        await desk.run(MONDAY, None)


async def test_a_payment_after_the_cut_off_belongs_to_the_next_date(desk: Desk) -> None:
    desk.close(MONDAY)
    await desk.pay()

    assert (await desk.run(MONDAY, None)).compared == 0
    desk.close(TUESDAY)
    assert (await desk.run(TUESDAY, None)).compared == 1


async def test_another_file_for_a_date_or_a_file_of_another_is_refused(desk: Desk) -> None:
    await desk.pay()
    desk.close(MONDAY)
    records = await desk.records(MONDAY)
    await desk.run(MONDAY, desk.file(MONDAY, records))

    with pytest.raises(ChannelFileReplaced):
        await desk.run(MONDAY, desk.file(MONDAY, _other_sum(records)))
    with pytest.raises(ChannelFileMismatch):
        await desk.run(MONDAY, desk.file(TUESDAY, []))
    with pytest.raises(ChannelFileMismatch):
        await desk.run(MONDAY, desk.file(MONDAY, records), channel="netsunion")
    assert await desk.breaks(closed=True) == []


async def test_a_refused_file_leaves_nothing_and_the_right_one_is_taken_later(desk: Desk) -> None:
    await desk.pay()
    desk.close(MONDAY)
    content = desk.file(MONDAY, await desk.records(MONDAY))

    with pytest.raises(ChannelFileTotalWrong):
        await desk.run(MONDAY, content.replace(b"CNY,100.00\n", b"CNY,100.01\n"))
    outcome = await desk.run(MONDAY, content)

    assert (outcome.repeat, outcome.breaks, outcome.lines) == (False, 0, 1)


@pytest.mark.parametrize("channel_is", ["late", "early"])
async def test_a_break_that_is_only_a_matter_of_time_clears_with_the_next_date(
    desk: Desk, channel_is: str
) -> None:
    if channel_is == "early":
        desk.bank.clock.advance(timedelta(days=1))
    await desk.pay()
    ours, theirs = (MONDAY, TUESDAY) if channel_is == "late" else (TUESDAY, MONDAY)
    desk.close(TUESDAY)
    records = [each._replace(on=theirs) for each in await desk.records(ours)]
    files = {theirs: desk.file(theirs, records), ours: desk.file(ours, [])}

    monday = await desk.run(MONDAY, files[MONDAY])
    (timing,) = await desk.breaks()
    tuesday = await desk.run(TUESDAY, files[TUESDAY])

    assert (monday.breaks, timing.status) == (1, BreakStatus.TIMING)
    assert (tuesday.breaks, tuesday.cleared) == (0, 1)
    (cleared,) = await desk.breaks(closed=True)
    assert (cleared.status, cleared.cleared_on) == (BreakStatus.CLOSED, TUESDAY)
    assert await desk.run(TUESDAY, files[TUESDAY]) == replace(tuesday, repeat=True)
    assert await desk.run(MONDAY, files[MONDAY]) == replace(monday, repeat=True)


async def test_a_late_file_clears_what_the_following_date_could_not(desk: Desk) -> None:
    await desk.pay()
    desk.close(TUESDAY)
    records = [each._replace(on=TUESDAY) for each in await desk.records(MONDAY)]

    tuesday = await desk.run(TUESDAY, desk.file(TUESDAY, records))
    monday = await desk.run(MONDAY, desk.file(MONDAY, []))

    assert (tuesday.breaks, monday.breaks, monday.cleared) == (1, 0, 1)
    assert await desk.breaks() == []


async def test_a_timing_break_that_the_next_date_does_not_clear_waits_for_a_person(
    desk: Desk,
) -> None:
    await desk.pay()
    desk.close(TUESDAY)
    await desk.run(MONDAY, desk.file(MONDAY, []))

    await desk.run(TUESDAY, desk.file(TUESDAY, []))

    assert [each.status for each in await desk.breaks()] == [BreakStatus.FOUND]


async def test_money_for_an_account_nobody_knows_waits_in_suspense_once(desk: Desk) -> None:
    await desk.pay()
    desk.close(MONDAY)
    receipt = Record("net-7", "no-such-account", "receipt", 777, "CNY", MONDAY)
    content = desk.file(MONDAY, [*await desk.records(MONDAY), receipt])
    suspense = house_account(House.SUSPENSE, "CNY")
    before = (await desk.bank.money(suspense))[0]

    outcome = await desk.run(MONDAY, content)
    await desk.run(MONDAY, content)

    assert outcome.by_kind == {"long": 1}
    assert (await desk.bank.money(suspense))[0] - before == 777
    (found,) = await desk.breaks()
    assert (found.status, found.group is not None) == (BreakStatus.FOUND, True)


async def _assigned(desk: Desk) -> tuple[Break, str]:
    """A receipt in suspense, assigned; and the account it should have reached."""
    await desk.pay()
    desk.close(MONDAY)
    receipt = Record("net-8", "no-such-account", "receipt", 500, "CNY", MONDAY)
    await desk.run(MONDAY, desk.file(MONDAY, [*await desk.records(MONDAY), receipt]))
    (found,) = await desk.breaks()
    right = await desk.bank.account()
    async with transaction(desk.bank.pool) as db:
        kept = await reconciliation.assign(db, desk.bank.clock, desk.bank.partner, found.id, "lin")
    return kept, right.ledger_account


async def test_an_adjustment_is_posted_when_a_second_person_approves_it_and_only_once(
    desk: Desk,
) -> None:
    kept, right = await _assigned(desk)
    bank = desk.bank
    wish = Adjustment("for the rider", "lin", house_account(House.SUSPENSE, "CNY"), right, 500)
    async with transaction(bank.pool) as db:
        await reconciliation.propose(db, bank.clock, bank.partner, kept.id, wish)
    assert await bank.balance(right) == "0.00"

    with pytest.raises(FourEyesRequired):
        async with transaction(bank.pool) as db:
            await reconciliation.approve(db, bank.clock, bank.partner, kept.id, "lin")
    async with transaction(bank.pool) as db:
        done = await reconciliation.approve(db, bank.clock, bank.partner, kept.id, "wang")
    with pytest.raises(BreakTransitionRefused):
        async with transaction(bank.pool) as db:
            await reconciliation.approve(db, bank.clock, bank.partner, kept.id, "wang")
    async with transaction(bank.pool) as db:
        closed = await reconciliation.close(db, bank.clock, bank.partner, kept.id)

    assert (done.status, done.approved_by) == (BreakStatus.ADJUSTED, "wang")
    assert closed.status is BreakStatus.CLOSED
    assert await bank.balance(right) == "5.00"
    assert await desk.breaks() == []
    async with bank.pool.acquire() as db:
        assert (await verify(db)).fault is None


async def test_two_approvals_and_two_runs_at_once_have_one_effect(desk: Desk) -> None:
    kept, right = await _assigned(desk)
    bank = desk.bank
    wish = Adjustment("for the rider", "lin", house_account(House.SUSPENSE, "CNY"), right, 500)
    async with transaction(bank.pool) as db:
        await reconciliation.propose(db, bank.clock, bank.partner, kept.id, wish)

    async def approve(by: str) -> Break:
        async with transaction(bank.pool) as db:
            return await reconciliation.approve(db, bank.clock, bank.partner, kept.id, by)

    done = await asyncio.gather(approve("wang"), approve("zhao"), return_exceptions=True)
    runs = await asyncio.gather(desk.run(MONDAY, None), desk.run(MONDAY, None))

    assert sorted(type(each).__name__ for each in done) == ["Break", "BreakTransitionRefused"]
    assert await bank.balance(right) == "5.00"
    assert sorted(each.repeat for each in runs) == [False, True]


async def test_the_database_itself_refuses_one_person_in_both_roles(desk: Desk) -> None:
    kept, _ = await _assigned(desk)

    with pytest.raises(asyncpg.CheckViolationError, match="four_eyes"):
        await desk.bank.pool.execute(
            "update bank.reconciliation_breaks set proposed_by = 'lin', approved_by = 'lin'"
            " where break_id = $1",
            kept.id,
        )


async def test_an_adjustment_that_the_ledger_refuses_leaves_the_break_as_it_was(desk: Desk) -> None:
    kept, right = await _assigned(desk)
    bank = desk.bank
    wish = Adjustment("taken back", "lin", right, house_account(House.SUSPENSE, "CNY"), 500)
    async with transaction(bank.pool) as db:
        await reconciliation.propose(db, bank.clock, bank.partner, kept.id, wish)

    with pytest.raises(AdjustmentRefused, match="funds_insufficient"):
        async with transaction(bank.pool) as db:
            await reconciliation.approve(db, bank.clock, bank.partner, kept.id, "wang")

    assert [each.status for each in await desk.breaks()] == [BreakStatus.ASSIGNED]


async def test_an_adjustment_stays_between_the_bank_and_the_partner(desk: Desk) -> None:
    kept, own = await _assigned(desk)
    other = (await desk.bank.account()).ledger_account
    suspense = house_account(House.SUSPENSE, "CNY")
    for debit, credit, amount in (
        (own, own, 1),
        (suspense, None, 1),
        (suspense, "acc_of_a_stranger", 1),
        (own, other, 1),
        (suspense, own, 0),
        (None, None, 1),
    ):
        wish = Adjustment("why", "lin", debit, credit, amount)
        with pytest.raises(AdjustmentInvalid):
            async with transaction(desk.bank.pool) as db:
                await reconciliation.propose(db, desk.bank.clock, desk.bank.partner, kept.id, wish)


async def test_a_break_can_be_explained_without_a_posting_by_two_people(desk: Desk) -> None:
    kept, _ = await _assigned(desk)
    bank = desk.bank
    with pytest.raises(AdjustmentInvalid):
        async with transaction(bank.pool) as db:
            await reconciliation.approve(db, bank.clock, bank.partner, kept.id, "wang")
    async with transaction(bank.pool) as db:
        explained = Adjustment("the channel corrects it", "lin")
        await reconciliation.propose(db, bank.clock, bank.partner, kept.id, explained)
        await reconciliation.approve(db, bank.clock, bank.partner, kept.id, "wang")

    assert [each.status for each in await desk.breaks()] == [BreakStatus.ADJUSTED]


async def test_another_partners_break_is_as_unknown_as_none(desk: Desk) -> None:
    kept, _ = await _assigned(desk)

    async with desk.bank.pool.acquire() as db:
        with pytest.raises(BreakNotFound):
            await reconciliation.find(db, "prt_other", kept.id)
        with pytest.raises(BreakTransitionRefused):
            await reconciliation.close(db, desk.bank.clock, desk.bank.partner, kept.id)
