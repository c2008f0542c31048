"""SQL of the credentials slice; every question takes the data space."""

from datetime import datetime

from bankside.kernel.db import Connection


async def put(
    db: Connection, partner: str, customer: str, login: str, *, password_hash: str, at: datetime
) -> None:
    """Store or replace a customer's login and hash; the key ``credentials_login`` guards it."""
    await db.execute(
        "insert into identity.credentials"
        " (partner_id, customer_id, login, password_hash, changed_at)"
        " values ($1, $2, $3, $4, $5) on conflict (partner_id, customer_id) do update"
        " set login = $3, password_hash = $4, changed_at = $5",
        partner,
        customer,
        login,
        password_hash,
        at,
    )


async def hash_of(db: Connection, partner: str, login: str) -> tuple[str, str] | None:
    """The customer and the password hash of a login."""
    row = await db.fetchrow(
        "select customer_id, password_hash from identity.credentials"
        " where partner_id = $1 and login = $2",
        partner,
        login,
    )
    return (row["customer_id"], row["password_hash"]) if row else None


async def login_of(db: Connection, partner: str, customer: str) -> str | None:
    """The login of a customer."""
    login: str | None = await db.fetchval(
        "select login from identity.credentials where partner_id = $1 and customer_id = $2",
        partner,
        customer,
    )
    return login


# Asked by a login page that knows no data space: it has to find the one with this login.
async def spaces_of(db: Connection, login: str, limit: int) -> list[str]:
    """Up to ``limit`` data spaces that have a customer with this login."""
    rows = await db.fetch(
        "select partner_id from identity.credentials where login = $1 order by partner_id limit $2",
        login,
        limit,
    )
    return [row["partner_id"] for row in rows]
