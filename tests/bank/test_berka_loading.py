"""Loading the Berka bank: whole or not at all, once, and finished after a kill."""

import asyncio
import sys
import time
from datetime import date
from pathlib import Path

import pytest
from tests.bank.berka_folder import SMALL, with_line, write_folder

from bankside.bank import berka, ledger
from bankside.bank.accounts import (
    DispositionRole,
    account,
    accounts_of,
    balance,
    dispositions,
    transactions,
)
from bankside.bank.berka import service
from bankside.bank.branches import branch
from bankside.bank.customers import customers
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "berka"
TABLES = (
    *("branches", "customers", "accounts", "dispositions", "standing_orders", "loan_contracts"),
    *("cards", "loads", "ledger_accounts", "ledger_transfers", "ledger_entries"),
)


async def rows(pool: Pool) -> dict[str, int]:
    return {table: await pool.fetchval(f"select count(*) from bank.{table}") for table in TABLES}


async def content(pool: Pool) -> dict[str, str]:
    """Everything a load writes, as text that is equal when nothing changed."""
    return {
        table: await pool.fetchval(
            f"select coalesce(string_agg(t::text, ';' order by t::text), '') from bank.{table} t"
        )
        for table in TABLES
    }


async def test_a_folder_becomes_branches_customers_accounts_and_postings(
    fresh_pool: Pool, clock: FixedClock, tmp_path: Path
) -> None:
    report = await berka.load(fresh_pool, clock, write_folder(tmp_path), partner="prt_a")

    assert report.changed
    assert report.facts["accounts"] == 2
    assert report.derived == {
        "openings": 2,
        "loan_grants": 1,
        "instalments": 4,
        "standing_payments": 4,
    }
    async with fresh_pool.acquire() as db:
        held = (await accounts_of(db, "prt_a")).items
        by_branch = {(await branch(db, "prt_a", each.branch or "")).code: each for each in held}
        seven = by_branch["CZ-001"]
        assert len((await customers(db, "prt_a")).items) == 3
        assert [each.role for each in await dispositions(db, "prt_a", seven.number)] == [
            DispositionRole.OWNER,
            DispositionRole.DISPONENT,
        ]
        # 1,000 opening + 3,027.60 loan - 4 x 252.30 instalments - 3 x 245.20 order
        assert str((await balance(db, seven)).booked) == "2282.80"
        newest = (await transactions(db, seven, limit=1)).items[0]
        assert newest.kind == "derived"
        assert newest.narrative == "derived: loan 50 instalment 4 of 12"
        assert newest.value_date == date(2018, 12, 31)
        assert newest.counterparty.name_en == "Loan book"
        assert (await ledger.verify(db)).fault is None


async def test_a_second_load_changes_nothing_and_says_so(
    fresh_pool: Pool, clock: FixedClock, tmp_path: Path
) -> None:
    write_folder(tmp_path)
    await berka.load(fresh_pool, clock, tmp_path, partner="prt_a")
    before = await content(fresh_pool)

    report = await berka.load(fresh_pool, clock, tmp_path, partner="prt_a")

    assert (report.changed, report.posted) == (False, 0)
    assert "nothing was changed" in report.text()
    assert await content(fresh_pool) == before


async def test_two_data_spaces_hold_the_same_bank_apart(
    fresh_pool: Pool, clock: FixedClock, tmp_path: Path
) -> None:
    write_folder(tmp_path)
    for partner in ("prt_a", "prt_b"):
        assert (await berka.load(fresh_pool, clock, tmp_path, partner=partner)).posted == 11

    async with fresh_pool.acquire() as db:
        numbers = [{a.number for a in (await accounts_of(db, p)).items} for p in ("prt_a", "prt_b")]
        ids = [{a.id for a in (await accounts_of(db, p)).items} for p in ("prt_a", "prt_b")]
    assert numbers[0] == numbers[1]
    assert not ids[0] & ids[1]


async def test_other_files_are_refused_in_a_data_space_that_holds_some(
    fresh_pool: Pool, clock: FixedClock, tmp_path: Path
) -> None:
    await berka.load(fresh_pool, clock, write_folder(tmp_path), partner="prt_a")
    before = await content(fresh_pool)
    write_folder(tmp_path, **with_line("client", 2, "1,1990-12-14,F,1"))

    with pytest.raises(berka.OtherFilesLoaded):
        await berka.load(fresh_pool, clock, tmp_path, partner="prt_a")

    assert await content(fresh_pool) == before


@pytest.mark.parametrize("name", list(SMALL))
async def test_one_bad_line_in_any_file_writes_nothing(
    pool: Pool, clock: FixedClock, tmp_path: Path, name: str
) -> None:
    before = await rows(pool)
    fields = SMALL[name][1].split(",")
    write_folder(tmp_path, **with_line(name, 2, ",".join(["x", *fields[1:]])))

    with pytest.raises(berka.FilesInvalid, match=f"{name}.csv.gz line 2"):
        await berka.load(pool, clock, tmp_path, partner="prt_bad")

    assert await rows(pool) == before


@pytest.mark.parametrize("batches", [0, 1, 2])
async def test_a_load_that_was_killed_is_finished_by_the_next(
    fresh_pool: Pool,
    clock: FixedClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    batches: int,
) -> None:
    monkeypatch.setattr(service, "BATCH_POSTINGS", 4)
    write_folder(tmp_path)

    def kill(said: str) -> None:
        if said.startswith(f"{4 * batches} of" if batches else "facts stand"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await berka.load(fresh_pool, clock, tmp_path, partner="prt_a", progress=kill)
    report = await berka.load(fresh_pool, clock, tmp_path, partner="prt_a")

    assert report.resumed
    assert report.posted == 11 - 4 * batches
    async with fresh_pool.acquire() as db:
        assert (await ledger.verify(db)).fault is None
        assert await db.fetchval("select count(*) from bank.ledger_transfers") == 11
    assert not (await berka.load(fresh_pool, clock, tmp_path, partner="prt_a")).changed


CHILD = """
import asyncio, sys
from pathlib import Path
from bankside.bank.berka import load, service
from bankside.kernel.clock import SystemClock
from bankside.kernel.db import open_pool

async def main():
    pool = await open_pool(sys.argv[1])
    service.BATCH_POSTINGS = 1
    say = lambda text: print(text, flush=True)
    await load(pool, SystemClock(), Path(sys.argv[2]), partner="prt_a", progress=say)

asyncio.run(main())
"""


@pytest.mark.crash
async def test_a_loader_killed_with_sigkill_leaves_books_that_verify_and_a_load_to_finish(
    fresh_url: str, fresh_pool: Pool, clock: FixedClock, tmp_path: Path
) -> None:
    write_folder(tmp_path)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, fresh_url, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    while not (await child.stdout.readline()).startswith(b"5 of"):
        assert child.returncode is None
    child.kill()
    await child.wait()

    async with fresh_pool.acquire() as db:
        assert (await ledger.verify(db)).fault is None
    report = await berka.load(fresh_pool, clock, tmp_path, partner="prt_a")

    assert report.resumed
    assert 0 < report.posted <= 6
    async with fresh_pool.acquire() as db:
        assert (await ledger.verify(db)).fault is None
        assert await db.fetchval("select count(*) from bank.ledger_transfers") == 11


async def test_two_loads_at_once_make_one_bank(
    fresh_pool: Pool, clock: FixedClock, tmp_path: Path
) -> None:
    write_folder(tmp_path)

    reports = await asyncio.gather(
        *(berka.load(fresh_pool, clock, tmp_path, partner="prt_a") for _ in range(2))
    )

    assert sum(report.posted for report in reports) == 11
    assert (await rows(fresh_pool))["accounts"] == 2


@pytest.mark.shared
@pytest.mark.skipif(not REAL.is_dir(), reason=f"the data folder {REAL.name} is not there")
async def test_the_real_bank_is_loaded_in_seconds_and_its_books_verify(
    fresh_pool: Pool, clock: FixedClock
) -> None:
    started = time.monotonic()
    report = await berka.load(fresh_pool, clock, REAL, partner="prt_a")
    seconds = time.monotonic() - started

    assert report.facts == {
        "branches": 77,
        "customers": 5369,
        "accounts": 4500,
        "dispositions": 5369,
        "standing_orders": 6471,
        "loan_contracts": 682,
        "cards": 892,
    }
    assert report.posted == sum(report.derived.values()) == 34_435
    assert seconds < 60
    async with fresh_pool.acquire() as db:
        assert (await ledger.verify(db)).fault is None
        # The sum of the file's own column, taken with another tool.
        total = await db.fetchval("select sum(amount_minor) from bank.standing_orders")
        assert total == 212_289_936
        some = (await accounts_of(db, "prt_a", limit=1)).items[0]
        assert (await account(db, "prt_a", some.number)) == some
    assert not (await berka.load(fresh_pool, clock, REAL, partner="prt_a")).changed
