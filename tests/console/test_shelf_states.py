"""The shelf and the public document say how a product stands: ends, withdrawals, what joined."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from httpx import ASGITransport, AsyncClient
from tests.catalog.imports.test_importing import in_sandbox
from tests.catalog.lifecycle.world import FIRST, SCAN, WORLD, Desk, a_new_product

from bankside import catalog
from bankside.catalog import lifecycle
from bankside.console import Site, build
from bankside.console.texts import LANGUAGES, text
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, open_pool, transaction
from bankside.orders import Orders

NEXT = "merchant.checkout-payments"
NEW = "payment.tip-payments"
OPERATION = ("/v1/scan-payments", "post")


def _site(pool: Pool, clock: FixedClock) -> AsyncClient:
    application = build(
        Site(
            catalogue=WORLD.catalogue,
            runnable=Orders.runnable,
            pool=pool,
            clock=clock,
            first_call="",
            demo_file="",
            openapi=lambda shown: catalog.openapi(shown, Orders.runnable, Orders.refusals),
            exposition=lambda: b"",
        )
    )
    transport = ASGITransport(app=application)  # type: ignore[arg-type]
    return AsyncClient(transport=transport, base_url="http://web", headers={"accept": "text/html"})


@pytest.fixture
async def site(fresh_pool: Pool, clock: FixedClock) -> AsyncIterator[AsyncClient]:
    async with _site(fresh_pool, clock) as client:
        yield client


async def _staff(pool: Pool, clock: FixedClock, work: Callable[[Desk], Awaitable[object]]) -> None:
    async with transaction(pool) as db:
        await work(Desk(db, clock))


async def _ends(desk: Desk) -> None:
    await desk.both("deprecated", successor=NEXT, notice_days=1)


async def _gone(desk: Desk) -> None:
    await _ends(desk)
    desk.later(days=40)
    await desk.both("offline")


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_a_product_on_its_way_out_says_so_with_its_day_and_its_successor(
    site: AsyncClient, fresh_pool: Pool, clock: FixedClock, lang: str
) -> None:
    await _staff(fresh_pool, clock, _ends)

    page = await site.get(f"/products/{SCAN}?lang={lang}")
    shelf = await site.get(f"/shelf/merchant?lang={lang}")
    paths = (await site.get("/openapi.json")).json()["paths"]

    assert text(lang, "product.deprecated.why", sunset="2026-03-03") in page.text  # type: ignore[arg-type]
    assert f'href="/products/{NEXT}"' in page.text
    assert text(lang, "product.deprecated") in shelf.text  # type: ignore[arg-type]
    node = paths[OPERATION[0]][OPERATION[1]]
    assert (node["deprecated"], node["x-bankside-state"]) == (True, "deprecated")
    assert (node["x-bankside-sunset"], node["x-bankside-successor"]) == ("2026-03-03", NEXT)
    others = [each for item in paths.values() for each in item.values() if "deprecated" in each]
    assert {each["x-bankside-product"] for each in others} == {SCAN}


async def test_a_withdrawn_product_leaves_shelf_search_and_document_and_its_page_says_so(
    site: AsyncClient, fresh_pool: Pool, clock: FixedClock
) -> None:
    before = (await site.get("/openapi.json")).json()["paths"]
    await _staff(fresh_pool, clock, _gone)

    page = await site.get(f"/products/{SCAN}?lang=en")
    lists = [await site.get(each) for each in ("/shelf/merchant", f"/shelf?q={SCAN}")]
    after = (await site.get("/openapi.json")).json()["paths"]

    assert page.status_code == 200
    assert "410 product.offline" in page.text
    assert f'href="/products/{NEXT}"' in page.text
    assert all(f'href="/products/{SCAN}"' not in each.text for each in lists)
    assert OPERATION[0] in before
    assert OPERATION[0] not in after
    assert "scan-payments" not in " ".join(after)


async def test_a_stopped_product_says_so_and_runs_again_after_it(
    site: AsyncClient, fresh_pool: Pool, clock: FixedClock
) -> None:
    async def stop(desk: Desk) -> None:
        await lifecycle.suspend(desk.db, clock, WORLD.catalogue, FIRST, SCAN, reason="a fault")

    async def resume(desk: Desk) -> None:
        await lifecycle.resume(desk.db, clock, FIRST, SCAN, reason="mended")

    await _staff(fresh_pool, clock, stop)
    stopped = await site.get(f"/products/{SCAN}?lang=en")
    await _staff(fresh_pool, clock, resume)
    again = await site.get(f"/products/{SCAN}?lang=en")

    assert "503 product.suspended" in stopped.text
    assert "503 product.suspended" not in again.text


async def test_a_product_on_trial_has_no_card_and_is_in_no_public_document(
    site: AsyncClient, fresh_pool: Pool, clock: FixedClock
) -> None:
    await _staff(fresh_pool, clock, lambda desk: desk.to_sandbox(a_new_product()))

    page = await site.get(f"/products/{NEW}")
    document = (await site.get("/openapi.json")).json()

    assert page.status_code == 404
    assert "/v1/tip-payments" not in document["paths"]


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_an_imported_live_product_stands_on_the_shelf_and_in_the_document(
    site: AsyncClient, fresh_pool: Pool, clock: FixedClock, lang: str
) -> None:
    await _staff(fresh_pool, clock, in_sandbox)
    hidden = await site.get("/products/imported.tips")
    # The gates of the way to live have their own tests; here it stands there.
    async with transaction(fresh_pool) as db:
        await db.execute(
            "update catalog.product_versions set state = 'live', revision = revision + 1"
            " where product_id = 'imported.tips'"
        )

    home = await site.get(f"/?lang={lang}")
    shelf = await site.get(f"/shelf/imported?lang={lang}")
    page = await site.get(f"/products/imported.tips?lang={lang}")
    paths = (await site.get("/openapi.json")).json()["paths"]

    assert hidden.status_code == 404
    assert 'href="/shelf/imported"' in home.text
    assert 'href="/products/imported.tips"' in shelf.text
    assert text(lang, "product.tier.imported") in shelf.text  # type: ignore[arg-type]
    assert "/v1/tips/{id}" in page.text
    assert text(lang, "product.set_behind") in page.text  # type: ignore[arg-type]
    assert paths["/v1/tips"]["post"]["x-bankside-availability"] == "available"


async def test_without_a_database_the_shelf_is_what_was_known_last(
    fresh_url: str, clock: FixedClock
) -> None:
    pool = await open_pool(fresh_url, size=2)
    async with _site(pool, clock) as site:
        await _staff(pool, clock, _ends)
        known = await site.get(f"/products/{SCAN}?lang=en")
        await pool.close()

        shown = await site.get(f"/products/{SCAN}?lang=en")

    assert shown.status_code == 200
    assert shown.text == known.text
