"""SQL of orders in data spaces that live by clocks of their own: what is due there, and when.

Every question names its space. The partial indexes of migration 0141 are for these alone.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime

from bankside.kernel.db import Connection

# What the planner needs to see to use the partial indexes.
_OF_SPACE = r"partner_id like 'sbx\_%'"


async def with_work(
    db: Connection, clocks: Mapping[str, datetime], days: Mapping[str, date]
) -> list[str]:
    """Those of the spaces in which something is due by their own clocks.

    ``clocks``: what time it is there; ``days``: the newest business date that has ended there.
    """
    rows = await db.fetch(
        "select c.space from unnest($1::text[], $2::timestamptz[], $3::date[]) c(space, at, day)"  # noqa: S608 - constant
        " where exists (select 1 from orders.orders o"
        f" where o.partner_id = c.space and o.{_OF_SPACE} and o.wake_at <= c.at)"
        " or exists (select 1 from orders.orders o where o.partner_id = c.space"
        f" and o.{_OF_SPACE} and o.due_on <= c.day and o.waits_for is not null)",
        list(clocks),
        list(clocks.values()),
        [days[each] for each in clocks],
    )
    return [row["space"] for row in rows]


async def first_wake(db: Connection, space: str, without: Collection[str]) -> datetime | None:
    """When the first of the space's orders, but these, wakes."""
    found: datetime | None = await db.fetchval(
        f"select wake_at from orders.orders where partner_id = $1 and {_OF_SPACE}"  # noqa: S608 - constant
        " and wake_at is not null and order_id <> all($2::text[]) order by wake_at limit 1",
        space,
        list(without),
    )
    return found


async def first_due(db: Connection, space: str, without: Collection[str]) -> date | None:
    """The first date at whose end one of the space's orders, but these, is settled."""
    found: date | None = await db.fetchval(
        f"select due_on from orders.orders where partner_id = $1 and {_OF_SPACE}"  # noqa: S608 - constant
        " and due_on is not null and waits_for is not null and order_id <> all($2::text[])"
        " order by due_on limit 1",
        space,
        list(without),
    )
    return found


async def waking(
    db: Connection, space: str, at: datetime, without: Collection[str], limit: int
) -> list[str]:
    """Ids of the space's orders, but these, whose time has come, longest overdue first."""
    rows = await db.fetch(
        f"select order_id from orders.orders where partner_id = $1 and {_OF_SPACE}"  # noqa: S608 - constant
        " and wake_at <= $2 and order_id <> all($3::text[]) order by wake_at, order_id limit $4",
        space,
        at,
        list(without),
        limit,
    )
    return [row["order_id"] for row in rows]


async def settling(
    db: Connection, space: str, on: date, without: Collection[str], limit: int
) -> list[str]:
    """Ids of the space's paid orders, but these, due on a business date or before."""
    rows = await db.fetch(
        f"select order_id from orders.orders where partner_id = $1 and {_OF_SPACE}"  # noqa: S608 - constant
        " and due_on <= $2 and waits_for is not null and order_id <> all($3::text[])"
        " order by due_on, order_id limit $4",
        space,
        on,
        list(without),
        limit,
    )
    return [row["order_id"] for row in rows]


async def state_of_space(db: Connection, space: str) -> tuple[int, int, int, int]:
    """Orders, journal rows, kept answers and minor units used: what no refusal may change."""
    row = await db.fetchrow(
        "select (select count(*) from orders.orders where partner_id = $1),"
        " (select count(*) from orders.journal where partner_id = $1),"
        " (select count(*) from orders.idempotency where partner_id = $1),"
        " (select coalesce(sum(spent), 0)::bigint from orders.usage where partner_id = $1)",
        space,
    )
    assert row is not None, "a row without a table is always there"
    return tuple(row)
