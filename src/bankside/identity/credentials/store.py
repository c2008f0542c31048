"""SQL of the credentials slice; every question takes the space, and the realm where it matters."""

from datetime import datetime

from bankside.identity.credentials.model import Credential
from bankside.identity.realms import Realm
from bankside.kernel.db import Connection

_LOGIN = (
    "select login from identity.credentials"
    " where partner_id = $1 and person_id = $2 and realm = $3 and blocked_at is null"
)
_LOGIN_LOCKED = f"{_LOGIN} for share"


async def put(db: Connection, given: Credential, *, password_hash: str, at: datetime) -> None:
    """Store or replace a person's login and hash; the key ``credentials_login`` guards it."""
    await db.execute(
        "insert into identity.credentials"
        " (partner_id, person_id, realm, login, password_hash, changed_at)"
        " values ($1, $2, $3, $4, $5, $6) on conflict (partner_id, person_id) do update"
        " set login = $4, password_hash = $5, changed_at = $6",
        given.partner,
        given.person,
        given.realm,
        given.login,
        password_hash,
        at,
    )


async def hash_of(db: Connection, partner: str, realm: Realm, login: str) -> tuple[str, str] | None:
    """The person and the password hash of a login that is not blocked."""
    row = await db.fetchrow(
        "select person_id, password_hash from identity.credentials"
        " where partner_id = $1 and realm = $2 and login = $3 and blocked_at is null",
        partner,
        realm,
        login,
    )
    return (row["person_id"], row["password_hash"]) if row else None


async def login_of(
    db: Connection, partner: str, person: str, realm: Realm, *, locked: bool
) -> str | None:
    """The login of a person who is not blocked; ``locked`` keeps it so until the commit."""
    login: str | None = await db.fetchval(
        _LOGIN_LOCKED if locked else _LOGIN,
        partner,
        person,
        realm,
    )
    return login


# Asked by a login page that knows no space: it has to find the one with this login.
async def spaces_of(db: Connection, realm: Realm, login: str, limit: int) -> list[str]:
    """Up to ``limit`` spaces of the realm that have a person with this login."""
    rows = await db.fetch(
        "select partner_id from identity.credentials"
        " where realm = $1 and login = $2 order by partner_id limit $3",
        realm,
        login,
        limit,
    )
    return [row["partner_id"] for row in rows]


async def set_blocked(db: Connection, partner: str, person: str, at: datetime | None) -> None:
    """Note since when the person is blocked; None: not at all."""
    await db.execute(
        "update identity.credentials set blocked_at = $3"
        " where partner_id = $1 and person_id = $2"
        " and (blocked_at is null) is distinct from ($3::timestamptz is null)",
        partner,
        person,
        at,
    )
