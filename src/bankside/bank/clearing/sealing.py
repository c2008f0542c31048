"""A business date ends: its place in the ledger's chain is written down, and nothing enters it.

Always true: the seal is taken behind the lock of every posting; the bank seals every date, one
after another; a data space of the sandbox seals only dates on which something was posted, by its
own clock, so that a jump over years costs what happened in them.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from bankside.bank.clearing import store, store_books
from bankside.bank.clearing.errors import DateNotClosed, DatePassed
from bankside.bank.clearing.model import BANK, Batch, BatchState
from bankside.bank.clearing.store_books import Unsealed
from bankside.kernel.calendar import bounds, business_date, next_business_day
from bankside.kernel.clock import BANK_ZONE, Clock
from bankside.kernel.db import Connection, Pool, transaction

# A worker that was away for longer than this has a person look at it first.
DATES_MAX = 400


async def seal(pool: Pool, clock: Clock, on: date) -> Batch:
    """The bank's date and every unsealed one before it are sealed; again changes nothing.

    What is posted from now on belongs to the date after. Raises DateNotClosed, DatePassed.
    """
    for _ in range(DATES_MAX):
        async with transaction(pool) as db:
            await store.one_at_a_time(db, BANK)
            found = await _sealed_next(db, clock, on)
        if found is not None:
            return found
    raise DatePassed(f"{on} is more than {DATES_MAX} dates after the last one that was sealed")


async def _sealed_next(db: Connection, clock: Clock, on: date) -> Batch | None:
    """Seal the oldest date that is open; the batch of ``on`` once that is sealed."""
    known = await store.batch(db, on, BANK)
    if known is not None and known.state is not BatchState.OPEN:
        return known
    at = clock.now()
    if at < bounds(on)[1]:
        raise DateNotClosed(f"{on} closes at {bounds(on)[1].isoformat()}")
    newest = await store.newest(db) or await _opened(db, on, BANK, 0, at)
    if newest.on > on:
        raise DatePassed(f"{newest.on} is in progress; nothing can enter {on} any more")
    assert newest.state is BatchState.OPEN, "the newest date is always open"
    seq = await _sealed_here(db, newest, at)
    await _opened(db, newest.on + timedelta(days=1), BANK, seq, at)
    return await store.batch(db, on, BANK) if newest.on == on else None


async def seal_space(pool: Pool, clock: Clock, space: str) -> Batch | None:
    """The first date of a data space that has ended and has postings in no sealed one is sealed.

    ``clock`` is the space's. None: there is no such date.
    """
    at = clock.now()
    async with transaction(pool) as db:
        await store.one_at_a_time(db, space)
        first = (await store_books.unsealed(db, [space])).get(space)
        if first is None:
            return None
        on = _date_of(first, (await store.newest_dates(db, [space])).get(space))
        if at < bounds(on)[1]:
            return None
        await _sealed_here(db, await _opened(db, on, space, first.batch - 1, at), at)
        return await store.batch(db, on, space)


def _date_of(first: Unsealed, sealed: date | None) -> date:
    """The date the posting belongs to: nothing enters one that is sealed."""
    on = business_date(first.booked_at)
    return on if sealed is None else max(on, sealed + timedelta(days=1))


async def seals_next(db: Connection, spaces: Sequence[str]) -> dict[str, datetime]:
    """The cut-off of the first date with unsealed postings, by its own clock, of each space."""
    sealed = await store.newest_dates(db, spaces)
    return {
        space: bounds(_date_of(first, sealed.get(space)))[1]
        for space, first in (await store_books.unsealed(db, spaces)).items()
    }


async def steps_next(db: Connection, spaces: Sequence[str]) -> list[tuple[Batch, datetime]]:
    """The spaces' sealed batches that are not reconciled, and when each can go on by itself.

    It is paid out on its value date; an unknown payout is asked about when its pause is over.
    """
    return [(each, at or _goes_on(each)) for each, at in await store.waiting(db, spaces)]


def _goes_on(batch: Batch) -> datetime:
    if batch.state in {BatchState.SEALED, BatchState.COMPUTED}:
        return bounds(batch.on)[1]
    return datetime.combine(batch.value_on, time(), BANK_ZONE)


async def _opened(db: Connection, on: date, space: str, first_seq: int, at: datetime) -> Batch:
    batch = Batch(
        on=on,
        space=space,
        state=BatchState.OPEN,
        value_on=next_business_day(on),
        first_seq=first_seq,
    )
    await store.open_batch(db, batch, at)
    return batch


async def _sealed_here(db: Connection, batch: Batch, at: datetime) -> int:
    """The open batch ends where the chain stands now; that place."""
    seq, head = await store_books.head(db)
    assert seq >= batch.first_seq, "the chain never becomes shorter"
    await store.seal(db, batch, seq, head, at)
    return seq
