"""New contracts: who holds a product on its way out keeps it, nobody new gets it."""

import re
from pathlib import Path

import pytest
from tests.catalog.lifecycle.world import FIRST, SCAN, WORLD, Desk, a_new_product
from tests.partners.builders import a_partner, an_app

from bankside import catalog, partners
from bankside.catalog import ProductClosed, lifecycle
from bankside.partners import PartnerApp

NEXT = "merchant.checkout-payments"
SOURCES = Path(catalog.__file__).parents[1]


async def _an_app(desk: Desk) -> PartnerApp:
    return await an_app(desk.db, desk.clock, await a_partner(desk.db, desk.clock))


async def _gets(desk: Desk, app: PartnerApp, *products: str) -> list[str]:
    return await catalog.subscribe(desk.db, desk.clock, WORLD.catalogue, app, products)


async def _held(desk: Desk, app: PartnerApp) -> list[str]:
    return await partners.list_subscriptions(desk.db, app.partner, app.id)


async def test_a_deprecated_product_takes_no_new_contract_and_nothing_else_is_added(
    desk: Desk,
) -> None:
    app = await _an_app(desk)
    await desk.both("deprecated", successor=NEXT)

    with pytest.raises(ProductClosed, match=re.escape(SCAN)) as refused:
        await _gets(desk, app, NEXT, SCAN)

    assert (refused.value.status, refused.value.code) == (409, "product.no_new_contracts")
    assert await _held(desk, app) == []
    assert await _gets(desk, app, NEXT) == [NEXT]


async def test_who_holds_a_deprecated_product_keeps_it_and_may_get_others(desk: Desk) -> None:
    app = await _an_app(desk)
    await _gets(desk, app, SCAN)
    await desk.both("deprecated", successor=NEXT)

    assert await _gets(desk, app, SCAN) == []
    assert await _gets(desk, app, SCAN, NEXT) == [NEXT]
    assert await _held(desk, app) == [NEXT, SCAN]


async def test_a_deprecated_product_that_came_back_takes_contracts_again(desk: Desk) -> None:
    app = await _an_app(desk)
    await desk.both("deprecated", successor=NEXT)
    await desk.both("live")

    assert await _gets(desk, app, SCAN) == [SCAN]


async def test_an_offline_product_takes_no_new_contract(desk: Desk) -> None:
    app = await _an_app(desk)
    await desk.both("deprecated", successor=NEXT, notice_days=1)
    desk.later(days=40)
    await desk.both("offline")

    with pytest.raises(ProductClosed):
        await _gets(desk, app, SCAN)


async def test_a_stopped_product_takes_contracts(desk: Desk) -> None:
    app = await _an_app(desk)
    await lifecycle.suspend(desk.db, desk.clock, WORLD.catalogue, FIRST, SCAN, reason="a fault")

    assert await _gets(desk, app, SCAN) == [SCAN]


async def test_a_whole_shelf_is_what_may_be_got_and_what_is_held(desk: Desk) -> None:
    held, new = await _an_app(desk), await _an_app(desk)
    await _gets(desk, held, SCAN)
    await desk.to_sandbox(a_new_product())
    await desk.both("deprecated", successor=NEXT)

    async def shelf(app: PartnerApp) -> set[str]:
        every = WORLD.catalogue.products
        return set(await catalog.open_to(desk.db, WORLD.catalogue, app, every))

    assert await shelf(held) == set(WORLD.catalogue.products)
    assert await shelf(new) == set(WORLD.catalogue.products) - {SCAN}


def test_every_door_of_the_platform_to_a_contract_is_this_one() -> None:
    """`partners.subscribe` knows no states: nothing but the catalogue's own door may call it."""
    callers = {
        str(file.relative_to(SOURCES))
        for file in SOURCES.rglob("*.py")
        if re.search(
            r"from bankside\.partners(\.apps\S*)? import (\([^)]*|[^(\n]*)\bsubscribe\b",
            file.read_text("utf-8"),
        )
        or "partners.subscribe(" in file.read_text("utf-8")
    }

    assert callers == {
        "catalog/subscribing.py", "partners/__init__.py", "partners/apps/__init__.py",
    }  # fmt: skip
