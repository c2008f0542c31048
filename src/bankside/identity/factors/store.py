"""SQL of the factors slice; every question takes the data space."""

from datetime import datetime

from bankside.kernel.db import Connection


async def put_totp(
    db: Connection, partner: str, customer: str, sealed: bytes, *, last_step: int, at: datetime
) -> None:
    """Store or replace a customer's sealed secret; codes up to ``last_step`` are spent."""
    await db.execute(
        "insert into identity.totp_factors"
        " (partner_id, customer_id, sealed_secret, last_step, set_at)"
        " values ($1, $2, $3, $4, $5) on conflict (partner_id, customer_id) do update"
        " set sealed_secret = $3, last_step = $4, set_at = $5",
        partner,
        customer,
        sealed,
        last_step,
        at,
    )


async def sealed_totp(db: Connection, partner: str, customer: str) -> bytes | None:
    """A customer's sealed secret."""
    sealed: bytes | None = await db.fetchval(
        "select sealed_secret from identity.totp_factors"
        " where partner_id = $1 and customer_id = $2",
        partner,
        customer,
    )
    return sealed


async def spend_step(db: Connection, partner: str, customer: str, step: int) -> bool:
    """Whether the code of this step was still good; it and all older ones are spent now.

    One statement decides: of many uses of one code at once, one is answered with True.
    """
    spent = await db.fetchval(
        "update identity.totp_factors set last_step = $3"
        " where partner_id = $1 and customer_id = $2 and last_step < $3 returning true",
        partner,
        customer,
        step,
    )
    return spent is True
