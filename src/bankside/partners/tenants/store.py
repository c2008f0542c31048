"""SQL of the tenants slice; every question takes the partner."""

from collections.abc import Collection

from bankside.kernel.db import Connection, Row
from bankside.kernel.ids import PartnerId, TenantId
from bankside.partners.tenants.model import Tenant

_COLUMNS = "partner_id, tenant_id, name_zh, name_en, status, created_at"


async def insert(db: Connection, tenant: Tenant, token_hash: bytes) -> bool:
    """Store a tenant; False when the partner has one with this id."""
    row = await db.fetchrow(
        "insert into partners.tenants"
        " (partner_id, tenant_id, name_zh, name_en, token_hash, status, created_at)"
        " values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning tenant_id",
        tenant.partner,
        tenant.id,
        tenant.name_zh,
        tenant.name_en,
        token_hash,
        tenant.status,
        tenant.created_at,
    )
    return row is not None


async def find(db: Connection, partner: PartnerId, tenant: str) -> Tenant | None:
    """The partner's tenant with this id."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from partners.tenants"  # noqa: S608 - constant column list
        " where partner_id = $1 and tenant_id = $2",
        partner,
        tenant,
    )
    return _tenant(row) if row else None


async def page(db: Connection, partner: PartnerId, after: str, limit: int) -> list[Tenant]:
    """Up to ``limit`` of the partner's tenants with an id above ``after``, by id."""
    rows = await db.fetch(
        f"select {_COLUMNS} from partners.tenants"  # noqa: S608 - constant column list
        " where partner_id = $1 and tenant_id > $2 order by tenant_id limit $3",
        partner,
        after,
        limit,
    )
    return [_tenant(row) for row in rows]


async def set_status(
    db: Connection, partner: PartnerId, tenant: TenantId, status: str
) -> int | None:
    """Write the status; the tenant's new version, None when there is no such tenant."""
    version: int | None = await db.fetchval(
        "update partners.tenants set status = $3, version = version + 1"
        " where partner_id = $1 and tenant_id = $2 returning version",
        partner,
        tenant,
        status,
    )
    return version


async def set_token(
    db: Connection, partner: PartnerId, tenant: TenantId, token_hash: bytes
) -> int | None:
    """Replace the token's hash; the tenant's new version, None when there is no such tenant."""
    version: int | None = await db.fetchval(
        "update partners.tenants set token_hash = $3, version = version + 1"
        " where partner_id = $1 and tenant_id = $2 returning version",
        partner,
        tenant,
        token_hash,
    )
    return version


# tidy: scope - asked by the bank before it moves a product: tenants of all partners count.
async def counts(db: Connection, partners: Collection[str]) -> dict[str, int]:
    """Active tenants of each of these partners that has any."""
    rows = await db.fetch(
        "select partner_id, count(*) as tenants from partners.tenants"
        " where status = 'active' and partner_id = any($1::text[]) group by 1",
        list(partners),
    )
    return {row["partner_id"]: row["tenants"] for row in rows}


async def tokens(db: Connection) -> list[tuple[PartnerId, TenantId, bytes]]:
    """Every active tenant's (partner, tenant, token hash): for the snapshot of all partners."""
    rows = await db.fetch(
        "select partner_id, tenant_id, token_hash from partners.tenants where status = 'active'"
        " order by partner_id, tenant_id"
    )
    return [
        (PartnerId(row["partner_id"]), TenantId(row["tenant_id"]), row["token_hash"])
        for row in rows
    ]


def _tenant(row: Row) -> Tenant:
    return Tenant(
        id=TenantId(row["tenant_id"]),
        partner=PartnerId(row["partner_id"]),
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        status=row["status"],
        created_at=row["created_at"],
    )
