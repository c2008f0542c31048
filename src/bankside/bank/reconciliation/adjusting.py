"""What becomes of a break: an owner, a proposed adjustment, a second pair of eyes, the end.

Always true: an adjustment is a new posting under a group id derived from its break, so it is posted
once; whoever proposed it does not approve it (the database refuses that too); each function works
in the caller's one transaction with the break's row locked before the ledger's.
"""

from dataclasses import dataclass, replace
from datetime import date

from bankside.bank.ledger import Group, Leg, group_id, post
from bankside.bank.reconciliation import store
from bankside.bank.reconciliation.errors import (
    AdjustmentInvalid,
    AdjustmentRefused,
    BreakNotFound,
    FourEyesRequired,
)
from bankside.bank.reconciliation.model import Adjustment, Break, BreakStatus, moved
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import is_reference
from bankside.kernel.money import MINOR_MAX, Money
from bankside.kernel.paging import Page, checked_cursor, checked_limit

REASON_MAX = 100
NAME_MAX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which breaks a list shows: of a channel, of a date (None: any), closed ones too or not."""

    channel: str | None = None
    on: date | None = None
    closed: bool = False


async def list_breaks(
    db: Connection,
    partner: str,
    chosen: Chosen | None = None,
    *,
    cursor: str | None = None,
    limit: int | None = None,
) -> Page[Break]:
    """The partner's breaks by id, a page of them."""
    size = checked_limit(limit)
    after = checked_cursor(cursor)
    chosen = chosen or Chosen()
    asked = (chosen.channel, chosen.on, chosen.closed)
    kept = await store.breaks(db, partner, *asked, after=after, limit=size + 1)
    return Page.cut(kept, size, key=lambda each: each.id)


async def find(db: Connection, partner: str, break_id: str) -> Break:
    """The partner's break. Raises BreakNotFound."""
    return await _known(db, partner, break_id, locked=False)


def age_days(kept: Break, today: date) -> int:
    """How many calendar days the break is old, from its business date."""
    return (today - kept.on).days


async def assign(db: Connection, clock: Clock, partner: str, break_id: str, owner: str) -> Break:
    """The break has an owner. Raises BreakNotFound, BreakTransitionRefused."""
    before = await _known(db, partner, break_id, locked=True)
    status = moved(before.status, BreakStatus.ASSIGNED)
    return await _move(
        db, before, replace(before, status=status, owner=_name(owner), moved_at=clock.now())
    )


async def propose(
    db: Connection, clock: Clock, partner: str, break_id: str, adjustment: Adjustment
) -> Break:
    """An adjustment of an assigned break waits for a second person; a new one replaces it.

    Raises AdjustmentInvalid, BreakNotFound, BreakTransitionRefused.
    """
    before = await _known(db, partner, break_id, locked=True)
    moved(before.status, BreakStatus.ADJUSTED)
    await _check(db, before, adjustment)
    after = replace(before, proposed=adjustment, moved_at=clock.now())
    return await _move(db, before, after)


async def approve(db: Connection, clock: Clock, partner: str, break_id: str, by: str) -> Break:
    """The proposed adjustment is posted, once, as a new entry; the break is adjusted.

    Raises FourEyesRequired, AdjustmentRefused (the ledger's verdict), AdjustmentInvalid (nothing is
    proposed), BreakNotFound, BreakTransitionRefused.
    """
    before = await _known(db, partner, break_id, locked=True)
    status = moved(before.status, BreakStatus.ADJUSTED)
    proposed = before.proposed
    if proposed is None:
        raise AdjustmentInvalid(f"nothing is proposed for {break_id}")
    if _name(by) == proposed.by:
        raise FourEyesRequired(f"{by} proposed the adjustment; another person approves it")
    at = clock.now()
    after = replace(before, status=status, approved_by=by, moved_at=at)
    if proposed.amount is not None:
        assert proposed.debit is not None and proposed.credit is not None
        leg = Leg(proposed.debit, proposed.credit, Money(proposed.amount, before.found.currency))
        group = Group(
            group_id("adjustment", partner, break_id),
            (leg,),
            kind="adjustment",
            narrative=f"{break_id} {proposed.reason}",
        )
        after = replace(after, group=group.id)
        await _move(db, before, after)
        verdict = (await post(db, [group], at=at))[0]
        if not verdict.accepted:
            raise AdjustmentRefused(f"the ledger refuses it: {verdict.reason}")
        return after
    return await _move(db, before, after)


async def close(db: Connection, clock: Clock, partner: str, break_id: str) -> Break:
    """An adjusted break is done with. Raises BreakNotFound, BreakTransitionRefused."""
    before = await _known(db, partner, break_id, locked=True)
    if before.status is BreakStatus.TIMING:
        moved(BreakStatus.FOUND, BreakStatus.CLOSED)  # Only a file clears what is a matter of time.
    status = moved(before.status, BreakStatus.CLOSED)
    return await _move(db, before, replace(before, status=status, moved_at=clock.now()))


async def _known(db: Connection, partner: str, break_id: str, *, locked: bool) -> Break:
    could_be = is_reference(break_id)
    found = await store.find_break(db, partner, break_id, locked=locked) if could_be else None
    if found is None:
        raise BreakNotFound(f"there is no break {break_id[:40]!r}")
    return found


async def _move(db: Connection, before: Break, after: Break) -> Break:
    if not await store.move_break(db, after, status=before.status):
        raise AssertionError(f"{before.id} moved while it was locked")
    return after


async def _check(db: Connection, kept: Break, adjustment: Adjustment) -> None:
    _name(adjustment.by)
    if not 0 < len(adjustment.reason.strip()) <= REASON_MAX or "\x00" in adjustment.reason:
        raise AdjustmentInvalid(f"an adjustment has a reason of at most {REASON_MAX} characters")
    given = (adjustment.debit, adjustment.credit, adjustment.amount)
    if given == (None, None, None):
        return
    if adjustment.debit is None or adjustment.credit is None or adjustment.amount is None:
        raise AdjustmentInvalid("what is posted has a debit, a credit and an amount")
    if not 0 < adjustment.amount <= MINOR_MAX or adjustment.debit == adjustment.credit:
        raise AdjustmentInvalid("a positive amount moves between two accounts")
    pair = (adjustment.debit, adjustment.credit)
    if not all(map(is_reference, pair)):
        raise AdjustmentInvalid("debit and credit are ledger accounts")
    belongs = await store.partners_of(db, pair)
    if not any(map(_is_house, pair)) or any(
        not _is_house(each) and belongs.get(each) != kept.partner for each in pair
    ):
        raise AdjustmentInvalid("an adjustment is between the bank's account and the partner's own")


def _is_house(account: str) -> bool:
    return account.startswith("house.")


def _name(person: str) -> str:
    if not 0 < len(person.strip()) <= NAME_MAX or "\x00" in person:
        raise AdjustmentInvalid(f"a person has a name of at most {NAME_MAX} characters")
    return person
