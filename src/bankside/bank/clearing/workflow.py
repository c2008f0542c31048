"""A date's clearing, state by state: seal, compute, check and claim, pay out, follow up.

Always true: each step is one transaction that moves the batch (or some of its lines) by
``where state = ...``, so a process that dies leaves a state from which the next one goes on, and
two at once do a step once. Nothing is sent before its line is committed; what a network is asked
carries a key derived from the date and the merchant; unknown is asked again and never paid again.
Source: reliability guide, sections 4 and 7.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

from bankside.bank.clearing import rules, store, store_books, store_payouts
from bankside.bank.clearing.errors import (
    BatchUnbalanced,
    DateNotClosed,
    DatePassed,
)
from bankside.bank.clearing.model import (
    FINAL,
    Batch,
    BatchState,
    Payout,
    PayoutState,
    Position,
    moved,
)
from bankside.bank.clearing.paying import CHUNK, CHUNKS_MAX, follow, pay
from bankside.bank.ledger import Group, Leg, group_id, post
from bankside.bank.networks import Network
from bankside.kernel.calendar import bounds, is_business_day, next_business_day
from bankside.kernel.clock import Clock, booking_date
from bankside.kernel.db import Connection, Pool, Row, transaction
from bankside.kernel.money import Money

# A worker that was away for longer than this has a person look at it first.
DATES_MAX = 400


async def seal(pool: Pool, clock: Clock, on: date) -> Batch:
    """The date and every unsealed one before it are sealed; sealing again changes nothing.

    What is posted from now on belongs to the date after. Raises DateNotClosed, DatePassed.
    """
    for _ in range(DATES_MAX):
        async with transaction(pool) as db:
            await store.one_at_a_time(db)
            found = await _sealed_next(db, clock, on)
        if found is not None:
            return found
    raise DatePassed(f"{on} is more than {DATES_MAX} dates after the last one that was sealed")


async def _sealed_next(db: Connection, clock: Clock, on: date) -> Batch | None:
    """Seal the oldest date that is open; the batch of ``on`` once that is sealed."""
    known = await store.batch(db, on)
    if known is not None and known.state is not BatchState.OPEN:
        return known
    at = clock.now()
    if at < bounds(on)[1]:
        raise DateNotClosed(f"{on} closes at {bounds(on)[1].isoformat()}")
    newest = await store.newest(db)
    if newest is None:
        await _open(db, on, 0, at)
        newest = await store.newest(db)
        assert newest is not None
    if newest.on > on:
        raise DatePassed(f"{newest.on} is in progress; nothing can enter {on} any more")
    seq, head = await store_books.head(db)
    assert newest.state is BatchState.OPEN, "the newest date is always open"
    assert seq >= newest.first_seq, "the chain never becomes shorter"
    await store.seal(db, newest.on, seq, head, at)
    await _open(db, newest.on + timedelta(days=1), seq, at)
    return await store.batch(db, on) if newest.on == on else None


async def _open(db: Connection, on: date, first_seq: int, at: datetime) -> None:
    await store.open_batch(db, on, next_business_day(on), first_seq, at)


async def advance(pool: Pool, clock: Clock, network: Network, on: date) -> Batch:
    """The sealed date's batch goes as far as it can today; the state it stands in now.

    Earlier dates go first as far as their claims, because what they leave is carried into this one.
    Raises BatchNotFound, BatchUnbalanced.
    """
    async with pool.acquire() as db:
        waiting = await store.unfinished(db, limit=DATES_MAX)
    for each in waiting:
        if each.on <= on:
            await _computed_and_claimed(pool, clock, each)
    async with pool.acquire() as db:
        batch = await store.batch(db, on)
    assert batch is not None and batch.state is not BatchState.OPEN, "the date was sealed"
    if batch.state is BatchState.CHECKED and may_pay(batch, clock):
        await pay(pool, clock, network, batch)
        batch = await _moved(pool, clock, batch, BatchState.SUBMITTED)
    if batch.state is BatchState.SUBMITTED:
        await follow(pool, clock, network, batch)
        async with pool.acquire() as db:
            counts = await store_payouts.payout_counts(db, on)
        if set(counts) <= FINAL:
            batch = await _moved(pool, clock, batch, BatchState.CONFIRMED)
    return batch


async def reconciled(pool: Pool, clock: Clock, batch: Batch) -> Batch:
    """The confirmed batch agrees with the books as they are now; the caller compared the orders.

    Raises BatchUnbalanced.
    """
    async with transaction(pool) as db:
        await store.one_at_a_time(db)
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
            await store.one_at_a_time(db)
            await _compute(db, clock, batch.on)
        batch = replace(batch, state=BatchState.COMPUTED)
    if batch.state is BatchState.COMPUTED:
        for _ in range(CHUNKS_MAX):
            async with transaction(pool) as db:
                await store.one_at_a_time(db)
                if not await _claim(db, clock, batch.on):
                    break
        async with transaction(pool) as db:
            await store.one_at_a_time(db)
            await _check(db, clock, batch.on)


async def _compute(db: Connection, clock: Clock, on: date) -> None:
    """The sealed date has its positions and their hash, which depend on the sealed range alone."""
    batch = await store.batch(db, on)
    if batch is None or batch.state is not BatchState.SEALED:
        return  # Another worker was first.
    assert batch.last_seq is not None
    await store_books.compute(db, on, batch.first_seq, batch.last_seq)
    await agrees(db, batch)
    count, digest = await hashed(db, batch)
    await store.computed(db, on, count, digest, clock.now())


async def hashed(db: Connection, batch: Batch) -> tuple[int, bytes]:
    """How many positions the batch has, and SHA-256 over them."""
    lines = [rules.position_line(each) async for each in store.positions(db, batch.on)]
    return len(lines), rules.batch_hash(batch.on, batch.value_on, lines)


async def agrees(db: Connection, batch: Batch) -> None:
    """Raise BatchUnbalanced unless each net is what stood available at the seal."""
    assert batch.last_seq is not None
    wrong = await store_books.disagreeing(db, batch.on, batch.last_seq)
    if wrong:
        shown = ", ".join(f"{row['merchant_id']} {row['net']} not {row['stood']}" for row in wrong)
        raise BatchUnbalanced(f"{batch.on}: {shown}")


async def _claim(db: Connection, clock: Clock, on: date) -> bool:
    """Claim the next positions: the net leaves what is available. False when none was left.

    The chain is locked before balances are read, so the ledger accepts what is decided here.
    """
    waiting = await store.unclaimed(db, on, limit=CHUNK)
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


async def _check(db: Connection, clock: Clock, on: date) -> None:
    """Total and count of the payouts are those of the claims, a currency at a time."""
    batch = await store.batch(db, on)
    if batch is None or batch.state is not BatchState.COMPUTED:
        return
    claims = await store.claim_sums(db, on)
    payouts = await store_payouts.payout_sums(db, on)
    for currency, (count, total, missing) in claims.items():
        if missing or payouts.get(currency, (0, 0)) != (count, total):
            raise BatchUnbalanced(f"{on}: payouts in {currency} are not what was claimed")
    _, digest = await hashed(db, batch)
    if digest.hex() != batch.hash:
        raise BatchUnbalanced(f"{on}: the positions are not those that were computed")
    await store.move(
        db, on, BatchState.COMPUTED, moved(batch.state, BatchState.CHECKED), clock.now()
    )


async def _moved(pool: Pool, clock: Clock, batch: Batch, to: BatchState) -> Batch:
    """The batch in its next state, whoever moved it."""
    moved(batch.state, to)
    async with transaction(pool) as db:
        await store.move(db, batch.on, batch.state, to, clock.now())
        found = await store.batch(db, batch.on)
    assert found is not None
    return found
