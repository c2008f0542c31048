"""Product versions as products: the shipped ones, and those that somebody drafted."""

from datetime import UTC, datetime

from bankside.catalog.lifecycle.kind import Kinds
from bankside.catalog.lifecycle.model import ProductVersion, State
from bankside.catalog.model import Catalogue, Product

# Nobody wrote down when a shipped product was put on the shelf: it is as old as the platform.
_ORIGIN = datetime(2026, 1, 1, tzinfo=UTC)


def shipped_version(shipped: Catalogue, product: str) -> ProductVersion:
    """The version that a shipped product has before anybody stored one. KeyError: none shipped."""
    return ProductVersion(
        product=shipped.products[product].id,
        version=1,
        kind="orders",
        state=State.LIVE,
        definition=None,
        author="",
        note="shipped with the platform",
        revision=0,
        created_at=_ORIGIN,
        changed_at=_ORIGIN,
    )


def product_at(shipped: Catalogue, version: ProductVersion, kinds: Kinds) -> Product:
    """The product as this version defines it."""
    if version.definition is None:
        return shipped.products[version.product]
    return kinds[version.kind].read(version.definition, version.version)
