"""`bankside product`: versions, impact, drafts, moves, waivers and the proof of an end."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import yaml

from bankside.catalog import KINDS, impact, lifecycle, load, standing_now
from bankside.catalog.lifecycle import (
    NOTICE_DAYS,
    Draft,
    Outcome,
    ProductVersion,
    Signed,
    State,
    Terms,
    Wish,
    World,
    onward,
)
from bankside.cli.installation import Installation
from bankside.cli.output import DONE, REFUSED, USAGE, emit, fail, note, table
from bankside.identity.people import Person, person_with
from bankside.identity.realms import BANK, Realm
from bankside.kernel.clock import rfc3339
from bankside.kernel.db import Connection, transaction
from bankside.kernel.ids import PartnerId
from bankside.kernel.signing import verifier
from bankside.orders import in_flight
from bankside.partners import read_partner

# The longest shipped definition has 9 kB; an imported one is read by `bankside import`.
DRAFT_BYTES_MAX = 1_000_000
COLUMNS = ["product", "version", "state", "kind", "since", "suspended"]
# A terminal shows so many of a kind; `--json` has them all.
SHOWN_MAX = 12
_GATE = {True: "met", False: "CLOSED"}


@dataclass(frozen=True, slots=True)
class Check:
    """What somebody vouches for; ``version`` 0: the newest one on trial or in the making."""

    what: str
    reference: str
    version: int = 0


def world() -> World:
    """What the life cycle needs of this installation."""
    return World(catalogue=load(), kinds=KINDS, in_flight=in_flight)


# tidy: arguments - one field an option
def terms(
    pilots: tuple[str, ...],
    share: int,
    successor: str,
    notice_days: int,
    confirmed: tuple[str, ...],
) -> Terms | None:
    """The terms somebody named; None when nothing was: then those that others agreed to."""
    if not (pilots or share or successor or notice_days or confirmed):
        return None
    return Terms(
        pilots=pilots,
        share=share,
        successor=successor,
        notice_days=notice_days or NOTICE_DAYS,
        confirmed=confirmed,
    )


def wish(to: str, reason: str, version: int, named: Terms | None) -> Wish:
    """Where a version shall go; ends the command when there is no such state."""
    if to not in {each.value for each in State}:
        fail(f"{to!r} is no state; there are {', '.join(State)}", USAGE)
    return Wish(to=State(to), reason=reason, terms=named, version=version or None)


def signed(partner: str, app: str, key: str, signature: str) -> Signed:
    """A waiver's signature; ends the command when it is no base64."""
    try:
        octets = base64.b64decode(signature, validate=True)
    except binascii.Error as error:
        fail(f"the signature is no base64 ({error})", USAGE)
    return Signed(partner=PartnerId(partner), app=app, key=key, signature=octets)


async def listed(installation: Installation, state: str, *, as_json: bool) -> int:
    """Every version of every product; shipped ones that nobody moved stand as live."""
    catalogue = load()
    async with installation.pool() as pool, transaction(pool) as db:
        stopped = await lifecycle.suspensions(db)
        stored = await lifecycle.versions(db)
    known = {each.product for each in stored}
    untouched = [
        lifecycle.shipped_version(catalogue, each)
        for each in catalogue.products
        if each not in known
    ]
    rows = [
        {**_record(each), "suspended": stopped.get(each.product, "")}
        for each in sorted([*stored, *untouched], key=lambda each: (each.product, each.version))
        if not state or each.state == state
    ]
    emit(rows, as_json=as_json, text=lambda: table(rows, COLUMNS) if rows else "none")
    return DONE


async def show(installation: Installation, product: str, *, as_json: bool) -> int:
    """One product with the conditions of every next move."""
    clock, ground = installation.clock, world()
    async with installation.pool() as pool, transaction(pool) as db:
        versions = await lifecycle.versions_of(db, ground.catalogue, product)
        facts = []
        for version in versions:
            moves = [
                await lifecycle.outlook(db, clock, ground, version, Wish(to=to))
                for to in onward(version.state)
            ]
            named = zip(onward(version.state), moves, strict=True)
            facts.append({**_record(version), "next": [_outlook(to, seen) for to, seen in named]})
        history = [_moved(each) for each in await lifecycle.moves(db, product)]
        stopped = (await lifecycle.suspensions(db)).get(product)
    document = {"product": product, "suspended": stopped, "versions": facts, "moves": history}
    emit(document, as_json=as_json, text=lambda: _shown(document))
    return DONE


async def touched(installation: Installation, subject: str, *, as_json: bool) -> int:
    """The impact graph of one subject."""
    async with installation.pool() as pool, transaction(pool) as db:
        catalogue = (await standing_now(db, load())).catalogue(load())
        found = await impact(db, installation.clock, catalogue, subject, in_flight=in_flight)
    document = found.document()
    emit(document, as_json=as_json, text=lambda: _impact(document))
    return DONE


async def draft(
    installation: Installation, file: Path, by: str, remark: str, *, as_json: bool
) -> int:
    """The definition in the file is the product's newest version."""
    definition = _read(file)
    async with installation.pool() as pool, transaction(pool) as db:
        person = await _staff(db, by)
        new = Draft(
            product=str(definition.get("id", "")),
            kind="orders",
            definition=definition,
            author=person.id,
            note=remark,
        )
        kept = await lifecycle.register(db, installation.clock, load(), new)
    emit(_record(kept), as_json=as_json, text=lambda: table([_record(kept)], COLUMNS[:5]))
    return DONE


async def move(
    installation: Installation, product: str, by: str, asked: Wish, *, as_json: bool
) -> int:
    """Somebody agrees; when it moves, the snapshot is published before the command ends."""
    async with installation.pool() as pool:
        async with transaction(pool) as db:
            person = await _staff(db, by)
            outcome = await lifecycle.move(
                db, installation.clock, world(), person, asked, product=product
            )
        published = await installation.publish(pool) if outcome.moved else None
    document = {
        **_record(outcome.version),
        "moved": outcome.moved,
        "agreed": list(outcome.agreed),
        "needed": outcome.needed,
        "snapshot": published,
        "impact": outcome.impact.document(),
    }
    emit(document, as_json=as_json, text=lambda: _told(document, asked.to))
    return DONE


async def vouch(
    installation: Installation, product: str, by: str, check: Check, *, as_json: bool
) -> int:
    """Somebody vouches for a check of the newest, or of one version."""
    async with installation.pool() as pool, transaction(pool) as db:
        person = await _staff(db, by)
        of = await _version(db, product, check.version)
        word = lifecycle.Word(check.what, check.reference)
        await lifecycle.vouch(db, installation.clock, world(), person, of, word)
        kept = lifecycle.vouchers(
            await lifecycle.evidence(db, of), lifecycle.digest_of(world(), of)
        )
    names = [f"{what}: {', '.join(sorted(people))}" for what, people in sorted(kept.items())]
    emit({"vouched": names}, as_json=as_json, text=lambda: "\n".join(names))
    return DONE


async def stop(
    installation: Installation, product: str, by: str, reason: str, *, stopped: bool, as_json: bool
) -> int:
    """The product answers nobody, or again, on every edge."""
    clock = installation.clock
    async with installation.pool() as pool:
        async with transaction(pool) as db:
            person = await _staff(db, by)
            if stopped:
                await lifecycle.suspend(db, clock, load(), person, product, reason=reason)
            else:
                await lifecycle.resume(db, clock, person, product, reason=reason)
        published = await installation.publish(pool)
    facts = {"product": product, "suspended": stopped, "snapshot": published}
    emit(facts, as_json=as_json, text=lambda: f"{product} {'stands still' if stopped else 'runs'}")
    return DONE


async def waiver(installation: Installation, product: str, partner: str, version: int) -> int:
    """What the partner signs."""
    async with installation.pool() as pool, transaction(pool) as db:
        of = await _version(db, product, version, State.DEPRECATED)
        text = lifecycle.waiver_text(of, (await read_partner(db, partner)).id)
    emit({"text": text}, as_json=False, text=lambda: text)
    return DONE


async def waive(
    installation: Installation, product: str, version: int, given: Signed, *, as_json: bool
) -> int:
    """The waiver is kept when its signature verifies."""
    async with installation.pool() as pool, transaction(pool) as db:
        of = await _version(db, product, version, State.DEPRECATED)
        await lifecycle.waive(db, installation.clock, of, given)
    facts = {"product": product, "version": of.version, "partner": given.partner}
    emit(facts, as_json=as_json, text=lambda: f"{given.partner} gives up {product}")
    return DONE


async def prove(installation: Installation, product: str, version: int, *, as_json: bool) -> int:
    """The proof of a withdrawn version, made once and kept."""
    key = installation.home / "keys" / "snapshot.der"
    if not key.exists():
        fail("this installation has published no snapshot yet: start the platform once", REFUSED)
    trusted = verifier("ed25519", key.read_bytes())
    async with installation.pool() as pool, transaction(pool) as db:
        of = await _version(db, product, version, State.OFFLINE)
        proof = await lifecycle.prove(db, installation.clock, world(), of, trusted)
    document = {**proof, "at": rfc3339(proof["at"])}
    text = msgspec.json.format(msgspec.json.encode(proof["document"], order="sorted"), indent=2)
    emit(document, as_json=as_json, text=lambda: f"{text.decode()}\nsha256 {proof['sha256']}")
    return DONE


async def _staff(db: Connection, login: str) -> Person:
    return await person_with(db, Realm.STAFF, BANK, login)


async def _version(
    db: Connection, product: str, number: int, state: State | None = None
) -> ProductVersion:
    """The version that is named, else the newest (of this state when there is one)."""
    found = await lifecycle.versions_of(db, load(), product)
    if number:
        return await lifecycle.version_of(db, product, number)
    return next((each for each in found if each.state is state), found[0])


def _read(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            content = opened.read(DRAFT_BYTES_MAX + 1)
        found = yaml.safe_load(content) if len(content) <= DRAFT_BYTES_MAX else None
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        fail(f"{file} cannot be read ({error})", USAGE)
    if not isinstance(found, dict):
        fail(f"{file} is no single product definition of at most 1 MB", USAGE)
    return found


def _record(version: ProductVersion) -> dict[str, Any]:
    return {
        "product": version.product,
        "version": version.version,
        "state": version.state.value,
        "kind": version.kind,
        "since": rfc3339(version.changed_at),
        "author": version.author,
        "pilots": list(version.pilots),
        "share": version.share,
        "successor": version.successor or None,
        "sunset": rfc3339(version.sunset_at) if version.sunset_at else None,
    }


def _outlook(to: State, seen: Outcome) -> dict[str, Any]:
    return {
        "to": to.value,
        "agreed": list(seen.agreed),
        "needed": seen.needed,
        "gates": [msgspec.to_builtins(each) for each in seen.gates],
    }


def _moved(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "at": rfc3339(row["at"])}


def _shown(document: dict[str, Any]) -> str:
    lines = [document["product"]]
    if document["suspended"]:
        lines.append(f"  SUSPENDED: {document['suspended']}")
    for version in document["versions"]:
        lines.append(f"  version {version['version']}: {version['state']} since {version['since']}")
        for step in version["next"]:
            agreed = f"{len(step['agreed'])} of {step['needed']} agreed"
            lines.append(f"    to {step['to']} ({agreed})")
            lines += [_gate_line(each) for each in step["gates"]]
    lines += [_move_line(each) for each in document["moves"]]
    return "\n".join(lines)


def _gate_line(gate: dict[str, Any]) -> str:
    said = f": {gate['detail']}" if gate["detail"] and not gate["met"] else ""
    return f"      {gate['name']} {_GATE[gate['met']]}{said}"


def _move_line(move: dict[str, Any]) -> str:
    people = ", ".join(move["people"])
    return (
        f"  {move['at']} version {move['version']}: {move['from_state']} > {move['to_state']}"
        f" by {people} ({move['reason']})"
    )


def _impact(document: dict[str, Any]) -> str:
    def some(name: str) -> str:
        values: Sequence[str] = document[name]
        rest = f" and {len(values) - SHOWN_MAX} more" if len(values) > SHOWN_MAX else ""
        return f"{len(values)}: {', '.join(values[:SHOWN_MAX])}{rest}" if values else "0"

    lines = [f"{document['subject']} ({document['kind']})"]
    lines += [
        f"  {name:12} {some(name)}"
        for name in ("operations", "primitives", "products", "solutions", "clouds")
    ]
    lines.append(f"  partners     {len(document['partners'])}")
    lines += [
        f"    {each['partner']}  apps {each['apps']}, tenants {each['tenants']},"
        f" calls {each['calls']}, last {each['last_call'] or '-'}"
        for each in document["partners"]
    ]
    lines.append(f"  tenants      {document['tenants']}")
    lines.append(f"  consents     {document['consents']}")
    lines.append(f"  in flight    {document['orders_in_flight']}")
    lines.append(f"  calls        {document['calls']} in {document['calls_days']} days")
    return "\n".join(lines)


def _told(document: dict[str, Any], to: State) -> str:
    note(_impact(document["impact"]))
    if document["moved"]:
        return (
            f"{document['product']} version {document['version']} is {document['state']}"
            f" (snapshot {document['snapshot']})"
        )
    missing = document["needed"] - len(document["agreed"])
    return f"agreed; {missing} more of the bank's people have to, then it is {to.value}"
