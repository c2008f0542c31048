"""Publishing: what the database says now, compiled, signed, stored and announced."""

import asyncio

import asyncpg
from tests.partners.builders import VAULT, a_key, a_partner, an_app

from bankside import catalog, partners
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, transaction
from bankside.kernel.signing import Signer, Verifier, generate, public_der, signer, verifier
from bankside.kernel.snapshot import Snapshot, decode

PRIVATE = generate("ed25519")
SIGN: Signer = signer("ed25519", PRIVATE)
VERIFY: Verifier = verifier("ed25519", public_der(PRIVATE))


def only_scan_payments(product: catalog.Product, _: catalog.ProductOperation) -> bool:
    return product.id in ("merchant.scan-payments", "platform")


async def published(pool: Pool, clock: FixedClock) -> Snapshot:
    await catalog.publish(pool, clock, catalog.load(), only_scan_payments, SIGN)
    async with transaction(pool) as db:
        found = await catalog.latest_snapshot(db)
    assert found is not None
    snapshot = decode(found[1], VERIFY)
    assert snapshot.version == found[0]
    return snapshot


async def test_a_registered_app_is_in_the_next_snapshot_with_its_products_scopes(
    fresh_pool: Pool, clock: FixedClock
) -> None:
    async with transaction(fresh_pool) as db:
        await partners.ensure_platform_keys(db, clock, VAULT)
        partner = await a_partner(db, clock)
        app = await an_app(db, clock, partner)
        await partners.register_key(db, clock, VAULT, partner.id, app.id, a_key())
        products = ["merchant.scan-payments", "payment.internal-transfers", "no.such-product"]
        await partners.subscribe(db, clock, partner.id, app.id, products)

    snapshot = await published(fresh_pool, clock)

    compiled = snapshot.apps[app.id]
    assert compiled.products == {
        "merchant.scan-payments",
        "payment.internal-transfers",
        "platform",
        "open-banking",
    }
    assert compiled.scopes == {"collections:write", "payments:write"}
    assert set(snapshot.default_answer_keys) == {"native", "icbc", "alipay", "alipay3"}


async def test_every_route_is_in_the_snapshot_and_only_what_runs_is_available(
    fresh_pool: Pool, clock: FixedClock
) -> None:
    operations = (await published(fresh_pool, clock)).operations

    assert set(operations) == set(catalog.load().operations)
    running = {each.product for each in operations.values() if each.available}
    assert running == {"merchant.scan-payments", "platform"}
    cloud = operations["cloud.education-cloud.schools-create"]
    assert (cloud.available, cloud.method) == (False, "POST")


async def test_equal_content_is_published_once(fresh_pool: Pool, clock: FixedClock) -> None:
    arguments = (fresh_pool, clock, catalog.load(), only_scan_payments, SIGN)
    first = await catalog.publish(*arguments)
    again = await catalog.publish(*arguments)
    async with transaction(fresh_pool) as db:
        await a_partner(db, clock)
        app = await an_app(db, clock, await a_partner(db, clock))
    changed = await catalog.publish(*arguments)

    assert (first.version, first.is_new) == (1, True)
    assert (again.version, again.is_new) == (1, False)
    assert (changed.version, changed.is_new) == (2, True)
    assert app.id in (await published(fresh_pool, clock)).apps


async def test_an_edge_that_listens_hears_each_new_version(
    fresh_pool: Pool, fresh_url: str, clock: FixedClock
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    listener = await asyncpg.connect(fresh_url)
    await listener.add_listener(catalog.CHANNEL, lambda *call: heard.put_nowait(call[3]))

    await published(fresh_pool, clock)
    async with transaction(fresh_pool) as db:
        await an_app(db, clock, await a_partner(db, clock))
    await published(fresh_pool, clock)

    async with asyncio.timeout(5):
        assert [await heard.get(), await heard.get()] == ["1", "2"]
    await listener.close()


async def test_racing_publishers_make_versions_without_gap_or_double(
    fresh_pool: Pool, clock: FixedClock
) -> None:
    async def change_and_publish() -> int:
        async with transaction(fresh_pool) as db:
            await an_app(db, clock, await a_partner(db, clock))
        arguments = (fresh_pool, clock, catalog.load(), only_scan_payments, SIGN)
        return (await catalog.publish(*arguments)).version

    versions = await asyncio.gather(*(change_and_publish() for _ in range(6)))

    assert set(versions) <= set(range(1, 7))
    snapshot = await published(fresh_pool, clock)
    assert len(snapshot.apps) == 6
    assert snapshot.version == max(versions)


async def test_only_the_newest_snapshots_are_kept(fresh_pool: Pool, clock: FixedClock) -> None:
    for _ in range(23):
        async with transaction(fresh_pool) as db:
            await an_app(db, clock, await a_partner(db, clock))
        await catalog.publish(fresh_pool, clock, catalog.load(), only_scan_payments, SIGN)

    async with transaction(fresh_pool) as db:
        kept = await db.fetch("select version from catalog.snapshots order by 1")
    assert [row["version"] for row in kept] == list(range(4, 24))
