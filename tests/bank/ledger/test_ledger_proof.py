"""Whatever is altered behind the ledger's back is found, and the first wrong row is named."""

from uuid import uuid4

import pytest
from tests.bank.ledger.ledger_world import EQUITY, HOLD, World, group, in_a_day

from bankside.bank.ledger import Capture, Head, Hold, LedgerUnknown, group_id, verify
from bankside.kernel.db import Connection

TABLES = ("batches", "transfers", "entries", "floors", "accounts", "holds", "heads")
# Batches of the tampered ledger: 1 funds, 2 and 3 transfers, 4 a hold, 5 its capture.
PAID_2, PAID_3 = group_id("pay 2"), group_id("pay 3")


@pytest.fixture
async def world(db: Connection) -> World:
    opened = await World.open(db, {"anna": 0, "ben": 0})
    await opened.fund(anna=1_000)
    await opened.post(
        group("pay 2", ("anna", "ben", 200), ("anna", EQUITY, 3), narrative="rent"),
        group("no money", ("ben", "anna", 9_999)),
    )
    await opened.post(group("pay 3", ("anna", "ben", 30)))
    await opened.post(group("hold", ("anna", HOLD, 100), hold=Hold(in_a_day())))
    await opened.post(group("cap", (HOLD, "ben", 40), hold=Capture(group_id("hold"))))
    assert (await opened.verify()).fault is None
    for table in TABLES:
        await db.execute(f"alter table bank.ledger_{table} disable trigger user")
    return opened


async def tamper(world: World, sql: str, *values: object) -> None:
    done = await world.db.execute(sql.replace("LEDGER", f"ledger_id = '{world.name}'"), *values)
    assert done.split()[-1] != "0"


async def named(world: World) -> str:
    fault = (await world.verify()).fault
    assert fault is not None
    assert fault.expected != fault.found
    return fault.where


async def test_right_books_are_right_and_counted(world: World) -> None:
    report = await world.verify()

    assert (report.batches, report.transfers, report.refused) == (5, 7, 1)
    assert (report.entries, report.accounts, report.holds) == (12, 6, 1)
    assert report.head is not None
    assert report.head.seq == 5
    assert "right; head 5" in report.text()


async def test_a_changed_amount_of_an_entry(world: World) -> None:
    await tamper(
        world,
        "update bank.ledger_entries set amount = -201 where LEDGER and account_id = 'anna' "
        "and version = 2",
    )

    assert await named(world) == "entry anna version 2, balance after"


async def test_a_changed_amount_with_its_balance_after(world: World) -> None:
    await tamper(
        world,
        "update bank.ledger_entries set amount = -201, balance_after = balance_after - 1 "
        "where LEDGER and account_id = 'anna' and version = 2",
    )

    assert await named(world) == "entry anna version 2"


async def test_a_changed_amount_of_a_transfer(world: World) -> None:
    await tamper(
        world, "update bank.ledger_transfers set amount = 31 where LEDGER and group_id = $1", PAID_3
    )

    assert await named(world) == "entry anna version 4"


async def test_a_transfer_its_entries_and_all_balances_changed_together(world: World) -> None:
    await tamper(
        world, "update bank.ledger_transfers set amount = 31 where LEDGER and group_id = $1", PAID_3
    )
    await tamper(
        world,
        "update bank.ledger_entries set amount = amount + sign(amount)::int where LEDGER "
        "and group_id = $1",
        PAID_3,
    )
    for table, column in (("entries", "balance_after"), ("accounts", "balance")):
        await tamper(
            world,
            f"update bank.ledger_{table} set {column} = {column} "
            "+ case account_id when 'anna' then -1 else 1 end "
            "where LEDGER and account_id in ('anna', 'ben') and version > 1 "
            f"and (account_id, version) not in (('anna', 2), ('anna', 3))",
        )

    assert (await named(world)).startswith("batch 3, hash")


@pytest.mark.parametrize(
    ("change", "batch"),
    [
        ("narrative = 'gift'", 2),
        ("kind = 'fee'", 2),
        ("value_date = value_date + 1", 2),
        ("request_hash = '\\x00'", 2),
        ("expires_at = booked_at", 2),
    ],
)
async def test_a_changed_word_breaks_the_seal_of_its_batch(
    world: World, change: str, batch: int
) -> None:
    await tamper(
        world, f"update bank.ledger_transfers set {change} where LEDGER and group_id = $1", PAID_2
    )

    assert (await named(world)).startswith(f"batch {batch}, hash")


async def test_a_refusal_turned_into_an_acceptance(world: World) -> None:
    await tamper(
        world,
        "update bank.ledger_transfers set verdict = 'accepted', reason = '' where LEDGER "
        "and group_id = $1",
        group_id("no money"),
    )

    assert await named(world) == f"transfer {group_id('no money')} leg 1, entries"


@pytest.mark.parametrize(
    ("deleted", "named_as"),
    [
        ("entries where LEDGER and account_id = 'anna' and version = 2", "entry ben version 1"),
        (
            "entries where LEDGER and account_id = 'ben' and version = 1",
            f"transfer {PAID_2} leg 1, entries",
        ),
        (f"transfers where LEDGER and group_id = '{PAID_3}'", "entry anna version 4"),
        (f"transfers where LEDGER and group_id = '{group_id('no money')}'", "batch 2, counts"),
        ("batches where LEDGER and seq = 3", "batch 3"),
        ("batches where LEDGER and seq = 5", "head of the chain"),
        ("floors where LEDGER and account_id = 'anna'", "account anna, floor"),
        ("holds where LEDGER", f"transfer {group_id('hold')} leg 1, hold"),
    ],
)
async def test_a_deleted_row(world: World, deleted: str, named_as: str) -> None:
    await tamper(world, f"delete from bank.ledger_{deleted}")

    assert await named(world) == named_as


async def test_two_swapped_entries(world: World) -> None:
    await tamper(
        world,
        "update bank.ledger_entries e set amount = o.amount, balance_after = o.balance_after, "
        "group_id = o.group_id, leg = o.leg, batch = o.batch "
        "from bank.ledger_entries o where e.LEDGER and o.ledger_id = e.ledger_id "
        "and e.account_id = 'anna' and o.account_id = 'anna' "
        "and (e.version, o.version) in ((2, 4), (4, 2))",
    )

    assert (await named(world)).startswith("entry anna version")


async def test_two_swapped_batches(world: World) -> None:
    for old, new in ((2, 99), (3, 2), (99, 3)):
        await tamper(
            world, f"update bank.ledger_batches set seq = {new} where LEDGER and seq = {old}"
        )

    assert await named(world) == "batch 2, previous hash"


async def test_a_cut_tail(world: World) -> None:
    for table in ("transfers", "entries"):
        await tamper(world, f"delete from bank.ledger_{table} where LEDGER and batch = 5")

    assert await named(world) == "batch 5, counts"


async def test_a_tail_cut_from_every_table_shows_against_a_head_kept_elsewhere(
    world: World,
) -> None:
    kept = (await world.verify()).head
    await cut_last_batch(world)
    assert (await world.verify()).fault is None

    report = await verify(world.db, world.name, known_head=kept)

    assert report.fault is not None
    assert (report.fault.where, report.fault.found) == ("batch 5", "none: the tail was cut off")


async def cut_last_batch(world: World) -> None:
    """The most careful thief: batch 5 goes from every table, balances and hold go back."""
    await tamper(
        world,
        "update bank.ledger_accounts a set balance = a.balance - e.amount, version = a.version - 1 "
        "from bank.ledger_entries e where a.LEDGER and e.ledger_id = a.ledger_id "
        "and e.account_id = a.account_id and e.batch = 5",
    )
    await tamper(world, "update bank.ledger_holds set rest = amount where LEDGER")
    for table, column in (("transfers", "batch"), ("entries", "batch"), ("batches", "seq")):
        await tamper(world, f"delete from bank.ledger_{table} where LEDGER and {column} = 5")
    await tamper(
        world,
        "update bank.ledger_heads h set seq = 4, hash = b.hash from bank.ledger_batches b "
        "where h.LEDGER and b.ledger_id = h.ledger_id and b.seq = 4",
    )


async def test_a_tail_written_anew_shows_against_a_head_kept_elsewhere(world: World) -> None:
    kept = (await world.verify()).head
    await cut_last_batch(world)
    await world.post(group("something else", ("anna", "ben", 1)))
    assert (await world.verify()).fault is None

    report = await verify(world.db, world.name, known_head=kept)

    assert report.fault is not None
    assert report.fault.where == "batch 5, hash kept elsewhere"


async def test_a_right_tail_agrees_with_the_head_kept_elsewhere(world: World) -> None:
    kept = (await world.verify()).head
    await world.post(group("more", ("anna", "ben", 1)))

    assert (await verify(world.db, world.name, known_head=kept)).fault is None
    never = Head(world.name, 0, "")
    assert (await verify(world.db, world.name, known_head=never)).fault is None


@pytest.mark.parametrize(
    ("batch", "named_as"), [(2, "entry anna version 6"), (77, "entry anna version 6")]
)
async def test_an_inserted_entry(world: World, batch: int, named_as: str) -> None:
    await tamper(
        world,
        "insert into bank.ledger_entries select ledger_id, account_id, version + 1, $1, 1, $2, 50, "
        "balance_after + 50, booked_at from bank.ledger_entries where LEDGER "
        "and account_id = 'anna' and version = 5",
        uuid4(),
        batch,
    )

    assert await named(world) == named_as


async def test_an_inserted_transfer(world: World) -> None:
    forged = uuid4()
    await tamper(
        world,
        "insert into bank.ledger_transfers select ledger_id, $1, leg, 77, amount, booked_at, "
        "value_date, verdict, reason, kind, debit, credit, currency, hold_id, expires_at, "
        "request_hash, "
        "narrative from bank.ledger_transfers where LEDGER and group_id = $2",
        forged,
        PAID_3,
    )

    assert await named(world) == f"transfer {forged} leg 1"


@pytest.mark.parametrize(
    ("change", "named_as"),
    [
        ("accounts set balance = balance + 1 where LEDGER and account_id = 'ben'",
         "account ben (version, balance)"),
        ("accounts set version = version + 1 where LEDGER and account_id = 'ben'",
         "account ben (version, balance)"),
        ("accounts set floor = -1 where LEDGER and account_id = 'ben'", "account ben, floor"),
        ("accounts set currency = 'USD' where LEDGER and account_id = 'ben'",
         "entry ben version 1"),
        ("floors set floor = 900 where LEDGER and account_id = 'anna'", "entry anna version 2"),
        ("holds set rest = rest + 1 where LEDGER",
         f"hold {group_id('hold')} (amount, rest, holder)"),
        ("holds set account_id = 'ben' where LEDGER",
         f"hold {group_id('hold')} (amount, rest, holder)"),
        ("holds set expires_at = expires_at + interval '1 day' where LEDGER",
         f"hold {group_id('hold')}, expiry"),
        ("batches set booked_at = booked_at - interval '1 s' where LEDGER and seq = 2",
         "batch 2, hash (a text, date or id in it was changed)"),
        ("entries set booked_at = booked_at - interval '1 s' where LEDGER and version = 2 "
         "and account_id = 'anna'", "entry anna version 2"),
        ("batches set hash = prev_hash where LEDGER and seq = 2",
         "batch 2, hash (a text, date or id in it was changed)"),
        ("heads set seq = seq + 1 where LEDGER", "head of the chain"),
        ("heads set hash = sha256('') where LEDGER", "head of the chain"),
    ],
)  # fmt: skip
async def test_a_changed_row(world: World, change: str, named_as: str) -> None:
    await tamper(world, f"update bank.ledger_{change}")

    assert await named(world) == named_as


async def test_an_unknown_ledger_is_refused(db: Connection) -> None:
    with pytest.raises(LedgerUnknown):
        await verify(db, "nowhere")


async def test_progress_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bankside.bank.ledger.proof.PROGRESS_BATCHES", 2)
    told: list[str] = []

    await verify(world.db, world.name, progress=told.append)

    assert [text.split(",")[0] for text in told] == ["batch 2", "batch 4"]


async def test_chunks_of_any_size_prove_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await world.verify()
    for name in ("CHUNK_TRANSFERS", "CHUNK_BATCHES", "CHUNK_KEYS"):
        monkeypatch.setattr(f"bankside.bank.ledger.proof.{name}", 1)

    assert await world.verify() == whole
