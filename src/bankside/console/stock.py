"""The shelf and the whole document as they stand now, kept while nothing changes.

Always true: what is shown is at most one request old; when the database cannot be asked, it is what
was known last, and at first what the package ships.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import msgspec

from bankside.catalog import Card, Catalogue, Display, Notice, Runnable, Shelf, display, shelf
from bankside.kernel.db import Pool

# The document of a catalogue; `app` supplies what it needs of the executing rooms.
Describe = Callable[[Catalogue], Mapping[str, Any]]
ASK_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Goods:
    """One state of the shelf."""

    catalogue: Catalogue
    shelf: Shelf
    cards: Mapping[str, Card]
    display: Display

    def card(self, product: str) -> Card | None:
        """The card of a product, also of one that was withdrawn; None for no such product."""
        found = self.cards.get(product)
        if found is not None:
            return found
        gone = self.display.gone(product)
        return Card(gone, "not_built", frozenset()) if gone is not None else None

    def notice(self, product: str) -> Notice | None:
        """What to tell of a product that does not simply run."""
        return self.display.notice(product)


class Stock:
    """Asks how products stand, and makes shelf and document anew only when that changed."""

    def __init__(
        self, pool: Pool, shipped: Catalogue, runnable: Runnable, describe: Describe
    ) -> None:
        self._pool = pool
        self._shipped = shipped
        self._runnable = runnable
        self._describe = describe
        self._goods = self._made(Display())
        self._document: tuple[Goods, bytes] | None = None

    async def now(self) -> Goods:
        """The shelf as it stands."""
        try:
            async with self._pool.acquire(timeout=ASK_SECONDS) as db:
                found = await display(db, self._shipped)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return self._goods
        if found.marks != self._goods.display.marks:
            self._goods = self._made(found)
        return self._goods

    async def document(self) -> bytes:
        """The OpenAPI document of the shelf as it stands, as JSON."""
        goods = await self.now()
        if self._document is None or self._document[0] is not goods:
            content = await asyncio.to_thread(self._described, goods)
            self._document = goods, content
        return self._document[1]

    def _made(self, found: Display) -> Goods:
        catalogue = found.public(self._shipped)
        stock = shelf(catalogue, self._runnable)
        return Goods(catalogue, stock, {card.product.id: card for card in stock.cards}, found)

    def _described(self, goods: Goods) -> bytes:
        return msgspec.json.encode(goods.display.told(dict(self._describe(goods.catalogue))))
