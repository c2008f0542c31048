"""What was sent to an endpoint, a test of it, and sending events again with the ids they had.

Always true: what a partner sees of a delivery is the message it got and our words about the last
attempt; a replay is bounded, and one of too much changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime

from bankside.kernel import outbox
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection, write_all
from bankside.kernel.events import Event
from bankside.kernel.ids import new_id
from bankside.kernel.outbox import Delivery
from bankside.kernel.paging import Page, checked_cursor, checked_limit
from bankside.partners.webhooks.errors import (
    DeliveryUnknown,
    EndpointDisabled,
    EndpointInvalid,
    ReplayTooMany,
)
from bankside.partners.webhooks.model import REPLAY_MAX, TEST, Endpoint, is_told, trial_body


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """What to send again: one event, a range of time, or (neither) all that failed."""

    event: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def list_deliveries(
    db: Connection,
    endpoint: Endpoint,
    *,
    status: str | None = None,
    cursor: str | None = None,
    limit: int | None = None,
) -> Page[Delivery]:
    """A page of what the endpoint got, is to get, or did not get, newest event first."""
    size = checked_limit(limit)
    found = await outbox.deliveries(
        db, endpoint.recipient, status=status, before=checked_cursor(cursor) or None, limit=size + 1
    )
    return Page.cut(found, size, key=lambda each: each.event.id)


async def send_test(
    db: Connection, clock: Clock, endpoint: Endpoint, *, as_type: str | None = None
) -> str:
    """A message that says it is a test is on its way; its id.

    With ``as_type`` it looks like an event of that type, about an object that does not exist.
    Raises EndpointDisabled, EndpointInvalid when the endpoint is not told of such events.
    """
    _open(endpoint)
    if as_type is not None and not is_told(endpoint.types, as_type):
        raise EndpointInvalid(f"the endpoint is not told of {as_type[:80]}")
    event_id = new_id("event", clock)
    event = Event(
        id=event_id,
        type=TEST,
        partner=endpoint.partner,
        # An object of its own: a test waits for nothing, and nothing waits for it.
        object_id=event_id,
        object_seq=1,
        body=trial_body(endpoint, as_type),
    )
    await write_all(db, [outbox.publish_to(event, endpoint.recipient, at=clock.now())])
    return event_id


async def replay(db: Connection, clock: Clock, endpoint: Endpoint, again: Again) -> int:
    """Send again, with the ids they had; how many were queued.

    Raises EndpointDisabled, DeliveryUnknown, EndpointInvalid, ReplayTooMany.
    """
    _open(endpoint)
    to, now, most = endpoint.recipient, clock.now(), REPLAY_MAX + 1
    if again.event is not None:
        found = await outbox.replay_one(db, again.event, at=now, consumer=to)
        if found == 0:
            raise DeliveryUnknown(f"the endpoint was never to get {again.event[:80]}")
        return found
    if again.since is None:
        if again.until is not None:
            raise EndpointInvalid("`until` needs `since`")
        count = await outbox.replay_dead(db, at=now, consumer=to, limit=most)
    else:
        until = again.until or now
        if until <= again.since:
            raise EndpointInvalid("`until` is not after `since`")
        count = await outbox.replay_range(
            db, to, since=again.since, until=until, at=now, limit=most
        )
    if count > REPLAY_MAX:
        raise ReplayTooMany(f"more than {REPLAY_MAX} events; name a shorter range")
    return count


def _open(endpoint: Endpoint) -> None:
    if endpoint.status != "active":
        raise EndpointDisabled
