"""What was delivered to whom, what could not be, and sending it again with the id it had."""

from dataclasses import dataclass
from datetime import datetime

from bankside.kernel.db import Connection
from bankside.kernel.events import Event
from bankside.kernel.outbox.store import count_of, event_of

DEAD_LETTERS_PAGE_MAX = 200

_DEAD_LETTERS = """
select d.partner_id, d.event_id, d.consumer, e.type, d.object_id, d.attempts, d.last_error,
    d.finished_at as dead_at
from kernel.outbox_deliveries d join kernel.outbox e using (partner_id, event_id)
where d.status = 'dead' and ($1::text is null or d.consumer = $1)
  and ($2::timestamptz is null or d.finished_at < $2)
order by d.finished_at desc limit $3
"""

_AGAIN = "status = 'pending', attempts = 0, next_at = $1, finished_at = null"

_REPLAY_ONE = f"""
update kernel.outbox_deliveries set {_AGAIN}
where event_id = $2 and ($3::text is null or consumer = $3)
"""  # noqa: S608 - a constant

_REPLAY_DEAD = f"""
update kernel.outbox_deliveries d set {_AGAIN}
from (select partner_id, event_id, consumer from kernel.outbox_deliveries
      where status = 'dead' and ($2::text is null or consumer = $2)
      order by finished_at limit $3) dead
where d.partner_id = dead.partner_id and d.event_id = dead.event_id and d.consumer = dead.consumer
"""  # noqa: S608 - a constant

# Also makes the deliveries that are missing, because the consumer is newer than the events.
_REPLAY_RANGE = f"""
insert into kernel.outbox_deliveries
    (partner_id, event_id, consumer, object_id, object_seq, next_at)
select e.partner_id, e.event_id, c.name, e.object_id, e.object_seq, $1
from kernel.outbox e join kernel.outbox_consumers c
    on exists (select 1 from unnest(c.types) t(beginning) where starts_with(e.type, beginning))
    and (c.partner_id is null or c.partner_id = e.partner_id)
    and (c.tenant_id is null or c.tenant_id = e.body->>'tenant')
where c.name = $2 and e.created_at >= $3 and e.created_at < $4 and e.relayed_at is not null
order by e.created_at limit $5
on conflict (partner_id, event_id, consumer) do update set {_AGAIN}
"""  # noqa: S608 - a constant

# Deliveries of one recipient; the events come along, because what was sent is made of them.
_DELIVERIES = """
select d.consumer, d.status, d.attempts, d.next_at, d.last_error, d.finished_at,
    e.event_id, e.type, e.v, e.partner_id, e.object_id, e.object_seq, e.body::text as body
from kernel.outbox_deliveries d join kernel.outbox e using (partner_id, event_id)
where d.consumer = $1 and ($2::text is null or d.status = $2)
  and ($3::text is null or d.event_id < $3)
order by d.event_id desc limit $4
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one recipient: ``pending``, ``delivered`` or ``dead``."""

    event: Event
    status: str
    attempts: int
    next_at: datetime
    last_error: str | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A delivery whose schedule is used up."""

    partner_id: str
    event_id: str
    consumer: str
    type: str
    object_id: str
    attempts: int
    last_error: str
    dead_at: datetime


async def dead_letters(
    db: Connection,
    *,
    consumer: str | None = None,
    before: datetime | None = None,
    limit: int = 50,
) -> list[DeadLetter]:
    """Dead deliveries, latest first, that died before ``before``; at most 200."""
    size = max(1, min(limit, DEAD_LETTERS_PAGE_MAX))
    rows = await db.fetch(_DEAD_LETTERS, consumer, before, size)
    return [DeadLetter(**dict(row)) for row in rows]


async def deliveries(
    db: Connection, consumer: str, *, status: str | None, before: str | None, limit: int
) -> list[Delivery]:
    """What was sent to ``consumer``, or is to be, newest event first, older than ``before``."""
    rows = await db.fetch(_DELIVERIES, consumer, status, before, limit)
    return [
        Delivery(
            event=event_of(row),
            status=row["status"],
            attempts=row["attempts"],
            next_at=row["next_at"],
            last_error=row["last_error"],
            finished_at=row["finished_at"],
        )
        for row in rows
    ]


async def attempts_at(db: Connection, event: Event, consumer: str) -> int:
    """How often the event was claimed for the recipient, a claim of now included."""
    found: int | None = await db.fetchval(
        "select attempts from kernel.outbox_deliveries"
        " where partner_id = $1 and event_id = $2 and consumer = $3",
        event.partner,
        event.id,
        consumer,
    )
    return found or 0


async def following(db: Connection, event: Event, consumer: str) -> Event | None:
    """The next event of the same object that waits for the recipient behind this one."""
    row = await db.fetchrow(
        "select e.event_id, e.type, e.v, e.partner_id, e.object_id, e.object_seq,"
        " e.body::text as body"
        " from kernel.outbox_deliveries d join kernel.outbox e using (partner_id, event_id)"
        " where d.consumer = $1 and d.partner_id = $2 and d.object_id = $3 and d.object_seq > $4"
        " and d.status = 'pending' order by d.object_seq limit 1",
        consumer,
        event.partner,
        event.object_id,
        event.object_seq,
    )
    return event_of(row) if row else None


async def replay_one(
    db: Connection, event_id: str, *, at: datetime, consumer: str | None = None
) -> int:
    """Deliver one event again (to all its consumers, or one), with its own id; how many."""
    return count_of(await db.execute(_REPLAY_ONE, at, event_id, consumer))


async def replay_range(
    db: Connection,
    consumer: str,
    *,
    since: datetime,
    until: datetime,
    at: datetime,
    limit: int | None = None,
) -> int:
    """Deliver to ``consumer`` again what was published in ``[since, until)``; how many.

    The first ``limit`` of it, by the time of publishing; everything without one.
    """
    return count_of(await db.execute(_REPLAY_RANGE, at, consumer, since, until, limit))


async def replay_dead(
    db: Connection, *, at: datetime, consumer: str | None = None, limit: int | None = None
) -> int:
    """Deliver again what is dead, longest dead first, at most ``limit`` of it; how many."""
    return count_of(await db.execute(_REPLAY_DEAD, at, consumer, limit))
