"""Opening, blocking, closing; balances, pages of entries, turnovers, and holds that time out."""

from datetime import timedelta

import pytest
from tests.bank.ledger.ledger_world import (
    EQUITY,
    HOLD,
    World,
    day,
    group,
    in_a_day,
    proof,
    shared_world,
)

from bankside.bank.ledger import (
    AccountClass,
    AccountStatus,
    Books,
    Capture,
    FloorRefused,
    GroupInvalid,
    Hold,
    LedgerAccountClosed,
    LedgerAccountExists,
    LedgerAccountNotEmpty,
    LedgerAccountUnknown,
    LedgerUnknown,
    NewAccount,
    Period,
    balance,
    carry_out,
    entries_page,
    expire_holds,
    group_id,
    hold,
    open_account,
    set_floor,
    set_status,
    turnover,
)
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Connection, Pool, transaction
from bankside.kernel.money import CurrencyUnknown
from bankside.kernel.paging import CursorInvalid, LimitInvalid

ANNA = NewAccount(id="anna", partner="prt_test", currency="CNY")


@pytest.fixture
async def world(db: Connection) -> World:
    opened = await World.open(db, {"anna": 0, "ben": 0})
    await opened.fund(anna=1_000)
    return opened


async def test_opening_an_account_again_changes_nothing(world: World) -> None:
    await carry_out(world.db, open_account(ANNA, ledger=world.name))

    assert await world.free("anna") == [1_000]


@pytest.mark.parametrize(
    "other",
    [
        NewAccount(id="anna", partner="prt_other", currency="CNY"),
        NewAccount(id="anna", partner="prt_test", currency="USD"),
        NewAccount(
            id="anna", partner="prt_test", currency="CNY", account_class=AccountClass.INCOME
        ),
    ],
)
async def test_an_account_id_is_never_given_twice(world: World, other: NewAccount) -> None:
    with pytest.raises(LedgerAccountExists):
        await carry_out(world.db, open_account(other, ledger=world.name))


async def test_malformed_accounts_are_refused_before_the_database(db: Connection) -> None:
    with pytest.raises(GroupInvalid):
        open_account(NewAccount(id="a\x00", partner="p", currency="CNY"))
    with pytest.raises(GroupInvalid):
        open_account(NewAccount(id="a", partner="\ud800", currency="CNY"))
    with pytest.raises(CurrencyUnknown):
        open_account(NewAccount(id="a", partner="p", currency="cny"))
    with pytest.raises(LedgerUnknown):
        await carry_out(db, open_account(ANNA, ledger="nowhere"))


async def test_only_an_empty_account_is_closed_and_it_stays_closed(world: World) -> None:
    close = set_status("ben", AccountStatus.CLOSED, ledger=world.name)
    await carry_out(world.db, close, close)

    with pytest.raises(LedgerAccountClosed):
        async with world.db.transaction():
            await carry_out(world.db, set_status("ben", AccountStatus.OPEN, ledger=world.name))
    with pytest.raises(LedgerAccountNotEmpty):
        await carry_out(world.db, set_status("anna", AccountStatus.CLOSED, ledger=world.name))


async def test_an_account_with_money_on_hold_is_not_closed(world: World) -> None:
    await world.post(group("hold", ("anna", HOLD, 1_000), hold=Hold(in_a_day())))

    with pytest.raises(LedgerAccountNotEmpty):
        await carry_out(world.db, set_status("anna", AccountStatus.CLOSED, ledger=world.name))


async def test_an_unknown_account_has_no_status_no_floor_and_no_balance(world: World) -> None:
    for write in (
        set_status("nobody", AccountStatus.BLOCKED, ledger=world.name),
        set_floor("nobody", 0, ledger=world.name),
    ):
        with pytest.raises(LedgerAccountUnknown):
            async with world.db.transaction():
                await carry_out(world.db, write)
    for account in ("nobody", "a\x00", "\ud800"):
        with pytest.raises(LedgerAccountUnknown):
            await balance(world.db, account, ledger=world.name)


async def test_a_floor_moves_but_never_above_the_balance(world: World) -> None:
    await carry_out(world.db, set_floor("ben", -200, ledger=world.name))
    await world.post(group("overdrawn", ("ben", "anna", 200)))
    with pytest.raises(FloorRefused):
        async with world.db.transaction():
            await carry_out(world.db, set_floor("ben", -199, ledger=world.name))
    await world.post(group("paid back", ("anna", "ben", 200)))

    await carry_out(world.db, set_floor("ben", 0, ledger=world.name))

    # Old entries are judged by the floor of their time.
    assert (await world.verify()).fault is None


async def test_entries_are_paged_in_both_directions_without_gap_or_repeat(world: World) -> None:
    await world.post(*[group(f"coffee {n}", ("anna", "ben", n)) for n in range(1, 8)])

    for newest_first in (True, False):
        versions: list[int] = []
        cursor = None
        while True:
            page = await entries_page(
                world.db,
                "anna",
                newest_first=newest_first,
                cursor=cursor,
                limit=3,
                ledger=world.name,
            )
            versions += [entry.version for entry in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert versions == sorted(range(1, 9), reverse=newest_first)


async def test_an_entry_names_its_counterparty_and_the_balance_after_it(world: World) -> None:
    await world.post(group("rent", ("anna", "ben", 300), kind="transfer", narrative="March"))

    page = await entries_page(world.db, "anna", limit=1, ledger=world.name)

    (entry,) = page.items
    assert (entry.counterparty, entry.amount.minor, entry.balance_after.minor) == ("ben", -300, 700)
    assert (entry.narrative, entry.booking_date, entry.group) == ("March", day(2), group_id("rent"))


async def test_a_period_has_the_entries_of_its_booking_dates(world: World) -> None:
    for number in range(3, 8):
        world.clock.advance(timedelta(days=1))
        await world.post(group(f"day {number}", ("anna", "ben", number)))

    period = Period(first=day(4), last=day(6))
    page = await entries_page(world.db, "anna", period=period, ledger=world.name)
    over = await turnover(world.db, "anna", period=period, ledger=world.name)

    assert [entry.booking_date for entry in page.items] == [day(6), day(5), day(4)]
    assert (over.opening.minor, over.closing.minor) == (997, 997 - 4 - 5 - 6)
    assert over.closing.minor - over.opening.minor == sum(e.amount.minor for e in page.items)


async def test_a_booking_date_ends_at_midnight_in_the_banks_zone(world: World) -> None:
    world.clock.advance(timedelta(hours=13, minutes=59))  # 23:59 in Beijing
    await world.post(group("before midnight", ("anna", "ben", 1)))
    world.clock.advance(timedelta(minutes=1))
    await world.post(group("midnight", ("anna", "ben", 2)))

    page = await entries_page(
        world.db, "anna", period=Period(first=day(3), last=day(3)), ledger=world.name
    )

    assert [entry.amount.minor for entry in page.items] == [-2]


@pytest.mark.parametrize(
    ("period", "opening", "closing"),
    [
        (Period(last=day(1)), 0, 0),
        (Period(first=day(3)), 1_000, 1_000),
        (Period(first=day(5), last=day(4)), 1_000, 1_000),
        (Period(), 0, 1_000),
    ],
)
async def test_a_period_without_entries_opens_as_it_closes(
    world: World, period: Period, opening: int, closing: int
) -> None:
    over = await turnover(world.db, "anna", period=period, ledger=world.name)

    assert (over.opening.minor, over.closing.minor) == (opening, closing)


async def test_an_unknown_account_has_no_entries_and_bad_pages_are_refused(world: World) -> None:
    for account in ("nobody", "\x00"):
        page = await entries_page(world.db, account, ledger=world.name)
        assert (page.items, page.next_cursor) == ((), None)
    for cursor in ("x", "-1", "9" * 19, "\x00"):
        with pytest.raises(CursorInvalid):
            await entries_page(world.db, "anna", cursor=cursor, ledger=world.name)
    with pytest.raises(LimitInvalid):
        await entries_page(world.db, "anna", limit=201, ledger=world.name)


async def test_holds_that_timed_out_are_released_once(pool: Pool) -> None:
    ledger = await shared_world(pool, {"anna": 0, "ben": 0}, anna=1_000)
    async with transaction(pool) as db:
        world = World(db, ledger)
        await world.post(
            group("short", ("anna", HOLD, 100), hold=Hold(in_a_day())),
            group("long", ("anna", HOLD, 10), hold=Hold(in_a_day() + timedelta(days=5))),
            group("part", (HOLD, "ben", 40), hold=Capture(group_id("short"))),
        )
    clock = FixedClock(in_a_day())

    first = await expire_holds(pool, clock, ledger=ledger)
    second = await expire_holds(pool, clock, ledger=ledger)

    assert (first, second) == (1, 0)
    async with pool.acquire() as db:
        assert (await balance(db, "anna", ledger=ledger)).held.minor == 10
        short = await hold(db, group_id("short"), ledger=ledger)
        assert short is not None
        assert not short.is_open
        assert await hold(db, group_id("never"), ledger=ledger) is None
    assert (await proof(pool, ledger)).fault is None


async def test_an_account_opens_as_a_write_beside_others(pool: Pool) -> None:
    ledger = await shared_world(pool, {"anna": 0})
    fresh = NewAccount(id="fresh", partner="prt_test", currency="CNY")
    async with Books(pool, FixedClock(in_a_day()), ledger=ledger) as books:
        await books.commit(None, accepted=[open_account(fresh, ledger=ledger)])
        verdict = await books.commit(group("first", (EQUITY, "fresh", 5)))
        with pytest.raises(LedgerAccountNotEmpty):
            await books.commit(
                None, accepted=[set_status("fresh", AccountStatus.CLOSED, ledger=ledger)]
            )

    assert verdict.accepted
