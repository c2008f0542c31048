"""Every SQL statement of the outbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection, Row, Write, write_all
from bankside.kernel.events import Event
from bankside.kernel.ids import new_id

ERROR_CHARACTERS_MAX = 500

_PUBLISH = """
insert into kernel.outbox (event_id, type, v, partner_id, object_id, object_seq, body)
values ($1, $2, $3, $4, $5, $6, $7::text::jsonb)
"""

_FAN_OUT = """
with fresh as (
    select partner_id, event_id, type, object_id, object_seq, body->>'tenant' as tenant
    from kernel.outbox
    where relayed_at is null order by created_at limit $2 for update skip locked
), made as (
    insert into kernel.outbox_deliveries
        (partner_id, event_id, consumer, object_id, object_seq, next_at)
    select e.partner_id, e.event_id, c.name, e.object_id, e.object_seq, $1
    from fresh e cross join lateral (
        select name, types from kernel.outbox_consumers where partner_id is null
        union all
        select name, types from kernel.outbox_consumers
        where partner_id = e.partner_id and (tenant_id is null or tenant_id = e.tenant)) c
    where exists (select 1 from unnest(c.types) t(beginning) where starts_with(e.type, beginning))
    on conflict do nothing
)
update kernel.outbox o set relayed_at = $1 from fresh
where o.partner_id = fresh.partner_id and o.event_id = fresh.event_id
"""

# From recipient to recipient along the index, a few rows of each, and one of those that fail: a
# long queue or a dead server takes no turn of the others, and none is always the last to be asked.
# An event waits while an earlier one of its object is on its way to the same recipient, or is not
# yet relayed at all (another relay may be about to).
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
    order by random()
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
        order by d.next_at, d.object_seq
        limit case when ready.name = any($7::text[]) then 1 else $6 end
        for update skip locked) d
    limit $4
)
update kernel.outbox_deliveries d
set next_at = $3, attempts = d.attempts + 1, last_error = null
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

# Not what is under way: a claim has forgotten its last error.
_HURRIED = """
update kernel.outbox_deliveries set next_at = $2
where consumer = $1 and status = 'pending' and next_at > $2 and last_error is not null
"""

_PAUSE = """
update kernel.outbox_consumers set paused_until = greatest(paused_until, $2) where name = $1
"""

# Relayed from the beginning, so that nobody else's delivery of it is ever made.
_PUBLISH_TO = """
with told as (
    insert into kernel.outbox
        (event_id, type, v, partner_id, object_id, object_seq, body, relayed_at)
    values ($1, $2, $3, $4, $5, $6, $7::text::jsonb, $9)
    returning partner_id, event_id, object_id, object_seq
)
insert into kernel.outbox_deliveries
    (partner_id, event_id, consumer, object_id, object_seq, next_at)
select partner_id, event_id, $8, object_id, object_seq, $9 from told
"""

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
    """How much to claim: ``limit`` in all and ``each`` of one recipient, one of those that are
    ``failing``, none of the ``busy``.
    """

    at: datetime
    lease: timedelta
    limit: int
    each: int
    busy: Sequence[str] = ()
    failing: Sequence[str] = ()


def publish(event: Event) -> Write:
    """The row that publishes ``event`` when the caller's transaction commits."""
    return Write(_PUBLISH, _row(event))


def publish_to(event: Event, recipient: str, *, at: datetime) -> Write:
    """Publish ``event`` to one recipient alone, whatever types it asked for."""
    return Write(_PUBLISH_TO, (*_row(event), recipient, at))


def queued(event: Event, recipient: str, *, at: datetime) -> Write:
    """A place in the recipient's queue for an event that the same transaction publishes."""
    return Write(
        "insert into kernel.outbox_deliveries"
        " (partner_id, event_id, consumer, object_id, object_seq, next_at)"
        " values ($1, $2, $3, $4, $5, $6)",
        (event.partner, event.id, recipient, event.object_id, event.object_seq, at),
    )


def _row(event: Event) -> tuple[object, ...]:
    body = msgspec.json.encode(event.body).decode()
    ids = (event.id, event.type, event.v, event.partner, event.object_id, event.object_seq)
    return (*ids, body)


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
    db: Connection,
    name: str,
    types: Sequence[str],
    *,
    partner: str | None = None,
    tenant: str | None = None,
) -> None:
    """From now on events of these types (of ``partner``, or of all) are delivered to ``name``.

    With ``tenant``: only those whose body names this tenant of the partner.
    """
    await db.execute(
        """
        insert into kernel.outbox_consumers (name, types, partner_id, tenant_id)
        values ($1, $2, $3, $4)
        on conflict (name) do update
            set types = excluded.types, partner_id = excluded.partner_id,
                tenant_id = excluded.tenant_id, paused_until = null
        """,
        name,
        list(types),
        partner,
        tenant,
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
    return count_of(await db.execute(_FAN_OUT, at, limit))


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
        list(asked.failing),
    )
    return [Claim(event_of(row), row["consumer"], row["attempts"]) for row in rows]


def delivered(claim: Claim, *, at: datetime) -> Write:
    """Note that the recipient's effect is there."""
    return Write(_DELIVERED, (claim.event.partner, claim.event.id, claim.recipient, at))


def failed(claim: Claim, error: str, *, at: datetime, next_at: datetime | None) -> Write:
    """Note that an attempt failed; tried again at ``next_at``, or dead."""
    row = (claim.event.partner, claim.event.id, claim.recipient, claim.attempt)
    return Write(_FAILED, (*row, error[:ERROR_CHARACTERS_MAX].replace("\0", ""), at, next_at))


def hurried(recipient: str, *, at: datetime) -> Write:
    """What waits for another attempt at the recipient is due now."""
    return Write(_HURRIED, (recipient, at))


def paused(recipient: str, *, until: datetime) -> Write:
    """Deliver nothing to the recipient before ``until``."""
    return Write(_PAUSE, (recipient, until))


async def prune(db: Connection, *, before: datetime, limit: int) -> int:
    """Delete events relayed before ``before`` that reached all their consumers; how many."""
    return count_of(await db.execute(_PRUNE, before, limit))


def event_of(row: Row) -> Event:
    """The event of a row with all columns of ``kernel.outbox``, its body as text."""
    return Event(
        id=row["event_id"],
        type=row["type"],
        partner=row["partner_id"],
        object_id=row["object_id"],
        object_seq=row["object_seq"],
        body=msgspec.json.decode(row["body"]),
        v=row["v"],
    )


def count_of(tag: str) -> int:
    """The number of rows in a command tag such as ``UPDATE 3``."""
    return int(tag.rpartition(" ")[2])
