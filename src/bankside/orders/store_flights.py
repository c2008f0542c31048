"""SQL of one question: how many orders of product versions are not done yet."""

from collections.abc import Collection

from bankside.kernel.db import Connection


# tidy: scope - asked by the bank before it moves a product: orders of all partners count.
async def in_flight(
    db: Connection,
    products: Collection[str],
    version: int | None = None,
    without: Collection[str] = (),
) -> int:
    """Orders of these products that still run or wait, without those of some partners.

    ``version`` None: of every version.
    """
    found: int = await db.fetchval(
        "select count(*) from orders.orders where product = any($1::text[])"
        " and ($2::integer is null or product_version = $2)"
        " and partner_id <> all($3::text[])"
        " and state not in ('completed', 'refused', 'compensated', 'expired')",
        sorted(products),
        version,
        list(without),
    )
    return found
