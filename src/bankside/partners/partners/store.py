"""SQL of the partners slice."""

from datetime import datetime

from bankside.kernel.db import Connection, Row
from bankside.kernel.ids import PartnerId
from bankside.partners.partners.model import Partner

_COLUMNS = "partner_id, name_zh, name_en, status, created_at"


async def insert(db: Connection, partner: Partner) -> bool:
    """Store a partner; False when the id is taken."""
    row = await db.fetchrow(
        "insert into partners.partners (partner_id, name_zh, name_en, status, created_at)"
        " values ($1, $2, $3, $4, $5) on conflict do nothing returning partner_id",
        partner.id,
        partner.name_zh,
        partner.name_en,
        partner.status,
        partner.created_at,
    )
    return row is not None


async def find(db: Connection, partner: str) -> Partner | None:
    """The partner with this id."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from partners.partners"  # noqa: S608 - constant column list
        " where partner_id = $1",
        partner,
    )
    return _partner(row) if row else None


async def page(db: Connection, after: str, limit: int) -> list[Partner]:
    """Up to ``limit`` partners with an id above ``after``, by id."""
    rows = await db.fetch(
        f"select {_COLUMNS} from partners.partners"  # noqa: S608 - constant column list
        " where partner_id > $1 order by partner_id limit $2",
        after,
        limit,
    )
    return [_partner(row) for row in rows]


async def set_status(db: Connection, partner: str, status: str) -> int | None:
    """Write the status; the partner's new version, None when there is no such partner."""
    version: int | None = await db.fetchval(
        "update partners.partners set status = $2, version = version + 1"
        " where partner_id = $1 returning version",
        partner,
        status,
    )
    return version


def _partner(row: Row) -> Partner:
    created_at: datetime = row["created_at"]
    return Partner(
        id=PartnerId(row["partner_id"]),
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        status=row["status"],
        created_at=created_at,
    )
