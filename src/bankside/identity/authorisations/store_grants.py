"""SQL of grants; every question takes the partner."""

import json
from datetime import datetime

from bankside.identity.authorisations.model import Grant
from bankside.kernel.db import Connection, Row

_COLUMNS = (
    "partner_id, grant_id, client_id, subject, scopes, authorization_details, auth_time, amr,"
    " created_at, expires_at"
)


async def insert(db: Connection, grant: Grant) -> None:
    """Store a new grant."""
    await db.execute(
        f"insert into identity.grants ({_COLUMNS})"  # noqa: S608 - constant column list
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        grant.partner,
        grant.id,
        grant.client_id,
        grant.subject,
        grant.scopes,
        json.dumps(grant.details),
        grant.auth_time,
        grant.amr,
        grant.created_at,
        grant.expires_at,
    )


async def find(db: Connection, partner: str, grant_id: str) -> Grant | None:
    """The partner's grant."""
    row = await db.fetchrow(
        f"select {_COLUMNS}, revoked_at from identity.grants"  # noqa: S608 - constant column list
        " where partner_id = $1 and grant_id = $2",
        partner,
        grant_id,
    )
    return _grant(row) if row else None


async def revoke(db: Connection, partner: str, grant_id: str, at: datetime) -> int | None:
    """The grant ends now; its new version, None when it had ended or does not exist."""
    version: int | None = await db.fetchval(
        "update identity.grants set revoked_at = $3, version = version + 1"
        " where partner_id = $1 and grant_id = $2 and revoked_at is null returning version",
        partner,
        grant_id,
        at,
    )
    return version


def _grant(row: Row) -> Grant:
    return Grant(
        partner=row["partner_id"],
        id=row["grant_id"],
        client_id=row["client_id"],
        subject=row["subject"],
        scopes=tuple(row["scopes"]),
        details=tuple(json.loads(row["authorization_details"])),
        auth_time=row["auth_time"],
        amr=tuple(row["amr"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )
