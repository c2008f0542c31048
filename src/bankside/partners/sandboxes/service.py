"""Use cases of the sandboxes slice; each runs in the caller's transaction."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bankside.kernel.clock import Clock, ShiftedClock
from bankside.kernel.db import Connection
from bankside.kernel.ids import PartnerId, is_space, new_id
from bankside.kernel.paging import Page, checked_cursor, checked_limit
from bankside.partners import events
from bankside.partners.apps import PartnerApp, read_app
from bankside.partners.partners import Partner, create_partner, read_partner
from bankside.partners.sandboxes import store
from bankside.partners.sandboxes.errors import (
    ClockBackwards,
    NotASandbox,
    SpaceExists,
    SpacesTooMany,
    SpaceUnknown,
)
from bankside.partners.sandboxes.model import Space

# What a space holds stays in the books for ever; a test that needs a fresh one each time can make
# fresh accounts instead.
SPACES_A_DAY = 20
DAY = timedelta(days=1)


async def give_space(db: Connection, clock: Clock, partner: PartnerId, app_id: str) -> Space:
    """The partner's sandbox app has an empty data space of its own, and has moved into it.

    Raises AppUnknown, NotASandbox, SpaceExists.
    """
    app = await read_app(db, partner, app_id)
    if app.environment != "sandbox":
        raise NotASandbox
    if is_space(partner):
        raise SpaceExists
    return await _moved_in(db, clock, partner, app)


async def renew_space(db: Connection, clock: Clock, space_id: str) -> Space:
    """The app has a new, empty space at the present time, and is told there what happens.

    Its tenants keep their tokens, its webhook endpoints their ids and keys.

    What the old one holds stays in the books and is reached by nobody. Raises SpaceUnknown.
    """
    old = await _locked(db, space_id)
    app = await read_app(db, old.id, old.app)
    # The old one first: an app has one space in use. It names its successor once that stands.
    await store.replace(db, old.id, old.id)
    new = await _moved_in(db, clock, old.parent, app)
    await store.replace(db, old.id, new.id)
    await store.move_tenants(db, old.id, new.id)
    await store.move_endpoints(db, old.id, new.id)
    return new


async def move_clock(db: Connection, clock: Clock, space_id: str, ahead: timedelta) -> Space:
    """The space's clock is ``ahead`` of the bank's, in whole seconds, from the next snapshot on.

    Raises SpaceUnknown, ClockBackwards.
    """
    space = await _locked(db, space_id)
    seconds = int(ahead.total_seconds())
    version = await store.move_clock(db, space.id, seconds)
    if version is None:
        raise ClockBackwards
    await events.publish(
        db,
        clock,
        events.SANDBOX_CLOCK_MOVED,
        of=(space.id, f"clock:{space.id}", version),
        ahead_seconds=seconds,
    )
    return replace(space, ahead=timedelta(seconds=seconds))


async def announce_load(
    db: Connection, clock: Clock, space_id: str, *, rate: int, until: datetime
) -> Space:
    """The space's app may call ``rate`` times a second until then, from the next snapshot on.

    Raises SpaceUnknown. How many calls in all is the edge's quota.
    """
    space = await _locked(db, space_id)
    version = await store.announce_load(db, space.id, rate=rate, until=until)
    assert version is not None, "the row is locked"
    of = (space.id, f"clock:{space.id}", version)
    await events.publish(db, clock, events.SANDBOX_LOAD_ANNOUNCED, of=of, rate=rate)
    return space


async def announced_loads(db: Connection, clock: Clock) -> Mapping[str, tuple[int, datetime]]:
    """Rate and end of the load tests that are not over, by data space."""
    return await store.loads(db, clock.now())


async def read_space(db: Connection, space_id: str) -> Space:
    """The data space in use under this id, or SpaceUnknown (also for a whole partner's)."""
    found = await store.find(db, space_id) if is_space(space_id) else None
    if found is None:
        raise SpaceUnknown
    return found


async def signatory(db: Connection, partner: PartnerId) -> Partner:
    """Who signed the contract: the partner itself, or the one behind a data space.

    Raises PartnerUnknown.
    """
    found = await store.find(db, partner) if is_space(partner) else None
    return await read_partner(db, found.parent if found is not None else partner)


async def list_spaces(
    db: Connection, parent: PartnerId, *, cursor: str | None = None, limit: int | None = None
) -> Page[Space]:
    """A page of the spaces of a partner's apps, by id."""
    size = checked_limit(limit)
    found = await store.every(db, parent, checked_cursor(cursor), size + 1)
    return Page.cut(found, size, key=lambda each: each.id)


async def moved_clocks(db: Connection) -> Mapping[str, timedelta]:
    """How far the clocks that were moved are ahead, by data space."""
    return await store.ahead(db, moved=True)


async def clocks(db: Connection) -> Mapping[str, timedelta]:
    """How far the clock of every data space in use is ahead."""
    return await store.ahead(db, moved=False)


async def clock_of(db: Connection, clock: Clock, partner: str) -> Clock:
    """The clock of a data space; ``clock`` itself when it is one already, or nobody moved it."""
    if isinstance(clock, ShiftedClock) or not is_space(partner):
        return clock
    found = await store.find(db, partner)
    return ShiftedClock(clock, found.ahead) if found is not None and found.ahead else clock


async def _locked(db: Connection, space_id: str) -> Space:
    found = await store.find(db, space_id, for_update=True) if is_space(space_id) else None
    if found is None:
        raise SpaceUnknown
    return found


async def home_of(db: Connection, partner: PartnerId, app_id: str) -> PartnerId:
    """Where the partner's app stands: in a data space of its own, or with the partner."""
    found = await store.of_app(db, app_id)
    return found.id if found is not None and found.parent == partner else partner


async def _moved_in(db: Connection, clock: Clock, parent: PartnerId, app: PartnerApp) -> Space:
    if await store.count_since(db, app.id, clock.now() - DAY) >= SPACES_A_DAY:
        raise SpacesTooMany(f"an app gets {SPACES_A_DAY} data spaces in 24 hours")
    made = await create_partner(
        db,
        clock,
        name_zh=f"{app.name} 沙箱",
        name_en=f"Sandbox of {app.name}",
        partner_id=new_id("sandbox", clock),
    )
    space = Space(id=made.id, parent=parent, app=app.id, ahead=timedelta(0), created_at=clock.now())
    if not await store.insert(db, space):
        raise SpaceExists
    await store.move_app(db, app.id, space.id)
    await events.publish(
        db, clock, events.SANDBOX_CREATED, of=(space.id, app.id, app.version + 1), parent=parent
    )
    return space
