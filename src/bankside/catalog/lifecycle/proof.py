"""The proof that a withdrawn product version is gone.

Always true: it is given once, from the snapshot in force and the call records, and only when every
part holds; it says in itself where it is kept. The evidence log of the platform does not exist yet:
until it does the document stands in ``catalog.offline_proofs`` with its SHA-256.
Source: catalogue guide section 6 (offline).
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any

import msgspec

from bankside.catalog.lifecycle import store
from bankside.catalog.lifecycle.errors import ProofNotYet
from bankside.catalog.lifecycle.gathering import REACHED, World, facts_of
from bankside.catalog.lifecycle.model import ProductVersion, State, Terms
from bankside.catalog.lifecycle.rules import gates
from bankside.catalog.store import newest_blob
from bankside.kernel.clock import Clock, rfc3339
from bankside.kernel.db import Connection
from bankside.kernel.metering import ProductCalls, calls_of_products
from bankside.kernel.signing import Verifier
from bankside.kernel.snapshot import Snapshot, content_hash, decode

# An edge that missed the announcement looks by itself every 30 s; by then calls that were under way
# have ended as well (10 s) and their records are in the database.
SETTLED = timedelta(seconds=60)
KEPT = "table catalog.offline_proofs; the evidence log of the platform does not exist yet"


async def prove(
    db: Connection, clock: Clock, world: World, version: ProductVersion, trusted: Verifier
) -> dict[str, Any]:
    """``{document, sha256, at}`` of the version, made now or kept from before.

    ``trusted`` verifies this installation's snapshots. Raises ProofNotYet, which says what is
    missing.
    """
    kept = await store.proof(db, version.product, version.version)
    if kept is not None:
        return kept
    document = await _document(db, clock, world, version, trusted)
    text = msgspec.json.encode(document, order="sorted")
    await store.keep_proof(db, version, text, hashlib.sha256(text).digest(), clock.now())
    made = await store.proof(db, version.product, version.version)
    assert made is not None, "it was kept in this transaction"
    return made


async def _document(
    db: Connection, clock: Clock, world: World, version: ProductVersion, trusted: Verifier
) -> dict[str, Any]:
    now, moment = clock.now(), version.offline_at
    if version.state is not State.OFFLINE or moment is None:
        missing = await _missing(db, clock, world, version)
        raise ProofNotYet(
            f"{version.product} version {version.version} is {version.state}{missing}"
        )
    settled = moment + SETTLED
    if now < settled:
        raise ProofNotYet(f"calls that were under way may still end; from {rfc3339(settled)} on")
    calls = [
        each
        for each in await calls_of_products(db, [version.product], since=settled, until=now)
        if each.version == version.version
    ]
    reached = sum(each.calls for each in calls if each.stage in REACHED)
    if reached:
        raise ProofNotYet(f"{reached} calls reached the bank after {rfc3339(settled)}")
    in_flight = await world.running(db, version)
    if in_flight:
        raise ProofNotYet(f"{in_flight} orders still run")
    moves = [
        each
        for each in await store.moves(db, version.product)
        if (each["version"], each["to_state"]) == (version.version, State.OFFLINE)
    ]
    return {
        "product": version.product,
        "version": version.version,
        "withdrawn_at": rfc3339(moment),
        "agreed": moves[0]["people"],
        "reason": moves[0]["reason"],
        "successor": version.successor or None,
        "snapshot": await _in_force(db, version, trusted, moment),
        "calls": _counted(calls, settled, now),
        "orders_in_flight": 0,
        "notices": [
            {"partner": each["partner_id"], "state": each["state"], "at": rfc3339(each["at"])}
            for each in await store.notices(db, version.product, version.version)
        ],
        "waivers": [
            {
                "partner": each.partner,
                "key": each.key,
                "text": each.text,
                "signature": each.signature.hex(),
                "at": rfc3339(each.at),
            }
            for each in await store.waivers(db, version.product, version.version)
        ],
        "kept": KEPT,
    }


async def _missing(db: Connection, clock: Clock, world: World, version: ProductVersion) -> str:
    """What keeps a version on its way out from its end: who still calls it, and how often."""
    if version.state is not State.DEPRECATED:
        return ""
    facts = await facts_of(db, clock, world, version, State.OFFLINE)
    closed = [each for each in gates(version, State.OFFLINE, Terms(), facts) if not each.met]
    return "".join(f"; {each.name}: {each.detail}" for each in closed)


async def _in_force(
    db: Connection, version: ProductVersion, trusted: Verifier, moment: datetime
) -> dict[str, Any]:
    """The snapshot that edges serve from, without anything of this version that runs."""
    newest = await newest_blob(db)
    if newest is None:
        raise ProofNotYet("no snapshot was published")
    snapshot = decode(newest[1], trusted)
    if snapshot.built_at < int(moment.timestamp()):
        raise ProofNotYet("the snapshot in force is older than the withdrawal; publish first")
    running, gone = _routes(snapshot, version)
    if running:
        raise ProofNotYet(f"the snapshot in force still leads to {running[0]}")
    held = [app.id for app in snapshot.apps.values() if version.product in app.products]
    if held and not _has_other_version(snapshot, version):
        raise ProofNotYet(f"app {held[0]} still holds the product")
    return {
        "version": newest[0],
        "sha256": content_hash(newest[1]).hex(),
        "built_at": snapshot.built_at,
        "routes_that_run": 0,
        "routes_that_say_it_is_gone": gone,
    }


def _routes(snapshot: Snapshot, version: ProductVersion) -> tuple[list[str], int]:
    """Routes of the version that run, and how many say that it is gone."""
    running, gone = [], 0
    for operation in snapshot.operations.values():
        candidates = [operation]
        if operation.stage is not None and operation.stage.newer is not None:
            candidates.append(operation.stage.newer)
        for each in candidates:
            if (each.product, each.version) == (version.product, version.version):
                if each.stage is not None and each.stage.state == "offline":
                    gone += 1
                else:
                    running.append(each.id)
    return running, gone


def _has_other_version(snapshot: Snapshot, version: ProductVersion) -> bool:
    return any(
        each.product == version.product and each.version != version.version
        for each in snapshot.operations.values()
    )


def _counted(calls: list[ProductCalls], since: datetime, until: datetime) -> dict[str, Any]:
    return {
        "from": rfc3339(since),
        "to": rfc3339(until),
        "reached_the_bank": 0,
        "told_that_it_is_gone": sum(each.calls for each in calls),
    }
