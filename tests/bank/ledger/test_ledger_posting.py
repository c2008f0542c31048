"""What the ledger accepts, what it refuses, and that a refusal moves nothing."""

from datetime import timedelta

import asyncpg
import pytest
from tests.bank.ledger.ledger_world import (
    DOLLARS,
    EQUITY,
    HOLD,
    HOLD_USD,
    MORNING,
    World,
    day,
    group,
    in_a_day,
    legs,
)

from bankside.bank.ledger import (
    LEGS_MAX,
    AccountStatus,
    Capture,
    Group,
    GroupInvalid,
    Hold,
    LedgerUnknown,
    Leg,
    Release,
    Verdict,
    group_id,
    post,
    set_status,
    transfer,
)
from bankside.bank.ledger.service import carry_out
from bankside.kernel.db import Connection
from bankside.kernel.money import MINOR_MAX, Money

ACCEPTED = Verdict(accepted=True)


def refused(reason: str) -> Verdict:
    return Verdict(accepted=False, reason=reason)


@pytest.fixture
async def world(db: Connection) -> World:
    opened = await World.open(db, {"anna": 0, "ben": 0, "overdraft": -500})
    await opened.fund(anna=1_000)
    return opened


async def test_a_transfer_debits_one_account_and_credits_the_other(world: World) -> None:
    verdicts = await world.post(group("rent", ("anna", "ben", 300)))

    assert verdicts == [ACCEPTED]
    assert await world.free("anna", "ben") == [700, 300]
    assert (await world.verify()).fault is None


async def test_money_that_is_not_there_is_refused_and_nothing_moves(world: World) -> None:
    verdicts = await world.post(
        group("too much", ("anna", "ben", 1_001)), group("just enough", ("anna", "ben", 1_000))
    )

    assert verdicts == [refused("funds_insufficient"), ACCEPTED]
    assert await world.free("anna", "ben") == [0, 1_000]


async def test_an_overdraft_reaches_to_the_floor_and_no_further(world: World) -> None:
    verdicts = await world.post(
        group("to the floor", ("overdraft", "ben", 500)), group("below", ("overdraft", "ben", 1))
    )

    assert verdicts == [ACCEPTED, refused("funds_insufficient")]
    assert (await world.balance("overdraft")).booked.minor == -500
    assert (await world.balance("overdraft")).available.minor == 0


async def test_a_group_is_posted_as_a_whole_or_not_at_all(world: World) -> None:
    verdicts = await world.post(
        group("chain", ("anna", "ben", 900), ("ben", "overdraft", 900), ("anna", "ben", 200)),
        group("after it", ("anna", "ben", 1_000)),
    )

    assert verdicts == [refused("funds_insufficient"), ACCEPTED]
    assert await world.free("anna", "ben", "overdraft") == [0, 1_000, 500]
    assert (await world.verify()).fault is None


async def test_a_leg_may_spend_what_an_earlier_leg_of_its_group_brought(world: World) -> None:
    verdicts = await world.post(group("through", ("anna", "ben", 800), ("ben", "overdraft", 800)))

    assert verdicts == [ACCEPTED]
    assert await world.free("anna", "ben", "overdraft") == [200, 0, 1_300]


async def test_a_repeat_gets_the_first_verdict_and_moves_nothing(world: World) -> None:
    paid, refusal = group("paid", ("anna", "ben", 600)), group("no", ("anna", "ben", 600))
    first = await world.post(paid, refusal)
    await world.fund(overdraft=5_000)
    await world.post(group("now there is enough", ("overdraft", "anna", 5_000)))

    again = await world.post(refusal, paid, paid)

    assert first == [ACCEPTED, refused("funds_insufficient")]
    assert again == [
        Verdict(accepted=False, reason="funds_insufficient", repeat=True),
        Verdict(accepted=True, repeat=True),
        Verdict(accepted=True, repeat=True),
    ]
    assert await world.free("ben") == [600]


async def test_the_same_id_with_another_content_is_refused(world: World) -> None:
    await world.post(group("rent", ("anna", "ben", 300)))

    (other_amount,) = await world.post(group("rent", ("anna", "ben", 301)))
    (same_hash,) = await world.post(group("key", ("anna", "ben", 1), request_hash=b"a"))
    (other_hash,) = await world.post(group("key", ("anna", "ben", 1), request_hash=b"b"))

    assert other_amount == Verdict(accepted=False, reason="group_reused", repeat=True)
    assert same_hash == ACCEPTED
    assert other_hash.reason == "group_reused"
    assert await world.free("ben") == [301]


async def test_an_account_nobody_opened_is_refused(world: World) -> None:
    assert (
        await world.post(
            group("from nowhere", ("nobody", "ben", 1)), group("to nowhere", ("anna", "nobody", 1))
        )
        == [refused("account_unknown")] * 2
    )


async def test_a_blocked_account_takes_credits_only(world: World) -> None:
    await carry_out(world.db, set_status("anna", AccountStatus.BLOCKED, ledger=world.name))
    await world.fund(ben=10)

    verdicts = await world.post(group("out", ("anna", "ben", 1)), group("in", ("ben", "anna", 1)))

    assert verdicts == [refused("account_blocked"), ACCEPTED]


async def test_a_closed_account_takes_nothing(world: World) -> None:
    await carry_out(world.db, set_status("ben", AccountStatus.CLOSED, ledger=world.name))

    assert await world.post(group("late", ("anna", "ben", 1))) == [refused("account_closed")]


async def test_currencies_do_not_mix(world: World) -> None:
    dollars = Group(group_id("dollars"), legs(("anna", "ben", 1), currency="USD"))
    half = Group(group_id("half"), legs(("anna", DOLLARS, 1)))

    assert await world.post(dollars, half) == [refused("currency_mismatch")] * 2


async def test_a_group_may_post_two_currencies_side_by_side(world: World) -> None:
    await carry_out(world.db, set_status("ben", AccountStatus.OPEN, ledger=world.name))
    exchange = Group(
        group_id("fx"),
        (Leg("anna", EQUITY, Money(720, "CNY")), Leg(DOLLARS, HOLD_USD, Money(100, "USD"))),
    )

    # Money may not enter a hold account without a hold, in whatever currency.
    assert await world.post(exchange) == [refused("hold_account_wrong")]
    assert await world.free("anna") == [1_000]


async def test_a_balance_stays_inside_the_column_that_keeps_it(db: Connection) -> None:
    world = await World.open(db, {"rich": 0})
    await world.db.execute(
        "update bank.ledger_accounts set balance = 9000000000000000000 - 5 "
        "where ledger_id = $1 and account_id = 'rich'",
        world.name,
    )

    verdicts = await world.post(
        group("fits", (EQUITY, "rich", 5)), group("does not", (EQUITY, "rich", 1))
    )

    assert verdicts == [ACCEPTED, refused("balance_limit")]


@pytest.mark.parametrize(
    "bad",
    [
        Group(group_id("x"), ()),
        group("x", ("anna", "anna", 1)),
        group("x", ("anna", "ben", 0)),
        group("x", ("anna", "ben", -1)),
        group("x", ("anna", "ben", MINOR_MAX + 1)),
        group("x", ("anna", "b\x00n", 1)),
        group("x", ("anna", "", 1)),
        group("x", ("anna", "ben", 1), narrative="\x00"),
        group("x", ("anna", "ben", 1), narrative="\ud800"),
        group("x", ("anna", "ben", 1), narrative="款" * 200),
        group("x", ("anna", "ben", 1), kind="Transfer|"),
        group("x", *[("anna", "ben", 1)] * (LEGS_MAX + 1)),
        Group(group_id("x"), legs(("anna", "ben", 1), currency="XXX")),
        group("x", ("anna", HOLD, 1), hold=Hold(in_a_day().replace(tzinfo=None))),
    ],
)
async def test_a_malformed_group_never_reaches_the_books(world: World, bad: Group) -> None:
    with pytest.raises(GroupInvalid):
        await world.post(group("good", ("anna", "ben", 1)), bad)

    assert await world.free("ben") == [0]


async def test_a_ledger_nobody_opened_takes_nothing(db: Connection) -> None:
    with pytest.raises(LedgerUnknown):
        await post(db, [group("x", ("a", "b", 1))], ledger="nowhere")


async def test_nothing_to_post_writes_nothing(world: World) -> None:
    before = (await world.verify()).batches

    assert await world.post() == []
    await world.post(group("once", ("anna", "ben", 1)))
    await world.post(group("once", ("anna", "ben", 1)))

    assert (await world.verify()).batches == before + 1


async def test_a_posted_group_can_be_read_back(world: World) -> None:
    rent = group(
        "rent", ("anna", "ben", 300), ("anna", EQUITY, 5), kind="fee", narrative="三月|a\n"
    )
    await world.post(rent)

    found = await transfer(world.db, rent.id, ledger=world.name)

    assert found is not None
    assert (found.legs, found.kind, found.narrative) == (rent.legs, "fee", "三月|a\n")
    assert found.verdict.accepted
    assert (found.booked_at, found.value_date) == (MORNING, day(2))
    assert await transfer(world.db, group_id("never"), ledger=world.name) is None


async def test_booked_money_is_never_booked_back_in_time(world: World) -> None:
    world.clock.advance(timedelta(hours=2))
    await world.post(group("later", ("anna", "ben", 1)))
    world.clock = type(world.clock)(MORNING)

    await world.post(group("a slow clock", ("anna", "ben", 1), value_date=day(1)))

    found = await transfer(world.db, group_id("a slow clock"), ledger=world.name)
    assert found is not None
    assert found.booked_at == MORNING + timedelta(hours=2)
    assert found.value_date == day(1)
    assert (await world.verify()).fault is None


@pytest.mark.parametrize("table", ["batches", "transfers", "entries", "floors"])
@pytest.mark.parametrize(
    "act",
    [
        "update bank.ledger_{} set ledger_id = ledger_id",
        "delete from bank.ledger_{}",
        "truncate bank.ledger_{}",
    ],
)
async def test_the_books_are_append_only(world: World, table: str, act: str) -> None:
    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        await world.db.execute(act.format(table))


@pytest.mark.parametrize("table", ["accounts", "holds", "heads"])
async def test_accounts_holds_and_heads_are_never_deleted(world: World, table: str) -> None:
    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        await world.db.execute(f"delete from bank.ledger_{table}")


async def test_the_database_itself_keeps_a_balance_above_its_floor(world: World) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await world.db.execute(
            "update bank.ledger_accounts set balance = -1 where account_id = 'anna'"
        )


def test_group_ids_are_derived_and_never_read_alike() -> None:
    assert group_id("prt", "pay", "k1") == group_id("prt", "pay", "k1")
    assert (
        len({group_id("ab", "c"), group_id("a", "bc"), group_id("abc"), group_id("abc", "")}) == 4
    )


# --- holds ---------------------------------------------------------------------------------------


@pytest.fixture
async def held(world: World) -> World:
    """Anna has 600 free and 400 on hold for a day."""
    placed = group("hold", ("anna", HOLD, 400), kind="hold", hold=Hold(in_a_day()))
    assert await world.post(placed) == [ACCEPTED]
    return world


def captured(name: str, *moves: tuple[str, str, int]) -> Group:
    return group(name, *moves, kind="capture", hold=Capture(group_id("hold")))


RELEASE = Group(group_id("release"), (), kind="release", hold=Release(group_id("hold")))


async def test_held_money_is_booked_but_not_available(held: World) -> None:
    balance = await held.balance("anna")

    assert (balance.booked.minor, balance.held.minor, balance.available.minor) == (1000, 400, 600)
    assert await held.post(group("x", ("anna", "ben", 601))) == [refused("funds_insufficient")]


async def test_a_hold_is_captured_in_parts_up_to_what_is_left(held: World) -> None:
    verdicts = await held.post(
        captured("first", (HOLD, "ben", 150)),
        captured("too much", (HOLD, "ben", 251)),
        captured("rest and fee", (HOLD, "ben", 250), ("ben", EQUITY, 2)),
        captured("nothing left", (HOLD, "ben", 1)),
    )

    assert verdicts == [ACCEPTED, refused("hold_exceeded"), ACCEPTED, refused("hold_closed")]
    assert await held.free("anna", "ben", HOLD) == [600, 398, 0]
    assert (await held.balance("anna")).booked.minor == 600


async def test_a_capture_that_fails_at_a_later_leg_takes_nothing_from_the_hold(
    held: World,
) -> None:
    verdicts = await held.post(
        captured("fee not covered", (HOLD, "ben", 150), ("overdraft", EQUITY, 9_999)),
        captured("all of it", (HOLD, "ben", 400)),
    )

    assert verdicts == [refused("funds_insufficient"), ACCEPTED]
    assert (await held.verify()).fault is None


async def test_what_is_left_is_released_to_the_holder(held: World) -> None:
    verdicts = await held.post(captured("part", (HOLD, "ben", 150)), RELEASE)

    assert verdicts == [ACCEPTED, ACCEPTED]
    assert await held.free("anna", "ben", HOLD) == [850, 150, 0]
    found = await transfer(held.db, RELEASE.id, ledger=held.name)
    assert found is not None
    assert found.legs == legs((HOLD, "anna", 250))


async def test_a_part_of_a_hold_is_released_by_naming_it(held: World) -> None:
    part = group("part", (HOLD, "anna", 100), hold=Release(group_id("hold")))
    astray = group("astray", (HOLD, "ben", 100), hold=Release(group_id("hold")))

    assert await held.post(part, astray) == [ACCEPTED, refused("hold_account_wrong")]
    assert (await held.balance("anna")).held.minor == 300


async def test_a_hold_is_captured_only_before_it_expires(held: World) -> None:
    held.clock.advance(timedelta(days=1))

    verdicts = await held.post(captured("late", (HOLD, "ben", 1)), RELEASE)

    assert verdicts == [refused("hold_expired"), ACCEPTED]
    assert await held.free("anna") == [1_000]


async def test_a_hold_that_is_over_when_placed_is_refused(world: World) -> None:
    late = group("late", ("anna", HOLD, 1), hold=Hold(MORNING))

    assert await world.post(late) == [refused("hold_expired")]


async def test_a_refused_hold_is_no_hold(world: World) -> None:
    unpaid = group("hold", ("anna", HOLD, 1_001), hold=Hold(in_a_day()))

    verdicts = await world.post(unpaid, captured("c", (HOLD, "ben", 1)), RELEASE)

    assert [each.reason for each in verdicts] == [
        "funds_insufficient",
        "hold_unknown",
        "hold_unknown",
    ]
    assert (await world.verify()).fault is None


async def test_a_frozen_account_cannot_place_but_its_hold_can_be_captured(held: World) -> None:
    await carry_out(held.db, set_status("anna", AccountStatus.BLOCKED, ledger=held.name))

    verdicts = await held.post(
        group("second", ("anna", HOLD, 1), hold=Hold(in_a_day())),
        captured("due", (HOLD, "ben", 400)),
    )

    assert verdicts == [refused("account_blocked"), ACCEPTED]


@pytest.mark.parametrize(
    "astray",
    [
        group("into", ("anna", HOLD, 1)),
        group("out of", (HOLD, "ben", 1)),
        group("second leg", ("anna", HOLD, 1), ("anna", HOLD, 1), hold=Hold(in_a_day())),
        group("not first", ("anna", "ben", 1), ("anna", HOLD, 1), hold=Hold(in_a_day())),
        group("places nothing", ("anna", "ben", 1), hold=Hold(in_a_day())),
        captured("captures nothing", ("anna", "ben", 1)),
        captured("puts more on hold", ("anna", HOLD, 1)),
    ],
    ids=lambda each: str(each.legs[0].debit),
)
async def test_hold_accounts_are_touched_by_their_own_holds_only(
    held: World, astray: Group
) -> None:
    assert await held.post(astray) == [refused("hold_account_wrong")]
    assert await held.free("anna", "ben", HOLD) == [600, 0, 400]
    assert (await held.verify()).fault is None
