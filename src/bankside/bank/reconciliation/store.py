"""SQL of reconciliation: runs, lines of channels' files, breaks; and the ledger's records.

Every question takes the partner. The ledger's tables are read here and never written: a date's
postings are found by the batches of its hours (block range index), sorted for the merge.
"""

from collections.abc import AsyncIterator, Iterable
from datetime import date, datetime
from typing import Any

from bankside.bank.reconciliation.model import (
    KINDS,
    Adjustment,
    Break,
    BreakKind,
    BreakStatus,
    Found,
    Record,
    Source,
)
from bankside.kernel.calendar import business_date
from bankside.kernel.db import Connection, Row

# Rows a cursor fetches at once: 2,000 rows are some 400 kB.
PREFETCH = 2_000
LEDGER = "main"
# One date of a million orders takes some minutes, on a busy machine many; longer is a fault.
RUN_SECONDS_MAX = 1_800

# Each leg of an order's posting has one of the partner's accounts on at least one side.
_LEDGER_RECORDS = """
with hours as (
    select min(b.seq) as first, max(b.seq) as last from bank.ledger_batches b
    where b.ledger_id = $2 and b.booked_at >= $3 and b.booked_at < $4
)
select t.group_id::text as reference, t.credit as party, min(t.kind) as kind,
    sum(t.amount)::bigint as amount, t.currency, min(t.booked_at) as booked_at
from hours h
join bank.ledger_transfers t on t.ledger_id = $2 and t.batch between h.first and h.last
join bank.ledger_accounts d on d.ledger_id = $2 and d.account_id = t.debit
join bank.ledger_accounts c on c.ledger_id = $2 and c.account_id = t.credit
-- Between them stand batches of sandbox spaces whose clocks are ahead: they are of other dates.
where t.booked_at >= $3 and t.booked_at < $4
    and t.kind = any ($5::text[]) and t.verdict = 'accepted'
    and (d.partner_id = $1 or c.partner_id = $1)
group by t.group_id, t.credit, t.currency
order by t.group_id, t.credit, t.currency
"""


async def ledger_records(
    db: Connection, partner: str, since: datetime, until: datetime
) -> AsyncIterator[Record]:
    """What the ledger posted for the partner in the hours, sorted; ``on`` by its booking."""
    rows = db.cursor(
        _LEDGER_RECORDS,
        *(partner, LEDGER, since, until, sorted(KINDS)),
        prefetch=PREFETCH,
        timeout=RUN_SECONDS_MAX,
    )
    async for row in rows:
        on = business_date(row["booked_at"])
        yield Record(
            row["reference"], row["party"], row["kind"], row["amount"], row["currency"], on
        )


_PARTNERS_OF = """
select account_id, partner_id from bank.ledger_accounts
where ledger_id = $1 and account_id = any ($2::text[])
"""


async def partners_of(db: Connection, accounts: Iterable[str]) -> dict[str, str]:
    """Whose data space each ledger account belongs to; unknown accounts are left out."""
    rows = await db.fetch(_PARTNERS_OF, LEDGER, list(accounts))
    return {row["account_id"]: row["partner_id"] for row in rows}


_LINE_COLUMNS = (
    "partner_id",
    "channel",
    "business_date",
    "line_no",
    "reference",
    "party",
    "kind",
    "amount",
    "currency",
    "value_on",
    "status",
)


async def keep_lines(
    db: Connection, partner: str, channel: str, day: date, records: Iterable[Record]
) -> None:
    """The lines of a file, numbered from 1; nothing stays when ``records`` raises."""
    await db.copy_records_to_table(
        "reconciliation_lines",
        schema_name="bank",
        columns=_LINE_COLUMNS,
        records=((partner, channel, day, n, *r[:-1]) for n, r in enumerate(records, start=1)),
        timeout=RUN_SECONDS_MAX,
    )


_LINES = """
select reference, party, kind, amount, currency, value_on, status from bank.reconciliation_lines
where partner_id = $1 and channel = $2 and business_date = $3
order by reference, party, line_no
"""


async def channel_records(
    db: Connection, partner: str, channel: str, day: date
) -> AsyncIterator[Record]:
    """The lines of the date's file, sorted."""
    lines = db.cursor(_LINES, partner, channel, day, prefetch=PREFETCH, timeout=RUN_SECONDS_MAX)
    async for row in lines:
        yield Record(*row)


_RUN = """
select file_hash, kinds, lines, result_hash, breaks, compared from bank.reconciliation_runs
where partner_id = $1 and channel = $2 and business_date = $3
"""
_KEEP_RUN = """
insert into bank.reconciliation_runs (partner_id, channel, business_date, file_hash, kinds, lines,
    result_hash, breaks, compared, ran_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
# One run of a partner's channel at a time: two would clear and find the same breaks twice.
_PATIENCE = f"set local statement_timeout = {RUN_SECONDS_MAX * 1000}"
# All rows of a cursor are read and sorted: a plan that only starts quickly is the wrong one.
_NOT_THE_FIRST = "set local cursor_tuple_fraction = 1"
_SORT_MEMORY = "set local work_mem = '64MB'"
_ONE_RUN = "select pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 4))"


async def lock_runs(db: Connection, partner: str, channel: str) -> None:
    """No other run of this partner's channel until the transaction ends."""
    for setting in (_PATIENCE, _NOT_THE_FIRST, _SORT_MEMORY):
        await db.execute(setting)
    await db.execute(_ONE_RUN, partner, channel)


async def run_of(db: Connection, partner: str, channel: str, day: date) -> Row | None:
    """The run of the date, if there was one."""
    return await db.fetchrow(_RUN, partner, channel, day)


async def keep_run(db: Connection, *values: Any) -> None:
    """The row of a run: partner, channel, date, file hash, kinds, lines, result, breaks, ..."""
    await db.execute(_KEEP_RUN, *values)


_COLUMNS = (
    "partner_id, break_id, channel, business_date, kind, side, reference, party, line_kind, found,"
    " expected, currency, status, owner, cleared_on, debit, credit, adjusts, reason, proposed_by,"
    " approved_by, group_id, found_at, moved_at"
)
_KEEP_BREAK = f"""
insert into bank.reconciliation_breaks ({_COLUMNS})
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
    $21, $22, $23, $24)
on conflict (partner_id, break_id) do nothing
"""  # noqa: S608 - constant column list
_UPDATE_BREAK = """
update bank.reconciliation_breaks
set status = $4, owner = $5, cleared_on = $6, debit = $7, credit = $8, adjusts = $9, reason = $10,
    proposed_by = $11, approved_by = $12, group_id = $13, moved_at = $14
where partner_id = $1 and break_id = $2 and status = $3
returning true
"""


async def keep_breaks(db: Connection, breaks: Iterable[Break]) -> None:
    """New breaks; one that stands stays as it is."""
    await db.executemany(_KEEP_BREAK, [_row(each) for each in breaks])


async def move_break(db: Connection, after: Break, *, status: BreakStatus) -> bool:
    """The break as it is now, if it still was in ``status``."""
    a = after.proposed
    moved = await db.fetchval(
        _UPDATE_BREAK,
        after.partner,
        after.id,
        status.value,
        after.status.value,
        after.owner,
        after.cleared_on,
        *((a.debit, a.credit, a.amount, a.reason, a.by) if a else (None,) * 5),
        after.approved_by,
        after.group,
        after.moved_at,
    )
    return moved is True


_BREAK = f"""
select {_COLUMNS} from bank.reconciliation_breaks where partner_id = $1 and break_id = $2
"""  # noqa: S608 - constant column list
_BREAKS = f"""
select {_COLUMNS} from bank.reconciliation_breaks
where partner_id = $1 and ($2::text is null or channel = $2)
    and ($3::date is null or business_date = $3)
    and ($4::boolean or status <> 'closed') and break_id > $5
order by break_id limit $6
"""  # noqa: S608 - constant column list
# What the run of $4 may clear: timing breaks of neighbouring dates, and those it cleared before.
_TIMING = f"""
select {_COLUMNS} from bank.reconciliation_breaks
where partner_id = $1 and channel = $2 and business_date = any ($3::date[])
    and (status = 'timing' or cleared_on = $4)
"""  # noqa: S608 - constant column list


async def find_break(
    db: Connection, partner: str, break_id: str, *, locked: bool = False
) -> Break | None:
    """The partner's break; ``locked`` until the transaction ends."""
    row = await db.fetchrow(_BREAK + (" for update" if locked else ""), partner, break_id)
    return _break(row) if row else None


async def breaks(
    db: Connection, partner: str, *chosen: str | date | bool | None, after: str, limit: int
) -> list[Break]:
    """Breaks by id above ``after``; ``chosen``: channel, date (None: any), whether closed ones."""
    rows = await db.fetch(_BREAKS, partner, *chosen, after, limit)
    return [_break(row) for row in rows]


async def timing(
    db: Connection, partner: str, channel: str, dates: list[date], on: date
) -> list[Break]:
    """Breaks of neighbouring dates that the run of ``on`` may clear, or has cleared."""
    return [_break(row) for row in await db.fetch(_TIMING, partner, channel, dates, on)]


def _row(kept: Break) -> tuple[Any, ...]:
    f, a = kept.found, kept.proposed
    return (
        kept.partner,
        kept.id,
        kept.channel,
        kept.on,
        f.kind.value,
        f.side.value,
        f.reference,
        f.party,
        f.line_kind,
        f.found,
        f.expected,
        f.currency,
        kept.status.value,
        kept.owner,
        kept.cleared_on,
        *((a.debit, a.credit, a.amount, a.reason, a.by) if a else (None,) * 5),
        kept.approved_by,
        kept.group,
        kept.found_at,
        kept.moved_at,
    )


def _break(row: Row) -> Break:
    adjustment = None
    if row["proposed_by"] is not None:
        adjustment = Adjustment(
            row["reason"], row["proposed_by"], row["debit"], row["credit"], row["adjusts"]
        )
    return Break(
        partner=row["partner_id"],
        id=row["break_id"],
        channel=row["channel"],
        on=row["business_date"],
        found=Found(
            BreakKind(row["kind"]),
            Source(row["side"]),
            row["reference"],
            row["party"],
            row["line_kind"],
            row["found"],
            row["expected"],
            row["currency"],
        ),
        status=BreakStatus(row["status"]),
        owner=row["owner"],
        cleared_on=row["cleared_on"],
        proposed=adjustment,
        approved_by=row["approved_by"],
        group=row["group_id"],
        found_at=row["found_at"],
        moved_at=row["moved_at"],
    )
