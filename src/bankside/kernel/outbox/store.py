"""Every SQL statement of the outbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection, Write, write_all
from bankside.kernel.events import Event
from bankside.kernel.ids import new_id

DEAD_LETTERS_PAGE_MAX = 200
ERROR_CHARACTERS_MAX = 500

_PUBLISH = """
insert into kernel.outbox (event_id, type, v, partner_id, object_id, object_seq, body)
values ($1, $2, $3, $4, $5, $6, $7::text::jsonb)
"""

_FAN_OUT = """
with fresh as (
    select partner_id, event_id, type, object_id, object_seq from kernel.outbox
    where relayed_at is null order by created_at limit $2 for update skip locked
), made as (
    insert into kernel.outbox_deliveries
        (partner_id, event_id, consumer, object_id, object_seq, next_at)
    select e.partner_id, e.event_id, c.name, e.object_id, e.object_seq, $1
    from fresh e cross join lateral (
        select name, types from kernel.outbox_consumers where partner_id is null
        union all
        select name, types from kernel.outbox_consumers where partner_id = e.partner_id) c
    where exists (select 1 from unnest(c.types) t(beginning) where starts_with(e.type, beginning))
    on conflict do nothing
)
update kernel.outbox o set relayed_at = $1 from fresh
where o.partner_id = fresh.partner_id and o.event_id = fresh.event_id
"""

# From recipient to recipient along the index, a few rows of each: one with a long queue takes no
# turn of the others. An event waits while an earlier one of its object is on its way to the same
# recipient, or is not yet relayed at all (another relay may be about to).
_CLAIM = """
with recursive recipient(name) as (
    (select consumer from kernel.outbox_deliveries
     where status = 'pending' and consumer collate "C" >= $1 and consumer collate "C" < $1 || ';'
     order by consumer collate "C" limit 1)
    union all
    select (select d.consumer from kernel.outbox_deliveries d
            where d.status = 'pending' and d.consumer collate "C" > recipient.name
              and d.consumer collate "C" < $1 || ';'
            order by d.consumer collate "C" limit 1)
    from recipient where recipient.name is not null
), ready as (
    select name from recipient join kernel.outbox_consumers c using (name)
    where (name = $1 or starts_with(name, $1 || ':')) and name <> all($5::text[])
      and (c.paused_until is null or c.paused_until <= $2)
), due as (
    select d.partner_id, d.event_id, d.consumer from ready cross join lateral (
        select * from kernel.outbox_deliveries d
        where d.consumer collate "C" = ready.name and d.status = 'pending' and d.next_at <= $2
          and not exists (
            select 1 from kernel.outbox_deliveries earlier
            where earlier.consumer = d.consumer and earlier.partner_id = d.partner_id
              and earlier.object_id = d.object_id and earlier.object_seq < d.object_seq
              and earlier.status = 'pending')
          and not exists (
            select 1 from kernel.outbox earlier
            where earlier.partner_id = d.partner_id and earlier.object_id = d.object_id
              and earlier.object_seq < d.object_seq and earlier.relayed_at is null)
        order by d.next_at, d.object_seq limit $6 for update skip locked) d
    limit $4
)
update kernel.outbox_deliveries d set next_at = $3, attempts = d.attempts + 1
from due, kernel.outbox e
where d.partner_id = due.partner_id and d.event_id = due.event_id and d.consumer = due.consumer
  and e.partner_id = due.partner_id and e.event_id = due.event_id
returning e.event_id, e.type, e.v, e.partner_id, e.object_id, e.object_seq, e.body::text as body,
    d.attempts, d.consumer
"""

_DELIVERED = """
update kernel.outbox_deliveries set status = 'delivered', finished_at = $4, last_error = null
where partner_id = $1 and event_id = $2 and consumer = $3 and status = 'pending'
"""

# Only by the claim that failed: a later one may be at work already.
_FAILED = """
update kernel.outbox_deliveries
set last_error = $5, next_at = coalesce($7::timestamptz, next_at),
    status = case when $7::timestamptz is null then 'dead' else 'pending' end,
    finished_at = case when $7::timestamptz is null then $6::timestamptz end
where partner_id = $1 and event_id = $2 and consumer = $3 and status = 'pending' and attempts = $4
"""

_PAUSE = """
update kernel.outbox_consumers set paused_until = greatest(paused_until, $2) where name = $1
"""

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
update kernel.outbox_deliveries set {_AGAIN}
where status = 'dead' and ($2::text is null or consumer = $2)
"""  # noqa: S608 - a constant

# Also makes the deliveries that are missing, because the consumer is newer than the events.
_REPLAY_RANGE = f"""
insert into kernel.outbox_deliveries
    (partner_id, event_id, consumer, object_id, object_seq, next_at)
select e.partner_id, e.event_id, c.name, e.object_id, e.object_seq, $1
from kernel.outbox e join kernel.outbox_consumers c
    on exists (select 1 from unnest(c.types) t(beginning) where starts_with(e.type, beginning))
    and (c.partner_id is null or c.partner_id = e.partner_id)
where c.name = $2 and e.created_at >= $3 and e.created_at < $4 and e.relayed_at is not null
on conflict (partner_id, event_id, consumer) do update set {_AGAIN}
"""  # noqa: S608 - a constant

_PRUNE = """
with old as (
    select o.partner_id, o.event_id from kernel.outbox o
    where o.relayed_at < $1 and not exists (
        select 1 from kernel.outbox_deliveries d
        where d.partner_id = o.partner_id and d.event_id = o.event_id and d.status <> 'delivered')
    order by o.relayed_at limit $2
), deliveries as (
    delete from kernel.outbox_deliveries d using old
    where d.partner_id = old.partner_id and d.event_id = old.event_id
)
delete from kernel.outbox o using old
where o.partner_id = old.partner_id and o.event_id = old.event_id
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """An event that is ours to deliver until the claim lapses; ``attempt`` counts from 1.

    ``recipient`` is the consumer's name, or one of those it serves (``webhook:wep_...``).
    """

    event: Event
    recipient: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How much to claim: ``limit`` in all and ``each`` of one recipient, none of the ``busy``."""

    at: datetime
    lease: timedelta
    limit: int
    each: int
    busy: Sequence[str] = ()


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


def publish(event: Event) -> Write:
    """The row that publishes ``event`` when the caller's transaction commits."""
    return Write(
        _PUBLISH,
        (
            event.id,
            event.type,
            event.v,
            event.partner,
            event.object_id,
            event.object_seq,
            msgspec.json.encode(event.body).decode(),
        ),
    )


def registered(name: str, types: Sequence[str], *, partner: str) -> Write:
    """Make ``name`` a recipient of events of these types of ``partner``; one that stands stays."""
    return Write(
        "insert into kernel.outbox_consumers (name, types, partner_id) values ($1, $2, $3)"
        " on conflict (name) do nothing",
        (name, list(types), partner),
    )


async def tell(
    db: Connection, clock: Clock, fact: str, *, of: tuple[str, str, int], **body: object
) -> None:
    """The fact commits with the change; ``of`` is (partner, object, the object's new version)."""
    partner, object_id, version = of
    event = Event(
        id=new_id("event", clock),
        type=fact,
        partner=partner,
        object_id=object_id,
        object_seq=version,
        body=body,
    )
    await write_all(db, [publish(event)])


async def register_consumer(
    db: Connection, name: str, types: Sequence[str], *, partner: str | None = None
) -> None:
    """From now on events of these types (of ``partner``, or of all) are delivered to ``name``."""
    await db.execute(
        """
        insert into kernel.outbox_consumers (name, types, partner_id) values ($1, $2, $3)
        on conflict (name) do update
            set types = excluded.types, partner_id = excluded.partner_id, paused_until = null
        """,
        name,
        list(types),
        partner,
    )


async def forget_consumer(db: Connection, name: str) -> None:
    """Deliver nothing more to ``name``, and drop what waits for it."""
    await db.execute("delete from kernel.outbox_consumers where name = $1", name)
    await db.execute("delete from kernel.outbox_deliveries where consumer = $1", name)


async def stop_consumer(db: Connection, name: str) -> None:
    """Deliver nothing more to ``name``; what waited for it is dead, and can be replayed later."""
    await db.execute("delete from kernel.outbox_consumers where name = $1", name)
    await db.execute(
        "update kernel.outbox_deliveries"
        " set status = 'dead', finished_at = now(), last_error = 'the recipient was stopped'"
        " where consumer = $1 and status = 'pending'",
        name,
    )


async def fan_out(db: Connection, *, at: datetime, limit: int) -> int:
    """Make the deliveries of new events; how many events."""
    return _count(await db.execute(_FAN_OUT, at, limit))


async def claim(db: Connection, consumer: str, asked: Asked) -> list[Claim]:
    """Events that are due for ``consumer`` and its recipients, at most one an object, ours until
    the lease ends.
    """
    rows = await db.fetch(
        _CLAIM,
        consumer,
        asked.at,
        asked.at + asked.lease,
        asked.limit,
        list(asked.busy),
        asked.each,
    )
    return [
        Claim(
            Event(
                id=row["event_id"],
                type=row["type"],
                partner=row["partner_id"],
                object_id=row["object_id"],
                object_seq=row["object_seq"],
                body=msgspec.json.decode(row["body"]),
                v=row["v"],
            ),
            row["consumer"],
            row["attempts"],
        )
        for row in rows
    ]


def delivered(claim: Claim, *, at: datetime) -> Write:
    """Note that the recipient's effect is there."""
    return Write(_DELIVERED, (claim.event.partner, claim.event.id, claim.recipient, at))


def failed(claim: Claim, error: str, *, at: datetime, next_at: datetime | None) -> Write:
    """Note that an attempt failed; tried again at ``next_at``, or dead."""
    row = (claim.event.partner, claim.event.id, claim.recipient, claim.attempt)
    return Write(_FAILED, (*row, error[:ERROR_CHARACTERS_MAX].replace("\0", ""), at, next_at))


def paused(recipient: str, *, until: datetime) -> Write:
    """Deliver nothing to the recipient before ``until``."""
    return Write(_PAUSE, (recipient, until))


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


async def replay_one(
    db: Connection, event_id: str, *, at: datetime, consumer: str | None = None
) -> int:
    """Deliver one event again (to all its consumers, or one), with its own id; how many."""
    return _count(await db.execute(_REPLAY_ONE, at, event_id, consumer))


async def replay_range(
    db: Connection, consumer: str, *, since: datetime, until: datetime, at: datetime
) -> int:
    """Deliver to ``consumer`` again everything published in ``[since, until)``; how many."""
    return _count(await db.execute(_REPLAY_RANGE, at, consumer, since, until))


async def replay_dead(db: Connection, *, at: datetime, consumer: str | None = None) -> int:
    """Deliver again everything that is dead; how many."""
    return _count(await db.execute(_REPLAY_DEAD, at, consumer))


async def prune(db: Connection, *, before: datetime, limit: int) -> int:
    """Delete events relayed before ``before`` that reached all their consumers; how many."""
    return _count(await db.execute(_PRUNE, before, limit))


def _count(tag: str) -> int:
    """The number of rows in a command tag such as ``UPDATE 3``."""
    return int(tag.rpartition(" ")[2])
