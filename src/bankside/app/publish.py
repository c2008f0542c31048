"""Compiling and publishing the snapshot, and the key edges check it by."""

import os
from functools import cache
from pathlib import Path

from bankside.catalog import Catalogue, load, publish
from bankside.kernel.clock import Clock
from bankside.kernel.db import Pool, transaction
from bankside.kernel.secrets import Vault
from bankside.kernel.signing import Verifier, signer, verifier
from bankside.kernel.snapshot import Snapshot, decode
from bankside.orders import Orders
from bankside.partners import ensure_platform_keys, private_key

SNAPSHOT_WIRE = "snapshot"
SNAPSHOT_ALG = "ed25519"
# PostgreSQL channel on which a new version number is announced.
CHANNEL = "bankside_snapshot"


@cache
def catalogue() -> Catalogue:
    """The definitions, read once a process."""
    return load()


async def publish_snapshot(home: Path, pool: Pool, clock: Clock) -> int:
    """The newest snapshot says what the database says now; returns its version."""
    vault = Vault.at(home)
    async with transaction(pool) as db:
        keys = await ensure_platform_keys(db, clock, vault)
    key = next(each for each in keys if each.wire == SNAPSHOT_WIRE and each.is_default)
    _keep_public(home, key.public_der)
    sign = signer(SNAPSHOT_ALG, private_key(vault, key))
    publication = await publish(pool, clock, catalogue(), Orders.runnable, sign)
    return publication.version


def snapshot_verifier(home: Path) -> Verifier:
    """The verifier of this installation's snapshots; on disk, so that no database is needed."""
    return verifier(SNAPSHOT_ALG, (home / "keys" / "snapshot.der").read_bytes())


def kept_snapshot(home: Path) -> Snapshot | None:
    """The newest snapshot that an edge of this home put in force; None before the first."""
    blobs = sorted((home / "snapshot").glob("*.blob"), key=lambda each: each.stat().st_mtime_ns)
    return decode(blobs[-1].read_bytes(), snapshot_verifier(home)) if blobs else None


def _keep_public(home: Path, der: bytes) -> None:
    target = home / "keys" / "snapshot.der"
    if target.exists() and target.read_bytes() == der:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(f".{os.getpid()}")
    temporary.write_bytes(der)
    temporary.rename(target)
