"""SQL of the platform keys slice. These rows are the bank's own: no partner scope applies."""

from datetime import datetime

from bankside.kernel.db import Connection, Row
from bankside.partners.platform_keys.model import PlatformKey

_COLUMNS = (
    "key_id, wire, alg, public_der, sealed_private, fingerprint, is_default, created_at, retired_at"
)


async def insert(db: Connection, key: PlatformKey) -> bool:
    """Store a key; False when the id is taken."""
    row = await db.fetchrow(
        "insert into partners.platform_keys"
        " (key_id, wire, alg, public_der, sealed_private, fingerprint, is_default, created_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)"
        " on conflict (key_id) do nothing returning key_id",
        key.id,
        key.wire,
        key.alg,
        key.public_der,
        key.sealed,
        key.fingerprint,
        key.is_default,
        key.created_at,
    )
    return row is not None


async def find(db: Connection, key_id: str) -> PlatformKey | None:
    """The key with this id."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from partners.platform_keys"  # noqa: S608 - constant column list
        " where key_id = $1",
        key_id,
    )
    return _key(row) if row else None


async def every(db: Connection) -> list[PlatformKey]:
    """All keys of the bank, oldest first."""
    rows = await db.fetch(
        f"select {_COLUMNS} from partners.platform_keys"  # noqa: S608 - constant column list
        " order by created_at, key_id"
    )
    return [_key(row) for row in rows]


async def has_fingerprint(db: Connection, fingerprint: bytes) -> bool:
    """Whether a key of the bank, retired or not, has this public part."""
    found: bool = await db.fetchval(
        "select exists (select from partners.platform_keys where fingerprint = $1)", fingerprint
    )
    return found


async def set_default(db: Connection, key: PlatformKey) -> None:
    """The wire's other keys stop being its default, then this one is."""
    await db.execute(
        "update partners.platform_keys set is_default = false where wire = $1 and is_default",
        key.wire,
    )
    await db.execute(
        "update partners.platform_keys set is_default = true where key_id = $1", key.id
    )


async def retire(db: Connection, key_id: str, at: datetime) -> None:
    """The key signs nothing after ``at``."""
    await db.execute(
        "update partners.platform_keys set retired_at = $2 where key_id = $1", key_id, at
    )


async def lock(db: Connection) -> None:
    """Changes of the bank's keys happen one after another, until the transaction ends."""
    await db.execute("lock table partners.platform_keys in share row exclusive mode")


def _key(row: Row) -> PlatformKey:
    return PlatformKey(
        id=row["key_id"],
        wire=row["wire"],
        alg=row["alg"],
        public_der=row["public_der"],
        sealed=row["sealed_private"],
        fingerprint=row["fingerprint"],
        is_default=row["is_default"],
        created_at=row["created_at"],
        retired_at=row["retired_at"],
    )
