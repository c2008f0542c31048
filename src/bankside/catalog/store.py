"""SQL of the catalogue: compiled snapshots."""

from collections.abc import Collection
from datetime import datetime

from bankside.kernel.db import Connection

# NOTIFY carries the version alone: a payload ends at 8,000 bytes, a snapshot does not.
CHANNEL = "bankside_snapshot"
# What a slow edge may still ask for; older blobs are only weight.
SNAPSHOTS_KEPT = 20


async def lock_publication(db: Connection) -> None:
    """One publication at a time, until the transaction ends."""
    await db.execute("select pg_advisory_xact_lock(hashtext('catalog.snapshots'))")


async def newest(db: Connection) -> tuple[int, bytes] | None:
    """Version and content hash of the newest snapshot."""
    row = await db.fetchrow(
        "select version, content_hash from catalog.snapshots order by version desc limit 1"
    )
    return (row["version"], row["content_hash"]) if row else None


async def newest_blob(db: Connection) -> tuple[int, bytes] | None:
    """Version and blob of the newest snapshot."""
    row = await db.fetchrow(
        "select version, blob from catalog.snapshots order by version desc limit 1"
    )
    return (row["version"], row["blob"]) if row else None


async def insert_snapshot(
    db: Connection, version: int, *, built_at: datetime, content_hash: bytes, blob: bytes
) -> None:
    """Store a snapshot, drop the ones nobody asks for, tell the edges when this commits."""
    await db.execute(
        "insert into catalog.snapshots (version, built_at, content_hash, blob)"
        " values ($1, $2, $3, $4)",
        version,
        built_at,
        content_hash,
        blob,
    )
    await db.execute("delete from catalog.snapshots where version <= $1", version - SNAPSHOTS_KEPT)
    await db.execute("select pg_notify($1, $2)", CHANNEL, str(version))


async def proving_spaces(db: Connection, products: Collection[str]) -> frozenset[str]:
    """Every data space in which a version of these products was ever proven: nobody's use."""
    rows = await db.fetch(
        "select space_id from catalog.proving_grounds where product_id = any($1::text[])",
        sorted(products),
    )
    return frozenset(row["space_id"] for row in rows)
