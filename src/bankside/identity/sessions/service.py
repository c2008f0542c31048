"""Sessions that stand: finding, listing and ending them."""

from collections.abc import Sequence
from dataclasses import replace

from bankside.identity.realms import Realm
from bankside.identity.sessions import rules, store
from bankside.identity.sessions.errors import SessionUnknown
from bankside.identity.sessions.model import Session
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import is_reference

# A person with more open sessions than this sees the latest ones.
SESSIONS_MAX = 50
SWEEP_MAX = 10_000


async def session_of(
    db: Connection, clock: Clock, token: str, *, realm: Realm | None = Realm.CUSTOMER
) -> Session | None:
    """The live session of this secret in this realm (None: in any); None for every other text.

    Notes that it was seen.
    """
    place = rules.place_of(token)
    found = await store.find(db, *place) if place else None
    now = clock.now()
    if place is None or found is None or not rules.is_live(found, now):
        return None
    if realm not in (None, found.realm):
        return None
    if found.is_full and now >= found.seen_at + rules.SEEN_NOTED_EVERY:
        await store.seen(db, *place, now)
        return replace(found, seen_at=now)
    return found


async def sessions_of(db: Connection, clock: Clock, partner: str, person: str) -> Sequence[Session]:
    """Where a person is logged in now, the session used last first."""
    now = clock.now()
    found = await store.of_person(db, partner, person, SESSIONS_MAX)
    return [each for each in found if each.is_full and rules.is_live(each, now)]


async def end_session(db: Connection, partner: str, person: str, session_id: str) -> None:
    """The person is logged out there. Raises SessionUnknown (also for another person's)."""
    known = is_reference(session_id)
    if not known or not await store.remove_by_id(db, partner, person, session_id):
        raise SessionUnknown


async def end_other_sessions(db: Connection, partner: str, person: str, *, kept: str = "") -> int:
    """The person is logged out everywhere but in the session ``kept``; of how many."""
    return await store.remove_others(db, partner, person, kept)


async def log_out(db: Connection, token: str) -> bool:
    """The session of this secret is over. False: there was none."""
    place = rules.place_of(token)
    return place is not None and await store.remove(db, *place)


async def forget_old(db: Connection, clock: Clock) -> int:
    """Rows that count for nothing any more are gone, at most SWEEP_MAX of each kind; how many."""
    now = clock.now()
    return await store.remove_old(
        db,
        sessions_before=now - rules.ABSOLUTE_TTL,
        attempts_before=now - rules.ATTEMPTS_WINDOW,
        limit=SWEEP_MAX,
    )
