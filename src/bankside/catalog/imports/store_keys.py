"""SQL of idempotency keys of forwarded writes: one row a key, from its first call on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bankside.kernel.db import Connection
from bankside.kernel.idempotency import KeyScope


@dataclass(frozen=True, slots=True)
class KeyRow:
    """How a key stands: ``running``, ``unknown`` or ``answered`` with its first answer."""

    request_hash: bytes
    state: str
    status: int
    answer: bytes
    began_at: datetime


async def take(db: Connection, scope: KeyScope, request_hash: bytes, at: datetime) -> bool:
    """Whether the key was free and is now this call's."""
    found = await db.fetchval(
        "insert into catalog.forwarded_keys (partner_id, tenant_id, app_id, operation, key,"
        " request_hash, state, began_at) values ($1, $2, $3, $4, $5, $6, 'running', $7)"
        " on conflict do nothing returning 1",
        *scope,
        request_hash,
        at,
    )
    return found is not None


async def found(db: Connection, scope: KeyScope) -> KeyRow | None:
    """The row of a key, locked until the transaction ends."""
    row = await db.fetchrow(
        "select request_hash, state, status, answer, began_at from catalog.forwarded_keys"
        " where partner_id = $1 and tenant_id = $2 and app_id = $3 and operation = $4"
        " and key = $5 for update",
        *scope,
    )
    return KeyRow(*row) if row is not None else None


async def resume(db: Connection, scope: KeyScope, at: datetime) -> None:
    """A key of unknown outcome is asked for again."""
    await db.execute(
        "update catalog.forwarded_keys set state = 'running', began_at = $6"
        " where partner_id = $1 and tenant_id = $2 and app_id = $3 and operation = $4"
        " and key = $5",
        *scope,
        at,
    )


async def settle(db: Connection, scope: KeyScope, state: str, *answer: Any) -> None:
    """The key is ``answered`` (status, JSON) or ``unknown``."""
    status, content = answer or (0, b"")
    await db.execute(
        "update catalog.forwarded_keys set state = $6, status = $7, answer = $8"
        " where partner_id = $1 and tenant_id = $2 and app_id = $3 and operation = $4"
        " and key = $5",
        *scope,
        state,
        status,
        content,
    )


async def drop(db: Connection, scope: KeyScope) -> None:
    """The key is free: nothing happened."""
    await db.execute(
        "delete from catalog.forwarded_keys where partner_id = $1 and tenant_id = $2"
        " and app_id = $3 and operation = $4 and key = $5",
        *scope,
    )


async def forget_before(db: Connection, at: datetime, *, limit: int) -> int:
    """Forget keys that began before ``at``; how many."""
    gone: int = await db.fetchval(
        "with old as (select ctid from catalog.forwarded_keys where began_at < $1 limit $2),"
        " gone as (delete from catalog.forwarded_keys where ctid in (select ctid from old)"
        " returning 1) select count(*) from gone",
        at,
        limit,
    )
    return gone
