"""SQL of reconciliation: what the journal says of a partner's postings in some hours."""

from collections.abc import AsyncIterator
from datetime import datetime

from bankside.kernel.db import Connection, Row

PREFETCH = 2_000
SECONDS_MAX = 1_800

# What a settlement paid out is the order's sum today less what came back to it later.
_ROWS = """
select j.group_id::text as reference, j.use, j.status, j.output, j.at, o.order_id, o.family,
    o.amount, o.currency, o.roles, o.settled, o.fee,
    case when j.use in ('collect.settle', 'split.finish') then (
        select jsonb_agg(r.output) from orders.journal r
        where r.partner_id = j.partner_id and r.order_id = j.order_id and r.use = 'split.return'
            and r.status = 'done' and (r.revision, r.n) > (j.revision, j.n)
    ) end as returned_later,
    j.use = 'split.return' and exists (
        select from orders.journal s
        where s.partner_id = j.partner_id and s.order_id = j.order_id
            and s.use in ('collect.settle', 'split.finish') and s.status = 'done'
            and (s.revision, s.n) < (j.revision, j.n)
    ) as settled_before
from orders.journal j
join orders.orders o on o.partner_id = j.partner_id and o.order_id = j.order_id
where j.partner_id = $1 and j.at >= $2 and j.at < $3 and j.group_id is not null
    and j.status <> 'refused'
order by j.group_id, j.order_id, j.n
"""


async def postings(
    db: Connection, partner: str, since: datetime, until: datetime
) -> AsyncIterator[Row]:
    """Journal rows with a posting, sorted by the posting, with what their orders know."""
    rows = db.cursor(_ROWS, partner, since, until, prefetch=PREFETCH, timeout=SECONDS_MAX)
    async for row in rows:
        yield row
