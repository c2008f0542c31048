"""SQL of backchannel requests. What the client holds leads to a row by its hash and owner only."""

import json
from collections.abc import Sequence
from datetime import datetime

from bankside.identity.backchannel.model import (
    INTERVAL_SECONDS_MAX,
    SLOW_DOWN_SECONDS,
    Polled,
    Waiting,
)
from bankside.identity.values import Place
from bankside.kernel.db import Connection, Row

_SHOWN = (
    "select r.partner_id, r.client_id, c.name as client_name, r.approval_id, r.customer_id,"
    " r.scopes, r.authorization_details, r.binding_message, r.created_at, r.expires_at,"
    " r.answered_at from identity.ciba_requests r join identity.clients c"
    " on c.partner_id = r.partner_id and c.client_id = r.client_id"
    " where r.partner_id = $1 and r.customer_id = $2"
)


async def insert(db: Connection, waiting: Waiting, place: Place, *, interval: int) -> None:
    """Store a request; ``place`` is that of the client's value."""
    await db.execute(
        "insert into identity.ciba_requests (partner_id, client_id, slot, hash, approval_id,"
        " customer_id, scopes, authorization_details, binding_message, created_at, expires_at,"
        " interval_seconds) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        waiting.partner,
        waiting.client_id,
        place.slot,
        place.hash,
        waiting.id,
        waiting.customer,
        waiting.scopes,
        json.dumps(waiting.authorization_details),
        waiting.binding_message,
        waiting.opened_at,
        waiting.expires_at,
        interval,
    )


async def count_waiting(
    db: Connection, client: tuple[str, str], customer: str, at: datetime
) -> int:
    """How many requests of the client wait for the customer; two that ask at once queue here."""
    await db.execute(
        "select pg_advisory_xact_lock(hashtextextended($1, 13))", f"ciba {client[1]} {customer}"
    )
    found: int = await db.fetchval(
        "select count(*) from identity.ciba_requests where partner_id = $1 and client_id = $2"
        " and customer_id = $3 and answered_at is null and expires_at > $4",
        *client,
        customer,
        at,
    )
    return found


async def waiting(db: Connection, partner: str, customer: str, at: datetime) -> Sequence[Waiting]:
    """The customer's unanswered requests, oldest first."""
    rows = await db.fetch(
        f"{_SHOWN} and r.answered_at is null and r.expires_at > $3 order by r.created_at limit 50",
        partner,
        customer,
        at,
    )
    return [_waiting(row) for row in rows]


async def find(
    db: Connection, customer: tuple[str, str], approval_id: str
) -> tuple[Waiting, bool] | None:
    """The customer's request and whether it is answered; ``customer`` is (partner, id)."""
    row = await db.fetchrow(f"{_SHOWN} and r.approval_id = $3", *customer, approval_id)
    return (_waiting(row), row["answered_at"] is not None) if row else None


async def answer(db: Connection, found: Waiting, at: datetime, *, grant: str | None) -> bool:
    """The request is answered now; False when it was before or its time ran out."""
    done = await db.fetchval(
        "update identity.ciba_requests set answered_at = $4, grant_id = $5"
        " where partner_id = $1 and customer_id = $2 and approval_id = $3"
        " and answered_at is null and expires_at > $4 returning true",
        found.partner,
        found.customer,
        found.id,
        at,
        grant,
    )
    return done is True


async def hold(db: Connection, client: tuple[str, str], place: Place) -> Polled | None:
    """The client's request as it stands, locked: polls come one after another."""
    row = await db.fetchrow(
        "select expires_at, interval_seconds, polled_at, answered_at, grant_id, used_at"
        " from identity.ciba_requests"
        " where partner_id = $1 and client_id = $2 and slot = $3 and hash = $4 for update",
        *client,
        place.slot,
        place.hash,
    )
    return Polled(**row) if row else None


async def use(db: Connection, client: tuple[str, str], place: Place, at: datetime) -> bool:
    """The value is redeemed now, by this caller alone."""
    done = await db.fetchval(
        "update identity.ciba_requests set used_at = $5"
        " where partner_id = $1 and client_id = $2 and slot = $3 and hash = $4"
        " and used_at is null and grant_id is not null and expires_at > $5 returning true",
        *client,
        place.slot,
        place.hash,
        at,
    )
    return done is True


async def note_poll(
    db: Connection, client: tuple[str, str], place: Place, at: datetime, *, slower: bool
) -> None:
    """The client polled now; ``slower``: it has to wait longer from now on."""
    await db.execute(
        "update identity.ciba_requests set polled_at = $5,"
        " interval_seconds = least(interval_seconds + $6, $7)"
        " where partner_id = $1 and client_id = $2 and slot = $3 and hash = $4",
        *client,
        place.slot,
        place.hash,
        at,
        SLOW_DOWN_SECONDS if slower else 0,
        INTERVAL_SECONDS_MAX,
    )


def _waiting(row: Row) -> Waiting:
    return Waiting(
        id=row["approval_id"],
        partner=row["partner_id"],
        client_id=row["client_id"],
        client_name=row["client_name"],
        scopes=tuple(row["scopes"]),
        authorization_details=tuple(json.loads(row["authorization_details"])),
        opened_at=row["created_at"],
        expires_at=row["expires_at"],
        customer=row["customer_id"],
        binding_message=row["binding_message"],
    )
