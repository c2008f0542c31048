"""SQL of attempts to log in that have not succeeded.

Attempts of a source are counted over all spaces and realms: a source that guesses does not get five
more attempts for each of them.
"""

from datetime import datetime

from bankside.kernel.db import Connection


async def lock_attempts(db: Connection, login_hash: bytes, source: str) -> None:
    """Attempts with this login, and attempts from this source, wait for one another.

    Always the login first: two transactions that share both never wait for each other crosswise.
    """
    await db.execute("select pg_advisory_xact_lock(hashtextextended($1, 11))", login_hash.hex())
    await db.execute("select pg_advisory_xact_lock(hashtextextended($1, 12))", source)


async def attempts_with(
    db: Connection, partner: str, login_hash: bytes, *, since: datetime, limit: int
) -> list[datetime]:
    """When a login was tried in vain, newest first."""
    rows = await db.fetch(
        "select attempted_at from identity.login_attempts"
        " where partner_id = $1 and login_hash = $2 and attempted_at > $3"
        " order by attempted_at desc limit $4",
        partner,
        login_hash,
        since,
        limit,
    )
    return [row["attempted_at"] for row in rows]


async def attempts_from(
    db: Connection, source: str, *, since: datetime, limit: int
) -> list[datetime]:
    """When a source tried in vain, newest first."""
    rows = await db.fetch(
        "select attempted_at from identity.login_attempts"
        " where source = $1 and attempted_at > $2 order by attempted_at desc limit $3",
        source,
        since,
        limit,
    )
    return [row["attempted_at"] for row in rows]


async def add_attempt(
    db: Connection,
    partner: str,
    login_hash: bytes,
    *,
    attempt_id: str,
    source: str,
    at: datetime,
) -> None:
    """Count an attempt before it is known whether it succeeds."""
    await db.execute(
        "insert into identity.login_attempts"
        " (partner_id, login_hash, attempt_id, source, attempted_at) values ($1, $2, $3, $4, $5)",
        partner,
        login_hash,
        attempt_id,
        source,
        at,
    )


async def forgive(
    db: Connection, partner: str, login_hash: bytes, *, attempt_id: str | None = None
) -> None:
    """Forget one attempt with a login, or all of them."""
    await db.execute(
        "delete from identity.login_attempts"
        " where partner_id = $1 and login_hash = $2 and ($3::text is null or attempt_id = $3)",
        partner,
        login_hash,
        attempt_id,
    )
