"""SQL of the sessions slice; questions about a customer take the data space.

Attempts of a source are counted over all data spaces: a source that guesses does not get five
more attempts for each of them.
"""

from datetime import datetime

from bankside.identity.sessions.model import Session, SessionLevel
from bankside.kernel.db import Connection, Row
from bankside.kernel.ids import CustomerId, SessionId

_COLUMNS = (
    "partner_id, session_id, customer_id, login, level, amr, device, source, started_at,"
    " authenticated_at, seen_at"
)


async def insert(db: Connection, session: Session, session_hash: bytes) -> None:
    """Store a session under the hash of its secret."""
    await db.execute(
        "insert into identity.sessions (partner_id, session_hash, session_id, customer_id, login,"
        " level, amr, device, source, started_at, authenticated_at, seen_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        session.partner,
        session_hash,
        session.id,
        session.customer,
        session.login,
        session.level,
        list(session.amr),
        session.device,
        session.source,
        session.started_at,
        session.authenticated_at,
        session.seen_at,
    )


async def find(db: Connection, partner: str, session_hash: bytes) -> Session | None:
    """The session whose secret has this hash."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from identity.sessions"  # noqa: S608 - constant column list
        " where partner_id = $1 and session_hash = $2",
        partner,
        session_hash,
    )
    return _session(row) if row else None


async def seen(db: Connection, partner: str, session_hash: bytes, at: datetime) -> None:
    """Note that the session was used."""
    await db.execute(
        "update identity.sessions set seen_at = greatest(seen_at, $3)"
        " where partner_id = $1 and session_hash = $2",
        partner,
        session_hash,
        at,
    )


async def remove(db: Connection, partner: str, session_hash: bytes) -> bool:
    """Forget a session; False when it is gone already."""
    gone = await db.fetchval(
        "delete from identity.sessions where partner_id = $1 and session_hash = $2 returning true",
        partner,
        session_hash,
    )
    return gone is True


async def of_customer(db: Connection, partner: str, customer: str, limit: int) -> list[Session]:
    """Up to ``limit`` sessions of a customer, the one used last first."""
    rows = await db.fetch(
        f"select {_COLUMNS} from identity.sessions"  # noqa: S608 - constant column list
        " where partner_id = $1 and customer_id = $2 order by seen_at desc limit $3",
        partner,
        customer,
        limit,
    )
    return [_session(row) for row in rows]


async def remove_by_id(db: Connection, partner: str, customer: str, session_id: str) -> bool:
    """Forget a customer's session by the name the device list gives it."""
    gone = await db.fetchval(
        "delete from identity.sessions"
        " where partner_id = $1 and customer_id = $2 and session_id = $3 returning true",
        partner,
        customer,
        session_id,
    )
    return gone is True


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


async def remove_old(
    db: Connection, *, sessions_before: datetime, attempts_before: datetime, limit: int
) -> int:
    """Forget up to ``limit`` sessions and attempts each that no longer count; how many."""
    sessions = await db.fetch(
        "delete from identity.sessions where (partner_id, session_hash) in"
        " (select partner_id, session_hash from identity.sessions where started_at <= $1 limit $2)"
        " returning 1",
        sessions_before,
        limit,
    )
    attempts = await db.fetch(
        "delete from identity.login_attempts where (partner_id, login_hash, attempt_id) in"
        " (select partner_id, login_hash, attempt_id from identity.login_attempts"
        " where attempted_at <= $1 limit $2) returning 1",
        attempts_before,
        limit,
    )
    return len(sessions) + len(attempts)


def _session(row: Row) -> Session:
    return Session(
        partner=row["partner_id"],
        id=SessionId(row["session_id"]),
        customer=CustomerId(row["customer_id"]),
        login=row["login"],
        level=SessionLevel(row["level"]),
        amr=tuple(row["amr"]),
        device=row["device"],
        source=row["source"],
        started_at=row["started_at"],
        authenticated_at=row["authenticated_at"],
        seen_at=row["seen_at"],
    )
