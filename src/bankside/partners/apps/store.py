"""SQL of the apps slice; every question about one partner's apps takes the partner."""

from collections.abc import Sequence
from datetime import datetime

from bankside.kernel.db import Connection, Row
from bankside.kernel.ids import AppId, PartnerId
from bankside.partners.apps.model import PartnerApp

_COLUMNS = (
    "partner_id, app_id, name, environment, status, rate_per_second, burst, version, created_at"
)


async def insert(db: Connection, app: PartnerApp) -> bool:
    """Store an app; False when the id is taken."""
    row = await db.fetchrow(
        "insert into partners.apps (partner_id, app_id, name, environment, status, rate_per_second,"
        " burst, created_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning app_id",
        app.partner,
        app.id,
        app.name,
        app.environment,
        app.status,
        app.rate_per_second,
        app.burst,
        app.created_at,
    )
    return row is not None


async def find(db: Connection, partner: PartnerId, app: str) -> PartnerApp | None:
    """The partner's app with this id."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from partners.apps"  # noqa: S608 - constant column list
        " where partner_id = $1 and app_id = $2",
        partner,
        app,
    )
    return _app(row) if row else None


async def page(db: Connection, partner: PartnerId, after: str, limit: int) -> list[PartnerApp]:
    """Up to ``limit`` of the partner's apps with an id above ``after``, by id."""
    rows = await db.fetch(
        f"select {_COLUMNS} from partners.apps"  # noqa: S608 - constant column list
        " where partner_id = $1 and app_id > $2 order by app_id limit $3",
        partner,
        after,
        limit,
    )
    return [_app(row) for row in rows]


async def step_version(db: Connection, partner: PartnerId, app: str) -> int | None:
    """Count one change: the app's new version, None when the partner has no such app.

    The row stays locked until the transaction ends, so changes of one app follow each other.
    """
    version: int | None = await db.fetchval(
        "update partners.apps set version = version + 1"
        " where partner_id = $1 and app_id = $2 returning version",
        partner,
        app,
    )
    return version


async def set_status(db: Connection, partner: PartnerId, app: AppId, status: str) -> None:
    """Write the app's status."""
    await db.execute(
        "update partners.apps set status = $3 where partner_id = $1 and app_id = $2",
        partner,
        app,
        status,
    )


async def set_rate(
    db: Connection, partner: PartnerId, app: AppId, *, rate_per_second: int, burst: int
) -> None:
    """Write how fast the app may call."""
    await db.execute(
        "update partners.apps set rate_per_second = $3, burst = $4"
        " where partner_id = $1 and app_id = $2",
        partner,
        app,
        rate_per_second,
        burst,
    )


async def subscribe(
    db: Connection, partner: PartnerId, app: AppId, products: Sequence[str], at: datetime
) -> list[str]:
    """Add the subscriptions that are new; the new ones, sorted."""
    rows = await db.fetch(
        "insert into partners.subscriptions (partner_id, app_id, product_id, created_at)"
        " select $1, $2, product, $4 from unnest($3::text[]) as product"
        " on conflict do nothing returning product_id",
        partner,
        app,
        products,
        at,
    )
    return sorted(row["product_id"] for row in rows)


async def unsubscribe(
    db: Connection, partner: PartnerId, app: AppId, products: Sequence[str]
) -> list[str]:
    """Remove the subscriptions that stand; the removed ones, sorted."""
    rows = await db.fetch(
        "delete from partners.subscriptions"
        " where partner_id = $1 and app_id = $2 and product_id = any($3::text[])"
        " returning product_id",
        partner,
        app,
        products,
    )
    return sorted(row["product_id"] for row in rows)


async def subscriptions(db: Connection, partner: PartnerId, app: str) -> list[str]:
    """The products the app subscribed to, sorted."""
    rows = await db.fetch(
        "select product_id from partners.subscriptions"
        " where partner_id = $1 and app_id = $2 order by product_id",
        partner,
        app,
    )
    return [row["product_id"] for row in rows]


async def add_return_address(
    db: Connection, partner: PartnerId, app: AppId, address: str, at: datetime
) -> None:
    """Keep an address that payers may be sent back to; one that stands already stays."""
    await db.execute(
        "insert into partners.return_addresses (partner_id, app_id, address, created_at)"
        " values ($1, $2, $3, $4) on conflict do nothing",
        partner,
        app,
        address,
        at,
    )


async def remove_return_address(
    db: Connection, partner: PartnerId, app: AppId, address: str
) -> bool:
    """Forget an address; False when there was none."""
    gone = await db.fetchval(
        "delete from partners.return_addresses"
        " where partner_id = $1 and app_id = $2 and address = $3 returning 1",
        partner,
        app,
        address,
    )
    return gone is not None


async def return_addresses(db: Connection, partner: PartnerId, app: AppId) -> list[str]:
    """The addresses that the app's payers may be sent back to, sorted."""
    rows = await db.fetch(
        "select address from partners.return_addresses"
        " where partner_id = $1 and app_id = $2 order by address",
        partner,
        app,
    )
    return [row["address"] for row in rows]


async def every(db: Connection) -> list[tuple[PartnerApp, bool]]:
    """Every app of every partner and whether app and partner are active: for the snapshot."""
    rows = await db.fetch(
        "select a.partner_id, a.app_id, a.name, a.environment, a.status, a.rate_per_second,"
        " a.burst, a.version, a.created_at,"
        " a.status = 'active' and p.status = 'active'"
        # Who signed for a data space answers for it.
        " and coalesce(o.status = 'active', true) as active"
        " from partners.apps as a join partners.partners as p using (partner_id)"
        " left join partners.sandboxes as s on s.space_id = a.partner_id"
        " left join partners.partners as o on o.partner_id = s.parent_id"
        " order by a.app_id"
    )
    return [(_app(row), row["active"]) for row in rows]


async def every_subscription(db: Connection) -> dict[str, list[str]]:
    """App id to its products, over all partners: for the snapshot."""
    rows = await db.fetch(
        "select app_id, array_agg(product_id order by product_id) as products"
        " from partners.subscriptions group by app_id"
    )
    return {row["app_id"]: row["products"] for row in rows}


async def subscribers(db: Connection, products: Sequence[str]) -> list[tuple[PartnerId, AppId]]:
    """Partner and app of every subscription to one of these products, over all partners."""
    rows = await db.fetch(
        "select distinct partner_id, app_id from partners.subscriptions"
        " where product_id = any($1::text[]) order by 1, 2",
        list(products),
    )
    return [(PartnerId(row["partner_id"]), AppId(row["app_id"])) for row in rows]


async def held_products(db: Connection, partner: PartnerId) -> list[str]:
    """The products that any app of the partner subscribed to, sorted."""
    rows = await db.fetch(
        "select distinct product_id from partners.subscriptions where partner_id = $1 order by 1",
        partner,
    )
    return [row["product_id"] for row in rows]


def _app(row: Row) -> PartnerApp:
    return PartnerApp(
        id=AppId(row["app_id"]),
        partner=PartnerId(row["partner_id"]),
        name=row["name"],
        environment=row["environment"],
        status=row["status"],
        rate_per_second=row["rate_per_second"],
        burst=row["burst"],
        version=row["version"],
        created_at=row["created_at"],
    )
