"""`bankside reconcile`: a date is compared, its breaks get owners and adjustments, its file."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from bankside.bank import reconciliation
from bankside.bank.reconciliation import (
    LINE_OCTETS_MAX,
    OWN,
    Adjustment,
    Break,
    ChannelFile,
    Chosen,
    Day,
)
from bankside.cli.installation import Installation
from bankside.cli.output import DONE, REFUSED, date_of, emit, fail, table
from bankside.identity.people import person_with
from bankside.identity.realms import BANK, Realm
from bankside.kernel.clock import booking_date, rfc3339
from bankside.kernel.db import Connection, transaction
from bankside.kernel.ids import PartnerId
from bankside.kernel.money import Money
from bankside.orders import posted_records
from bankside.partners import read_partner

COLUMNS = ["id", "date", "channel", "kind", "side", "found", "expected", "status", "owner", "age"]


@dataclass(frozen=True, slots=True)
class Wish:
    """The adjustment somebody proposes; ``amount`` as a decimal string."""

    reason: str
    by: str
    debit: str | None = None
    credit: str | None = None
    amount: str | None = None


def day(partner: str, text: str, channel: str) -> Day:
    """The date a command is about; ends the command when the text is no date."""
    return Day(partner, date_of(text), channel or OWN)


def chosen(channel: str, text: str, *, closed: bool) -> Chosen:
    """The breaks a list is about."""
    return Chosen(channel=channel or None, on=date_of(text) if text else None, closed=closed)


async def run(installation: Installation, of: Day, file: Path | None, *, as_json: bool) -> int:
    """Reconcile the date with the channel's file, or (none) orders against the ledger."""
    async with installation.pool() as pool, transaction(pool) as db:
        await read_partner(db, PartnerId(of.partner))
        with _opened(file) as taken:
            outcome = await reconciliation.run(
                db, installation.clock, of, orders=posted_records, file=taken
            )
    facts = {
        "partner": outcome.partner,
        "channel": outcome.channel,
        "date": outcome.on.isoformat(),
        "lines": outcome.lines,
        "compared": outcome.compared,
        "breaks": outcome.breaks,
        "by_kind": dict(outcome.by_kind),
        "cleared": outcome.cleared,
        "sha256": outcome.digest,
    }
    emit(facts, as_json=as_json, text=lambda: "\n".join(f"{k}: {v}" for k, v in facts.items()))
    return DONE


async def breaks(
    installation: Installation,
    partner: str,
    wanted: Chosen,
    *,
    cursor: str | None,
    as_json: bool,
) -> int:
    """The partner's breaks."""
    async with installation.pool() as pool, pool.acquire() as db:
        await read_partner(db, PartnerId(partner))
        page = await reconciliation.list_breaks(db, partner, wanted, cursor=cursor, limit=200)
    today = booking_date(installation.clock)
    rows = [_record(each, today) for each in page.items]
    shown = [{name: "-" if row[name] is None else row[name] for name in COLUMNS} for row in rows]
    more = f"\nmore: --cursor {page.next_cursor}" if page.next_cursor else ""
    emit(
        {"items": rows, "next_cursor": page.next_cursor},
        as_json=as_json,
        text=lambda: table(shown, COLUMNS) + more if shown else "none",
    )
    return DONE


async def assign(
    installation: Installation, partner: str, break_id: str, owner: str, *, as_json: bool
) -> int:
    """The break has an owner."""
    async with installation.pool() as pool, transaction(pool) as db:
        person = await _of_the_bank(db, owner)
        found = await reconciliation.assign(db, installation.clock, partner, break_id, person)
    return _told(installation, found, as_json=as_json)


async def adjust(
    installation: Installation, partner: str, break_id: str, wish: Wish, *, as_json: bool
) -> int:
    """The adjustment waits for a second person."""
    async with installation.pool() as pool, transaction(pool) as db:
        person = await _of_the_bank(db, wish.by)
        kept = await reconciliation.find(db, partner, break_id)
        amount = Money.parse(wish.amount, kept.found.currency).minor if wish.amount else None
        proposed = Adjustment(wish.reason, person, wish.debit, wish.credit, amount)
        found = await reconciliation.propose(db, installation.clock, partner, break_id, proposed)
    return _told(installation, found, as_json=as_json)


async def approve(
    installation: Installation, partner: str, break_id: str, by: str, *, as_json: bool
) -> int:
    """The adjustment is posted."""
    async with installation.pool() as pool, transaction(pool) as db:
        person = await _of_the_bank(db, by)
        found = await reconciliation.approve(db, installation.clock, partner, break_id, person)
    return _told(installation, found, as_json=as_json)


async def close(installation: Installation, partner: str, break_id: str, *, as_json: bool) -> int:
    """The break is done with."""
    async with installation.pool() as pool, transaction(pool) as db:
        found = await reconciliation.close(db, installation.clock, partner, break_id)
    return _told(installation, found, as_json=as_json)


async def write_file(installation: Installation, of: Day, target: Path, *, as_json: bool) -> int:
    """The platform's own file of the date stands at ``target``, whole or not at all."""
    part = target.with_name(f"{target.name}.part")
    try:
        async with installation.pool() as pool, transaction(pool) as db:
            await read_partner(db, PartnerId(of.partner))
            with part.open("wb") as out:
                facts = await reconciliation.write_own(
                    db, installation.clock, of, orders=posted_records, out=out.write
                )
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    told = {"file": str(target), **facts}
    emit(told, as_json=as_json, text=lambda: "\n".join(f"{k}: {v}" for k, v in told.items()))
    return DONE


@contextlib.contextmanager
def _opened(file: Path | None) -> Iterator[ChannelFile | None]:
    if file is None:
        yield None
        return
    try:
        content = file.open("rb")
    except OSError as error:
        fail(f"cannot read {file}: {error.strerror}", REFUSED)
    with content:
        # One octet more than a line may have: what is longer is refused, not read into memory.
        yield reconciliation.read(iter(partial(content.readline, LINE_OCTETS_MAX + 1), b""))


async def _of_the_bank(db: Connection, login: str) -> str:
    """The login as the bank keeps it; refuses one that is nobody's, or of somebody blocked."""
    person = await person_with(db, Realm.STAFF, BANK, login)
    if person.blocked_at is not None:
        fail(f"{login} is blocked", REFUSED)
    return person.login


def _told(installation: Installation, found: Break, *, as_json: bool) -> int:
    record = _record(found, booking_date(installation.clock))
    emit(record, as_json=as_json, text=lambda: f"{found.id} is {found.status.value}")
    return DONE


def _record(kept: Break, today: date) -> dict[str, Any]:
    said = kept.found
    proposed = kept.proposed

    def money(minor: int | None) -> str | None:
        return None if minor is None else str(Money(minor, said.currency))

    return {
        "id": kept.id,
        "date": kept.on.isoformat(),
        "channel": kept.channel,
        "kind": said.kind.value,
        "side": said.side.value,
        "reference": said.reference,
        "party": said.party,
        "line": said.line_kind,
        "found": money(said.found),
        "expected": money(said.expected),
        "currency": said.currency,
        "status": kept.status.value,
        "owner": kept.owner,
        "age": reconciliation.age_days(kept, today),
        "cleared_on": kept.cleared_on.isoformat() if kept.cleared_on else None,
        "proposed": None
        if proposed is None
        else {
            "reason": proposed.reason,
            "by": proposed.by,
            "debit": proposed.debit,
            "credit": proposed.credit,
            "amount": money(proposed.amount),
        },
        "approved_by": kept.approved_by,
        "posting": str(kept.group) if kept.group else None,
        "moved_at": rfc3339(kept.moved_at),
    }
