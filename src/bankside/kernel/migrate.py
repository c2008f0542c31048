"""Migrations: the numbered SQL files of ``migrations/``, applied forward only, in order, once.

Always true: ``kernel.migrations`` names every file that was applied with its checksum; one process
applies at a time (advisory lock), each file commits as a whole with its row, so a killed run is
continued by the next; a file that changed after it was applied stops the start.
"""

import asyncio
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from bankside.kernel.db import Connection

# The folder stands beside ``src`` in the checkout that the package is installed from.
FOLDER = Path(__file__).resolve().parents[3] / "migrations"

# Any number will do, as long as nobody else uses it: "bankside" in ASCII.
_LOCK_KEY = int.from_bytes(b"bankside", "big")
# Another process may be applying a long file; it is waited for.
LOCK_WAIT_SECONDS = 300.0
# A table that somebody uses is waited for only this long: calls queue up behind the waiting lock.
LOCK_TIMEOUT_MS = 5_000
LOCK_TRIES = 5

_NAME = re.compile(r"([0-9]{4})-[a-z0-9-]+\.sql")

_LEDGER = """
create schema if not exists kernel;
create table if not exists kernel.migrations (
    name text primary key,
    checksum bytea not null,
    applied_at timestamptz not null default now()
)
"""


class MigrationFault(Exception):
    """The migrations cannot be applied; the text names the file and says why."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name, its text and the SHA-256 of its bytes."""

    name: str
    sql: str
    checksum: bytes


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """All files in order. Raises MigrationFault for a bad name, a number used twice, no folder."""
    if not folder.is_dir():
        raise MigrationFault(f"there is no folder {folder}; run bankside from its checkout")
    found: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        if not _NAME.fullmatch(path.name):
            raise MigrationFault(f"{path.name}: a migration is called 0042-what-changes.sql")
        if found and found[-1].name[:4] == path.name[:4]:
            raise MigrationFault(f"{path.name}: {found[-1].name} has the same number")
        raw = path.read_bytes()
        found.append(Migration(path.name, raw.decode(), hashlib.sha256(raw).digest()))
    return found


def checksum(folder: Path = FOLDER) -> str:
    """One short hash of all files: equal when the schema they make is equal."""
    whole = hashlib.sha256()
    for each in migrations(folder):
        whole.update(each.name.encode() + b"\0" + each.checksum)
    return whole.hexdigest()[:16]


async def migrate(url: str, *, folder: Path = FOLDER) -> list[str]:
    """Bring the database to the state of the files; the names that were applied now.

    Raises MigrationFault when a file changed after it was applied, or cannot be applied; what came
    before it stays applied.
    """
    files = migrations(folder)
    db = await asyncpg.connect(
        url,
        timeout=10,
        server_settings={
            "application_name": "bankside migrate",
            "timezone": "UTC",
            "search_path": "pg_catalog",
            # A killed run's backend notices within a second and gives the lock to the next.
            "client_connection_check_interval": "1s",
        },
    )
    try:
        await asyncio.wait_for(
            db.execute("select pg_advisory_lock($1::bigint)", _LOCK_KEY), LOCK_WAIT_SECONDS
        )
        await db.execute(f"set lock_timeout = {LOCK_TIMEOUT_MS}")
        await db.execute(_LEDGER)
        applied = await _applied(db, files)
        pending = [each for each in files if each.name not in applied]
        for each in pending:
            await _apply(db, each)
        return [each.name for each in pending]
    finally:
        # Ending the session gives the advisory lock back, whatever happened.
        await db.close()


async def _applied(db: Connection, files: list[Migration]) -> set[str]:
    rows = await db.fetch("select name, checksum from kernel.migrations")
    known = {each.name: each.checksum for each in files}
    for row in rows:
        name = row["name"]
        if name not in known:
            raise MigrationFault(
                f"{name} was applied to this database but is not in the folder: "
                "the database is newer than this program"
            )
        if known[name] != row["checksum"]:
            raise MigrationFault(
                f"{name} was changed after it was applied; put it back and write a new file"
            )
    return {row["name"] for row in rows}


async def _apply(db: Connection, migration: Migration) -> None:
    for attempt in range(1, LOCK_TRIES + 1):
        try:
            async with db.transaction():
                await db.execute(migration.sql)
                await db.execute(
                    "insert into kernel.migrations (name, checksum) values ($1, $2)",
                    migration.name,
                    migration.checksum,
                )
            return
        except asyncpg.LockNotAvailableError:
            if attempt == LOCK_TRIES:
                raise MigrationFault(f"{migration.name}: a table it changes stays locked") from None
            await asyncio.sleep(1)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise MigrationFault(f"{migration.name}: {error}") from error
