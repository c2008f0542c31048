"""Loads a folder: checked wholly, facts in one transaction, then the derived postings in batches.

A load that was killed leaves the facts and some postings; the next run with the same files sees
that (state ``posting``) and books what is missing: group ids are derived from the files' own ids,
so nothing is booked twice.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from bankside.bank import ledger
from bankside.bank.accounts import House, ensure_house_accounts, house_account
from bankside.bank.berka import reading, store
from bankside.bank.berka.errors import OtherFilesLoaded, PostingRefused
from bankside.bank.berka.model import CURRENCY, DerivedPosting, Files, Report
from bankside.bank.berka.rows import account_id, rows
from bankside.bank.berka.rules import derive, kind_of
from bankside.bank.ledger import Group, Leg, NewAccount, group_id
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection, Pool, transaction
from bankside.kernel.money import Money

# A batch holds the ledger's chain for some 50 ms: payments made meanwhile wait that long at most.
BATCH_POSTINGS = 1_000
# The data space of a load that names none.
PARTNER_DEFAULT = "prt_berka"

Progress = Callable[[str], None]


async def load(
    pool: Pool,
    clock: Clock,
    folder: Path,
    *,
    partner: str | None = None,
    progress: Progress = lambda _: None,
) -> Report:
    """The bank in ``folder`` stands in the data space, with its derived postings.

    Raises FilesInvalid (nothing was written) and OtherFilesLoaded. A second run changes nothing;
    a run after a killed one finishes it.
    """
    space = partner or PARTNER_DEFAULT
    files = reading.read(folder)
    derived = derive(files)
    counts = dict(Counter(kind_of(posting) for posting in derived))
    progress(f"checked {sum(files.counts.values())} rows of {len(files.counts)} files")
    async with transaction(pool) as db:
        begun = await store.begin(db, space, files.digest, counts=files.counts, at=clock.now())
        if begun:
            await _write_facts(db, clock, space, files)
    if not begun and await _is_done(pool, space, files.digest):
        return Report(changed=False, resumed=False, facts=files.counts, derived=counts, posted=0)
    progress("facts stand" if begun else "resuming a load that did not end")
    posted = await _post(pool, space, derived, progress)
    async with transaction(pool) as db:
        await store.finish(db, space, at=clock.now())
    return Report(
        changed=True, resumed=not begun, facts=files.counts, derived=counts, posted=posted
    )


async def _is_done(pool: Pool, partner: str, digest: bytes) -> bool:
    """Whether the load that stands is complete; OtherFilesLoaded when it is of other files."""
    async with pool.acquire() as db:
        stands = await store.find(db, partner)
    assert stands is not None, "a load row is never deleted"
    if stands.digest != digest:
        raise OtherFilesLoaded(
            f"{partner} holds a load of other files; load these into another data space"
        )
    return stands.done


async def _write_facts(db: Connection, clock: Clock, partner: str, files: Files) -> None:
    for table, facts in rows(partner, files, clock.now()).items():
        await store.copy(db, table, facts)
    await ensure_house_accounts(db, CURRENCY)
    accounts = [
        NewAccount(id=account_id(partner, each.account_id), partner=partner, currency=CURRENCY)
        for each in files.accounts
    ]
    await ledger.carry_out(db, *map(ledger.open_account, accounts))


async def _post(
    pool: Pool, partner: str, derived: Sequence[DerivedPosting], progress: Progress
) -> int:
    """Book what is not booked yet; how many postings that were."""
    posted = 0
    for start in range(0, len(derived), BATCH_POSTINGS):
        batch = derived[start : start + BATCH_POSTINGS]
        async with transaction(pool) as db:
            verdicts = await ledger.post(db, [_group(partner, each) for each in batch])
            for posting, verdict in zip(batch, verdicts, strict=True):
                if not verdict.accepted:
                    # Somebody moved or blocked a loaded account before the load was complete.
                    raise PostingRefused(f"{posting.key}: {verdict.reason}")
        posted += sum(not verdict.repeat for verdict in verdicts)
        progress(f"{start + len(batch)} of {len(derived)} derived postings stand")
    return posted


def _group(partner: str, posting: DerivedPosting) -> Group:
    ours = account_id(partner, posting.account_id)
    bank = house_account(House(posting.against), CURRENCY)
    debit, credit = (bank, ours) if posting.amount > 0 else (ours, bank)
    return Group(
        id=group_id(partner, store.SOURCE, posting.key),
        legs=(Leg(debit, credit, Money(abs(posting.amount), CURRENCY)),),
        kind="derived",
        narrative=posting.narrative,
        value_date=posting.on,
    )
