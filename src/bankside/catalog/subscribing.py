"""New contracts on products: the one door for an app to get a product.

Always true: nobody new gets a product that is deprecated or offline for it; who holds it keeps it,
and asking again for what one holds changes nothing. `partners` keeps the contracts and knows no
states of products, so every door that adds one (commands, seeds) comes through here.
Source: catalogue guide section 6.
"""

from collections.abc import Collection, Iterable

from bankside.catalog.errors import ProductClosed
from bankside.catalog.lifecycle import State
from bankside.catalog.model import Catalogue
from bankside.catalog.offers import Offers, offers
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.partners import PartnerApp, list_subscriptions
from bankside.partners import subscribe as _subscribe

_CLOSED = frozenset({State.DEPRECATED, State.OFFLINE})


async def subscribe(
    db: Connection, clock: Clock, shipped: Catalogue, app: PartnerApp, products: Collection[str]
) -> list[str]:
    """The app may call these products; the ones that are new, sorted.

    Raises ProductClosed naming each product that takes no new contracts; then nothing is added.
    """
    held = set(await list_subscriptions(db, app.partner, app.id))
    wanted = set(products) - held
    offered = await offers(db, shipped)
    closed = sorted(each for each in wanted if not _is_open(offered, app, each))
    if closed:
        raise ProductClosed(f"no new contracts on {', '.join(closed)[:400]}")
    if not wanted:
        return []
    return await _subscribe(db, clock, app.partner, app.id, sorted(wanted))


async def open_to(
    db: Connection, shipped: Catalogue, app: PartnerApp, products: Iterable[str]
) -> list[str]:
    """Those of the products that the app may get or holds, sorted: a shelf of its own."""
    held = set(await list_subscriptions(db, app.partner, app.id))
    offered = await offers(db, shipped)
    return sorted(each for each in products if each in held or _is_open(offered, app, each))


def _is_open(offered: Offers, app: PartnerApp, product: str) -> bool:
    met = offered.of(product, partner=app.partner, environment=app.environment)
    return met.state not in _CLOSED
