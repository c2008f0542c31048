"""The addresses of the operator's pages, below those of the staff."""

from typing import Any

from litestar import get, post
from litestar.params import FromPath

from bankside.console.entry import (
    AnyRequest,
    AnyResponse,
    Place,
    RealmPages,
    Visit,
    guarded,
    login_routes,
    visit,
)
from bankside.console.operator import pages as shown
from bankside.console.operator.studio import Studio
from bankside.identity.realms import Realm


def routes(pages: RealmPages, studio: Studio) -> Any:
    """All pages of the studio."""
    pages = pages.of(Realm.STAFF)
    base = f"{pages.base}/products"

    async def at_products(request: AnyRequest) -> tuple[Visit, Place]:
        return await visit(pages, request), Place(base, base)

    @get(base)
    async def products(request: AnyRequest) -> AnyResponse:
        return await shown.products(await visit(pages, request), studio)

    @get(f"{base}/{{product_id:str}}")
    async def product(request: AnyRequest, product_id: FromPath[str]) -> AnyResponse:
        return await shown.product(await visit(pages, request), studio, product_id)

    @post(f"{base}/{{product_id:str}}/moves", status_code=303)
    async def move(request: AnyRequest, product_id: FromPath[str]) -> AnyResponse:
        return await shown.move(await visit(pages, request), studio, product_id)

    @post(f"{base}/{{product_id:str}}/checks", status_code=303)
    async def vouch(request: AnyRequest, product_id: FromPath[str]) -> AnyResponse:
        return await shown.vouch(await visit(pages, request), studio, product_id)

    @post(f"{base}/{{product_id:str}}/suspension", status_code=303)
    async def stop(request: AnyRequest, product_id: FromPath[str]) -> AnyResponse:
        return await shown.stop(await visit(pages, request), studio, product_id)

    @get([f"{base}/{{product_id:str}}/{each}" for each in ("moves", "checks", "suspension")])
    async def again(request: AnyRequest, product_id: FromPath[str]) -> AnyResponse:
        """Where a reload or another language of a refused change leads."""
        return (await visit(pages, request)).sent_to(f"{base}/{product_id}")

    return guarded(
        pages,
        [products, product, move, vouch, stop, again, *login_routes(base, at_products)],
    )
