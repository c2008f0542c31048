"""What verification reads: batches, transfers and entries in chain order, accounts and holds by id.

All of it read only, a bounded number of rows at a time. Rows of a range of batches are found by the
block range index, rows of an account or hold by its key.
"""

from dataclasses import dataclass
from uuid import UUID

from bankside.bank.ledger.canonical import BatchLine, EntryLine, TransferLine
from bankside.kernel.db import Connection, Row

_HEAD = "select seq, hash from bank.ledger_heads where ledger_id = $1"


async def head(db: Connection, ledger: str) -> tuple[int, bytes] | None:
    """Seq and hash of the newest batch, as the head says."""
    row = await db.fetchrow(_HEAD, ledger)
    return (row["seq"], row["hash"]) if row is not None else None


_BATCHES = """
select b.seq, b.booked_at, b.transfers, b.entries, b.prev_hash, b.hash
from bank.ledger_batches b where b.ledger_id = $1 and b.seq > $2 order by b.seq limit $3
"""


async def batches(db: Connection, ledger: str, after: int, limit: int) -> list[BatchLine]:
    """The next batches in order."""
    return [
        BatchLine(
            ledger,
            row["seq"],
            row["booked_at"],
            row["transfers"],
            row["entries"],
            row["prev_hash"],
            row["hash"],
        )
        for row in await db.fetch(_BATCHES, ledger, after, limit)
    ]


_TRANSFERS = """
select t.batch, t.group_id, t.leg, t.kind, t.verdict, t.reason, t.debit, t.credit, t.amount,
    t.currency, t.hold_id, t.expires_at, t.request_hash, t.value_date, t.narrative
from bank.ledger_transfers t
where t.ledger_id = $1 and t.batch between $2 and $3
order by t.batch, t.group_id, t.leg
"""


async def transfers(
    db: Connection, ledger: str, first: int, last: int
) -> list[tuple[int, TransferLine]]:
    """(batch, transfer) of a range of batches, in canonical order."""
    return [
        (
            row["batch"],
            TransferLine(
                row["group_id"],
                row["leg"],
                row["kind"],
                row["verdict"],
                row["reason"],
                row["debit"],
                row["credit"],
                row["amount"],
                row["currency"],
                row["hold_id"],
                row["expires_at"],
                row["request_hash"],
                row["value_date"],
                row["narrative"],
            ),
        )
        for row in await db.fetch(_TRANSFERS, ledger, first, last)
    ]


@dataclass(frozen=True, slots=True)
class EntryInPlace:
    """An entry with what stood before it on its account (None: no entry of the version before).

    ``floor`` is the one in force at its version (None: no limit).
    """

    batch: int
    line: EntryLine
    booked_before: bool
    balance_before: int | None
    floor: int | None
    currency: str | None


# The entry before is looked up by key for each one: no memory of all accounts is needed.
_ENTRIES = """
select e.batch, e.account_id, e.version, e.group_id, e.leg, e.amount, e.balance_after,
    p.balance_after as balance_before, coalesce(p.booked_at <= e.booked_at, true) as in_time,
    f.floor, a.currency
from bank.ledger_entries e
left join lateral (
    select q.balance_after, q.booked_at from bank.ledger_entries q
    where q.ledger_id = e.ledger_id and q.account_id = e.account_id and q.version = e.version - 1
    limit 1
) p on true
left join lateral (
    select g.floor from bank.ledger_floors g
    where g.ledger_id = e.ledger_id and g.account_id = e.account_id
        and g.after_version < e.version
    order by g.n desc limit 1
) f on true
left join lateral (
    select b.currency from bank.ledger_accounts b
    where b.ledger_id = e.ledger_id and b.account_id = e.account_id
    limit 1
) a on true
where e.ledger_id = $1 and e.batch between $2 and $3
order by e.batch, e.group_id, e.leg, e.amount
"""


async def entries(db: Connection, ledger: str, first: int, last: int) -> list[EntryInPlace]:
    """Entries of a range of batches; of one leg the debit entry (negative) comes first."""
    return [
        EntryInPlace(
            row["batch"],
            EntryLine(
                row["group_id"],
                row["leg"],
                row["account_id"],
                row["version"],
                row["amount"],
                row["balance_after"],
            ),
            row["in_time"],
            row["balance_before"],
            row["floor"],
            row["currency"],
        )
        for row in await db.fetch(_ENTRIES, ledger, first, last)
    ]


_TRANSFER_WITHOUT_HOLD = """
select t.group_id, t.leg from bank.ledger_transfers t
where t.ledger_id = $1 and t.batch between $2 and $3
    and t.hold_id is not null and t.verdict = 'accepted'
    and not exists (
        select from bank.ledger_holds h where h.ledger_id = t.ledger_id and h.hold_id = t.hold_id
    )
order by t.batch, t.group_id, t.leg limit 1
"""


async def transfer_without_hold(db: Connection, ledger: str, first: int, last: int) -> Row | None:
    """A transfer of a range of batches whose hold is not there."""
    return await db.fetchrow(_TRANSFER_WITHOUT_HOLD, ledger, first, last)


_STRAY_TRANSFER = """
select t.group_id, t.leg, t.batch from bank.ledger_transfers t
where t.ledger_id = $1 and (t.batch < 1 or t.batch > $2) order by t.batch, t.group_id limit 1
"""
_STRAY_ENTRY = """
select e.account_id, e.version, e.batch from bank.ledger_entries e
where e.ledger_id = $1 and (e.batch < 1 or e.batch > $2) order by e.batch, e.account_id limit 1
"""


async def stray_transfer(db: Connection, ledger: str, last: int) -> Row | None:
    """A transfer of a batch that is not in the chain."""
    return await db.fetchrow(_STRAY_TRANSFER, ledger, last)


async def stray_entry(db: Connection, ledger: str, last: int) -> Row | None:
    """An entry of a batch that is not in the chain."""
    return await db.fetchrow(_STRAY_ENTRY, ledger, last)


_ACCOUNTS = """
select a.account_id, a.class, a.currency, a.balance, a.version, a.floor,
    coalesce(e.version, 0) as last_version, coalesce(e.balance_after, 0) as last_balance,
    f.floor as floor_on_record
from bank.ledger_accounts a
left join lateral (
    select q.version, q.balance_after from bank.ledger_entries q
    where q.ledger_id = a.ledger_id and q.account_id = a.account_id
    order by q.version desc limit 1
) e on true
left join lateral (
    select g.floor from bank.ledger_floors g
    where g.ledger_id = a.ledger_id and g.account_id = a.account_id
    order by g.n desc limit 1
) f on true
where a.ledger_id = $1 and a.account_id > $2
order by a.account_id limit $3
"""


async def accounts(db: Connection, ledger: str, after: str, limit: int) -> list[Row]:
    """The next accounts by id, each beside its last entry and its floor on record."""
    return await db.fetch(_ACCOUNTS, ledger, after, limit)


_HOLDS = """
select h.hold_id, h.account_id, h.hold_account_id, h.currency, h.amount, h.rest, h.expires_at,
    coalesce(d.placed, 0)::bigint as placed, coalesce(d.drawn, 0)::bigint as drawn, d.holder,
    d.placed_until
from bank.ledger_holds h
left join lateral (
    select sum(t.amount) filter (where t.credit = h.hold_account_id) as placed,
        sum(t.amount) filter (where t.debit = h.hold_account_id) as drawn,
        max(t.debit) filter (where t.credit = h.hold_account_id) as holder,
        max(t.expires_at) as placed_until
    from bank.ledger_transfers t
    where t.ledger_id = h.ledger_id and t.hold_id = h.hold_id and t.verdict = 'accepted'
) d on true
where h.ledger_id = $1 and h.hold_id > $2
order by h.hold_id limit $3
"""


async def holds(db: Connection, ledger: str, after: UUID, limit: int) -> list[Row]:
    """The next holds by id, each beside what its transfers put on it and took from it."""
    return await db.fetch(_HOLDS, ledger, after, limit)
