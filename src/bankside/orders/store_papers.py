"""SQL of papers: numbers, one-time codes, and orders found by what their papers say.

Every question takes the partner; what belongs to one tenant is asked with the caller's scope.
"""

from datetime import datetime
from typing import Any

import msgspec

from bankside.kernel.db import Connection, Write
from bankside.orders.store import Scope

_CODE_USED = (
    "insert into orders.codes_used (partner_id, code_id, order_id, at) values ($1, $2, $3, $4)"
)


async def invoice_serial(db: Connection) -> int:
    """The next serial of invoice numbers; one that is not used leaves a gap."""
    serial: int = await db.fetchval("select nextval('orders.invoice_serials')")
    return serial


async def invoice(db: Connection, partner: str, number: str) -> dict[str, Any] | None:
    """What the invoice with this number says, if an order of the data space issued it."""
    found: str | None = await db.fetchval(
        "select book -> 'invoice' from orders.orders"
        " where partner_id = $1 and book ? 'invoice' and book -> 'invoice' ->> 'invoice_no' = $2"
        " limit 1",
        partner,
        number,
    )
    return msgspec.json.decode(found) if found else None


async def code_tries(db: Connection, partner: str, code_id: str) -> int:
    """How often orders presented something else for the code."""
    tries: int = await db.fetchval(
        "select count(*) from orders.codes_used where partner_id = $1"
        " and code_id >= $2 || '#' and code_id < $2 || '$'",
        partner,
        code_id,
    )
    return tries


async def code_missed(
    db: Connection, partner: str, code_id: str, *, n: int, by: str, at: datetime
) -> None:
    """The ``n``-th wrong try; of two that race as the same one, one is enough."""
    await db.execute(
        "insert into orders.codes_used (partner_id, code_id, order_id, at)"
        " values ($1, $2, $3, $4) on conflict do nothing",
        partner,
        f"{code_id}#{n}",
        by,
        at,
    )


async def code(db: Connection, scope: Scope, code_id: str) -> dict[str, Any] | None:
    """The code an order sent, unless another order has used it."""
    found: str | None = await db.fetchval(
        "select o.book -> 'code' from orders.orders o"
        " where o.partner_id = $1 and ($2::text is null or o.tenant_id = $2) and o.order_id = $3"
        " and o.waits_for = 'verify.code' and o.book ? 'code' and not exists ("
        " select from orders.codes_used u where u.partner_id = $1 and u.code_id = $3)",
        scope.partner,
        scope.tenant,
        code_id,
    )
    return msgspec.json.decode(found) if found else None


def code_used(partner: str, code_id: str, *, by: str, at: datetime) -> Write:
    """The code is used by an order; a second one violates ``codes_used_once``."""
    return Write(_CODE_USED, (partner, code_id, by, at))
