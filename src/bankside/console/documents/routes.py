"""The documents, and the addresses where they stand."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from litestar import Response, get
from litestar.params import FromPath

from bankside.catalog import Catalogue, Display, ProductUnknown, display
from bankside.catalog.apis import selected
from bankside.console.entry import AnyRequest, AnyResponse, RealmPages, guarded, visit
from bankside.console.pages import SECURITY_HEADERS
from bankside.console.people.rights import caller_of, no_right
from bankside.console.stock import Describe
from bankside.identity.realms import Realm
from bankside.kernel.db import Connection, Pool
from bankside.kernel.ids import PartnerId
from bankside.partners import held_products

SEE_APPS = "app.read"
_ENDING = ".json"


class Documents:
    """Makes documents from the catalogue as it stands; the whole one is kept while it does."""

    def __init__(self, pool: Pool, shipped: Catalogue, describe: Describe) -> None:
        self._pool = pool
        self._shipped = shipped
        self._describe = describe
        self._whole: tuple[Any, Mapping[str, Any]] | None = None

    async def of(self, db: Connection, products: Collection[str], *, title: str) -> dict[str, Any]:
        """The document of these products; those that nobody meets are left out."""
        found = await display(db, self._shipped)
        if self._whole is None or self._whole[0] != found.marks:
            self._whole = found.marks, await asyncio.to_thread(self._told, found)
        return selected(dict(self._whole[1]), products, title=title)

    def _told(self, found: Display) -> Mapping[str, Any]:
        return found.told(dict(self._describe(found.standing.catalogue(self._shipped))))

    async def of_product(self, product: str) -> dict[str, Any]:
        """The document of one product. Raises ProductUnknown."""
        async with self._pool.acquire(timeout=2) as db:
            found = await self.of(db, {product}, title=product)
        if not found["paths"]:
            raise ProductUnknown(f"there is no product {product[:80]}")
        return found

    async def of_partner(self, partner: str) -> dict[str, Any]:
        """The document of all products that the partner's apps hold, and the platform's own."""
        async with self._pool.acquire(timeout=2) as db:
            held = await held_products(db, PartnerId(partner))
            own = {self._shipped.platform.id, self._shipped.open_banking.id}
            return await self.of(db, own | set(held), title=f"bankside for {partner}")


def routes(pages: RealmPages, documents: Documents) -> list[Any]:
    """The addresses of the documents."""
    partner_pages = pages.of(Realm.PARTNER)

    @get("/openapi/products/{name:str}")
    async def of_product(name: FromPath[str]) -> Response[bytes]:
        if not name.endswith(_ENDING):
            raise ProductUnknown(f"there is no document {name[:80]}")
        return _json(await documents.of_product(name.removesuffix(_ENDING)))

    @get(f"{partner_pages.base}/openapi.json")
    async def of_partner(request: AnyRequest) -> AnyResponse:
        arrived = await visit(partner_pages, request)
        caller = await caller_of(arrived)
        if caller is None:
            return arrived.sent_to(f"{partner_pages.base}/login")
        if not caller.may(SEE_APPS):
            return no_right(arrived, caller, SEE_APPS)
        return _json(await documents.of_partner(caller.person.partner))

    return [of_product, guarded(partner_pages, [of_partner])]


def _json(document: Mapping[str, Any]) -> Response[bytes]:
    return Response(
        msgspec.json.encode(document), media_type="application/json", headers=dict(SECURITY_HEADERS)
    )
