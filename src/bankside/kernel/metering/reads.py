"""Questions about calls. ``partner`` None is the bank's own staff; a partner sees only its own."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

from bankside.kernel.db import Connection
from bankside.kernel.metering.record import COLUMNS, CallRecord, Outcome

PAGE_MAX = 200

Dimension = Literal[
    "partner", "tenant", "app", "operation", "product", "solution", "branch", "wire",
    "version", "arm", "status", "code", "outcome", "stage", "environment",
]  # fmt: skip

_FIELDS = ", ".join(
    f'{column} as "{name}"' for name, column in COLUMNS.items() if name != "started_at"
)
_MICROSECONDS = "(extract(epoch from started_at) * 1000000)::bigint as started_us"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_BY_REQUEST = f"""
select {_FIELDS}, {_MICROSECONDS} from kernel.call_records
where request_id = $1 and ($2::text is null or partner_id = $2) order by started_at limit {PAGE_MAX}
"""  # noqa: S608 - column names are CallRecord's own fields

_RECENT = f"""
select {_FIELDS}, {_MICROSECONDS} from kernel.call_records
where ($1::text is null or partner_id = $1) and ($2::timestamptz is null or started_at < $2)
  and ($3::text is null or operation = $3) and ($4::text is null or outcome = $4)
order by started_at desc limit $5
"""  # noqa: S608 - column names are CallRecord's own fields

_COUNT_BY = {
    name: f"""
    select {COLUMNS[name]}::text as value, count(*) as calls from kernel.call_records
    where ($1::text is null or partner_id = $1) and started_at >= $2 and started_at < $3
    group by 1 order by 2 desc, 1 limit {PAGE_MAX}
    """  # noqa: S608 - the column names are the Dimension type's own
    for name in get_args(Dimension)
}


_OF_PRODUCTS = """
select product, version, partner_id, operation, environment, outcome, stage, count(*) as calls,
    max(started_at) as last_at
from kernel.call_records
where product = any($1::text[]) and started_at >= $2 and started_at < $3
group by 1, 2, 3, 4, 5, 6, 7 order by 8 desc, 1, 2, 3, 4, 5, 6, 7 limit 10000
"""

_DURATIONS = """
select duration_us from kernel.call_records
where product = $1 and version = $2 and started_at >= $3 and started_at < $4 and outcome = 'ok'
order by started_at desc limit $5
"""


@dataclass(frozen=True, slots=True)
class ProductCalls:
    """How often calls of one kind were made of an operation, and when the last one began."""

    product: str
    version: int
    partner: str
    operation: str
    environment: str
    outcome: Outcome
    stage: str
    calls: int
    last_at: datetime


async def calls_of_products(
    db: Connection, products: Collection[str], *, since: datetime, until: datetime
) -> list[ProductCalls]:
    """Calls of ``[since, until)`` of these products, by what distinguishes them, most first.

    For the bank's own staff: of every partner.
    """
    rows = await db.fetch(_OF_PRODUCTS, sorted(products), since, until)
    return [ProductCalls(*row.values()) for row in rows]


# tidy: arguments - one version in one span of time
async def durations(
    db: Connection, product: str, version: int, *, since: datetime, until: datetime, limit: int
) -> list[int]:
    """Microseconds of the latest calls that went well, newest first."""
    rows = await db.fetch(_DURATIONS, product, version, since, until, limit)
    return [row["duration_us"] for row in rows]


async def calls_by_request_id(
    db: Connection, request_id: str, *, partner: str | None = None
) -> list[CallRecord]:
    """The call with this request id: an empty list, or one record."""
    return [_record(row) for row in await db.fetch(_BY_REQUEST, request_id, partner)]


async def recent_calls(
    db: Connection,
    *,
    partner: str | None = None,
    before: int | None = None,
    operation: str | None = None,
    outcome: Outcome | None = None,
    limit: int = 50,
) -> list[CallRecord]:
    """Calls newest first, older than ``before`` (a record's ``started_at``); at most 200."""
    instant = None if before is None else _EPOCH + timedelta(microseconds=before)
    size = max(1, min(limit, PAGE_MAX))
    rows = await db.fetch(_RECENT, partner, instant, operation, outcome, size)
    return [_record(row) for row in rows]


async def count_by(
    db: Connection,
    dimension: Dimension,
    *,
    since: datetime,
    until: datetime,
    partner: str | None = None,
) -> dict[str, int]:
    """Calls of ``[since, until)`` per value of ``dimension``, most first; at most 200 values."""
    rows = await db.fetch(_COUNT_BY[dimension], partner, since, until)
    return {row["value"]: row["calls"] for row in rows}


def _record(row: Any) -> CallRecord:
    fields = dict(row)
    return CallRecord(started_at=fields.pop("started_us"), **fields)
