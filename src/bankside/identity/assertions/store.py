"""SQL of the replay tables; `identity.claim_jti` decides under a lock."""

from datetime import datetime
from typing import Literal

from bankside.kernel.db import Connection, Write

# What a second use violates (`migrations/0071-proof-of-payment.sql`).
USED_ONCE = "proof_used_once"

Kind = Literal["assertion_jtis", "proof_jtis"]


async def claim(
    db: Connection,
    kind: Kind,
    client: tuple[str, str],
    digest: bytes,
    *,
    slot: int,
    until: datetime,
) -> bool:
    """Whether nobody claimed this jti of the client before; ``client`` is (partner, id)."""
    mine: bool = await db.fetchval(
        "select identity.claim_jti($1, $2, $3, $4, $5, $6)", kind, *client, digest, slot, until
    )
    return mine


def used(client: tuple[str, str], digest: bytes, *, slot: int, until: datetime) -> Write:
    """The proof is used up with whatever this is written with; a second time violates USED_ONCE."""
    sql = "select identity.use_proof($1, $2, $3, $4, $5)"
    return Write(sql, (*client, digest, slot, until))
