"""SQL of the factors slice; every question takes the data space."""

from datetime import datetime

from bankside.kernel.db import Connection


async def put_totp(
    db: Connection, partner: str, person: str, sealed: bytes, *, last_step: int, at: datetime
) -> None:
    """Store or replace a person's sealed secret; codes up to ``last_step`` are spent."""
    await db.execute(
        "insert into identity.totp_factors"
        " (partner_id, person_id, sealed_secret, last_step, set_at)"
        " values ($1, $2, $3, $4, $5) on conflict (partner_id, person_id) do update"
        " set sealed_secret = $3, last_step = $4, set_at = $5",
        partner,
        person,
        sealed,
        last_step,
        at,
    )


async def sealed_totp(db: Connection, partner: str, person: str) -> bytes | None:
    """A person's sealed secret."""
    sealed: bytes | None = await db.fetchval(
        "select sealed_secret from identity.totp_factors where partner_id = $1 and person_id = $2",
        partner,
        person,
    )
    return sealed


async def spend_step(db: Connection, partner: str, person: str, step: int) -> bool:
    """Whether the code of this step was still good; it and all older ones are spent now.

    One statement decides: of many uses of one code at once, one is answered with True.
    """
    spent = await db.fetchval(
        "update identity.totp_factors set last_step = $3"
        " where partner_id = $1 and person_id = $2 and last_step < $3 returning true",
        partner,
        person,
        step,
    )
    return spent is True
