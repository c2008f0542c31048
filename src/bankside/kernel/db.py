"""The database as the rooms see it: a connection, a pool, and writes as values.

Always true: SQL text stands in a room's ``store.py``; a transaction is opened by whoever starts a
use case (endpoint, worker, ledger collector) and by nobody below. asyncpg is the only driver.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
    Row = asyncpg.Record
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool
    Row = asyncpg.Record

# More connections than this per core make PostgreSQL slower on small machines, not faster.
POOL_SIZE_MAX = 8
POOL_ACQUIRE_SECONDS = 2.0
# A call that a caller waits for never holds a lock or a statement longer than this.
LOCK_TIMEOUT_MS = 2_000
STATEMENT_TIMEOUT_MS = 30_000

# What a driver call raises when the database went away or shut down under it. Nobody knows then
# whether a commit that was under way has happened.
CONNECTION_LOST: tuple[type[Exception], ...] = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    # Seen when the server is killed in the middle of an operation ("cannot switch to state ...").
    asyncpg.InternalClientError,
)
# What a background loop waits out and tries again: also timeouts, deadlocks and full disks.
DATABASE_TROUBLE: tuple[type[Exception], ...] = (*CONNECTION_LOST, asyncpg.PostgresError)


@dataclass(frozen=True, slots=True)
class Write:
    """One row to write, as a value: a constant SQL text of some ``store.py`` and its arguments.

    Use cases decide what to write and hand the list to whoever owns the transaction; equal texts of
    many callers are sent together. Writes of one unit must not depend on their order.
    """

    sql: str
    row: tuple[Any, ...]


async def open_pool(url: str, *, size: int = POOL_SIZE_MAX, eager: bool = True) -> Pool:
    """A pool whose sessions keep UTC and the time limits above; the caller closes it.

    ``eager``: connect once now, so that a database that is away is an error here.
    """
    return await asyncpg.create_pool(
        url,
        min_size=1 if eager else 0,
        max_size=size,
        timeout=5,
        command_timeout=STATEMENT_TIMEOUT_MS / 1000 + 5,
        server_settings={
            "application_name": "bankside",
            "timezone": "UTC",
            "lock_timeout": str(LOCK_TIMEOUT_MS),
            "statement_timeout": str(STATEMENT_TIMEOUT_MS),
            "idle_in_transaction_session_timeout": "15000",
            "search_path": "pg_catalog",
        },
        reset=_as_it_is,
    )


async def _as_it_is(connection: Connection) -> None:
    """Send nothing when a session is given back: that was a sixth of what a transfer cost.

    The driver has ended an open transaction by then. No statement of ours leaves more behind:
    settings, locks and cursors are of a transaction, and tests/contracts/test_sessions.py says so.
    """


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """One connection inside one READ COMMITTED transaction; commits when the block ends."""
    async with pool.acquire(timeout=POOL_ACQUIRE_SECONDS) as connection, connection.transaction():
        yield connection


async def write_all(db: Connection, writes: list[Write]) -> None:
    """Carry out ``writes`` in the caller's transaction, equal statements in one round trip."""
    by_sql: dict[str, list[tuple[Any, ...]]] = {}
    for write in writes:
        by_sql.setdefault(write.sql, []).append(write.row)
    for sql, rows in by_sql.items():
        await db.executemany(sql, rows)
