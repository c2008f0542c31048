"""SQL of access and refresh tokens."""

import json
from datetime import datetime

from bankside.identity.tokens.model import Access
from bankside.identity.values import Place
from bankside.kernel.db import Connection


async def insert_access(db: Connection, place: Place, access: Access) -> None:
    """Store an access token."""
    await db.execute(
        "insert into identity.access_tokens (slot, hash, partner_id, client_id, grant_id, scopes,"
        " authorization_details, jkt, issued_at, expires_at, x5t)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        place.slot,
        place.hash,
        access.partner,
        access.client_id,
        access.grant_id,
        access.scopes,
        json.dumps(access.details),
        access.jkt,
        access.issued_at,
        access.expires_at,
        access.x5t,
    )


async def find_access(db: Connection, place: Place, at: datetime) -> Access | None:
    """The token while it is good: not expired, not revoked, its grant alive."""
    row = await db.fetchrow(
        "select t.partner_id, t.client_id, t.grant_id, g.subject, t.scopes,"
        " t.authorization_details, t.jkt, t.issued_at, t.expires_at, t.x5t"
        " from identity.access_tokens t left join identity.grants g"
        " on g.partner_id = t.partner_id and g.grant_id = t.grant_id"
        " where t.slot = $1 and t.hash = $2 and t.revoked_at is null and t.expires_at > $3"
        " and (t.grant_id is null or (g.revoked_at is null and g.expires_at > $3))",
        place.slot,
        place.hash,
        at,
    )
    if row is None:
        return None
    return Access(
        partner=row["partner_id"],
        client_id=row["client_id"],
        grant_id=row["grant_id"],
        subject=row["subject"],
        scopes=tuple(row["scopes"]),
        details=tuple(json.loads(row["authorization_details"])),
        jkt=row["jkt"],
        issued_at=row["issued_at"],
        expires_at=row["expires_at"],
        x5t=row["x5t"],
    )


async def revoke_access(
    db: Connection, client: tuple[str, str], place: Place, at: datetime
) -> None:
    """The client's access token is dead; ``client`` is (partner, id)."""
    await db.execute(
        "update identity.access_tokens set revoked_at = $5 where partner_id = $1"
        " and client_id = $2 and slot = $3 and hash = $4 and revoked_at is null",
        *client,
        place.slot,
        place.hash,
        at,
    )


async def revoke_of_client(db: Connection, client: tuple[str, str], at: datetime) -> None:
    """All access tokens of the client (partner, id) are dead."""
    await db.execute(
        "update identity.access_tokens set revoked_at = $3 where partner_id = $1"
        " and client_id = $2 and revoked_at is null and expires_at > $3",
        *client,
        at,
    )


async def live_grants(db: Connection, partner: str, subject: str, at: datetime) -> list[str]:
    """Ids of the grants of a customer that tokens can still stand on."""
    rows = await db.fetch(
        "select grant_id from identity.grants where partner_id = $1 and subject = $2"
        " and revoked_at is null and expires_at > $3 order by grant_id",
        partner,
        subject,
        at,
    )
    return [row["grant_id"] for row in rows]


async def insert_refresh(
    db: Connection,
    client: tuple[str, str],
    place: Place,
    grant_id: str,
    *,
    at: datetime,
    until: datetime,
) -> None:
    """Store a refresh token; ``client`` is (partner, id)."""
    await db.execute(
        "insert into identity.refresh_tokens"
        " (partner_id, client_id, hash, grant_id, created_at, expires_at)"
        " values ($1, $2, $3, $4, $5, $6)",
        *client,
        place.hash,
        grant_id,
        at,
        until,
    )


async def hold_refresh(
    db: Connection, client: tuple[str, str], place: Place, at: datetime
) -> tuple[str, datetime] | None:
    """(grant id, creation) of the client's good refresh token.

    It cannot be revoked until the transaction ends, so a revocation finds every token it bore;
    parallel refreshes do not wait for each other.
    """
    row = await db.fetchrow(
        "select grant_id, created_at from identity.refresh_tokens where partner_id = $1"
        " and client_id = $2 and hash = $3 and revoked_at is null and expires_at > $4 for share",
        *client,
        place.hash,
        at,
    )
    return (row["grant_id"], row["created_at"]) if row else None


async def revoke_refresh(
    db: Connection, client: tuple[str, str], place: Place, at: datetime
) -> None:
    """The client's refresh token is dead, and so are the access tokens of its grant."""
    grant_id = await db.fetchval(
        "update identity.refresh_tokens set revoked_at = $4 where partner_id = $1"
        " and client_id = $2 and hash = $3 and revoked_at is null returning grant_id",
        *client,
        place.hash,
        at,
    )
    if grant_id is not None:
        await db.execute(
            "update identity.access_tokens set revoked_at = $3"
            " where partner_id = $1 and grant_id = $2 and revoked_at is null",
            client[0],
            grant_id,
            at,
        )


async def delete_refresh(db: Connection, before: datetime, limit: int) -> int:
    """Remove refresh tokens that ended before an instant, at most ``limit``; how many went."""
    # tidy: scope - housekeeping over all partners, by age alone
    rows = await db.fetch(
        "delete from identity.refresh_tokens where ctid in (select ctid from"
        " identity.refresh_tokens where expires_at < $1 order by expires_at limit $2)"
        " returning 1",
        before,
        limit,
    )
    return len(rows)


async def clear_slot(db: Connection, kind: str, slot: int) -> bool:
    """Empty one partition of a table of single-use values; whether it held any."""
    cleared: bool = await db.fetchval("select identity.clear_slot($1, $2)", kind, slot)
    return cleared
