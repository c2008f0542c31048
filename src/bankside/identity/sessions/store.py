"""SQL of sessions; questions about a person take the space."""

from datetime import datetime

from bankside.identity.realms import Realm
from bankside.identity.sessions.model import Session, SessionLevel
from bankside.kernel.db import Connection, Row
from bankside.kernel.ids import SessionId

_COLUMNS = (
    "partner_id, session_id, person_id, login, level, amr, device, source, started_at,"
    " authenticated_at, seen_at, realm, codes_failed"
)


async def insert(db: Connection, session: Session, session_hash: bytes) -> None:
    """Store a session under the hash of its secret."""
    await db.execute(
        "insert into identity.sessions (partner_id, session_hash, session_id, person_id, login,"
        " level, amr, device, source, started_at, authenticated_at, seen_at, realm, codes_failed)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        session.partner,
        session_hash,
        session.id,
        session.person,
        session.login,
        session.level,
        list(session.amr),
        session.device,
        session.source,
        session.started_at,
        session.authenticated_at,
        session.seen_at,
        session.realm,
        session.codes_failed,
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


async def of_person(db: Connection, partner: str, person: str, limit: int) -> list[Session]:
    """Up to ``limit`` sessions of a person, the one used last first."""
    rows = await db.fetch(
        f"select {_COLUMNS} from identity.sessions"  # noqa: S608 - constant column list
        " where partner_id = $1 and person_id = $2 order by seen_at desc limit $3",
        partner,
        person,
        limit,
    )
    return [_session(row) for row in rows]


async def remove_by_id(db: Connection, partner: str, person: str, session_id: str) -> bool:
    """Forget a person's session by the name the device list gives it."""
    gone = await db.fetchval(
        "delete from identity.sessions"
        " where partner_id = $1 and person_id = $2 and session_id = $3 returning true",
        partner,
        person,
        session_id,
    )
    return gone is True


async def remove_others(db: Connection, partner: str, person: str, kept: str) -> int:
    """Forget all sessions of a person but the one called ``kept``; how many."""
    gone = await db.fetch(
        "delete from identity.sessions"
        " where partner_id = $1 and person_id = $2 and session_id <> $3 returning 1",
        partner,
        person,
        kept,
    )
    return len(gone)


async def note_failed_code(db: Connection, partner: str, session_hash: bytes, most: int) -> None:
    """Count a wrong code; the session is gone when it has had ``most`` of them."""
    failed = await db.fetchval(
        "update identity.sessions set codes_failed = codes_failed + 1"
        " where partner_id = $1 and session_hash = $2 returning codes_failed",
        partner,
        session_hash,
    )
    if failed is not None and failed >= most:
        await remove(db, partner, session_hash)


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
        person=row["person_id"],
        login=row["login"],
        level=SessionLevel(row["level"]),
        amr=tuple(row["amr"]),
        device=row["device"],
        source=row["source"],
        started_at=row["started_at"],
        authenticated_at=row["authenticated_at"],
        seen_at=row["seen_at"],
        realm=Realm(row["realm"]),
        codes_failed=row["codes_failed"],
    )
