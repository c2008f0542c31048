"""What the app of a run may do at the moment: asked again before every step begins."""

from bankside.catalog import Catalogue, offers
from bankside.catalog.solutions import Asker
from bankside.kernel.caller import Caller
from bankside.kernel.db import Connection
from bankside.kernel.ids import PartnerId, is_space
from bankside.orders.desk import Desk
from bankside.orders.solutions.model import Run
from bankside.partners import AppUnknown, list_subscriptions, read_app, read_space


async def asker(db: Connection, desk: Desk, caller: Caller, catalogue: Catalogue) -> Asker:
    """What the app of a run may call now; an app nobody knows may call nothing."""
    try:
        owned = await list_subscriptions(db, PartnerId(caller.partner), caller.app)
    except AppUnknown:
        owned = []
    known = [catalogue.products[each] for each in owned if each in catalogue.products]
    return Asker(
        runnable=desk.runnable,
        offline=await _uncallable(db, catalogue, caller),
        subscribed=frozenset(owned),
        scopes=frozenset[str]().union(*(each.consent_scopes for each in known)),
    )


async def contract_of(db: Connection, partner: str) -> str:
    """Whose installed solutions a caller may run: its partner's, also from a data space of it."""
    return (await read_space(db, partner)).parent if is_space(partner) else partner


async def is_blocked(db: Connection, run: Run) -> bool:
    """Whether the run's app may call nothing at present: the run waits until it may again."""
    try:
        return (await read_app(db, PartnerId(run.partner), run.app)).status != "active"
    except AppUnknown:
        return False


async def _uncallable(db: Connection, catalogue: Catalogue, caller: Caller) -> frozenset[str]:
    """The products that the caller does not meet now: withdrawn, stopped, or on trial elsewhere."""
    offered = await offers(db, catalogue)
    return frozenset(
        each
        for each in catalogue.products
        if not offered.of(each, partner=caller.partner, environment=caller.environment).callable
    )
