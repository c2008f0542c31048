"""SQL of clearing over the books: where the chain stands, positions of a sealed date, balances.

Read only, but for the positions themselves. A sealed date is a range of the chain's batches, found
by block range index; a leg is looked at from both of its accounts.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bankside.bank.clearing.model import Batch
from bankside.bank.clearing.store import PREFETCH, STEP_SECONDS_MAX
from bankside.kernel.db import Connection, Row

LEDGER = "main"
# What clearing itself posts is no proceeds: it moves what was counted already.
OWN_KINDS = ("clearing", "payout", "payout_return")

# Everything that is posted later gets a greater number: the seal is exact.
_HEAD = "select seq, hash from bank.ledger_heads where ledger_id = $1 for no key update"


async def head(db: Connection) -> tuple[int, bytes]:
    """The newest batch of the chain and its hash; nothing is posted until the transaction ends."""
    row = await db.fetchrow(_HEAD, LEDGER, timeout=STEP_SECONDS_MAX)
    assert row is not None, "migration 0010 opened the ledger"
    return row["seq"], row["hash"]


# The sub-accounts of all merchants, by ledger account. Ledger texts compare as bytes.
_SUB = """
sub as materialized (
    select m.partner_id, m.merchant_id, m.pending_ledger_account as account,
        'pending' as part, s.ledger_account as own
    from bank.merchants m
    join bank.accounts s on s.partner_id = m.partner_id and s.account_id = m.settlement_account
    where {merchants}
    union all
    select t.partner_id, t.merchant_id, t.merchant_id || '.' || each.part, each.part, ''
    from bank.clearing_terms t
    cross join (values ('available'), ('reserved'), ('owed')) each (part)
    where {terms}
)"""
# Whose merchants a clearing clears: a data space's, or all that are in none ($6 = '').
_CLEARED = "({0}.partner_id = $6 or ($6 = '' and not starts_with({0}.partner_id, 'sbx_')))"
_COMPUTE = f"""
with {_SUB.format(merchants=_CLEARED.format("m"), terms=_CLEARED.format("t"))}, sides as (
    select sub.partner_id, sub.merchant_id, sub.part, t.kind, t.amount * side.sign as amount,
        side.other like 'house.fee-income.%' as fee,
        side.other in (sub.own, sub.merchant_id || '.available') as settled,
        side.other = sub.merchant_id || '.pending' as within
    from bank.ledger_transfers t
    cross join lateral (values (t.debit, t.credit, -1), (t.credit, t.debit, 1))
        as side (account, other, sign)
    join sub on sub.account = side.account
    where t.ledger_id = $1 and t.batch > $2 and t.batch <= $3 and t.verdict = 'accepted'
        and t.kind <> all ($4::text[])
), figures as (
    select partner_id, merchant_id,
        count(*) filter (where part = 'pending' or not within) as postings,
        coalesce(sum(amount) filter (where part = 'pending'), 0)::bigint as pending_moved,
        coalesce(sum(amount) filter (where part = 'pending' and amount > 0
            and kind <> 'split_return'), 0)::bigint as paid_in,
        coalesce(sum(amount) filter (where part = 'available' and amount > 0
            and kind = 'capture'), 0)::bigint as captured,
        coalesce(-sum(amount) filter (where amount < 0 and kind in ('refund', 'reversal')
            and not fee and not settled), 0)::bigint as refunded,
        coalesce(-sum(amount) filter (where part = 'pending' and amount < 0
            and kind in ('refund', 'reversal') and not fee and not settled), 0)::bigint as back,
        coalesce(-sum(amount) filter (where part = 'pending' and amount < 0 and kind = 'split'
            and not fee and not settled), 0)::bigint as split,
        coalesce(sum(amount) filter (where part = 'pending' and amount > 0
            and kind = 'split_return'), 0)::bigint as returned,
        coalesce(-sum(amount) filter (where part = 'pending' and amount < 0 and fee), 0)::bigint
            as fee,
        coalesce(-sum(amount) filter (where part = 'pending' and amount < 0 and settled), 0)::bigint
            as settled,
        coalesce(sum(amount) filter (where part = 'available'), 0)::bigint as moved
    from sides group by partner_id, merchant_id
), carried as (
    -- what the newest earlier date of each merchant left
    select distinct on (p.partner_id, p.merchant_id) p.partner_id, p.merchant_id, p.carried_out
    from bank.clearing_positions p where p.business_date < $5
    order by p.partner_id, p.merchant_id, p.business_date desc
)
insert into bank.clearing_positions (space, partner_id, business_date, merchant_id, tenant_id,
    currency, netted, postings, paid_in, captured, refunded, split, returned, fee, settled, other,
    moved, carried_in, net)
select $6, m.partner_id, $5, m.merchant_id, m.tenant_id, m.currency, t.merchant_id is not null,
    coalesce(f.postings, 0), coalesce(f.paid_in, 0), coalesce(f.captured, 0),
    coalesce(f.refunded, 0), coalesce(f.split, 0), coalesce(f.returned, 0), coalesce(f.fee, 0),
    coalesce(f.settled, 0),
    coalesce(f.pending_moved - f.paid_in - f.returned + f.back + f.split + f.fee + f.settled, 0),
    coalesce(f.moved, 0), coalesce(c.carried_out, 0),
    coalesce(c.carried_out, 0) + coalesce(f.moved, 0)
from bank.merchants m
left join bank.clearing_terms t
    on t.partner_id = m.partner_id and t.merchant_id = m.merchant_id
left join figures f
    on f.partner_id = m.partner_id and f.merchant_id = m.merchant_id
left join carried c
    on c.partner_id = m.partner_id and c.merchant_id = m.merchant_id
where (f.merchant_id is not null or c.carried_out <> 0) and {_CLEARED.format("m")}
"""  # noqa: S608 - constant text


async def compute(db: Connection, batch: Batch) -> None:
    """Every merchant with postings in the range, or money carried over, has its position."""
    seqs = (batch.first_seq, batch.last_seq)
    await db.execute(
        *(_COMPUTE, LEDGER, *seqs, list(OWN_KINDS), batch.on, batch.space),
        timeout=STEP_SECONDS_MAX,
    )


# A second way to the same figure, over entries instead of transfers: what stood on the sub-account
# at the seal, less what earlier dates claim of it after the seal. The account is read from its
# newest entry back.
_DISAGREEING = """
select p.partner_id, p.merchant_id, p.net, coalesce(e.balance_after, 0) - coalesce(c.claimed, 0)
    as stood
from bank.clearing_positions p
left join lateral (
    select n.balance_after from bank.ledger_entries n
    where n.ledger_id = $1 and n.account_id = p.merchant_id || '.available' and n.batch <= $3
    order by n.version desc limit 1
) e on true
left join lateral (
    select sum(q.recovered + q.reserved + q.payout)::bigint as claimed
    from bank.clearing_positions q
    where q.partner_id = p.partner_id and q.merchant_id = p.merchant_id
        and q.business_date < p.business_date and q.claim_group is not null
        and exists (select from bank.ledger_transfers t where t.ledger_id = $1
            and t.group_id = q.claim_group and t.leg = 1 and t.batch > $3)
) c on true
where p.space = $4 and p.business_date = $2 and p.netted
    and p.net <> coalesce(e.balance_after, 0) - coalesce(c.claimed, 0)
order by p.partner_id, p.merchant_id limit 10
"""


async def disagreeing(db: Connection, batch: Batch) -> list[Row]:
    """Positions whose net is not what stood available at the seal; none, unless something broke."""
    about = (batch.on, batch.last_seq, batch.space)
    return await db.fetch(_DISAGREEING, LEDGER, *about, timeout=STEP_SECONDS_MAX)


_BALANCES = """
select account_id, balance from bank.ledger_accounts
where ledger_id = $1 and account_id = any ($2::text[])
"""


async def balances(db: Connection, accounts: Iterable[str]) -> dict[str, int]:
    """What stands on each of the accounts now, minor units; unknown accounts are left out."""
    rows = await db.fetch(_BALANCES, LEDGER, list(accounts))
    return {row["account_id"]: row["balance"] for row in rows}


_TARGETS = """
select m.merchant_id, m.partner_id, a.ledger_account, t.bank, t.account_no, t.account_name,
    t.reserve
from bank.clearing_terms t
join bank.merchants m on m.partner_id = t.partner_id
    and m.merchant_id = t.merchant_id
join bank.accounts a on a.partner_id = m.partner_id and a.account_id = m.settlement_account
where t.merchant_id = any ($1::text[])
"""


async def targets(db: Connection, merchants: Sequence[str]) -> dict[tuple[str, str], Row]:
    """By (partner, merchant): the settlement account here, the account elsewhere, the reserve."""
    rows = await db.fetch(_TARGETS, list(merchants))
    return {(row["partner_id"], row["merchant_id"]): row for row in rows}


# The planner takes the few accounts for one and would look through all of them a posting; and the
# whole result is read, so a plan that only starts quickly is the wrong one.
_WHOLE = "set local enable_nestloop = off"
_NOT_THE_FIRST = "set local cursor_tuple_fraction = 1"
_SORT_MEMORY = "set local work_mem = '64MB'"
_LINES = f"""
with {_SUB.format(merchants="m.partner_id = $5", terms="t.partner_id = $5")}, mine as materialized (
    select account, merchant_id from sub
    where partner_id = $5 and ($6::text[] is null or merchant_id = any ($6))
)
select t.group_id::text as reference, t.leg, t.kind, t.amount, t.currency,
    coalesce(c.merchant_id, d.merchant_id) as merchant,
    case when d.account is not null and c.account is not null then 'move'
        when c.account is not null then 'in' else 'out' end as side
from bank.ledger_transfers t
left join mine d on d.account = t.debit
left join mine c on c.account = t.credit
where t.ledger_id = $1 and t.batch > $2 and t.batch <= $3 and t.verdict = 'accepted'
    and t.kind <> all ($4::text[]) and (d.account is not null or c.account is not null)
order by t.group_id, t.leg
"""  # noqa: S608 - constant text


async def lines(
    db: Connection, seqs: tuple[int, int], partner: str, merchants: Sequence[str] | None
) -> AsyncIterator[Row]:
    """The gross lines of a sealed date for a partner (or some of its merchants), by posting.

    The rest of the caller's transaction is planned for whole results.
    """
    for setting in (_WHOLE, _NOT_THE_FIRST, _SORT_MEMORY):
        await db.execute(setting)
    rows = db.cursor(
        _LINES,
        LEDGER,
        *seqs,
        list(OWN_KINDS),
        partner,
        merchants,
        prefetch=PREFETCH,
        timeout=STEP_SECONDS_MAX,
    )
    async for row in rows:
        yield row


_SUPERVISED = """
select m.tenant_id, m.currency,
    coalesce(sum(a.balance) filter (where a.account_id = m.pending_ledger_account), 0)
        ::bigint as pending,
    coalesce(sum(a.balance) filter (where a.account_id = m.merchant_id || '.available'), 0)::bigint
        as available,
    coalesce(sum(a.balance) filter (where a.account_id = m.merchant_id || '.reserved'), 0)::bigint
        as reserved,
    coalesce(sum(a.balance) filter (where a.account_id = m.merchant_id || '.payable'), 0)::bigint
        as payable,
    coalesce(-sum(a.balance) filter (where a.account_id = m.merchant_id || '.owed'), 0)::bigint
        as owed,
    count(distinct m.merchant_id) as merchants
from bank.merchants m
join bank.ledger_accounts a on a.ledger_id = $1 and a.account_id = any (array[
    m.pending_ledger_account, m.merchant_id || '.available',
    m.merchant_id || '.reserved', m.merchant_id || '.payable', m.merchant_id || '.owed'])
where m.partner_id = $2 group by m.tenant_id, m.currency
order by m.tenant_id nulls first, m.currency
"""


async def supervised(db: Connection, partner: str) -> list[Row]:
    """The partner's supervised accounts: what stands on the book sub-accounts of each tenant."""
    return await db.fetch(_SUPERVISED, LEDGER, partner)


@dataclass(frozen=True, slots=True)
class Unsealed:
    """The first posting of a data space's merchants that is in no sealed date."""

    batch: int
    booked_at: datetime


# Entries are looked for from the newest seal's instant on: a posting that was decided before it
# and committed after it is booked seconds earlier. What clearing posts itself is no proceeds.
# A space that was cleared with the bank once goes on from there.
_UNSEALED = """
with sealed as (
    select h.space, coalesce(max(b.last_seq), 0) as upto, max(b.sealed_at) as at
    from unnest($2::text[]) h (space)
    left join bank.clearing_batches b on b.space = h.space or (b.space = '' and exists (
        select from bank.clearing_positions p where p.partner_id = h.space
            and p.space = '' and p.business_date = b.business_date))
    group by h.space
)
select distinct on (s.space) s.space, e.batch, e.booked_at
from sealed s
join bank.merchants m on m.partner_id = s.space
cross join lateral (values (m.pending_ledger_account), (m.merchant_id || '.available')) part (id)
-- Most accounts stand still: their last booking says so, and their entries are not looked at.
join bank.ledger_accounts a on a.ledger_id = $1 and a.account_id = part.id and a.version > 0
    and a.booked_at >= coalesce(s.at - interval '1 hour', '-infinity')
cross join lateral (
    select n.batch, n.booked_at from bank.ledger_entries n
    join bank.ledger_transfers t
        on t.ledger_id = n.ledger_id and t.group_id = n.group_id and t.leg = n.leg
    where n.ledger_id = $1 and n.account_id = part.id and n.batch > s.upto
        and n.version > bank.ledger_version_before($1, part.id,
            coalesce(s.at - interval '1 hour', '-infinity'))
        and t.kind <> all ($3::text[])
    order by n.version limit 1
) e
order by s.space, e.booked_at, e.batch
"""


async def unsealed(db: Connection, spaces: Sequence[str]) -> dict[str, Unsealed]:
    """The first posting that waits for its date's seal, of those spaces that have one."""
    rows = await db.fetch(_UNSEALED, LEDGER, list(spaces), list(OWN_KINDS))
    return {row["space"]: Unsealed(row["batch"], row["booked_at"]) for row in rows}
