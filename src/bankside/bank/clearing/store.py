"""SQL of clearing: terms, batches, positions.

A batch is the bank's own and has no partner; positions and terms are keyed by it. The books they
are made from are read in ``store_books``; payouts stand in ``store_payouts``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from typing import Any

from bankside.bank.clearing.model import (
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
_ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended('bank.clearing', 4))"


async def patience(db: Connection) -> None:
    """Statements of this transaction may take their time: nobody waits for them at a counter."""
    await db.execute(_PATIENCE)


async def one_at_a_time(db: Connection) -> None:
    """No other step of clearing until the transaction ends; statements may take their time."""
    await patience(db)
    await db.execute(f"set local lock_timeout = {STEP_SECONDS_MAX * 1000}")
    await db.execute(_ONE_AT_A_TIME, timeout=STEP_SECONDS_MAX)


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
    "select business_date, state, value_on, first_seq, last_seq, head_hash, positions, hash,"
    " sealed_at from bank.clearing_batches"
)
_OPEN = """
insert into bank.clearing_batches (business_date, state, value_on, first_seq, opened_at, moved_at)
values ($1, 'open', $2, $3, $4, $4)
"""
_SEAL = """
update bank.clearing_batches
set state = 'sealed', last_seq = $2, head_hash = $3, sealed_at = $4, moved_at = $4
where business_date = $1 and state = 'open'
returning true
"""
_COMPUTED = """
update bank.clearing_batches set state = 'computed', positions = $2, hash = $3, moved_at = $4
where business_date = $1 and state = 'sealed'
returning true
"""
_MOVE = """
update bank.clearing_batches set state = $3, moved_at = $4
where business_date = $1 and state = $2
returning true
"""


async def batch(db: Connection, on: date) -> Batch | None:
    """The date's batch, if it was opened."""
    row = await db.fetchrow(f"{_BATCH} where business_date = $1", on)
    return _batch(row) if row else None


async def newest(db: Connection) -> Batch | None:
    """The batch of the newest date."""
    row = await db.fetchrow(f"{_BATCH} order by business_date desc limit 1")
    return _batch(row) if row else None


async def unfinished(db: Connection, *, limit: int) -> list[Batch]:
    """Sealed batches that are not reconciled yet, oldest first."""
    rows = await db.fetch(
        f"{_BATCH} where state not in ('open', 'reconciled') order by business_date limit $1",
        limit,
    )
    return [_batch(row) for row in rows]


async def batches(db: Connection, *, before: date, limit: int) -> list[Batch]:
    """Batches of dates up to ``before``, newest first."""
    rows = await db.fetch(
        f"{_BATCH} where business_date <= $1 order by business_date desc limit $2", before, limit
    )
    return [_batch(row) for row in rows]


async def open_batch(
    db: Connection, on: date, value_on: date, first_seq: int, at: datetime
) -> None:
    """The date is open: it begins where the one before was sealed."""
    await db.execute(_OPEN, on, value_on, first_seq, at)


async def seal(db: Connection, on: date, last_seq: int, head: bytes, at: datetime) -> bool:
    """The open date ends at this place of the chain. False: somebody else sealed it."""
    return await db.fetchval(_SEAL, on, last_seq, head, at) is True


async def computed(db: Connection, on: date, positions: int, hashed: bytes, at: datetime) -> bool:
    """The sealed date has its positions and their hash."""
    return await db.fetchval(_COMPUTED, on, positions, hashed, at) is True


async def move(
    db: Connection, on: date, before: BatchState, after: BatchState, at: datetime
) -> bool:
    """The batch is in the state after. False: somebody else moved it."""
    return await db.fetchval(_MOVE, on, before.value, after.value, at) is True


def _batch(row: Row) -> Batch:
    return Batch(
        on=row["business_date"],
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
    db: Connection, on: date, *, partner: str | None = None, merchants: Sequence[str] | None = None
) -> AsyncIterator[Position]:
    """The date's positions by partner and merchant; of one partner, of some of its merchants."""
    rows = db.cursor(
        f"{_POSITION} where business_date = $1 and ($2::text is null or partner_id = $2)"
        " and ($3::text[] is null or merchant_id = any ($3))"
        " order by partner_id, merchant_id",
        on,
        partner,
        merchants,
        prefetch=PREFETCH,
        timeout=STEP_SECONDS_MAX,
    )
    async for row in rows:
        yield _position(row)


async def unclaimed(db: Connection, on: date, *, limit: int) -> list[Position]:
    """Positions of the date that were not claimed yet, by partner and merchant."""
    rows = await db.fetch(
        f"{_POSITION} where business_date = $1 and recovered is null"
        " order by partner_id, merchant_id limit $2",
        on,
        limit,
    )
    return [_position(row) for row in rows]


async def claimed(db: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """partner, date, merchant, recovered, reserved, payout, group (None: nothing was posted)."""
    await db.executemany(_CLAIM, rows)


_CLAIMS = """
select currency, count(*) filter (where payout > 0) as count, sum(payout)::bigint as payout,
    count(*) filter (where recovered is null) as missing
from bank.clearing_positions where business_date = $1 group by currency order by currency
"""


async def claim_sums(db: Connection, on: date) -> dict[str, tuple[int, int, int]]:
    """By currency: how many positions pay out, how much, and how many are not claimed."""
    rows = await db.fetch(_CLAIMS, on)
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


async def partners(db: Connection, on: date) -> list[str]:
    """The partners with a position on the date."""
    rows = await db.fetch(
        "select distinct partner_id from bank.clearing_positions where business_date = $1"
        " order by partner_id",
        on,
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
