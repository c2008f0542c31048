"""No statement leaves anything behind in its session: a pool hands sessions on as they are.

Settings are ``set local``, locks and cursors end with their transaction, nothing is listened to and
no temporary table is made on a session that goes back.
"""

import re
from pathlib import Path

import pytest

from bankside.kernel.db import Pool, open_pool, transaction

ROOT = Path(__file__).parents[2]
# Each works on a connection of its own, which it closes.
OWN_CONNECTIONS = {
    "src/bankside/kernel/migrate.py": "holds the migration lock until it is done",
    "src/bankside/app/edge.py": "hears of snapshots",
    "src/bankside/app/leases.py": "hears of revocations",
    "src/bankside/kernel/jobs/schema.py": "hears of jobs until the worker ends",
}
LASTING = re.compile(
    r"""pg_advisory_lock(_shared)?\( | \badd_listener\( | \blisten\s+[a-z_"]+\s*["';]
    | execute\(\s*f?["']set\s+(?!local\b) | set_config\([^)]*false
    | \bcreate\s+(temp|temporary)\b | with\s+hold\b | \bset\s+session\b""",
    re.IGNORECASE | re.VERBOSE,
)
LEFT = """
select 'setting ' || name from pg_settings where source = 'session'
union all select 'advisory lock' from pg_locks
    where locktype = 'advisory' and pid = pg_backend_pid()
union all select 'cursor ' || name from pg_cursors where name <> ''
union all select 'channel ' || c from pg_listening_channels() c
union all select 'table ' || relname from pg_class where relpersistence = 't'
    and pg_table_is_visible(oid)
"""


def test_no_statement_outside_of_own_connections_lasts_longer_than_its_transaction() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "migrations").glob("*.sql")]
        if str(path.relative_to(ROOT)) not in OWN_CONNECTIONS
        for match in LASTING.finditer(path.read_text())
    }

    assert found == set()


def test_the_rule_notices_what_would_last() -> None:
    for text in (
        'db.execute("set role auditor")',
        'db.execute("select pg_advisory_lock(1)")',
        'db.execute("create temp table t (a int)")',
        "select set_config('x.y', 'z', false)",
        "await db.add_listener(CHANNEL, hear)",
    ):
        assert LASTING.search(text), text
    assert not LASTING.search('db.execute("set local lock_timeout = 5")')
    assert not LASTING.search("update t set name = $1")


@pytest.mark.database
async def test_a_session_comes_back_without_the_transaction_it_was_in(database_url: str) -> None:
    pool = await open_pool(database_url, size=1)
    try:
        async with transaction(pool) as db:
            await db.execute("set local lock_timeout = 5")
            await db.execute("select pg_advisory_xact_lock(4711)")
            await db.execute("declare reading cursor for select 1")
        await _abandoned(pool)
        async with pool.acquire() as db:
            assert not db.is_in_transaction()
            assert await db.fetchval("show lock_timeout") == "2s"
            assert await db.fetch(LEFT) == []
    finally:
        await pool.close()


async def _abandoned(pool: Pool) -> None:
    """A use case that dies between begin and commit."""
    with pytest.raises(ZeroDivisionError):
        async with transaction(pool) as db:
            await db.execute("set local lock_timeout = 5")
            raise ZeroDivisionError
