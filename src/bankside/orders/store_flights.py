"""SQL of one question: how many orders of product versions are not done yet."""

from collections.abc import Collection

from bankside.kernel.db import Connection


# tidy: scope - asked by the bank before it moves a product: orders of all partners count.
async def in_flight(db: Connection, products: Collection[str], version: int | None = None) -> int:
    """Orders of these products that still run or wait; ``version`` None: of every version."""
    found: int = await db.fetchval(
        "select count(*) from orders.orders where product = any($1::text[])"
        " and ($2::integer is null or product_version = $2)"
        " and state not in ('completed', 'refused', 'compensated', 'expired')",
        sorted(products),
        version,
    )
    return found
