"""Use cases of the apps slice; each takes the partner as its scope."""

import re
from collections.abc import Sequence

from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import AppId, PartnerId, is_reference, new_id
from bankside.kernel.paging import Page, checked_cursor, checked_limit
from bankside.partners import events
from bankside.partners.apps import store
from bankside.partners.apps.errors import AppExists, AppUnknown, ProductInvalid, RateInvalid
from bankside.partners.apps.model import BURST_MAX, RATE_MAX, NewApp, PartnerApp
from bankside.partners.partners import Status, checked_text, read_partner

_PRODUCT = re.compile(r"[a-z]+\.[a-z-]{1,60}")


async def create_app(db: Connection, clock: Clock, of: PartnerId, new: NewApp) -> PartnerApp:
    """A new active app of the partner, without keys and subscriptions.

    Raises PartnerUnknown, AppExists, RateInvalid.
    """
    owner = await read_partner(db, of)
    _check_rate(new.rate_per_second, new.burst)
    app = PartnerApp(
        id=AppId(new.id or new_id("app", clock)),
        partner=owner.id,
        name=checked_text(new.name),
        environment=new.environment,
        status="active",
        rate_per_second=new.rate_per_second,
        burst=new.burst,
        version=1,
        created_at=clock.now(),
    )
    if not is_reference(app.id) or not await store.insert(db, app):
        raise AppExists(f"the app id {app.id} is taken or malformed")
    await events.publish(
        db, clock, events.APP_CREATED, of=(owner.id, app.id, 1), environment=app.environment
    )
    return app


async def read_app(db: Connection, of: PartnerId, app_id: str) -> PartnerApp:
    """The partner's app; AppUnknown also for another partner's."""
    found = await store.find(db, of, app_id) if is_reference(app_id) else None
    if found is None:
        raise AppUnknown(f"there is no app {app_id}")
    return found


async def list_apps(
    db: Connection, of: PartnerId, *, cursor: str | None = None, limit: int | None = None
) -> Page[PartnerApp]:
    """A page of the partner's apps, by id."""
    size = checked_limit(limit)
    found = await store.page(db, of, checked_cursor(cursor), size + 1)
    return Page.cut(found, size, key=lambda each: each.id)


async def locked(db: Connection, of: PartnerId, app_id: str) -> PartnerApp:
    """The app at its next version, locked for the change that follows; or AppUnknown."""
    if not is_reference(app_id) or await store.step_version(db, of, app_id) is None:
        raise AppUnknown(f"there is no app {app_id}")
    return await read_app(db, of, app_id)


async def block_app(
    db: Connection, clock: Clock, of: PartnerId, app_id: str, *, reason: str
) -> None:
    """The app's calls are refused from the next snapshot on."""
    await _set_status(db, clock, await locked(db, of, app_id), status="blocked", reason=reason)


async def unblock_app(
    db: Connection, clock: Clock, of: PartnerId, app_id: str, *, reason: str
) -> None:
    """The app may call again, unless its partner is blocked."""
    await _set_status(db, clock, await locked(db, of, app_id), status="active", reason=reason)


async def set_rate(
    db: Connection,
    clock: Clock,
    of: PartnerId,
    app_id: str,
    rate: tuple[int, int],
) -> None:
    """``rate`` is (calls a second, burst). Raises RateInvalid, AppUnknown."""
    per_second, burst = rate
    _check_rate(per_second, burst)
    found = await locked(db, of, app_id)
    await store.set_rate(db, of, found.id, rate_per_second=per_second, burst=burst)
    await events.publish(
        db,
        clock,
        events.APP_RATE_CHANGED,
        of=(of, found.id, found.version),
        rate_per_second=per_second,
        burst=burst,
    )


async def subscribe(
    db: Connection, clock: Clock, of: PartnerId, app_id: str, products: Sequence[str]
) -> list[str]:
    """The app may call these products; the ones that are new, sorted.

    Whether a product exists is the catalogue's knowledge: an unknown one grants nothing.
    """
    _check_products(products)
    found = await locked(db, of, app_id)
    added = await store.subscribe(db, of, found.id, products, clock.now())
    await events.publish(
        db, clock, events.APP_SUBSCRIBED, of=(of, found.id, found.version), products=added
    )
    return added


async def unsubscribe(
    db: Connection, clock: Clock, of: PartnerId, app_id: str, products: Sequence[str]
) -> list[str]:
    """The app may no longer call these products; the ones that went, sorted."""
    _check_products(products)
    found = await locked(db, of, app_id)
    removed = await store.unsubscribe(db, of, found.id, products)
    await events.publish(
        db, clock, events.APP_UNSUBSCRIBED, of=(of, found.id, found.version), products=removed
    )
    return removed


async def list_subscriptions(db: Connection, of: PartnerId, app_id: str) -> list[str]:
    """The products the app subscribed to, sorted; or AppUnknown."""
    return await store.subscriptions(db, of, (await read_app(db, of, app_id)).id)


async def _set_status(
    db: Connection, clock: Clock, found: PartnerApp, *, status: Status, reason: str
) -> None:
    await store.set_status(db, found.partner, found.id, status)
    fact = events.APP_BLOCKED if status == "blocked" else events.APP_UNBLOCKED
    of = (found.partner, found.id, found.version)
    await events.publish(db, clock, fact, of=of, reason=checked_text(reason))


def _check_rate(per_second: int, burst: int) -> None:
    if not (1 <= per_second <= RATE_MAX and 1 <= burst <= BURST_MAX):
        raise RateInvalid(f"a rate is 1 to {RATE_MAX} calls a second, a burst 1 to {BURST_MAX}")


def _check_products(products: Sequence[str]) -> None:
    for product in products:
        if not _PRODUCT.fullmatch(product):
            raise ProductInvalid(f"{product[:80]!r} is no product id")
