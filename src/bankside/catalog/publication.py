"""Publishing: the database's present state, compiled, signed, stored and announced.

Always true: versions count up by one without gaps; publishing equal content twice makes one
version; an edge that missed the announcement finds the newest version by asking.
"""

from dataclasses import dataclass, replace

from bankside.catalog import store
from bankside.catalog.compiling import Runnable, compile_snapshot
from bankside.catalog.errors import ProductUnknown
from bankside.catalog.model import Catalogue
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
    return compile_snapshot(
        catalogue,
        await snapshot_view(db, clock),
        runnable,
        version=0,
        built_at=int(clock.now().timestamp()),
        offline=await store.offline_products(db),
    )


async def latest_snapshot(db: Connection) -> tuple[int, bytes] | None:
    """Version and blob of the newest snapshot, None before the first publication."""
    return await store.newest_blob(db)


async def take_offline(
    db: Connection, clock: Clock, catalogue: Catalogue, product: str, *, reason: str
) -> None:
    """The product's routes answer ``product.not_available`` from the next publication on."""
    _known(catalogue, product)
    await store.set_state(db, product, state="offline", reason=reason, at=clock.now())


async def put_live(
    db: Connection, clock: Clock, catalogue: Catalogue, product: str, *, reason: str
) -> None:
    """The product answers again from the next publication on."""
    _known(catalogue, product)
    await store.set_state(db, product, state="live", reason=reason, at=clock.now())


async def offline_products(db: Connection) -> list[str]:
    """The products that are offline, sorted."""
    return await store.offline_products(db)


def _known(catalogue: Catalogue, product: str) -> None:
    if product not in catalogue.products:
        raise ProductUnknown(f"the catalogue has no product {product}")
