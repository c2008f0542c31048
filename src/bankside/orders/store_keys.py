"""SQL of idempotency keys and of what was moved today: rows that commit with the effect.

A key is remembered for ``KEYS_KEPT_DAYS``; the period is part of the contract with partners.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from bankside.kernel.db import Connection, Write
from bankside.kernel.idempotency import KeyScope

# Longer than the longest retry a partner is told to make (24 h); reliability guide, section 3.
KEYS_KEPT_DAYS = 7

_ANSWERED = (
    "insert into orders.idempotency (partner_id, tenant_id, app_id, operation, key, request_hash,"
    " status, answer, order_id, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
)
_SPENT = (
    "insert into orders.usage (partner_id, product, subject, currency, day, spent, ceiling)"
    " values ($1, $2, $3, $4, $5, $6, $7)"
    " on conflict (partner_id, product, subject, currency, day)"
    " do update set spent = orders.usage.spent + $6, ceiling = $7"
)
_FREED = (
    "update orders.usage set spent = greatest(spent - $6, 0) where partner_id = $1"
    " and product = $2 and subject = $3 and currency = $4 and day = $5"
)


@dataclass(frozen=True, slots=True)
class Stored:
    """The first answer to a key: status, JSON text, and the hash of the request it answered."""

    request_hash: bytes
    status: int
    answer: str
    order: str | None


@dataclass(frozen=True, slots=True)
class Spending:
    """An addition to what a subject has moved today under a product, and the day's ceiling."""

    partner: str
    product: str
    subject: str
    currency: str
    day: date
    minor: int
    ceiling: int


def answered(scope: KeyScope, stored: Stored, *, at: datetime) -> Write:
    """The row that keeps the first answer to a key."""
    return Write(
        _ANSWERED,
        (
            *scope,
            stored.request_hash,
            stored.status,
            stored.answer,
            stored.order,
            at,
        ),
    )


def spent(spending: Spending) -> Write:
    """Adds to the day's use; above the ceiling it violates ``usage_within_day_limit``."""
    return Write(
        _SPENT,
        (
            spending.partner,
            spending.product,
            spending.subject,
            spending.currency,
            spending.day,
            spending.minor,
            spending.ceiling,
        ),
    )


def counted(writes: Iterable[Write]) -> list[dict[str, Any]]:
    """What the writes count, as plain JSON: an order that is undone frees it again."""
    return [
        {"product": product, "subject": subject, "currency": currency, "day": str(day), "minor": n}
        for each in writes
        if each.sql is _SPENT
        for _, product, subject, currency, day, n, _ in (each.row,)
    ]


def freed(partner: str, use: Mapping[str, Any]) -> Write:
    """Takes back what was counted, on the day it was counted for."""
    day = date.fromisoformat(use["day"])
    return Write(
        _FREED, (partner, use["product"], use["subject"], use["currency"], day, use["minor"])
    )


async def spent_today(db: Connection, spending: Spending) -> int:
    """Minor units the subject has moved so far on the day."""
    found: int | None = await db.fetchval(
        "select spent from orders.usage where partner_id = $1 and product = $2 and subject = $3"
        " and currency = $4 and day = $5",
        spending.partner,
        spending.product,
        spending.subject,
        spending.currency,
        spending.day,
    )
    return found or 0


async def stored_answer(db: Connection, scope: KeyScope) -> Stored | None:
    """The first answer to the key, if there was one."""
    row = await db.fetchrow(
        "select request_hash, status, answer, order_id from orders.idempotency"
        " where partner_id = $1 and tenant_id = $2 and app_id = $3 and operation = $4 and key = $5",
        *scope,
    )
    if row is None:
        return None
    return Stored(row["request_hash"], row["status"], row["answer"], row["order_id"])


async def forget_before(db: Connection, at: datetime, *, limit: int) -> int:
    """Delete keys answered before ``at`` and day counters before its date; how many keys went."""
    gone: int = await db.fetchval(
        "with old as (select ctid from orders.idempotency where created_at < $1 limit $2),"
        " gone as (delete from orders.idempotency where ctid in (select ctid from old)"
        " returning 1) select count(*) from gone",
        at,
        limit,
    )
    await db.execute("delete from orders.usage where day < $1", at.date())
    return gone
