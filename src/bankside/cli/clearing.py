"""`bankside clearing`: a date is cleared, its batch shown, its settlement files written."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from bankside.bank import clearing
from bankside.bank.clearing import Batch, Form, Outside, Payout, Position, Terms, Whose
from bankside.bank.merchants import merchant as find_merchant
from bankside.cli.installation import Installation
from bankside.cli.output import DONE, REFUSED, date_of, emit, fail, table
from bankside.identity.people import person_with
from bankside.identity.realms import BANK, Realm
from bankside.kernel.clock import booking_date, rfc3339
from bankside.kernel.db import Connection, transaction
from bankside.kernel.ids import PartnerId
from bankside.kernel.money import Money
from bankside.kernel.secrets import Vault
from bankside.kernel.signing import signer
from bankside.partners import clock_of, ensure_platform_keys, private_key, read_partner

SHOWN_MAX = 200
_POSITION = ["merchant", "paid_in", "refunded", "split", "fee", "net", "payout", "carried_out"]
_PAYOUT = ["merchant", "amount", "currency", "state", "age", "reference", "reason"]
_BATCH = ["date", "state", "value_date", "positions", "sha256"]
_SUPERVISED = ["tenant", "currency", "merchants", "pending", "available", "reserved", "payable"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A merchant's terms as somebody typed them; amounts as decimal strings."""

    reserve: str
    advance: str
    outside: tuple[str, str, str]


async def run(installation: Installation, day: str | None, *, as_json: bool) -> int:
    """Clear the date as far as today allows."""
    async with installation.pool() as pool:
        batch = await installation.clear_day(pool, date_of(day) if day else None)
    _print(_batch(batch), as_json=as_json)
    return DONE


async def show(
    installation: Installation, day: str | None, partner: str | None, *, as_json: bool
) -> int:
    """The newest batches; or one date's batch with its positions and payouts.

    A data space of the sandbox has batches of its own, by its own clock.
    """
    space = clearing.clears(partner or clearing.BANK)
    async with installation.pool() as pool, transaction(pool) as db:
        today = booking_date(await clock_of(db, installation.clock, space))
        if day is None:
            found = await clearing.batches(db, space, before=today, limit=10)
            rows = [_batch(each) for each in found]
            emit(rows, as_json=as_json, text=lambda: table(_filled(rows), _BATCH))
            return DONE
        on = date_of(day)
        batch = await clearing.read_batch(db, on, space)
        found_positions = clearing.positions(db, on, space, partner=partner)
        positions = [_position(each) async for each in found_positions][:SHOWN_MAX]
        found_payouts = await clearing.payouts_of(db, on, partner, after="", limit=SHOWN_MAX)
        payouts = [_payout(each, today) for each in found_payouts]
        counts = await clearing.payout_counts(db, on, space)
    facts = {
        **_batch(batch),
        "payouts": {state.value: count for state, count in sorted(counts.items())},
        "position_lines": positions,
        "payout_lines": payouts,
    }
    head = {name: facts[name] for name in _BATCH}
    emit(
        facts,
        as_json=as_json,
        text=lambda: "\n\n".join(
            (
                "\n".join(_lines(head)),
                table(_filled(positions), _POSITION),
                table(_filled(payouts), _PAYOUT),
            )
        ),
    )
    return DONE


async def write_file(
    installation: Installation, whose: Whose, target: Path, *, form: Form, as_json: bool
) -> int:
    """The signed settlement file of the date stands at ``target``, whole or not at all."""
    part = target.with_name(f"{target.name}.part")
    try:
        async with installation.pool() as pool, transaction(pool) as db:
            await read_partner(db, PartnerId(whose.partner))
            for merchant in whose.merchants or ():
                await find_merchant(db, whose.partner, merchant)
            sign = await _sign(installation, db)
            with part.open("wb") as out:
                given = await clearing.give_out(
                    db,
                    installation.clock,
                    whose,
                    form=form,
                    out=out.write,
                    sign=sign,
                )
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    signature = base64.b64encode(given.signature).decode()
    target.with_name(f"{target.name}.sig").write_text(f"{given.key} {signature}\n")
    told = {
        "file": str(target),
        "positions": given.written.positions,
        "lines": given.written.lines,
        "sha256": given.written.sha256,
        "batch": given.written.batch,
        "key": given.key,
        "signature": signature,
    }
    _print(told, as_json=as_json)
    return DONE


async def _sign(installation: Installation, db: Connection) -> clearing.Sign:
    """Signs with the bank's key of the native wire, whose public half every partner has."""
    vault = Vault.at(installation.home)
    keys = await ensure_platform_keys(db, installation.clock, vault)
    key = next(each for each in keys if each.wire == "native" and each.is_default)
    sign = signer(key.alg, private_key(vault, key))
    return lambda digest: (key.id, sign(digest))


async def agree(
    installation: Installation, partner: str, merchant: str, asked: Asked, *, as_json: bool
) -> int:
    """The merchant's later orders are cleared net under these terms."""
    async with installation.pool() as pool, transaction(pool) as db:
        found = await find_merchant(db, partner, merchant)
        bank, number, holder = asked.outside
        agreed = Terms(
            partner=partner,
            merchant=merchant,
            payout_to=Outside(bank, number, holder) if any(asked.outside) else None,
            reserve=Money.parse(asked.reserve, found.currency).minor,
            advance_max=Money.parse(asked.advance, found.currency).minor,
        )
        await clearing.agree(db, installation.clock, agreed)
    told = {
        "merchant": merchant,
        "payout_to": f"{bank} {number}" if bank else found.settlement_account,
        "reserve": asked.reserve,
        "advance": asked.advance,
        "currency": found.currency,
    }
    _print(told, as_json=as_json)
    return DONE


async def accounts(installation: Installation, partner: str, *, as_json: bool) -> int:
    """The partner's supervised accounts: what stands on the book sub-accounts of each tenant."""
    async with installation.pool() as pool, pool.acquire() as db:
        await read_partner(db, PartnerId(partner))
        found = await clearing.supervised(db, partner)
    rows = [
        {
            "tenant": each.tenant,
            "currency": each.currency,
            "merchants": each.merchants,
            **{
                name: str(Money(getattr(each, name), each.currency))
                for name in ("pending", "available", "reserved", "payable", "owed")
            },
        }
        for each in found
    ]
    emit(rows, as_json=as_json, text=lambda: table(_filled(rows), [*_SUPERVISED, "owed"]))
    return DONE


async def reserve(
    installation: Installation, partner: str, payer: str, amount: Money, *, key: str, as_json: bool
) -> int:
    """Money of one of the partner's accounts stands in its reserve."""
    async with installation.pool() as pool, transaction(pool) as db:
        clock = await clock_of(db, installation.clock, partner)
        to = await clearing.fund_reserve(db, clock, partner, payer, amount, key=key)
    _print({"reserve": to, "amount": str(amount), "key": key}, as_json=as_json)
    return DONE


async def release(
    installation: Installation, partner: str, day: str, merchant: str, *, by: str, as_json: bool
) -> int:
    """Propose, or as another person approve, that a failed payout is paid again."""
    async with installation.pool() as pool, transaction(pool) as db:
        person = await person_with(db, Realm.STAFF, BANK, by)
        if person.blocked_at is not None:
            fail(f"{by} is blocked", REFUSED)
        clock = await clock_of(db, installation.clock, partner)
        found = await clearing.release(
            db, clock, partner, date_of(day), merchant=merchant, by=person.login
        )
    _print(_payout(found, booking_date(clock)), as_json=as_json)
    return DONE


def _filled(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows for a table: ``-`` where there is nothing."""
    return [{name: "-" if each is None else each for name, each in row.items()} for row in rows]


def _print(facts: Mapping[str, Any], *, as_json: bool) -> None:
    emit(facts, as_json=as_json, text=lambda: "\n".join(_lines(facts)))


def _lines(facts: Mapping[str, Any]) -> list[str]:
    return [f"{name}: {'-' if value is None else value}" for name, value in facts.items()]


def _batch(batch: Batch) -> dict[str, Any]:
    return {
        "date": batch.on.isoformat(),
        "state": batch.state.value,
        "value_date": batch.value_on.isoformat(),
        "positions": batch.positions,
        "sha256": batch.hash,
        "sealed_at": rfc3339(batch.sealed_at) if batch.sealed_at else None,
        "ledger_batch": batch.last_seq,
        "ledger_hash": batch.head,
    }


def _position(p: Position) -> dict[str, Any]:
    figures = {
        "paid_in": p.paid_in,
        "captured": p.captured,
        "refunded": p.refunded,
        "split": p.split,
        "returned": p.returned,
        "fee": p.fee,
        "settled": p.settled,
        "other": p.other,
        "carried_in": p.carried_in,
        "net": p.net,
        "recovered": p.recovered,
        "reserved": p.kept,
        "payout": p.payout,
        "carried_out": p.carried_out,
    }
    return {
        "partner": p.partner,
        "merchant": p.merchant,
        "tenant": p.tenant,
        "currency": p.currency,
        "netted": p.netted,
        "postings": p.postings,
        **{
            name: None if each is None else str(Money(each, p.currency))
            for name, each in figures.items()
        },
    }


def _payout(p: Payout, today: date) -> dict[str, Any]:
    return {
        "partner": p.partner,
        "merchant": p.merchant,
        "amount": str(Money(p.amount, p.currency)),
        "currency": p.currency,
        "state": p.state.value,
        "age": (today - p.on).days,
        "owner": p.owner,
        "key": p.key,
        "reference": p.reference,
        "reason": p.reason,
        "simulated": p.simulated,
        "attempts": p.attempts,
    }
