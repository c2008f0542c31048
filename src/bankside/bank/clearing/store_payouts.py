"""SQL of payouts: one a merchant and date, keyed by partner, moved by ``where state = ...``."""

from collections.abc import Sequence
from datetime import date

from bankside.bank.clearing.model import BANK, Batch, Payout, PayoutState, clears
from bankside.kernel.db import Connection, Row

_PAYOUT = (
    "select partner_id, business_date, merchant_id, currency, amount, target, bank, account_name,"
    " key, state, reference, reason, simulated, attempts, ask_at, owner, released_by, prepared_at,"
    " moved_at from bank.clearing_payouts"
)
_PREPARE = """
insert into bank.clearing_payouts (partner_id, business_date, merchant_id, currency, amount, target,
    bank, account_name, key, state, prepared_at, moved_at, space)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'prepared', $10, $10, $11)
"""
_MOVE_PAYOUT = """
update bank.clearing_payouts
set state = $5, reference = $6, reason = $7, simulated = $8, attempts = $9, ask_at = $10,
    owner = $11, released_by = $12, approved_by = $13, moved_at = $14
where partner_id = $1 and business_date = $2 and merchant_id = $3 and state = $4
returning true
"""


async def prepare(db: Connection, batch: Batch, payouts: Sequence[Payout]) -> None:
    """The payouts of the batch stand, and nothing of them has been sent."""
    await db.executemany(
        _PREPARE,
        [
            (
                each.partner,
                each.on,
                each.merchant,
                each.currency,
                each.amount,
                each.target,
                each.bank,
                each.account_name,
                each.key,
                each.prepared_at,
                batch.space,
            )
            for each in payouts
        ],
    )


async def move_payout(
    db: Connection, after: Payout, before: PayoutState, *, approved_by: str | None = None
) -> bool:
    """The payout as it is now, if it was in ``before``. False: somebody else moved it."""
    moved = await db.fetchval(
        _MOVE_PAYOUT,
        after.partner,
        after.on,
        after.merchant,
        before.value,
        after.state.value,
        after.reference,
        after.reason,
        after.simulated,
        after.attempts,
        after.ask_at,
        after.owner,
        after.released_by,
        approved_by,
        after.moved_at,
    )
    return moved is True


async def payout(db: Connection, partner: str, on: date, merchant: str) -> Payout | None:
    """The merchant's payout of the date, kept from other writers until the transaction ends."""
    row = await db.fetchrow(
        f"{_PAYOUT} where partner_id = $1 and business_date = $2 and merchant_id = $3 for update",
        partner,
        on,
        merchant,
    )
    return _payout(row) if row else None


async def payouts(
    db: Connection, batch: Batch, states: Sequence[PayoutState], *, inside: bool, limit: int
) -> list[Payout]:
    """Payouts of the batch in these states, to accounts here or at other banks, in order."""
    rows = await db.fetch(
        f"{_PAYOUT} where space = $1 and business_date = $2 and state = any ($3::text[])"
        " and (bank is null) = $4 order by partner_id, merchant_id limit $5",
        batch.space,
        batch.on,
        [each.value for each in states],
        inside,
        limit,
    )
    return [_payout(row) for row in rows]


async def payouts_of(
    db: Connection, on: date, partner: str | None, *, after: str, limit: int
) -> list[Payout]:
    """The date's payouts (of a partner, else all of the bank's own) by merchant, above one."""
    rows = await db.fetch(
        f"{_PAYOUT} where space = $1 and business_date = $2"
        " and ($3::text is null or partner_id = $3)"
        " and merchant_id > $4 order by merchant_id limit $5",
        clears(partner or BANK),
        on,
        partner,
        after,
        limit,
    )
    return [_payout(row) for row in rows]


async def payout_counts(db: Connection, on: date, space: str = BANK) -> dict[PayoutState, int]:
    """How many payouts of the date stand in each state."""
    rows = await db.fetch(
        "select state, count(*) as count from bank.clearing_payouts"
        " where space = $1 and business_date = $2 group by state",
        space,
        on,
    )
    return {PayoutState(row["state"]): row["count"] for row in rows}


def _payout(row: Row) -> Payout:
    return Payout(
        partner=row["partner_id"],
        on=row["business_date"],
        merchant=row["merchant_id"],
        currency=row["currency"],
        amount=row["amount"],
        target=row["target"],
        bank=row["bank"],
        account_name=row["account_name"],
        key=row["key"],
        state=PayoutState(row["state"]),
        reference=row["reference"],
        reason=row["reason"],
        simulated=row["simulated"],
        attempts=row["attempts"],
        ask_at=row["ask_at"],
        owner=row["owner"],
        released_by=row["released_by"],
        prepared_at=row["prepared_at"],
        moved_at=row["moved_at"],
    )


_PAYOUT_SUMS = """
select currency, count(*) as count, sum(amount)::bigint as payout
from bank.clearing_payouts where space = $1 and business_date = $2
group by currency order by currency
"""


async def payout_sums(db: Connection, batch: Batch) -> dict[str, tuple[int, int]]:
    """By currency: how many payouts stand, and how much."""
    rows = await db.fetch(_PAYOUT_SUMS, batch.space, batch.on)
    return {row["currency"]: (row["count"], row["payout"]) for row in rows}
