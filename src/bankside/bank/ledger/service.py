"""The ledger's use cases on one connection: posting, accounts, holds, and what the books say.

``post`` and the account services work in the caller's transaction. The chain's head stays locked
from a posting until that transaction ends, so it is posted last, once, and committed soon.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

import asyncpg

from bankside.bank.ledger import store
from bankside.bank.ledger.columns import columns_of
from bankside.bank.ledger.errors import GroupInvalid, LedgerAccountUnknown, meant
from bankside.bank.ledger.model import (
    MAIN,
    AccountStatus,
    Balance,
    Entry,
    Group,
    HoldState,
    NewAccount,
    Posted,
    Release,
    Verdict,
    group_id,
    is_text,
)
from bankside.kernel.clock import BANK_ZONE, Clock
from bankside.kernel.db import Connection, Pool, Write, transaction, write_all
from bankside.kernel.ids import is_reference
from bankside.kernel.money import Money, minor_digits
from bankside.kernel.paging import Page, checked_limit, checked_number

# One call of the batch function: beyond this, latency and the locks grow and the rate does not.
BATCH_GROUPS_MAX = 2_000
# The ledger's lock is held for the whole batch: some 40 us a leg, so this is a fifth of a second.
BATCH_LEGS_MAX = 5_000
# One sweep of expired holds takes this many; the next run of the schedule takes the rest.
EXPIRE_HOLDS_MAX = 5_000


async def post(
    db: Connection, groups: Sequence[Group], *, at: datetime | None = None, ledger: str = MAIN
) -> list[Verdict]:
    """Every group is in the books, accepted or refused: one verdict each, in order.

    Works in the caller's transaction: post last and commit soon, the ledger is locked until then.
    ``at`` is the booking instant (None: the transaction's own). Raises GroupInvalid, LedgerUnknown.
    """
    for group in groups:
        group.check()
    instant = at if at is not None else await store.transaction_time(db)
    verdicts: list[Verdict] = []
    for batch in distinct_batches(groups):
        try:
            _, decided = await post_batch(db, batch, at=instant, ledger=ledger, seal=False)
        except asyncpg.PostgresError as error:
            raise meant(error) or error from error
        verdicts += decided
    return verdicts


async def post_batch(
    db: Connection, groups: Sequence[Group], *, at: datetime, ledger: str, seal: bool
) -> tuple[store.Sealed, list[Verdict]]:
    """Book one batch of distinct, checked groups; what was sealed, and a verdict a group."""
    hashes = [group.fingerprint() for group in groups]
    columns = columns_of(groups, hashes, at.astimezone(BANK_ZONE).date())
    sealed = await store.post_batch(db, ledger, at, columns, seal=seal)
    return sealed, [
        _verdict(reason, repeat, known != mine)
        for reason, repeat, known, mine in zip(
            sealed.reasons, sealed.repeats, sealed.stored_hashes, hashes, strict=True
        )
    ]


def _verdict(reason: str | None, repeat: bool, differs: bool) -> Verdict:
    if repeat and differs:
        return Verdict(accepted=False, reason="group_reused", repeat=True)
    return Verdict(accepted=reason is None, reason=reason, repeat=repeat)


def distinct_batches(groups: Iterable[Group]) -> Iterable[list[Group]]:
    """The groups in order, cut where a batch is full or an id appears in it a second time."""
    batch: list[Group] = []
    ids: set[UUID] = set()
    legs = 0
    for group in groups:
        full = len(batch) == BATCH_GROUPS_MAX or legs + len(group.legs) > BATCH_LEGS_MAX
        if batch and (full or group.id in ids):
            yield batch
            batch, ids, legs = [], set(), 0
        batch.append(group)
        ids.add(group.id)
        legs += len(group.legs)
    if batch:
        yield batch


def open_account(account: NewAccount, *, ledger: str = MAIN) -> Write:
    """The write after which the account stands open; opening it again changes nothing.

    Raises CurrencyUnknown, GroupInvalid (a malformed id); carried out, it raises
    LedgerAccountExists when the id is taken by an account of another class, currency or partner.
    """
    minor_digits(account.currency)
    if not is_reference(account.id) or not is_text(account.partner, octets=128):
        raise GroupInvalid(f"{account.id[:40]!r} cannot be a ledger account's id")
    return store.open_account(ledger, account)


def set_status(account: str, status: AccountStatus, *, ledger: str = MAIN) -> Write:
    """The write after which the account is open, blocked for debits, or closed for ever.

    Carried out, it raises LedgerAccountUnknown, LedgerAccountNotEmpty, LedgerAccountClosed.
    """
    return store.set_status(ledger, account, status)


def set_floor(account: str, floor: int | None, *, ledger: str = MAIN) -> Write:
    """The write after which the balance may fall to ``floor`` minor units (None: without limit).

    Carried out, it raises LedgerAccountUnknown, FloorRefused when the balance is below it already.
    """
    return store.set_floor(ledger, account, floor)


def open_ledger(ledger: str) -> Write:
    """The write after which a second ledger, with a chain of its own, can be posted to."""
    return store.open_ledger(ledger)


async def carry_out(db: Connection, *writes: Write) -> None:
    """Carry out writes of this module in the caller's transaction, raising what they refuse."""
    try:
        await write_all(db, list(writes))
    except asyncpg.PostgresError as error:
        raise meant(error) or error from error


async def expire_holds(pool: Pool, clock: Clock, *, ledger: str = MAIN) -> int:
    """Give back what is left of the holds whose time is over; how many it did now.

    Idempotent: a release's group id is derived from its hold, so two sweeps at once give back once.
    At most EXPIRE_HOLDS_MAX a call, each batch in a transaction of its own.
    """
    released = 0
    async with pool.acquire() as db:
        due = await store.holds_due(db, ledger, clock.now(), EXPIRE_HOLDS_MAX)
    for start in range(0, len(due), BATCH_GROUPS_MAX):
        groups = [_timeout(each) for each in due[start : start + BATCH_GROUPS_MAX]]
        async with transaction(pool) as db:
            verdicts = await post(db, groups, at=clock.now(), ledger=ledger)
        released += sum(verdict.accepted and not verdict.repeat for verdict in verdicts)
    return released


def _timeout(expired: HoldState) -> Group:
    return Group(
        id=group_id("hold-timeout", str(expired.id)),
        legs=(),
        kind="release",
        narrative="hold timed out",
        hold=Release(expired.id),
    )


async def balance(db: Connection, account: str, *, ledger: str = MAIN) -> Balance:
    """The account's booked, held and available money. Raises LedgerAccountUnknown."""
    found = await balances(db, [account], ledger=ledger)
    if account not in found:
        raise LedgerAccountUnknown(f"there is no ledger account {account[:40]}")
    return found[account]


async def balances(
    db: Connection, accounts: Iterable[str], *, ledger: str = MAIN
) -> dict[str, Balance]:
    """The balances by account; an unknown account is left out."""
    return await store.balances(db, ledger, [each for each in accounts if is_reference(each)])


async def space_books(
    db: Connection, space: str, *, ledger: str = MAIN
) -> Mapping[str, tuple[int, int]]:
    """Currency to (entries, sum of the balances) of a data space: sums are 0, entries only grow."""
    return await store.space_books(db, ledger, space)


async def transfer(db: Connection, group: UUID, *, ledger: str = MAIN) -> Posted | None:
    """The group as it stands in the books, accepted or refused; None when it never came."""
    return await store.posted(db, ledger, group)


async def hold(db: Connection, hold_id: UUID, *, ledger: str = MAIN) -> HoldState | None:
    """The hold and what is left of it; None when it was never placed."""
    return await store.hold(db, ledger, hold_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Booking dates in the bank's zone, both inclusive; None leaves that end open."""

    first: date | None = None
    last: date | None = None


ALWAYS = Period()


# tidy: arguments - the filter, order and page of a list are each the caller's choice
async def entries_page(  # noqa: PLR0913
    db: Connection,
    account: str,
    *,
    period: Period = ALWAYS,
    newest_first: bool = True,
    cursor: str | None = None,
    limit: int | None = None,
    ledger: str = MAIN,
) -> Page[Entry]:
    """A page of the account's entries in the period, by version.

    Raises CursorInvalid, LimitInvalid. An unknown account has no entries.
    """
    size = checked_limit(limit)
    last_shown = checked_number(cursor)
    if not is_reference(account):
        return Page((), None)
    above, upto = await _versions(db, ledger, account, period)
    if last_shown is not None and newest_first:
        upto = min(upto, last_shown - 1)
    elif last_shown is not None:
        above = max(above, last_shown)
    found = await store.entries(
        db, ledger, account, above=above, upto=upto, order=(newest_first, size + 1)
    )
    return Page.cut(found, size, key=lambda each: str(each.version))


@dataclass(frozen=True, slots=True)
class Turnover:
    """An account over a period: opening + credits - debits = closing, entry by entry.

    ``first_version`` and ``last_version`` bound the period's entries (first > last: none).
    """

    opening: Money
    closing: Money
    first_version: int
    last_version: int


async def turnover(
    db: Connection, account: str, *, period: Period = ALWAYS, ledger: str = MAIN
) -> Turnover:
    """The balances before and after the period's entries. Raises LedgerAccountUnknown."""
    currency = (await balance(db, account, ledger=ledger)).booked.currency
    above, upto = await _versions(db, ledger, account, period)
    return Turnover(
        opening=Money(await store.balance_at(db, ledger, account, above), currency),
        closing=Money(await store.balance_at(db, ledger, account, upto), currency),
        first_version=above + 1,
        last_version=upto,
    )


async def lowest(
    db: Connection, account: str, *, period: Period = ALWAYS, ledger: str = MAIN
) -> int:
    """The least that stood on the account in the period, in minor units.

    What it stood at before counts too, but for an account that had no entry before.
    """
    above, upto = await _versions(db, ledger, account, period)
    return await store.lowest(db, ledger, account, above=above, upto=upto)


async def _versions(db: Connection, ledger: str, account: str, period: Period) -> tuple[int, int]:
    """The last version before the period and the last one in it."""
    above = 0
    if period.first is not None:
        start = datetime.combine(period.first, time(), BANK_ZONE)
        above = await store.version_before(db, ledger, account, start)
    if period.last is None:
        found = (await store.balances(db, ledger, [account])).get(account)
        return above, found.version if found is not None else 0
    end = datetime.combine(period.last, time(), BANK_ZONE) + timedelta(days=1)
    upto = await store.version_before(db, ledger, account, end)
    return above, max(above, upto)
