"""SQL of clearing: terms, batches, positions.

A batch belongs to the bank's own clearing or to a data space, never to a partner; positions and
terms are keyed by the partner. The books they are made from are read in ``store_books``; payouts
stand in ``store_payouts``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from typing import Any

from bankside.bank.clearing.model import (
    BANK,
    Batch,
    BatchState,
    Outside,
    Position,
    Terms,
)
from bankside.kernel.db import Connection, Row

PREFETCH = 2_000
# A date of a million orders is computed in a minute or two; what takes longer is a fault.
STEP_SECONDS_MAX = 900

_PATIENCE = f"set local statement_timeout = {STEP_SECONDS_MAX * 1000}"
_ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended('bank.clearing' || $1, 4))"


async def patience(db: Connection) -> None:
    """Statements of this transaction may take their time: nobody waits for them at a counter."""
    await db.execute(_PATIENCE)


async def one_at_a_time(db: Connection, space: str) -> None:
    """No other step of this clearing until the transaction ends; statements may take their time."""
    await patience(db)
    await db.execute(f"set local lock_timeout = {STEP_SECONDS_MAX * 1000}")
    await db.execute(_ONE_AT_A_TIME, space, timeout=STEP_SECONDS_MAX)


_TERMS = """
select partner_id, merchant_id, bank, account_no, account_name, reserve, advance_max
from bank.clearing_terms where partner_id = $1 and merchant_id = $2
"""
_PUT_TERMS = """
insert into bank.clearing_terms (partner_id, merchant_id, bank, account_no, account_name, reserve,
    advance_max, agreed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (partner_id, merchant_id) do update
set bank = excluded.bank, account_no = excluded.account_no, account_name = excluded.account_name,
    reserve = excluded.reserve, advance_max = excluded.advance_max, agreed_at = excluded.agreed_at
"""


async def terms(db: Connection, partner: str, merchant: str) -> Terms | None:
    """What is agreed with the merchant; None: it is settled order by order."""
    row = await db.fetchrow(_TERMS, partner, merchant)
    return _terms(row) if row else None


async def put_terms(db: Connection, agreed: Terms, at: datetime) -> None:
    """These terms stand from now on."""
    to = agreed.payout_to
    outside = (to.bank, to.account_no, to.account_name) if to else (None, None, None)
    facts = (agreed.partner, agreed.merchant, *outside, agreed.reserve, agreed.advance_max)
    await db.execute(_PUT_TERMS, *facts, at)


def _terms(row: Row) -> Terms:
    to = Outside(row["bank"], row["account_no"], row["account_name"]) if row["bank"] else None
    return Terms(
        partner=row["partner_id"],
        merchant=row["merchant_id"],
        payout_to=to,
        reserve=row["reserve"],
        advance_max=row["advance_max"],
    )


_BATCH = (
    "select business_date, space, state, value_on, first_seq, last_seq, head_hash, positions, hash,"
    " sealed_at from bank.clearing_batches where space = $1"
)
_OPEN = """
insert into bank.clearing_batches (space, business_date, state, value_on, first_seq, opened_at,
    moved_at)
values ($1, $2, 'open', $3, $4, $5, $5)
"""
_SEAL = """
update bank.clearing_batches
set state = 'sealed', last_seq = $3, head_hash = $4, sealed_at = $5, moved_at = $5
where space = $1 and business_date = $2 and state = 'open'
returning true
"""
_COMPUTED = """
update bank.clearing_batches set state = 'computed', positions = $3, hash = $4, moved_at = $5
where space = $1 and business_date = $2 and state = 'sealed'
returning true
"""
_MOVE = """
update bank.clearing_batches set state = $4, moved_at = $5
where space = $1 and business_date = $2 and state = $3
returning true
"""


async def batch(db: Connection, on: date, space: str) -> Batch | None:
    """The date's batch, if it was opened."""
    row = await db.fetchrow(f"{_BATCH} and business_date = $2", space, on)
    return _batch(row) if row else None


async def newest(db: Connection, space: str = BANK) -> Batch | None:
    """The batch of the newest date."""
    row = await db.fetchrow(f"{_BATCH} order by business_date desc limit 1", space)
    return _batch(row) if row else None


async def unfinished(db: Connection, space: str = BANK, *, limit: int) -> list[Batch]:
    """Sealed batches that are not reconciled yet, oldest first."""
    rows = await db.fetch(
        f"{_BATCH} and state not in ('open', 'reconciled') order by business_date limit $2",
        space,
        limit,
    )
    return [_batch(row) for row in rows]


_NEWEST_DATES = """
select each.space, max(each.business_date) as newest
from (
    select b.space, b.business_date from bank.clearing_batches b where b.space = any ($1::text[])
    union all
    select p.partner_id, p.business_date from bank.clearing_positions p
    where p.partner_id = any ($1::text[])
) each group by each.space
"""


async def newest_dates(db: Connection, spaces: Sequence[str]) -> dict[str, date]:
    """The newest date with a batch, or a position in the bank's, of the spaces that have one."""
    rows = await db.fetch(_NEWEST_DATES, list(spaces))
    return {row["space"]: row["newest"] for row in rows}


_WAITING = """
select b.business_date, b.space, b.state, b.value_on, b.first_seq, b.last_seq, b.head_hash,
    b.positions, b.hash, b.sealed_at, (
        select min(p.ask_at) from bank.clearing_payouts p where p.space = b.space
            and p.business_date = b.business_date and p.state in ('submitted', 'unknown')
    ) as ask_at
from bank.clearing_batches b
where b.space = any ($1::text[]) and b.state not in ('open', 'reconciled')
"""


async def waiting(db: Connection, spaces: Sequence[str]) -> list[tuple[Batch, datetime | None]]:
    """Batches of the spaces that go on by the clock; when one's payouts are asked about next."""
    rows = await db.fetch(_WAITING, list(spaces))
    return [(_batch(row), row["ask_at"]) for row in rows]


async def batches(db: Connection, space: str = BANK, *, before: date, limit: int) -> list[Batch]:
    """Batches of dates up to ``before``, newest first."""
    rows = await db.fetch(
        f"{_BATCH} and business_date <= $2 order by business_date desc limit $3",
        space,
        before,
        limit,
    )
    return [_batch(row) for row in rows]


async def open_batch(db: Connection, batch: Batch, at: datetime) -> None:
    """The date is open: it begins above ``first_seq``."""
    await db.execute(_OPEN, batch.space, batch.on, batch.value_on, batch.first_seq, at)


async def seal(db: Connection, batch: Batch, last_seq: int, head: bytes, at: datetime) -> bool:
    """The open date ends at this place of the chain. False: somebody else sealed it."""
    return await db.fetchval(_SEAL, batch.space, batch.on, last_seq, head, at) is True


async def computed(
    db: Connection, batch: Batch, positions: int, hashed: bytes, at: datetime
) -> bool:
    """The sealed date has its positions and their hash."""
    return await db.fetchval(_COMPUTED, batch.space, batch.on, positions, hashed, at) is True


async def move(db: Connection, batch: Batch, after: BatchState, at: datetime) -> bool:
    """The batch is in the state after. False: somebody else moved it."""
    before = batch.state.value
    return await db.fetchval(_MOVE, batch.space, batch.on, before, after.value, at) is True


def _batch(row: Row) -> Batch:
    return Batch(
        on=row["business_date"],
        space=row["space"],
        state=BatchState(row["state"]),
        value_on=row["value_on"],
        first_seq=row["first_seq"],
        last_seq=row["last_seq"],
        head=row["head_hash"].hex() if row["head_hash"] else None,
        positions=row["positions"],
        hash=row["hash"].hex() if row["hash"] else None,
        sealed_at=row["sealed_at"],
    )


_POSITION = (
    "select partner_id, business_date, merchant_id, tenant_id, currency, netted, postings,"
    " paid_in, captured, refunded, split, returned, fee, settled, other, moved, carried_in, net,"
    " recovered, reserved, payout, carried_out from bank.clearing_positions"
)
_CLAIM = """
update bank.clearing_positions
set recovered = $4, reserved = $5, payout = $6, carried_out = net - $4 - $5 - $6, claim_group = $7
where partner_id = $1 and business_date = $2 and merchant_id = $3 and recovered is null
"""


async def positions(
    db: Connection,
    on: date,
    space: str = BANK,
    *,
    partner: str | None = None,
    merchants: Sequence[str] | None = None,
) -> AsyncIterator[Position]:
    """The date's positions by partner and merchant; of one partner, of some of its merchants."""
    rows = db.cursor(
        f"{_POSITION} where space = $1 and business_date = $2"
        " and ($3::text is null or partner_id = $3)"
        " and ($4::text[] is null or merchant_id = any ($4))"
        " order by partner_id, merchant_id",
        space,
        on,
        partner,
        merchants,
        prefetch=PREFETCH,
        timeout=STEP_SECONDS_MAX,
    )
    async for row in rows:
        yield _position(row)


async def unclaimed(db: Connection, batch: Batch, *, limit: int) -> list[Position]:
    """Positions of the date that were not claimed yet, by partner and merchant."""
    rows = await db.fetch(
        f"{_POSITION} where space = $1 and business_date = $2 and recovered is null"
        " order by partner_id, merchant_id limit $3",
        batch.space,
        batch.on,
        limit,
    )
    return [_position(row) for row in rows]


async def claimed(db: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """partner, date, merchant, recovered, reserved, payout, group (None: nothing was posted)."""
    await db.executemany(_CLAIM, rows)


_CLAIMS = """
select currency, count(*) filter (where payout > 0) as count, sum(payout)::bigint as payout,
    count(*) filter (where recovered is null) as missing
from bank.clearing_positions where space = $1 and business_date = $2
group by currency order by currency
"""


async def claim_sums(db: Connection, batch: Batch) -> dict[str, tuple[int, int, int]]:
    """By currency: how many positions pay out, how much, and how many are not claimed."""
    rows = await db.fetch(_CLAIMS, batch.space, batch.on)
    return {row["currency"]: (row["count"], row["payout"] or 0, row["missing"]) for row in rows}


def _position(row: Row) -> Position:
    return Position(
        partner=row["partner_id"],
        on=row["business_date"],
        merchant=row["merchant_id"],
        tenant=row["tenant_id"],
        currency=row["currency"],
        netted=row["netted"],
        postings=row["postings"],
        paid_in=row["paid_in"],
        captured=row["captured"],
        refunded=row["refunded"],
        split=row["split"],
        returned=row["returned"],
        fee=row["fee"],
        settled=row["settled"],
        other=row["other"],
        moved=row["moved"],
        carried_in=row["carried_in"],
        net=row["net"],
        recovered=row["recovered"],
        kept=row["reserved"],
        payout=row["payout"],
        carried_out=row["carried_out"],
    )


async def partners(db: Connection, batch: Batch) -> list[str]:
    """The partners with a position in the batch."""
    rows = await db.fetch(
        "select distinct partner_id from bank.clearing_positions"
        " where space = $1 and business_date = $2 order by partner_id",
        batch.space,
        batch.on,
    )
    return [row["partner_id"] for row in rows]


_KEEP_STATEMENT = """
insert into bank.clearing_statements (partner_id, business_date, tenant_id, merchants, form, sha256,
    key_id, signature, signed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict do nothing
"""
_STATEMENT = """
select sha256, key_id, signature from bank.clearing_statements
where partner_id = $1 and business_date = $2 and tenant_id = $3 and merchants = $4 and form = $5
"""


async def keep_statement(
    db: Connection,
    about: tuple[str, date, str, str, str],
    facts: tuple[bytes, str, bytes, datetime],
) -> Row:
    """The statement as it was given out first: these facts, or those that stood."""
    await db.execute(_KEEP_STATEMENT, *about, *facts)
    row = await db.fetchrow(_STATEMENT, *about)
    assert row is not None
    return row
