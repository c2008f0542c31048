"""SQL of the replay tables; `identity.claim_jti` decides under a lock."""

from datetime import datetime
from typing import Literal

from bankside.kernel.db import Connection

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
