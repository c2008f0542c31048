"""SQL of hosted payment pages: which order a page's address leads to.

Asked without a partner: the address names none, and its 256 random bits let nobody guess another's.
"""

import hashlib
from datetime import datetime

from bankside.kernel.db import Connection, Write

_OPENED = (
    "insert into orders.payment_pages (partner_id, order_id, key_hash, created_at)"
    " values ($1, $2, $3, $4)"
)


def opened(partner: str, order_id: str, key: str, *, at: datetime) -> Write:
    """The row of a new page; of ``key`` only the hash is kept here."""
    return Write(_OPENED, (partner, order_id, _hash(key), at))


async def order_of(db: Connection, key: str) -> tuple[str, str] | None:
    """(partner, order id) of the page with this key."""
    row = await db.fetchrow(
        "select partner_id, order_id from orders.payment_pages where key_hash = $1", _hash(key)
    )
    return (row["partner_id"], row["order_id"]) if row else None


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
