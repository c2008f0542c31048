"""Questions about calls. ``partner`` None is the bank's own staff; a partner sees only its own."""

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
