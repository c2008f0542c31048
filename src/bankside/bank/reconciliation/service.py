"""Reconciling a date, in the caller's one transaction.

Always true: a run changes no money but receipts that nobody can name, which go to suspense under a
group id derived from the channel's reference. A second run of a date finds byte for byte what the
first one found, or is refused.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from bankside.bank.accounts import House, ensure_house_accounts, house_account, in_space
from bankside.bank.ledger import Group, Leg, group_id, post
from bankside.bank.reconciliation import rules, store
from bankside.bank.reconciliation.channel_file import (
    ChannelFile,
    Head,
    head_line,
    record_line,
    trailer_line,
)
from bankside.bank.reconciliation.errors import (
    AdjustmentRefused,
    BreaksTooMany,
    ChannelFileMismatch,
    ChannelFileReplaced,
    DateChanged,
    DateNotSealed,
)
from bankside.bank.reconciliation.merging import by_reference
from bankside.bank.reconciliation.model import (
    KINDS,
    OWN,
    RECEIPT,
    Break,
    BreakKind,
    BreakStatus,
    Found,
    Outcome,
    Record,
    Source,
    moved,
)
from bankside.kernel.calendar import bounds, is_published, next_business_day, previous_business_day
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection, Row
from bankside.kernel.ids import derived_id
from bankside.kernel.money import Money

# A posting decided before the cut-off is committed within the statement's time limit after it.
SEAL_SECONDS = 60
# An order's instant and its posting's differ by the time of a commit; a posting whose order stands
# on the other side of the cut-off is looked for this far.
EDGE = timedelta(minutes=10)
# A date with more is not a date with breaks but a wrong file.
BREAKS_MAX = 100_000

# The orders' records of a partner in the hours from an instant up to another, sorted by reference.
Orders = Callable[[Connection, str, datetime, datetime], AsyncIterator[Record]]


@dataclass(frozen=True, slots=True)
class Day:
    """What is reconciled: a business date of a partner, against a channel (OWN: without one)."""

    partner: str
    on: date
    channel: str = OWN


async def run(
    db: Connection, clock: Clock, day: Day, *, orders: Orders, file: ChannelFile | None = None
) -> Outcome:
    """The date is reconciled and its breaks are kept; a repeat says the same and changes nothing.

    Raises DateNotSealed, ChannelFileMismatch, ChannelFileReplaced, BreaksTooMany, DateChanged and
    what ``channel_file.read`` raises; then nothing is kept.
    """
    _check_sealed(clock, day)
    await store.lock_runs(db, day.partner, day.channel)
    before = await store.run_of(db, day.partner, day.channel, day.on)
    kinds = await _taken(db, day, file, before)
    timing = await _timing(db, day, repeat=before is not None)
    found, cleared, compared = await _compared(db, day, orders, kinds, timing)
    digest = rules.digest(map(rules.line, found))
    if before is not None:
        if before["result_hash"] != digest:
            raise DateChanged(f"{day.on} had {before['breaks']} breaks and has {len(found)} now")
    else:
        await _keep(db, clock, day, found)
        await _settle_timing(db, clock, day, timing, cleared)
        facts = (sorted(kinds), file.lines if file else 0, digest, len(found), compared)
        hashed = file.sha256 if file else b""
        await store.keep_run(db, day.partner, day.channel, day.on, hashed, *facts, clock.now())
    return Outcome(
        partner=day.partner,
        channel=day.channel,
        on=day.on,
        lines=before["lines"] if before else file.lines if file else 0,
        compared=compared,
        breaks=len(found),
        by_kind=dict(sorted(Counter(each.kind.value for each in found).items())),
        cleared=len(cleared),
        digest=digest.hex(),
        repeat=before is not None,
    )


async def was_run(db: Connection, day: Day) -> bool:
    """Whether the date was reconciled: then its breaks stand, and a run finds the same."""
    return await store.run_of(db, day.partner, day.channel, day.on) is not None


def _check_sealed(clock: Clock, day: Day) -> None:
    closes = bounds(day.on)[1]
    if clock.now() < closes + timedelta(seconds=SEAL_SECONDS):
        raise DateNotSealed(f"{day.on} closes at {closes.isoformat()}")


async def _taken(
    db: Connection, day: Day, file: ChannelFile | None, before: Row | None
) -> frozenset[str]:
    """The file's lines are kept (once); which kinds the channel covers."""
    if file is None:
        if before is None and day.channel != OWN:
            raise ChannelFileMismatch(f"{day.channel} has sent no file of {day.on}")
        return frozenset(before["kinds"]) if before else frozenset()
    head = file.head
    if day.channel == OWN or (head.channel, head.partner, head.on) != (
        day.channel,
        day.partner,
        day.on,
    ):
        raise ChannelFileMismatch(
            f"the file is of {head.channel}, {head.partner}, {head.on};"
            f" asked for is {day.channel}, {day.partner}, {day.on}"
        )
    if before is None:
        await store.keep_lines(db, day.partner, day.channel, day.on, file.records)
        return head.kinds
    for _ in file.records:
        pass
    if file.sha256 != before["file_hash"]:
        raise ChannelFileReplaced(f"{day.on} was reconciled with another file of {day.channel}")
    return head.kinds


async def _timing(db: Connection, day: Day, *, repeat: bool) -> dict[tuple[str, str], Break]:
    """Breaks of neighbouring dates that this date may clear; a repeat takes those it did clear."""
    first, last = previous_business_day(day.on), next_business_day(day.on)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    near = [each for each in days if each != day.on]
    kept = await store.timing(db, day.partner, day.channel, near, day.on)
    return {
        (each.found.reference, each.found.party): each
        for each in kept
        if each.cleared_on == day.on or not repeat
    }


async def _compared(
    db: Connection,
    day: Day,
    orders: Orders,
    kinds: frozenset[str],
    timing: dict[tuple[str, str], Break],
) -> tuple[list[Found], list[Break], int]:
    """The date's breaks, the earlier breaks it clears, and how many references were compared."""
    streams = _own_streams(db, day, orders)
    if day.channel != OWN:
        streams[Source.CHANNEL] = store.channel_records(db, day.partner, day.channel, day.on)
    found: list[Found] = []
    cleared: list[Break] = []
    compared = 0
    async for bundle in by_reference(streams):
        sides = _of_date(bundle, day.on)
        compared += bool(sides)
        for each in rules.breaks_of(sides, _expected(sides, kinds)):
            earlier = timing.get((each.reference, each.party))
            if earlier is not None and rules.clears(earlier.found, each):
                cleared.append(earlier)
            else:
                found.append(each)
            if len(found) > BREAKS_MAX:
                raise BreaksTooMany(f"more than {BREAKS_MAX} breaks on {day.on}")
    return found, cleared, compared


def _own_streams(db: Connection, day: Day, orders: Orders) -> dict[Source, AsyncIterator[Record]]:
    since, until = bounds(day.on)
    hours = (since - EDGE, until + EDGE)
    return {
        Source.ORDERS: orders(db, day.partner, *hours),
        Source.LEDGER: store.ledger_records(db, day.partner, *hours),
    }


def _of_date(bundle: dict[Source, list[Record]], on: date) -> dict[Source, list[Record]]:
    """The records that belong to the date: the ledger's booking decides, else the order's instant.

    The streams overlap the neighbouring dates by ``EDGE``; what belongs there is left to them.
    """
    ours = bundle.get(Source.LEDGER) or bundle.get(Source.ORDERS)
    if ours is None:
        return bundle
    if ours[0].on != on:
        return {Source.CHANNEL: bundle[Source.CHANNEL]} if Source.CHANNEL in bundle else {}
    if Source.ORDERS in bundle:
        bundle[Source.ORDERS] = [
            each if each.on == on else each._replace(on=on) for each in bundle[Source.ORDERS]
        ]
    return bundle


def _expected(sides: dict[Source, list[Record]], kinds: frozenset[str]) -> frozenset[Source]:
    covered = any(each.kind in kinds for records in sides.values() for each in records)
    return _ALL if covered else _OURS


_OURS = frozenset({Source.ORDERS, Source.LEDGER})
_ALL = frozenset(Source)


async def _keep(db: Connection, clock: Clock, day: Day, found: Sequence[Found]) -> None:
    """The breaks stand; receipts that nobody can name are in suspense."""
    at = clock.now()
    late = await store.run_of(db, day.partner, day.channel, next_business_day(day.on))
    breaks = [
        Break(
            partner=day.partner,
            id=_break_id(day, each),
            channel=day.channel,
            on=day.on,
            found=each,
            status=BreakStatus.TIMING
            if rules.may_clear(each) and each.line_kind != RECEIPT and late is None
            else BreakStatus.FOUND,
            group=_receipt_id(day, each) if _is_receipt(each) else None,
            found_at=at,
            moved_at=at,
        )
        for each in found
    ]
    await store.keep_breaks(db, breaks)
    receipts = [each for each in breaks if each.group is not None]
    for currency in sorted({each.found.currency for each in receipts}):
        await ensure_house_accounts(db, currency, partner=day.partner)
    for verdict in await post(db, [_receipt(each) for each in receipts], at=at):
        if not verdict.accepted:
            raise AdjustmentRefused(f"a receipt did not reach suspense: {verdict.reason}")


def _break_id(day: Day, found: Found) -> str:
    where = (found.kind.value, found.side.value, found.reference, found.party, found.currency)
    return derived_id("break", day.partner, day.channel, day.on.isoformat(), *where)


def _is_receipt(found: Found) -> bool:
    return found.line_kind == RECEIPT and found.kind is BreakKind.LONG


def _receipt_id(day: Day, found: Found) -> UUID:
    return group_id("receipt", day.partner, day.channel, found.reference, found.party)


def _receipt(kept: Break) -> Group:
    assert kept.group is not None and kept.found.found is not None
    currency = kept.found.currency
    leg = Leg(
        in_space(house_account(House.NOSTRO, currency), kept.partner),
        in_space(house_account(House.SUSPENSE, currency), kept.partner),
        Money(kept.found.found, currency),
    )
    return Group(kept.group, (leg,), kind=RECEIPT, narrative=f"{kept.channel} {kept.on} {kept.id}")


async def _settle_timing(
    db: Connection,
    clock: Clock,
    day: Day,
    timing: dict[tuple[str, str], Break],
    cleared: Sequence[Break],
) -> None:
    """Cleared breaks close; older ones that this date should have cleared wait for a person."""
    done = {each.id for each in cleared}
    for each in timing.values():
        if each.id in done:
            to, on = BreakStatus.CLOSED, day.on
        elif each.on < day.on and next_business_day(each.on) <= day.on:
            to, on = BreakStatus.FOUND, None
        else:
            continue
        after = replace(each, status=moved(each.status, to), cleared_on=on, moved_at=clock.now())
        await store.move_break(db, after, status=each.status)


async def write_own(
    db: Connection, clock: Clock, day: Day, *, orders: Orders, out: Callable[[bytes], object]
) -> dict[str, str]:
    """The platform's file of a closed date: the books' records with the orders behind them.

    The bytes depend on the date's records only: sorted by posting and account, amounts of the
    ledger, value date the next working day. Returns lines, hash and the value date, and whether the
    holidays of its year are known. Raises DateNotSealed.
    """
    _check_sealed(clock, day)
    value_on = next_business_day(day.on)
    whole = hashlib.sha256()
    lines = 0
    totals: dict[str, int] = defaultdict(int)

    def write(text: str) -> None:
        content = text.encode()
        whole.update(content)
        out(content)

    await store.lock_runs(db, day.partner, day.channel)
    write(head_line(Head(day.channel, day.partner, day.on, value_on, KINDS)))
    async for bundle in by_reference(_own_streams(db, day, orders)):
        sides = _of_date(bundle, day.on)
        behind = next((each.about for each in sides.get(Source.ORDERS, ())), "")
        for each in sides.get(Source.LEDGER, ()):
            assert each.amount is not None, "the ledger states its amounts"
            write(record_line(each._replace(about=behind)))
            lines += 1
            totals[each.currency] += each.amount
    write(trailer_line(lines, totals))
    return {
        "lines": str(lines),
        "sha256": whole.hexdigest(),
        "value_date": value_on.isoformat(),
        "calendar": "published" if is_published(value_on) else "weekends only: no notice yet",
    }
