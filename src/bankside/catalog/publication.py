"""Publishing: the database's present state, compiled, signed, stored and announced.

Always true: versions count up by one without gaps; publishing equal content twice makes one
version; an edge that missed the announcement finds the newest version by asking.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bankside.catalog import lifecycle, store
from bankside.catalog.compiling import Runnable, compile_snapshot
from bankside.catalog.imports import upstreams_of
from bankside.catalog.lifecycle import ProductVersion, State
from bankside.catalog.model import Catalogue
from bankside.catalog.standing import Standing, standing_of
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection, Pool, transaction
from bankside.kernel.signing import Signer
from bankside.kernel.snapshot import Snapshot, content_hash, encode
from bankside.partners import snapshot_view


@dataclass(frozen=True, slots=True)
class Publication:
    """What came of publishing: the newest version, and whether this call made it."""

    version: int
    is_new: bool


async def publish(
    pool: Pool, clock: Clock, catalogue: Catalogue, runnable: Runnable, signer: Signer
) -> Publication:
    """The newest snapshot says what the database says now; edges are notified when it is new.

    ``signer`` is the Ed25519 signer of the bank's key for wire ``snapshot``.
    """
    async with transaction(pool) as db:
        await store.lock_publication(db)
        snapshot = await compiled(db, clock, catalogue, runnable)
        newest = await store.newest(db)
        version = newest[0] + 1 if newest else 1
        blob = encode(replace(snapshot, version=version), signer)
        content = content_hash(blob)
        if newest and newest[1] == content:
            return Publication(newest[0], is_new=False)
        await store.insert_snapshot(
            db, version, built_at=clock.now(), content_hash=content, blob=blob
        )
    return Publication(version, is_new=True)


async def compiled(
    db: Connection, clock: Clock, catalogue: Catalogue, runnable: Runnable
) -> Snapshot:
    """The snapshot of this transaction, not yet numbered (version 0) and stored nowhere."""
    snapshot = compile_snapshot(
        catalogue,
        await snapshot_view(db, clock),
        runnable,
        version=0,
        built_at=int(clock.now().timestamp()),
        standing=await standing_now(db, catalogue),
    )
    return replace(snapshot, upstreams=await upstreams_of(db, _forwarded(snapshot)))


def _forwarded(snapshot: Snapshot) -> Iterator[str]:
    """What operations are forwarded to, also those of versions on trial."""
    for each in snapshot.operations.values():
        yield each.upstream
        if each.stage is not None and each.stage.newer is not None:
            yield each.stage.newer.upstream


async def latest_snapshot(db: Connection) -> tuple[int, bytes] | None:
    """Version and blob of the newest snapshot, None before the first publication."""
    return await store.newest_blob(db)


async def standing_now(db: Connection, catalogue: Catalogue) -> Standing:
    """Which versions callers meet, as of this transaction.

    A version that is proven just now is open to the ground of its proof, whoever else may try it.
    """
    grounds = await lifecycle.open_grounds(db)
    versions = [
        _open_to_proof(each, [ground for ground in grounds if ground.product == each.product])
        for each in await lifecycle.versions(db)
    ]
    return standing_of(catalogue, versions, await lifecycle.suspensions(db))


def _open_to_proof(version: ProductVersion, grounds: Sequence[lifecycle.Ground]) -> ProductVersion:
    named = version.pilots or version.state is State.CANARY
    spaces = tuple(each.space for each in grounds if each.version == version.version)
    return replace(version, pilots=(*version.pilots, *spaces)) if named and spaces else version
