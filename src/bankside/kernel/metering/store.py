"""Every SQL statement of call records."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from msgspec import structs

from bankside.kernel.db import Connection
from bankside.kernel.metering.record import COLUMNS, CallRecord, Microseconds, Whole

_COLUMNS = ", ".join(COLUMNS.values())
_WHOLE = [field.type in {Whole, Microseconds} for field in structs.fields(CallRecord)]
# Microseconds since 1970 become an instant without passing through a float.
_VALUES = _COLUMNS.replace(
    "started_at", "timestamptz 'epoch' + started_at * interval '1 microsecond'"
)
_UNNEST = ", ".join(
    f"${index}::{'bigint' if whole else 'text'}[]" for index, whole in enumerate(_WHOLE, start=1)
)
# `returning` tells apart what was new from what an unsure write had left in two segments.
_INSERT = f"""
with given ({_COLUMNS}) as (select * from unnest({_UNNEST})),
added as (
    insert into kernel.call_records ({_COLUMNS}) select {_VALUES} from given
    on conflict do nothing returning 1
)
select count(*) from added
"""  # noqa: S608 - column names are CallRecord's own fields

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Any number will do, as long as nobody else uses it: "calldays" in ASCII.
_DAYS_LOCK = int.from_bytes(b"calldays", "big")


def day_of(record: CallRecord) -> date:
    """The UTC day whose partition holds ``record``."""
    return (_EPOCH + timedelta(microseconds=record.started_at)).date()


async def make_days(db: Connection, days: Sequence[date]) -> None:
    """Make the partitions of ``days`` that are not there; readers and writers are not blocked."""
    for day in days:
        name = f"call_records_{day:%Y%m%d}"
        if await _is_there(db, name):
            continue
        # Held until the caller commits: another shipper then finds the partition.
        await db.execute("select pg_advisory_xact_lock($1::bigint)", _DAYS_LOCK)
        if await _is_there(db, name):
            continue
        # Attaching an empty table takes a weaker lock than `partition of` does.
        await db.execute(
            f"create table kernel.{name} (like kernel.call_records including all);"
            f"alter table kernel.call_records attach partition kernel.{name} "
            f"for values from ('{day} 00:00+00') to ('{day + timedelta(days=1)} 00:00+00')"
        )


async def _is_there(db: Connection, table: str) -> bool:
    return await db.fetchval("select to_regclass($1)", f"kernel.{table}") is not None


async def insert(db: Connection, records: Sequence[CallRecord]) -> int:
    """Store ``records``; how many were not there before. PostgreSQL's text knows no NUL."""
    if not records:
        return 0
    columns = [
        list(column) if whole else [text.replace("\0", "") for text in column]
        for whole, column in zip(
            _WHOLE, zip(*map(structs.astuple, records), strict=True), strict=True
        )
    ]
    added: int = await db.fetchval(_INSERT, *columns)
    return added


async def lock_segment(db: Connection, worker: str, segment: int) -> int | None:
    """The shipped offset of a segment, held until commit; None while another shipper holds it."""
    await db.execute(
        """
        insert into kernel.segments_shipped (worker, segment) values ($1, $2)
        on conflict (worker, segment) do nothing
        """,
        worker,
        segment,
    )
    offset: int | None = await db.fetchval(
        """
        select shipped_to from kernel.segments_shipped
        where worker = $1 and segment = $2 for update skip locked
        """,
        worker,
        segment,
    )
    return offset


async def advance_segment(db: Connection, worker: str, segment: int, offset: int) -> None:
    """Note that everything before ``offset`` is in ``kernel.call_records``."""
    await db.execute(
        """
        update kernel.segments_shipped set shipped_to = $3, shipped_at = now()
        where worker = $1 and segment = $2
        """,
        worker,
        segment,
        offset,
    )


async def forget_segment(db: Connection, worker: str, segment: int) -> None:
    """Drop the note of a segment whose file is gone."""
    await db.execute(
        "delete from kernel.segments_shipped where worker = $1 and segment = $2", worker, segment
    )


async def shipped_offsets(db: Connection) -> dict[tuple[str, int], int]:
    """The shipped offset of every segment that is still noted."""
    rows = await db.fetch("select worker, segment, shipped_to from kernel.segments_shipped")
    return {(row["worker"], row["segment"]): row["shipped_to"] for row in rows}
