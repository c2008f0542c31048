"""The ten guarantees of clearing as questions to the database: each raises when it does not hold.

Source: reliability guide, section 7.1. They are asked after single stories (``test_*.py`` here) and
after every step of a random sequence of operations (``test_any_sequence.py``).
"""

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.bank.clearing.clearing_world import Platform

from bankside.bank import clearing
from bankside.bank.accounts import House, house_account
from bankside.bank.clearing import rules
from bankside.bank.ledger import verify
from bankside.kernel.db import transaction
from bankside.orders import rules as order_rules

SHARE_MAX_BP = 3_000
_STATES = ("open", "sealed", "computed", "checked", "submitted", "confirmed", "reconciled")


@dataclass
class Seen:
    """What earlier checks saw and no later one may see otherwise: states and hashes by date."""

    states: dict[str, int] = field(default_factory=dict)
    sealed: dict[str, tuple[object, ...]] = field(default_factory=dict)
    orders: dict[str, int] = field(default_factory=dict)
    receipts: int = 0


async def double_entry(platform: Platform, _: Seen) -> None:
    """1: every currency adds up to zero; every balance is the sum of its entries."""
    pool = platform.bank.pool
    drifted = await pool.fetch(
        "select a.account_id from bank.ledger_accounts a left join (select account_id,"
        " sum(amount) as total from bank.ledger_entries group by 1) e using (account_id)"
        " where a.balance <> coalesce(e.total, 0)"
    )
    sums = await pool.fetch("select sum(balance) as s from bank.ledger_accounts group by currency")
    assert not drifted and all(row["s"] == 0 for row in sums)


async def idempotency(platform: Platform, _: Seen) -> None:
    """2: a key, a number, a claim and a payout each name one effect."""
    pool = platform.bank.pool
    twice = await pool.fetch(
        "select order_id, reference from orders.journal where reference is not null and"
        " status = 'done' group by partner_id, order_id, use, reference having count(*) > 1"
        " union all select key, '' from orders.idempotency group by partner_id, tenant_id, app_id,"
        " operation, key having count(*) > 1"
        " union all select key, '' from bank.clearing_payouts group by key having count(*) > 1"
    )
    assert not twice


async def state_order(platform: Platform, seen: Seen) -> None:
    """3: batches and orders only move on, and what an order paid is somewhere."""
    pool = platform.bank.pool
    for row in await pool.fetch("select business_date, state from bank.clearing_batches"):
        name, now = str(row["business_date"]), _STATES.index(row["state"])
        assert now >= seen.states.get(name, 0)
        seen.states[name] = now
    orders = await pool.fetch(
        "select order_id, revision, paid, refunded, split, pending, settled, fee, waits_for"
        " from orders.orders where partner_id = $1 and family in ('collect', 'collect_split')",
        platform.bank.partner,
    )
    for row in orders:
        assert row["revision"] >= seen.orders.get(row["order_id"], 0)
        seen.orders[row["order_id"]] = row["revision"]
        inside = row["split"] + row["pending"] + row["settled"] + row["fee"]
        # A refund after settlement is funded from elsewhere.
        assert row["paid"] - row["refunded"] <= inside <= row["paid"]


async def split_caps(platform: Platform, _: Seen) -> None:
    """4: shares and fee within what is paid and not refunded; others' share within the maximum."""
    rows = await platform.bank.pool.fetch(
        "select paid, refunded, split, pending, requests, wake_at, waits_for, family, terms"
        " ->> 'fee_rate_bp' as rate from orders.orders where partner_id = $1"
        " and family in ('collect', 'collect_split') and waits_for = any ($2)",
        platform.bank.partner,
        list(order_rules.PENDING_STEPS),
    )
    for row in rows:
        left = row["paid"] - row["refunded"]
        fee = left * int(row["rate"]) // 10_000
        assert row["split"] + fee <= left + 1
        assert row["split"] * 10_000 <= row["paid"] * SHARE_MAX_BP
        assert row["requests"] <= order_rules.SPLIT_REQUESTS_MAX
        assert row["family"] == "collect" or row["wake_at"] is not None


async def cut_off(platform: Platform, seen: Seen) -> None:
    """5: dates follow each other without gap in the chain; a sealed one stays as it was."""
    pool = platform.bank.pool
    rows = await pool.fetch("select * from bank.clearing_batches order by business_date")
    for earlier, later in itertools.pairwise(rows):
        assert earlier["last_seq"] == later["first_seq"]
    for row in rows:
        if row["hash"] is not None:
            facts = tuple(row[each] for each in ("first_seq", "last_seq", "head_hash", "hash"))
            assert seen.sealed.setdefault(str(row["business_date"]), facts) == facts
    async with transaction(pool) as db:
        for row in rows:
            if row["hash"] is not None:
                found = [each async for each in clearing.positions(db, row["business_date"])]
                lines = map(rules.position_line, found)
                digest = rules.batch_hash(row["business_date"], row["value_on"], lines)
                assert digest == row["hash"]


async def netting(platform: Platform, _: Seen) -> None:
    """6: one payment a merchant and date, in its own currency, never above its net."""
    wrong = await platform.bank.pool.fetch(
        "select p.merchant_id from bank.clearing_positions p"
        " join bank.merchants m on m.partner_id = p.partner_id and m.merchant_id = p.merchant_id"
        " left join bank.clearing_payouts o on o.partner_id = p.partner_id"
        " and o.merchant_id = p.merchant_id and o.business_date = p.business_date"
        " where p.currency <> m.currency or o.currency <> p.currency"
        " or coalesce(o.amount, 0) <> coalesce(p.payout, 0) or p.payout > greatest(p.net, 0)"
        " or p.net <> p.carried_in + p.moved"
    )
    assert not wrong


async def payout(platform: Platform, _: Seen) -> None:
    """7: what is payable is what is prepared or failed; what is in clearing is not known yet."""
    pool = platform.bank.pool
    rows = await pool.fetch(
        "select merchant_id, state, sum(amount)::bigint as total from bank.clearing_payouts"
        " where partner_id = $1 group by 1, 2",
        platform.bank.partner,
    )
    waiting: dict[str, int] = {}
    for row in rows:
        if row["state"] in {"prepared", "failed"}:
            waiting[row["merchant_id"]] = waiting.get(row["merchant_id"], 0) + row["total"]
    for merchant in platform.merchants:
        assert await platform.balance(merchant, "payable") == waiting.get(merchant.id, 0)
    outside = await pool.fetchval(
        "select coalesce(sum(amount), 0)::bigint from bank.clearing_payouts"
        " where state in ('submitted', 'unknown')"
    )
    assert await platform.bank.money(house_account(House.CLEARING, "CNY")) == [outside]


async def three_way(platform: Platform, _: Seen) -> None:
    """8: no break stands on a date that is reconciled."""
    wrong = await platform.bank.pool.fetch(
        "select r.break_id from bank.reconciliation_breaks r"
        " join bank.clearing_batches b on b.business_date = r.business_date"
        " where b.state = 'reconciled' and r.channel = 'platform' and r.status <> 'closed'"
    )
    assert not wrong


async def suspense(platform: Platform, seen: Seen) -> None:
    """9: what nobody can name stands in suspense, and a break is open for each."""
    rows = await platform.bank.pool.fetch(
        "select found from bank.reconciliation_breaks where line_kind = 'receipt'"
        " and status <> 'closed'"
    )
    total = sum(row["found"] for row in rows)
    assert await platform.bank.money(house_account(House.SUSPENSE, "CNY")) == [total]
    assert len(rows) >= seen.receipts


async def audit(platform: Platform, _: Seen) -> None:
    """10: the chain proves itself, and each seal names a place in it."""
    pool = platform.bank.pool
    async with pool.acquire() as db, db.transaction(isolation="repeatable_read"):
        assert (await verify(db)).fault is None
    wrong = await pool.fetch(
        "select c.business_date from bank.clearing_batches c"
        " left join bank.ledger_batches b on b.ledger_id = 'main' and b.seq = c.last_seq"
        " where c.last_seq > 0 and c.head_hash is distinct from b.hash"
    )
    assert not wrong


GUARANTEES: tuple[Callable[[Platform, Seen], Awaitable[None]], ...] = (
    double_entry,
    idempotency,
    state_order,
    split_caps,
    cut_off,
    netting,
    payout,
    three_way,
    suspense,
    audit,
)


async def all_hold(platform: Platform, seen: Seen | None = None) -> None:
    """Every one of the ten, now."""
    seen = seen if seen is not None else Seen()
    for guarantee in GUARANTEES:
        await guarantee(platform, seen)
