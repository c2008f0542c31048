"""A sealed date's clearing, state by state: compute, check and claim, pay out, follow up.

Always true: each step is one transaction that moves the batch (or some of its lines) by
``where state = ...``, so a process that dies leaves a state from which the next one goes on, and
two at once do a step once. Nothing is sent before its line is committed; what a network is asked
carries a key derived from the date and the merchant; unknown is asked again and never paid again.
Source: reliability guide, sections 4 and 7.
"""

from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from bankside.bank.clearing import rules, store, store_books, store_payouts
from bankside.bank.clearing.errors import BatchUnbalanced
from bankside.bank.clearing.model import (
    BANK,
    FINAL,
    Batch,
    BatchState,
    Payout,
    PayoutState,
    Position,
    moved,
)
from bankside.bank.clearing.paying import CHUNK, CHUNKS_MAX, follow, pay
from bankside.bank.clearing.sealing import DATES_MAX
from bankside.bank.ledger import Group, Leg, group_id, post
from bankside.bank.networks import Network
from bankside.kernel.calendar import is_business_day
from bankside.kernel.clock import Clock, booking_date
from bankside.kernel.db import Connection, Pool, Row, transaction
from bankside.kernel.money import Money


async def advance(pool: Pool, clock: Clock, network: Network, on: date, space: str = BANK) -> Batch:
    """The sealed date's batch goes as far as it can today; the state it stands in now.

    Earlier dates go first as far as their claims, because what they leave is carried into this one.
    Raises BatchNotFound, BatchUnbalanced.
    """
    async with pool.acquire() as db:
        waiting = await store.unfinished(db, space, limit=DATES_MAX)
    for each in waiting:
        if each.on <= on:
            await _computed_and_claimed(pool, clock, each)
    async with pool.acquire() as db:
        batch = await store.batch(db, on, space)
    assert batch is not None and batch.state is not BatchState.OPEN, "the date was sealed"
    if batch.state is BatchState.CHECKED and may_pay(batch, clock):
        await pay(pool, clock, network, batch)
        batch = await _moved(pool, clock, batch, BatchState.SUBMITTED)
    if batch.state is BatchState.SUBMITTED:
        await follow(pool, clock, network, batch)
        async with pool.acquire() as db:
            counts = await store_payouts.payout_counts(db, on, space)
        if set(counts) <= FINAL:
            batch = await _moved(pool, clock, batch, BatchState.CONFIRMED)
    return batch


async def reconciled(pool: Pool, clock: Clock, batch: Batch) -> Batch:
    """The confirmed batch agrees with the books as they are now; the caller compared the orders.

    Raises BatchUnbalanced.
    """
    async with transaction(pool) as db:
        await store.one_at_a_time(db, batch.space)
        await agrees(db, batch)
        if (await hashed(db, batch))[1].hex() != batch.hash:
            raise BatchUnbalanced(f"{batch.on}: the positions are not those that were computed")
    return await _moved(pool, clock, batch, BatchState.RECONCILED)


def may_pay(batch: Batch, clock: Clock) -> bool:
    """Whether payouts leave now: from the value date on, on working days."""
    today = booking_date(clock)
    return today >= batch.value_on and is_business_day(today)


async def _computed_and_claimed(pool: Pool, clock: Clock, batch: Batch) -> None:
    if batch.state is BatchState.SEALED:
        async with transaction(pool) as db:
            await store.one_at_a_time(db, batch.space)
            await _compute(db, clock, batch)
        batch = replace(batch, state=BatchState.COMPUTED)
    if batch.state is BatchState.COMPUTED:
        for _ in range(CHUNKS_MAX):
            async with transaction(pool) as db:
                await store.one_at_a_time(db, batch.space)
                if not await _claim(db, clock, batch):
                    break
        async with transaction(pool) as db:
            await store.one_at_a_time(db, batch.space)
            await _check(db, clock, batch)


async def _compute(db: Connection, clock: Clock, asked: Batch) -> None:
    """The sealed date has its positions and their hash, which depend on the sealed range alone."""
    batch = await store.batch(db, asked.on, asked.space)
    if batch is None or batch.state is not BatchState.SEALED:
        return  # Another worker was first.
    await store_books.compute(db, batch)
    await agrees(db, batch)
    count, digest = await hashed(db, batch)
    await store.computed(db, batch, count, digest, clock.now())


async def hashed(db: Connection, batch: Batch) -> tuple[int, bytes]:
    """How many positions the batch has, and SHA-256 over them."""
    lines = [rules.position_line(each) async for each in store.positions(db, batch.on, batch.space)]
    return len(lines), rules.batch_hash(batch.on, batch.value_on, lines)


async def agrees(db: Connection, batch: Batch) -> None:
    """Raise BatchUnbalanced unless each net is what stood available at the seal."""
    wrong = await store_books.disagreeing(db, batch)
    if wrong:
        shown = ", ".join(f"{row['merchant_id']} {row['net']} not {row['stood']}" for row in wrong)
        raise BatchUnbalanced(f"{batch.on}: {shown}")


async def _claim(db: Connection, clock: Clock, batch: Batch) -> bool:
    """Claim the next positions: the net leaves what is available. False when none was left.

    The chain is locked before balances are read, so the ledger accepts what is decided here.
    """
    waiting, on = await store.unclaimed(db, batch, limit=CHUNK), batch.on
    if not waiting:
        return False
    at = clock.now()
    await store_books.head(db)
    named = [
        f"{each.merchant}.{part}" for each in waiting for part in ("available", "reserved", "owed")
    ]
    books = await store_books.balances(db, named)
    targets = await store_books.targets(db, [each.merchant for each in waiting])
    claims = [_claimed(each, books, targets.get((each.partner, each.merchant))) for each in waiting]
    groups = [_claim_group(p, c) for p, c in zip(waiting, claims, strict=True) if c.total]
    await store.claimed(
        db,
        [
            (p.partner, on, p.merchant, c.recovered, c.kept, c.payout, _claim_id(p, c))
            for p, c in zip(waiting, claims, strict=True)
        ],
    )
    await store_payouts.prepare(
        db,
        batch,
        [
            _prepared(p, c, targets[(p.partner, p.merchant)], at)
            for p, c in zip(waiting, claims, strict=True)
            if c.payout
        ],
    )
    for verdict in await post(db, groups, at=at):
        assert verdict.accepted and not verdict.repeat, f"a claim was decided on the books: {on}"
    return True


def _claimed(position: Position, books: dict[str, int], terms: Row | None) -> rules.Claim:
    if terms is None:
        return rules.Claim(0, 0, 0)

    def stands(part: str) -> int:
        return books.get(f"{position.merchant}.{part}", 0)

    return rules.claim(
        position.net,
        available=stands("available"),
        owed=-stands("owed"),
        short=terms["reserve"] - stands("reserved"),
    )


def _claim_id(position: Position, claim: rules.Claim) -> UUID | None:
    return group_id("clearing-claim", rules.payout_key(position)) if claim.total else None


def _claim_group(position: Position, claim: rules.Claim) -> Group:
    legs = tuple(
        Leg(
            f"{position.merchant}.available",
            f"{position.merchant}.{part}",
            Money(minor, position.currency),
        )
        for part, minor in (
            ("owed", claim.recovered),
            ("reserved", claim.kept),
            ("payable", claim.payout),
        )
        if minor
    )
    group = _claim_id(position, claim)
    assert group is not None
    return Group(group, legs, kind="clearing", narrative=f"clearing {position.on}")


def _prepared(position: Position, claim: rules.Claim, terms: Row, at: datetime) -> Payout:
    return Payout(
        partner=position.partner,
        on=position.on,
        merchant=position.merchant,
        currency=position.currency,
        amount=claim.payout,
        target=terms["account_no"] or terms["ledger_account"],
        bank=terms["bank"],
        account_name=terms["account_name"],
        key=rules.payout_key(position),
        state=PayoutState.PREPARED,
        prepared_at=at,
        moved_at=at,
    )


async def _check(db: Connection, clock: Clock, asked: Batch) -> None:
    """Total and count of the payouts are those of the claims, a currency at a time."""
    batch, on = await store.batch(db, asked.on, asked.space), asked.on
    if batch is None or batch.state is not BatchState.COMPUTED:
        return
    claims = await store.claim_sums(db, batch)
    payouts = await store_payouts.payout_sums(db, batch)
    for currency, (count, total, missing) in claims.items():
        if missing or payouts.get(currency, (0, 0)) != (count, total):
            raise BatchUnbalanced(f"{on}: payouts in {currency} are not what was claimed")
    _, digest = await hashed(db, batch)
    if digest.hex() != batch.hash:
        raise BatchUnbalanced(f"{on}: the positions are not those that were computed")
    await store.move(db, batch, moved(batch.state, BatchState.CHECKED), clock.now())


async def _moved(pool: Pool, clock: Clock, batch: Batch, to: BatchState) -> Batch:
    """The batch in its next state, whoever moved it."""
    moved(batch.state, to)
    async with transaction(pool) as db:
        await store.move(db, batch, to, clock.now())
        found = await store.batch(db, batch.on, batch.space)
    assert found is not None
    return found
