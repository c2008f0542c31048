"""SQL of the webhooks slice; every question about one partner's endpoints takes the partner."""

from datetime import datetime

from bankside.kernel.db import Connection, Row
from bankside.kernel.ids import PartnerId, WebhookId
from bankside.partners.webhooks.model import Endpoint, EndpointKey

_COLUMNS = (
    "partner_id, tenant_id, endpoint_id, url, types, signing, status, reason, version, created_at"
)
# A tenant sees its own, the partner itself all.
_SEEN = "partner_id = $1 and ($2::text is null or tenant_id = $2)"


async def insert(db: Connection, endpoint: Endpoint) -> None:
    """Store a new endpoint."""
    await db.execute(
        "insert into partners.webhook_endpoints"
        " (partner_id, tenant_id, endpoint_id, url, types, signing, created_at)"
        " values ($1, $2, $3, $4, $5, $6, $7)",
        endpoint.partner,
        endpoint.tenant,
        endpoint.id,
        endpoint.url,
        list(endpoint.types),
        endpoint.signing,
        endpoint.created_at,
    )


async def count_locked(db: Connection, partner: PartnerId, tenant: str | None) -> int:
    """How many endpoints the tenant (None: the partner itself) has; no other is added until the
    transaction ends.
    """
    await db.fetchval(
        "select 1 from partners.partners where partner_id = $1 for no key update", partner
    )
    count: int = await db.fetchval(
        "select count(*) from partners.webhook_endpoints"
        " where partner_id = $1 and tenant_id is not distinct from $2",
        partner,
        tenant,
    )
    return count


async def find(
    db: Connection, partner: str, endpoint: str, *, tenant: str | None = None
) -> Endpoint | None:
    """The partner's endpoint with this id; of this tenant, if one is given."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from partners.webhook_endpoints"  # noqa: S608 - constants
        f" where {_SEEN} and endpoint_id = $3",
        partner,
        tenant,
        endpoint,
    )
    return _endpoint(row) if row else None


async def find_told(db: Connection, partner: str, endpoint: str) -> Endpoint | None:
    """The endpoint that is told of this partner's event; also where it moved to by a reset since.

    A space that a reset put in the place of another belongs to the same app.
    """
    row = await db.fetchrow(
        f"select {_COLUMNS} from partners.webhook_endpoints as endpoint"  # noqa: S608 - constants
        " where endpoint_id = $2 and (partner_id = $1 or exists (select 1"
        " from partners.sandboxes as was join partners.sandboxes as now using (app_id)"
        " where was.space_id = $1 and now.space_id = endpoint.partner_id))",
        partner,
        endpoint,
    )
    return _endpoint(row) if row else None


async def page(
    db: Connection, partner: PartnerId, after: str, limit: int, *, tenant: str | None = None
) -> list[Endpoint]:
    """Up to ``limit`` of the partner's (or tenant's) endpoints with an id above ``after``."""
    rows = await db.fetch(
        f"select {_COLUMNS} from partners.webhook_endpoints"  # noqa: S608 - constants
        f" where {_SEEN} and endpoint_id > $3 order by endpoint_id limit $4",
        partner,
        tenant,
        after,
        limit,
    )
    return [_endpoint(row) for row in rows]


async def set_status(
    db: Connection, partner: str, endpoint: str, *, status: str, reason: str
) -> Endpoint | None:
    """Write the endpoint's status; None when the partner has no such endpoint."""
    row = await db.fetchrow(
        "update partners.webhook_endpoints"  # noqa: S608 - constant column list
        " set status = $3, reason = $4, version = version + 1"
        f" where partner_id = $1 and endpoint_id = $2 returning {_COLUMNS}",
        partner,
        endpoint,
        status,
        reason,
    )
    return _endpoint(row) if row else None


async def change(db: Connection, endpoint: Endpoint) -> None:
    """Write the endpoint's address, types, status and version."""
    await db.execute(
        "update partners.webhook_endpoints"
        " set url = $3, types = $4, status = $5, reason = $6, version = $7"
        " where partner_id = $1 and endpoint_id = $2",
        endpoint.partner,
        endpoint.id,
        endpoint.url,
        list(endpoint.types),
        endpoint.status,
        endpoint.reason,
        endpoint.version,
    )


async def lock(db: Connection, endpoint: Endpoint) -> None:
    """Nobody else changes the endpoint or its keys until the transaction ends."""
    await db.execute(
        "select 1 from partners.webhook_endpoints"
        " where partner_id = $1 and endpoint_id = $2 for update",
        endpoint.partner,
        endpoint.id,
    )


async def remove(db: Connection, partner: PartnerId, endpoint: str) -> bool:
    """Delete the endpoint with its keys; False when the partner has no such endpoint."""
    row = await db.fetchrow(
        "delete from partners.webhook_endpoints"
        " where partner_id = $1 and endpoint_id = $2 returning endpoint_id",
        partner,
        endpoint,
    )
    return row is not None


async def add_key(db: Connection, endpoint: Endpoint, key: EndpointKey) -> None:
    """Store a key of the endpoint."""
    await db.execute(
        "insert into partners.webhook_keys"
        " (partner_id, endpoint_id, key_id, sealed, public_key, created_at)"
        " values ($1, $2, $3, $4, $5, $6)",
        endpoint.partner,
        endpoint.id,
        key.id,
        key.sealed,
        key.public,
        key.created_at,
    )


async def retire_keys(db: Connection, endpoint: Endpoint, *, until: datetime) -> None:
    """The endpoint's keys sign until then; those already retiring keep their time."""
    await db.execute(
        "update partners.webhook_keys set signs_until = $3"
        " where partner_id = $1 and endpoint_id = $2 and signs_until is null",
        endpoint.partner,
        endpoint.id,
        until,
    )


async def drop_keys(db: Connection, endpoint: Endpoint, *, before: datetime) -> None:
    """Keys that sign no more are forgotten."""
    await db.execute(
        "delete from partners.webhook_keys"
        " where partner_id = $1 and endpoint_id = $2 and signs_until <= $3",
        endpoint.partner,
        endpoint.id,
        before,
    )


async def keys(
    db: Connection, partner: PartnerId, endpoint: WebhookId, *, at: datetime
) -> list[EndpointKey]:
    """The keys that sign at this moment, newest first."""
    rows = await db.fetch(
        "select key_id, sealed, public_key, created_at, signs_until from partners.webhook_keys"
        " where partner_id = $1 and endpoint_id = $2"
        " and (signs_until is null or signs_until > $3) order by created_at desc, key_id desc",
        partner,
        endpoint,
        at,
    )
    return [
        EndpointKey(
            id=row["key_id"],
            sealed=row["sealed"],
            public=row["public_key"],
            created_at=row["created_at"],
            signs_until=row["signs_until"],
        )
        for row in rows
    ]


def _endpoint(row: Row) -> Endpoint:
    return Endpoint(
        id=WebhookId(row["endpoint_id"]),
        partner=PartnerId(row["partner_id"]),
        tenant=row["tenant_id"],
        url=row["url"],
        types=tuple(row["types"]),
        signing=row["signing"],
        status=row["status"],
        reason=row["reason"],
        version=row["version"],
        created_at=row["created_at"],
    )
