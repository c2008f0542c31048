"""Every SQL statement with which the ledger is written and read (verification: store_verify.py).

Ledger tables are keyed by ledger, not by partner: a leg may join accounts of two partners and the
bank. The slices above (accounts, orders) check whose account it is before they come here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bankside.bank.ledger.columns import Columns
from bankside.bank.ledger.model import (
    AccountStatus,
    Balance,
    Entry,
    HoldState,
    Leg,
    NewAccount,
    Posted,
    Verdict,
)
from bankside.kernel.db import Connection, Row, Write
from bankside.kernel.money import Money

_POST_BATCH = """
select batch, hash, reasons, repeats, stored_hashes
from bank.ledger_post_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
    $17, $18, $19)
"""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What ``ledger_post_batch`` answered; the last three have one element a group.

    ``batch`` is None when nothing was written. ``reasons``: None is accepted.
    """

    batch: int | None
    hash: bytes | None
    reasons: Sequence[str | None]
    repeats: Sequence[bool]
    stored_hashes: Sequence[bytes | None]


async def post_batch(
    db: Connection, ledger: str, at: datetime, columns: Columns, *, seal: bool
) -> Sealed:
    """Book one batch in the caller's transaction. ``seal``: leave a batch row in any case."""
    row = await db.fetchrow(_POST_BATCH, ledger, at, seal, *columns.arguments())
    assert row is not None
    return Sealed(
        row["batch"],
        row["hash"],
        row["reasons"] or (),
        row["repeats"] or (),
        row["stored_hashes"] or (),
    )


_TRANSACTION_TIME = "select now()"


async def transaction_time(db: Connection) -> datetime:
    """The instant at which the caller's transaction began, by the database's clock."""
    instant: datetime = await db.fetchval(_TRANSACTION_TIME)
    return instant


_LOCK_HEAD = "select seq from bank.ledger_heads where ledger_id = $1 for no key update"
_BATCH_HASH = "select hash from bank.ledger_batches where ledger_id = $1 and seq = $2"


async def was_sealed(db: Connection, ledger: str, batch: int, seal: bytes) -> bool:
    """Whether exactly this batch is in the chain, for certain.

    Whoever was committing it holds the head's lock until the commit is done or undone, so the
    answer is awaited behind that lock and cannot change afterwards.
    """
    await db.fetchval(_LOCK_HEAD, ledger)
    return bool(await db.fetchval(_BATCH_HASH, ledger, batch) == seal)


_LEDGER_EXISTS = "select exists (select from bank.ledger_heads where ledger_id = $1)"


async def ledger_exists(db: Connection, ledger: str) -> bool:
    """Whether the ledger was opened."""
    return bool(await db.fetchval(_LEDGER_EXISTS, ledger))


_OPEN_LEDGER = "select bank.ledger_open_ledger($1)"
_OPEN_ACCOUNT = "select bank.ledger_open_account($1, $2, $3, $4, $5, $6)"
_SET_STATUS = "select bank.ledger_set_status($1, $2, $3)"
_SET_FLOOR = "select bank.ledger_set_floor($1, $2, $3)"


def open_ledger(ledger: str) -> Write:
    """The ledger has a chain of its own."""
    return Write(_OPEN_LEDGER, (ledger,))


def open_account(ledger: str, account: NewAccount) -> Write:
    """The account stands open in the ledger."""
    return Write(
        _OPEN_ACCOUNT,
        (
            ledger,
            account.id,
            account.partner,
            account.account_class.value,
            account.currency,
            account.floor,
        ),
    )


def set_status(ledger: str, account: str, status: AccountStatus) -> Write:
    """The account has this status."""
    return Write(_SET_STATUS, (ledger, account, status.value))


def set_floor(ledger: str, account: str, floor: int | None) -> Write:
    """The account's balance may fall to ``floor`` minor units."""
    return Write(_SET_FLOOR, (ledger, account, floor))


_BALANCES = """
select a.account_id, a.currency, a.status, a.balance, a.floor, a.version,
    coalesce((
        select sum(h.rest) from bank.ledger_holds h
        where h.ledger_id = a.ledger_id and h.account_id = a.account_id and h.rest > 0
    ), 0)::bigint as held
from bank.ledger_accounts a
where a.ledger_id = $1 and a.account_id = any ($2::text[])
"""


async def balances(db: Connection, ledger: str, accounts: Sequence[str]) -> dict[str, Balance]:
    """The balances of the accounts that exist, by account."""
    rows = await db.fetch(_BALANCES, ledger, list(accounts))
    return {row["account_id"]: _balance(row) for row in rows}


async def space_books(db: Connection, ledger: str, space: str) -> Mapping[str, tuple[int, int]]:
    """Currency to (entries, sum of the balances) of a data space's accounts."""
    rows = await db.fetch(
        "select currency, sum(version)::bigint as entries, sum(balance)::bigint as total"
        " from bank.ledger_accounts where ledger_id = $1 and partner_id = $2"
        r" and partner_id like 'sbx\_%' group by 1",
        ledger,
        space,
    )
    return {row["currency"]: (row["entries"], row["total"]) for row in rows}


def _balance(row: Row) -> Balance:
    free = row["balance"] - (row["floor"] or 0)
    return Balance(
        account=row["account_id"],
        booked=Money(row["balance"] + row["held"], row["currency"]),
        held=Money(row["held"], row["currency"]),
        available=Money(free, row["currency"]),
        status=AccountStatus(row["status"]),
        version=row["version"],
    )


_VERSION_BEFORE = "select bank.ledger_version_before($1, $2, $3)"

# The transfer is looked up entry by entry: a page is short, and the books are long.
_ENTRIES = """
select e.account_id, e.version, e.amount, e.balance_after, e.group_id, e.leg, e.booked_at,
    t.currency, t.kind, t.narrative, t.value_date,
    case when e.amount < 0 then t.credit else t.debit end as counterparty
from bank.ledger_entries e
cross join lateral (
    select s.currency, s.kind, s.narrative, s.value_date, s.debit, s.credit
    from bank.ledger_transfers s
    where s.ledger_id = e.ledger_id and s.group_id = e.group_id and s.leg = e.leg
    limit 1
) t
where e.ledger_id = $1 and e.account_id = $2 and e.version > $3 and e.version <= $4
"""
_ENTRIES_NEWEST_FIRST = _ENTRIES + "order by e.version desc limit $5"
_ENTRIES_OLDEST_FIRST = _ENTRIES + "order by e.version limit $5"


async def version_before(db: Connection, ledger: str, account: str, instant: datetime) -> int:
    """The account's highest version booked before the instant; 0 when there is none."""
    return int(await db.fetchval(_VERSION_BEFORE, ledger, account, instant))


async def entries(
    db: Connection, ledger: str, account: str, *, above: int, upto: int, order: tuple[bool, int]
) -> list[Entry]:
    """Entries with ``above < version <= upto``; ``order`` is (newest first, at most this many)."""
    newest_first, limit = order
    sql = _ENTRIES_NEWEST_FIRST if newest_first else _ENTRIES_OLDEST_FIRST
    rows = await db.fetch(sql, ledger, account, above, upto, limit)
    return [_entry(row) for row in rows]


def _entry(row: Row) -> Entry:
    return Entry(
        account=row["account_id"],
        version=row["version"],
        amount=Money(row["amount"], row["currency"]),
        balance_after=Money(row["balance_after"], row["currency"]),
        counterparty=row["counterparty"],
        group=row["group_id"],
        leg=row["leg"],
        kind=row["kind"],
        narrative=row["narrative"],
        booked_at=row["booked_at"],
        value_date=row["value_date"],
    )


_BALANCE_AT = """
select e.balance_after from bank.ledger_entries e
where e.ledger_id = $1 and e.account_id = $2 and e.version = $3
"""


async def balance_at(db: Connection, ledger: str, account: str, version: int) -> int:
    """The account's balance after its entry ``version``, in minor units; 0 before the first."""
    return int(await db.fetchval(_BALANCE_AT, ledger, account, version) or 0)


_LOWEST = """
select min(e.balance_after) from bank.ledger_entries e
where e.ledger_id = $1 and e.account_id = $2 and e.version >= $3 and e.version <= $4
"""


async def lowest(db: Connection, ledger: str, account: str, *, above: int, upto: int) -> int:
    """The least balance after entry ``above`` and those up to ``upto``; 0 without entries."""
    return int(await db.fetchval(_LOWEST, ledger, account, above, upto) or 0)


_TRANSFERS = """
select t.leg, t.debit, t.credit, t.amount, t.currency, t.verdict, t.reason, t.kind, t.narrative,
    t.request_hash, t.booked_at, t.value_date, t.batch, t.hold_id
from bank.ledger_transfers t where t.ledger_id = $1 and t.group_id = $2 order by t.leg
"""


async def posted(db: Connection, ledger: str, group: UUID) -> Posted | None:
    """The group as it stands in the books."""
    rows = await db.fetch(_TRANSFERS, ledger, group)
    if not rows:
        return None
    first = rows[0]
    return Posted(
        id=group,
        verdict=Verdict(first["verdict"] == "accepted", first["reason"] or None, repeat=True),
        legs=tuple(_leg(row) for row in rows if row["debit"]),
        kind=first["kind"],
        narrative=first["narrative"],
        request_hash=first["request_hash"],
        booked_at=first["booked_at"],
        value_date=first["value_date"],
        batch=first["batch"],
        hold=first["hold_id"],
    )


def _leg(row: Row) -> Leg:
    return Leg(row["debit"], row["credit"], Money(row["amount"], row["currency"]))


_HOLD = """
select h.hold_id, h.account_id, h.hold_account_id, h.currency, h.amount, h.rest, h.expires_at
from bank.ledger_holds h
"""
_HOLD_BY_ID = _HOLD + "where h.ledger_id = $1 and h.hold_id = $2"
_HOLDS_DUE = (
    _HOLD
    + "where h.ledger_id = $1 and h.rest > 0 and h.expires_at <= $2 order by h.expires_at limit $3"
)


async def hold(db: Connection, ledger: str, hold_id: UUID) -> HoldState | None:
    """The hold, or None."""
    row = await db.fetchrow(_HOLD_BY_ID, ledger, hold_id)
    return _hold_state(row) if row is not None else None


async def holds_due(db: Connection, ledger: str, at: datetime, limit: int) -> list[HoldState]:
    """Holds that expired at or before the instant and still keep money, oldest first."""
    return [_hold_state(row) for row in await db.fetch(_HOLDS_DUE, ledger, at, limit)]


def _hold_state(row: Row) -> HoldState:
    return HoldState(
        id=row["hold_id"],
        account=row["account_id"],
        hold_account=row["hold_account_id"],
        amount=Money(row["amount"], row["currency"]),
        rest=Money(row["rest"], row["currency"]),
        expires_at=row["expires_at"],
    )
