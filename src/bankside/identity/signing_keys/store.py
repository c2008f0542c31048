"""SQL of the signing keys. The bank's own: no partner scope applies."""

import json
from datetime import datetime

from bankside.identity.signing_keys.model import SigningKey
from bankside.kernel.db import Connection


async def lock(db: Connection) -> None:
    """Changes of the keys happen one after another, until the transaction ends."""
    await db.execute("lock table identity.signing_keys in share row exclusive mode")


async def every(db: Connection) -> list[SigningKey]:
    """All keys, oldest first."""
    rows = await db.fetch(
        "select kid, public_jwk, sealed_private, status, created_at, retired_at"
        " from identity.signing_keys order by created_at, kid"
    )
    return [
        SigningKey(
            kid=row["kid"],
            public_jwk=json.loads(row["public_jwk"]),
            sealed=row["sealed_private"],
            status=row["status"],
            created_at=row["created_at"],
            retired_at=row["retired_at"],
        )
        for row in rows
    ]


async def insert(db: Connection, key: SigningKey) -> None:
    """Store a key."""
    await db.execute(
        "insert into identity.signing_keys (kid, public_jwk, sealed_private, status, created_at)"
        " values ($1, $2, $3, $4, $5)",
        key.kid,
        json.dumps(key.public_jwk),
        key.sealed,
        key.status,
        key.created_at,
    )


async def retire_active(db: Connection, at: datetime) -> None:
    """The active key signs nothing after ``at``."""
    await db.execute(
        "update identity.signing_keys set status = 'retired', retired_at = $1"
        " where status = 'active'",
        at,
    )


async def promote_next(db: Connection) -> None:
    """The next key is the active one."""
    await db.execute("update identity.signing_keys set status = 'active' where status = 'next'")
