"""SQL of the sandboxes slice: spaces, and what moves into one with its app."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bankside.kernel.db import Connection, Row
from bankside.kernel.ids import PartnerId
from bankside.partners.sandboxes.model import Space

_COLUMNS = "space_id, parent_id, app_id, ahead_seconds, created_at"


async def insert(db: Connection, space: Space) -> bool:
    """Store a new space; False when its app has one."""
    row = await db.fetchrow(
        "insert into partners.sandboxes (space_id, parent_id, app_id, created_at)"
        " values ($1, $2, $3, $4)"
        " on conflict (app_id) where replaced_by is null do nothing returning space_id",
        space.id,
        space.parent,
        space.app,
        space.created_at,
    )
    return row is not None


async def count_since(db: Connection, app: str, since: datetime) -> int:
    """How many spaces the app was given since, those in use no more included."""
    count: int = await db.fetchval(
        "select count(*) from partners.sandboxes where app_id = $1 and created_at > $2", app, since
    )
    return count


async def of_app(db: Connection, app: str) -> Space | None:
    """The space the app stands in, if it has one of its own."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from partners.sandboxes"  # noqa: S608 - constants
        " where app_id = $1 and replaced_by is null",
        app,
    )
    return _space(row) if row else None


async def find(db: Connection, space: str, *, for_update: bool = False) -> Space | None:
    """The space that is in use under this id."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from partners.sandboxes"  # noqa: S608 - constants
        " where space_id = $1 and replaced_by is null" + (" for update" if for_update else ""),
        space,
    )
    return _space(row) if row else None


async def every(db: Connection, parent: str, after: str, limit: int) -> list[Space]:
    """Up to ``limit`` spaces in use of a partner with an id above ``after``, by id."""
    rows = await db.fetch(
        f"select {_COLUMNS} from partners.sandboxes"  # noqa: S608 - constants
        " where parent_id = $1 and replaced_by is null and space_id > $2"
        " order by space_id limit $3",
        parent,
        after,
        limit,
    )
    return [_space(row) for row in rows]


async def replace(db: Connection, old: PartnerId, new: PartnerId) -> None:
    """The old space is out of use, for the new one."""
    await db.execute("update partners.sandboxes set replaced_by = $2 where space_id = $1", old, new)


async def move_clock(db: Connection, space: str, seconds: int) -> int | None:
    """The clock is ``seconds`` ahead; the space's new version, None when that were backwards."""
    version: int | None = await db.fetchval(
        "update partners.sandboxes set ahead_seconds = $2, version = version + 1"
        " where space_id = $1 and replaced_by is null and ahead_seconds <= $2 returning version",
        space,
        seconds,
    )
    return version


_AHEAD = "select space_id, ahead_seconds from partners.sandboxes where replaced_by is null"
_MOVED = _AHEAD + " and ahead_seconds > 0"


async def ahead(db: Connection, *, moved: bool) -> Mapping[str, timedelta]:
    """How far the clock of each space in use is ahead; or of those that were ``moved``."""
    rows = await db.fetch(_MOVED if moved else _AHEAD)
    return {row["space_id"]: timedelta(seconds=row["ahead_seconds"]) for row in rows}


async def announce_load(db: Connection, space: str, *, rate: int, until: datetime) -> int | None:
    """The app may call so fast until then; the space's new version."""
    version: int | None = await db.fetchval(
        "update partners.sandboxes set load_rate = $2, load_until = $3, version = version + 1"
        " where space_id = $1 and replaced_by is null returning version",
        space,
        rate,
        until,
    )
    return version


async def loads(db: Connection, at: datetime) -> Mapping[str, tuple[int, datetime]]:
    """Rate and end of the load tests that are not over, by space."""
    rows = await db.fetch(
        "select space_id, load_rate, load_until from partners.sandboxes"
        " where replaced_by is null and load_until > $1",
        at,
    )
    return {row["space_id"]: (row["load_rate"], row["load_until"]) for row in rows}


async def move_app(db: Connection, app: str, to: PartnerId) -> None:
    """The app, its keys and its subscriptions belong to the space (foreign keys cascade)."""
    await db.execute(
        "update partners.apps set partner_id = $2, version = version + 1 where app_id = $1",
        app,
        to,
    )


async def move_tenants(db: Connection, old: PartnerId, to: PartnerId) -> None:
    """The old space's tenants, with their tokens, stand in the new one too."""
    await db.execute(
        "insert into partners.tenants (partner_id, tenant_id, name_zh, name_en, token_hash, status,"
        " version, created_at)"
        " select $2, tenant_id, name_zh, name_en, token_hash, status, version, created_at"
        " from partners.tenants where partner_id = $1",
        old,
        to,
    )


async def move_endpoints(db: Connection, old: PartnerId, to: PartnerId) -> None:
    """The old space's webhook endpoints, with their keys, are the new one's (keys cascade)."""
    await db.execute(
        "update partners.webhook_endpoints set partner_id = $2 where partner_id = $1", old, to
    )


def _space(row: Row) -> Space:
    return Space(
        id=PartnerId(row["space_id"]),
        parent=PartnerId(row["parent_id"]),
        app=row["app_id"],
        ahead=timedelta(seconds=row["ahead_seconds"]),
        created_at=row["created_at"],
    )
