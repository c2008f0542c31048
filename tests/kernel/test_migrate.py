"""Migrations: in order, once, whole, under a lock; changed history stops the start."""

import asyncio
import sys
from pathlib import Path

import asyncpg
import pytest

from bankside.kernel.migrate import MigrationFault, checksum, migrate, migrations

MIGRATE = """
import asyncio, sys
from pathlib import Path
from bankside.kernel.migrate import migrate
asyncio.run(migrate(sys.argv[1], folder=Path(sys.argv[2])))
"""


@pytest.fixture
async def empty_url(fresh_url: str) -> str:
    """A database without our schemas: what a new installation begins with."""
    db = await asyncpg.connect(fresh_url)
    names = await db.fetch(
        "select nspname from pg_namespace"
        " where nspname !~ '^pg_' and nspname not in ('information_schema', 'public')"
    )
    for row in names:
        await db.execute(f'drop schema "{row["nspname"]}" cascade')
    await db.close()
    return fresh_url


def write(folder: Path, name: str, sql: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(sql)
    return folder


async def ask(url: str, sql: str) -> object:
    db = await asyncpg.connect(url)
    try:
        return await db.fetchval(sql)
    finally:
        await db.close()


async def test_the_platforms_own_files_apply_to_an_empty_database(empty_url: str) -> None:
    applied = await migrate(empty_url)

    assert applied == [each.name for each in migrations()]
    assert await migrate(empty_url) == []


async def test_two_processes_that_start_at_once_apply_each_file_once(
    empty_url: str, tmp_path: Path
) -> None:
    folder = write(tmp_path, "0001-slow.sql", "select pg_sleep(0.3); create schema s;")
    write(folder, "0002-next.sql", "create table s.t (n int);")

    first, second = await asyncio.gather(
        migrate(empty_url, folder=folder), migrate(empty_url, folder=folder)
    )

    assert sorted([len(first), len(second)]) == [0, 2]


async def test_a_file_that_fails_leaves_nothing_of_itself_and_all_before_it(
    empty_url: str, tmp_path: Path
) -> None:
    folder = write(tmp_path, "0001-good.sql", "create schema s;")
    write(folder, "0002-bad.sql", "create table s.t (n int); select 1/0;")

    with pytest.raises(MigrationFault, match=r"0002-bad\.sql: division by zero"):
        await migrate(empty_url, folder=folder)

    assert await ask(empty_url, "select to_regnamespace('s') is not null") is True
    assert await ask(empty_url, "select to_regclass('s.t') is null") is True
    write(folder, "0002-bad.sql", "create table s.t (n int);")
    assert await migrate(empty_url, folder=folder) == ["0002-bad.sql"]


async def test_a_run_killed_in_the_middle_is_continued(empty_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path, "0001-good.sql", "create schema s;")
    write(folder, "0002-slow.sql", "create table s.t (n int); select pg_sleep(60);")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", MIGRATE, empty_url, str(folder)
    )
    sleeping = "select count(*) > 0 from pg_stat_activity where wait_event = 'PgSleep'"
    async with asyncio.timeout(20):
        while not await ask(empty_url, sleeping):  # noqa: ASYNC110 - the sign is in PostgreSQL
            await asyncio.sleep(0.02)

    process.kill()
    await process.wait()
    write(folder, "0002-slow.sql", "create table s.t (n int);")

    assert await migrate(empty_url, folder=folder) == ["0002-slow.sql"]


async def test_a_file_changed_after_it_was_applied_stops_the_start(
    empty_url: str, tmp_path: Path
) -> None:
    folder = write(tmp_path, "0001-good.sql", "create schema s;")
    await migrate(empty_url, folder=folder)
    before = checksum(folder)
    write(folder, "0001-good.sql", "create schema s; -- nicer")

    with pytest.raises(MigrationFault, match=r"0001-good\.sql was changed after"):
        await migrate(empty_url, folder=folder)

    assert checksum(folder) != before


async def test_a_database_newer_than_the_program_stops_the_start(
    empty_url: str, tmp_path: Path
) -> None:
    folder = write(tmp_path, "0001-good.sql", "create schema s;")
    later = write(folder, "0002-later.sql", "create schema t;") / "0002-later.sql"
    await migrate(empty_url, folder=folder)
    later.unlink()

    with pytest.raises(MigrationFault, match=r"0002-later\.sql .* newer than this program"):
        await migrate(empty_url, folder=folder)


@pytest.mark.parametrize("name", ["1-short.sql", "0001_under.sql", "0001-Upper.sql"])
def test_a_badly_named_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(MigrationFault, match="is called"):
        migrations(write(tmp_path, name, ""))


def test_two_files_of_one_number_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "0001-one.sql", "")

    with pytest.raises(MigrationFault, match="has the same number"):
        migrations(write(tmp_path, "0001-two.sql", ""))
