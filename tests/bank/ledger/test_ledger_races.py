"""Many connections and processes at once, and processes that are killed: the books stay right."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from tests.bank.ledger.ledger_world import (
    HOLD,
    MORNING,
    World,
    group,
    in_a_day,
    proof,
    shared_world,
)

from bankside.bank.ledger import (
    Books,
    Capture,
    Group,
    Hold,
    Release,
    balances,
    expire_holds,
    group_id,
    post,
)
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, open_pool, transaction

PAYER = Path(__file__).with_name("payer.py")
WALLETS: dict[str, int | None] = {f"w{number}": 0 for number in range(10)}
FUNDS = dict.fromkeys(WALLETS, 100_000)


@pytest.fixture
async def wide(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, size=16)
    yield opened
    await opened.close()


async def deadlocks(pool: Pool) -> int:
    return int(
        await pool.fetchval(
            "select deadlocks from pg_stat_database where datname = current_database()"
        )
    )


async def test_opposite_transfers_on_sixteen_connections_never_deadlock(wide: Pool) -> None:
    ledger = await shared_world(wide, {"anna": 0, "ben": 0}, anna=5_000, ben=5_000)
    before = await deadlocks(wide)

    async def pay(number: int) -> bool:
        ways = [("anna", "ben", 1), ("ben", "anna", 1)]
        async with transaction(wide) as db:
            asked = [group(f"{number} {way}", ways[(number + way) % 2]) for way in (0, 1)]
            return all(v.accepted for v in await post(db, asked, at=MORNING, ledger=ledger))

    for start in range(0, 400, 16):
        assert all(await asyncio.gather(*(pay(start + number) for number in range(16))))

    assert await deadlocks(wide) == before
    async with wide.acquire() as db:
        found = await balances(db, ["anna", "ben"], ledger=ledger)
    assert [found[each].available.minor for each in ("anna", "ben")] == [5_000, 5_000]
    assert (await proof(wide, ledger)).fault is None


async def test_fifty_equal_calls_on_sixteen_connections_have_one_effect(wide: Pool) -> None:
    ledger = await shared_world(wide, {"anna": 0, "ben": 0}, anna=100)

    async def pay(number: int) -> tuple[bool, bool]:
        # Odd calls name other accounts: nothing but the id puts them in a row.
        move = ("anna", "ben", 10) if number % 2 else ("nobody", f"n{number}", 10)
        same = group("same", move, request_hash=b"same")
        async with transaction(wide) as db:
            (verdict,) = await post(db, [same], at=MORNING, ledger=ledger)
            return verdict.accepted, verdict.repeat

    verdicts = await asyncio.gather(*(pay(number) for number in range(50)))

    assert sum(not repeat for _, repeat in verdicts) == 1
    assert len({accepted for accepted, _ in verdicts}) == 1
    assert (await proof(wide, ledger)).fault is None


async def test_the_last_money_is_spent_once(wide: Pool) -> None:
    ledger = await shared_world(wide, {"anna": 0, "ben": 0}, anna=100)

    async def pay(number: int) -> bool:
        async with transaction(wide) as db:
            asked = [group(f"n{number}", ("anna", "ben", 30))]
            return (await post(db, asked, at=MORNING, ledger=ledger))[0].accepted

    assert sum(await asyncio.gather(*(pay(number) for number in range(16)))) == 3
    assert (await proof(wide, ledger)).fault is None


async def test_of_racing_captures_releases_and_timeouts_only_what_is_held_leaves(
    wide: Pool,
) -> None:
    ledger = await shared_world(wide, {"anna": 0, "ben": 0}, anna=1_000)
    async with transaction(wide) as db:
        world = World(db, ledger)
        for number in range(8):
            held = group(f"hold {number}", ("anna", HOLD, 100), hold=Hold(in_a_day()))
            assert (await world.post(held))[0].accepted

    async def draw(number: int, attempt: int) -> None:
        hold = group_id(f"hold {number}")
        asked = [
            group(f"c {number} {attempt}", (HOLD, "ben", 60), hold=Capture(hold)),
            Group(group_id(f"r {number} {attempt}"), (), hold=Release(hold)),
        ][attempt % 2]
        async with transaction(wide) as db:
            await post(db, [asked], at=MORNING, ledger=ledger)

    late = FixedClock(in_a_day() + timedelta(days=1))
    await asyncio.gather(
        *(draw(number, attempt) for number in range(8) for attempt in range(4)),
        *(expire_holds(wide, late, ledger=ledger) for _ in range(3)),
    )

    async with wide.acquire() as db:
        found = await balances(db, ["anna", "ben", HOLD], ledger=ledger)
    assert found[HOLD].booked.minor == 0
    assert found["anna"].held.minor == 0
    assert found["anna"].booked.minor + found["ben"].booked.minor == 1_000
    assert (await proof(wide, ledger)).fault is None


async def test_a_batch_behind_a_long_transaction_sees_its_money(wide: Pool) -> None:
    ledger = await shared_world(wide, {"anna": 0, "ben": 0}, anna=100)
    async with Books(wide, FixedClock(MORNING), ledger=ledger) as books:
        async with transaction(wide) as db:
            await post(db, [group("first", ("anna", "ben", 100))], at=MORNING, ledger=ledger)
            waiting = asyncio.create_task(books.commit(group("second", ("ben", "anna", 100))))
            third = asyncio.create_task(books.commit(group("third", ("anna", "ben", 100))))
            await asyncio.sleep(0.1)
            assert not waiting.done()

        assert [(await waiting).accepted, (await third).accepted] == [True, True]
    assert (await proof(wide, ledger)).fault is None


async def payer(
    url: str, ledger: str, name: str, count: int, journal: Path
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(PAYER),
        url,
        ledger,
        name,
        str(count),
        str(journal),
        env={**os.environ, "PYTHONPATH": str(PAYER.parents[3])},
    )


async def test_several_processes_share_one_ledger(
    database_url: str, pool: Pool, tmp_path: Path
) -> None:
    ledger = await shared_world(pool, WALLETS, **FUNDS)
    before = await deadlocks(pool)

    started = [
        await payer(database_url, ledger, f"p{number}", 800, tmp_path / f"p{number}")
        for number in range(3)
    ]
    codes = [await process.wait() for process in started]

    assert codes == [0, 0, 0]
    report = await proof(pool, ledger)
    assert (report.fault, report.transfers) == (None, len(WALLETS) + 3 * 800)
    assert await deadlocks(pool) == before


@pytest.mark.crash
async def test_what_was_acknowledged_survives_kill_9(
    database_url: str, pool: Pool, tmp_path: Path
) -> None:
    ledger = await shared_world(pool, WALLETS, **FUNDS)
    journal = tmp_path / "journal"

    for kill in range(4):
        process = await payer(database_url, ledger, f"k{kill}", 0, journal)
        try:
            await wait_for_waves(journal, (kill + 1) * 3)
            await asyncio.sleep(0.011 * kill)
        finally:
            process.send_signal(signal.SIGKILL)
            await process.wait()

    acknowledged = set(journal.read_text().split())
    rows = await pool.fetch(
        "select group_id, count(*) from bank.ledger_transfers where ledger_id = $1 "
        "group by group_id",
        ledger,
    )
    counts = {row["group_id"]: row["count"] for row in rows}
    assert len(acknowledged) >= 12 * 40
    assert [name for name in acknowledged if counts.get(group_id(name)) != 1] == []
    # At most the one wave that was under way at each kill was committed without a word of it.
    assert len(counts) - len(WALLETS) - len(acknowledged) <= 4 * 40
    assert (await proof(pool, ledger)).fault is None


def lines(journal: Path) -> int:
    return journal.read_text().count("\n") if journal.exists() else 0


async def wait_for_waves(journal: Path, waves: int) -> None:
    for _ in range(500):
        if lines(journal) >= waves * 40:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the payer did not pay")


async def test_plans_made_on_empty_tables_stay_quick_when_they_are_full(fresh_pool: Pool) -> None:
    """The trap: a session's cached plan scans tables that were small when it was made."""
    ledger = await shared_world(fresh_pool, WALLETS)
    async with fresh_pool.acquire() as db:
        connection: asyncpg.Connection[asyncpg.Record] = db  # type: ignore[assignment]
        for number in range(8):
            await post(connection, [group(f"n{number}", ("equity", "w1", 1))], ledger=ledger)
        await connection.execute(
            "insert into bank.ledger_accounts (ledger_id, account_id, partner_id, class, currency) "
            "select $1, 'x' || n, 'p', 'asset', 'CNY' from generate_series(1, 20000) n",
            ledger,
        )
        asked = [group(f"m{number}", (f"x{number + 1}", "w2", 1)) for number in range(20_000)]
        await post(connection, asked, ledger=ledger)

        began = asyncio.get_running_loop().time()
        await post(
            connection, [group(f"k{n}", (f"x{n + 1}", "w3", 1)) for n in range(500)], ledger=ledger
        )
        seconds = asyncio.get_running_loop().time() - began

    # Twenty milliseconds when every row is reached by its key; seconds when tables are scanned.
    assert seconds < 0.5
