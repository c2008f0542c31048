"""The product versions that orders run, shipped or drafted by the bank's staff, read once each.

Always true: what callers meet was frozen before, so a definition that was read stays right; an
order finds the version it began with for as long as it runs.
"""

from bankside.catalog import KINDS, Catalogue, Product
from bankside.catalog.lifecycle import product_at, version_of
from bankside.kernel.db import Connection

# Far more versions than run at a time; then they are read again.
KEPT_MAX = 2_000


class Editions:
    """All product versions by id and number."""

    def __init__(self, shipped: Catalogue) -> None:
        self._shipped = shipped
        self._read: dict[tuple[str, int], Product] = {}

    def known(self, product: str, version: int) -> Product | None:
        """The version when no database is needed for it. KeyError: none of ours (a bug)."""
        if version == 1 and product in self._shipped.products:
            return self._shipped.products[product]
        if product in (self._shipped.platform.id, self._shipped.open_banking.id):
            return self._shipped.product(product)
        return self._read.get((product, version))

    async def of(self, db: Connection, product: str, version: int) -> Product:
        """The product as that version defines it. Raises VersionUnknown."""
        found = self.known(product, version)
        if found is None:
            stored = await version_of(db, product, version)
            found = product_at(self._shipped, stored, KINDS)
            if len(self._read) >= KEPT_MAX:
                self._read.clear()
            self._read[product, version] = found
        return found
