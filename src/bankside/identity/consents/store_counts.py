"""SQL of one question: how many consents stand behind what the bank wants to change."""

from collections.abc import Collection
from datetime import datetime

from bankside.identity.consents.model import ConsentKind
from bankside.kernel.db import Connection


# tidy: scope - asked by the bank before it moves a product: consents of all partners count.
async def count_in_force(
    db: Connection, clients: Collection[str], kinds: Collection[ConsentKind], at: datetime
) -> int:
    """Consents of these kinds that customers gave these clients and that still hold at ``at``."""
    found: int = await db.fetchval(
        "select count(*) from identity.consents where client_id = any($1::text[])"
        " and kind = any($2::text[]) and status = 'authorised' and valid_until > $3",
        sorted(clients),
        sorted(kinds),
        at,
    )
    return found
