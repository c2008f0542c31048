"""SQL of the life cycle: versions, agreements, moves, evidence, notices, waivers, suspensions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from bankside.catalog.lifecycle.evidence import Evidence
from bankside.catalog.lifecycle.model import (
    Agreement,
    Ground,
    ProductVersion,
    State,
    Terms,
    Waiver,
)
from bankside.kernel.db import Connection, Row

# Of one version; a check is run, and vouched for, a few times.
EVIDENCE_MAX = 500
_COLUMNS = (
    "product_id, version, kind, state, definition::text, author, note, pilots, share, successor,"
    " deprecated_at, sunset_at, offline_at, revision, created_at, changed_at"
)


async def lock(db: Connection, product: str) -> None:
    """One change of a product's versions at a time, until the transaction ends."""
    await db.execute("select pg_advisory_xact_lock(hashtext('product ' || $1))", product)


async def versions(db: Connection, product: str | None = None) -> list[ProductVersion]:
    """The versions of a product, or of all, oldest first."""
    rows = await db.fetch(
        f"select {_COLUMNS} from catalog.product_versions"  # noqa: S608 - constant column list
        " where $1::text is null or product_id = $1 order by product_id, version",
        product,
    )
    return [_version(row) for row in rows]


async def insert(db: Connection, new: ProductVersion) -> None:
    """A version that was not there before."""
    await db.execute(
        "insert into catalog.product_versions (product_id, version, kind, state, definition,"
        " author, note, created_at, changed_at)"
        " values ($1, $2, $3, $4, $5::text::jsonb, $6, $7, $8, $8)",
        new.product,
        new.version,
        new.kind,
        new.state,
        None if new.definition is None else _json(new.definition),
        new.author,
        new.note,
        new.created_at,
    )


async def redraft(db: Connection, new: ProductVersion) -> None:
    """The draft's definition is another one, by another author."""
    await db.execute(
        "update catalog.product_versions set kind = $3, definition = $4::text::jsonb, author = $5,"
        " note = $6, changed_at = $7, revision = revision + 1"
        " where product_id = $1 and version = $2",
        new.product,
        new.version,
        new.kind,
        _json(new.definition),
        new.author,
        new.note,
        new.changed_at,
    )


async def change(db: Connection, after: ProductVersion) -> None:
    """Everything of a version that a move may change."""
    await db.execute(
        "update catalog.product_versions set state = $3, pilots = $4, share = $5, successor = $6,"
        " deprecated_at = $7, sunset_at = $8, offline_at = $9, revision = $10, changed_at = $11"
        " where product_id = $1 and version = $2",
        after.product,
        after.version,
        after.state,
        list(after.pilots),
        after.share,
        after.successor,
        after.deprecated_at,
        after.sunset_at,
        after.offline_at,
        after.revision,
        after.changed_at,
    )


async def agreements(db: Connection, of: ProductVersion) -> list[Agreement]:
    """Who agreed to which move of this revision, first one first."""
    rows = await db.fetch(
        "select person_id, to_state, terms::text, reason, at from catalog.product_agreements"
        " where product_id = $1 and version = $2 and revision = $3 order by at, person_id",
        of.product,
        of.version,
        of.revision,
    )
    return [
        Agreement(
            row["person_id"],
            State(row["to_state"]),
            msgspec.json.decode(row["terms"], type=Terms),
            row["reason"],
            row["at"],
        )
        for row in rows
    ]


async def agree(db: Connection, of: ProductVersion, said: Agreement) -> None:
    """Keep somebody's yes; said twice it is the same."""
    await db.execute(
        "insert into catalog.product_agreements (product_id, version, revision, to_state,"
        " person_id, terms, reason, at) values ($1, $2, $3, $4, $5, $6::text::jsonb, $7, $8)"
        " on conflict do nothing",
        of.product,
        of.version,
        of.revision,
        said.to,
        said.person,
        _json(said.terms),
        said.reason,
        said.at,
    )


async def moved(
    db: Connection,
    before: ProductVersion,
    after: ProductVersion,
    *,
    people: Sequence[str],
    reason: str,
    impact: Mapping[str, Any],
) -> None:
    """Keep what happened."""
    await db.execute(
        "insert into catalog.product_moves (product_id, version, revision, from_state, to_state,"
        " people, reason, impact, at) values ($1, $2, $3, $4, $5, $6, $7, $8::text::jsonb, $9)",
        after.product,
        after.version,
        after.revision,
        before.state,
        after.state,
        list(people),
        reason,
        _json(impact),
        after.changed_at,
    )


async def moves(db: Connection, product: str) -> list[dict[str, Any]]:
    """What happened to a product, newest first."""
    rows = await db.fetch(
        "select version, revision, from_state, to_state, people, reason, impact::text, at"
        " from catalog.product_moves where product_id = $1 order by at desc, version desc,"
        " revision desc limit 200",
        product,
    )
    return [dict(row) | {"impact": msgspec.json.decode(row["impact"])} for row in rows]


async def next_fact(db: Connection, product: str) -> int:
    """The number of the next event about this product; numbers have no gaps."""
    number: int = await db.fetchval(
        "insert into catalog.product_facts (product_id, told) values ($1, 1)"
        " on conflict (product_id) do update set told = catalog.product_facts.told + 1"
        " returning told",
        product,
    )
    return number


async def keep_evidence(db: Connection, of: ProductVersion, kept: Evidence) -> None:
    """Beside what was kept before."""
    await db.execute(
        "insert into catalog.product_evidence (product_id, version, what, digest, passed,"
        " reference, person_id, run, at) values ($1, $2, $3, $4, $5, $6, $7, $8::text::jsonb, $9)",
        of.product,
        of.version,
        kept.what,
        kept.digest,
        kept.passed,
        kept.reference,
        kept.person,
        None if kept.run is None else _json(kept.run),
        kept.at,
    )


async def evidence(db: Connection, of: ProductVersion) -> list[Evidence]:
    """What was kept of a version, oldest first; of more than can be shown the newest."""
    rows = await db.fetch(
        "select what, passed, digest, reference, person_id, run::text, at"
        " from catalog.product_evidence where product_id = $1 and version = $2"
        " order by id desc limit $3",
        of.product,
        of.version,
        EVIDENCE_MAX,
    )
    return [_evidence(row) for row in reversed(rows)]


async def open_ground(db: Connection, of: ProductVersion, ground: Ground, at: datetime) -> None:
    """A data space in which the version is proven."""
    await db.execute(
        "insert into catalog.proving_grounds (space_id, parent_id, app_id, product_id, version,"
        " made_at) values ($1, $2, $3, $4, $5, $6)",
        ground.space,
        ground.parent,
        ground.app,
        of.product,
        of.version,
        at,
    )


async def close_ground(db: Connection, space: str, at: datetime) -> None:
    """Nothing is proven in the space any more."""
    await db.execute(
        "update catalog.proving_grounds set removed_at = $2"
        " where space_id = $1 and removed_at is null",
        space,
        at,
    )


async def open_grounds(db: Connection, before: datetime | None = None) -> list[Ground]:
    """Spaces that were not removed; those made before an instant, or all."""
    rows = await db.fetch(
        "select space_id, parent_id, app_id, product_id, version from catalog.proving_grounds"
        " where removed_at is null and ($1::timestamptz is null or made_at < $1) order by made_at",
        before,
    )
    return [Ground(*row.values()) for row in rows]


async def notice(db: Connection, of: ProductVersion, partner: str, at: datetime) -> None:
    """The partner was told where the version stands now."""
    await db.execute(
        "insert into catalog.product_notices (product_id, version, partner_id, state, at)"
        " values ($1, $2, $3, $4, $5) on conflict do nothing",
        of.product,
        of.version,
        partner,
        of.state,
        at,
    )


async def notices(db: Connection, product: str, version: int) -> list[dict[str, Any]]:
    """Whom it was told to, what and when."""
    rows = await db.fetch(
        "select partner_id, state, at from catalog.product_notices"
        " where product_id = $1 and version = $2 order by at, partner_id",
        product,
        version,
    )
    return [dict(row) for row in rows]


async def waive(db: Connection, of: ProductVersion, said: Waiver) -> None:
    """A partner agrees to an earlier end."""
    await db.execute(
        "insert into catalog.product_waivers (product_id, version, partner_id, key_id, text,"
        " signature, at) values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
        of.product,
        of.version,
        said.partner,
        said.key,
        said.text,
        said.signature,
        said.at,
    )


async def waivers(db: Connection, product: str, version: int) -> list[Waiver]:
    """Who agreed to an earlier end, under which key."""
    rows = await db.fetch(
        "select partner_id, key_id, text, signature, at from catalog.product_waivers"
        " where product_id = $1 and version = $2 order by partner_id",
        product,
        version,
    )
    return [Waiver(*row.values()) for row in rows]


async def suspend(db: Connection, product: str, *, reason: str, person: str, at: datetime) -> None:
    """The product answers nobody from the next publication on."""
    await db.execute(
        "insert into catalog.suspensions (product_id, reason, person_id, at)"
        " values ($1, $2, $3, $4) on conflict (product_id) do nothing",
        product,
        reason,
        person,
        at,
    )


async def resume(db: Connection, product: str) -> bool:
    """The product answers again; whether it was suspended."""
    done: str = await db.execute("delete from catalog.suspensions where product_id = $1", product)
    return done.endswith("1")


async def suspensions(db: Connection) -> dict[str, str]:
    """Product to the reason why it is stopped."""
    rows = await db.fetch("select product_id, reason from catalog.suspensions order by 1")
    return {row["product_id"]: row["reason"] for row in rows}


async def keep_proof(
    db: Connection, of: ProductVersion, document: bytes, sha256: bytes, at: datetime
) -> None:
    """The proof of a withdrawn version; the first one stands."""
    await db.execute(
        "insert into catalog.offline_proofs (product_id, version, document, sha256, at)"
        " values ($1, $2, $3::text::jsonb, $4, $5) on conflict do nothing",
        of.product,
        of.version,
        document.decode(),
        sha256,
        at,
    )


async def proof(db: Connection, product: str, version: int) -> dict[str, Any] | None:
    """The proof that was kept."""
    row = await db.fetchrow(
        "select document::text, sha256, at from catalog.offline_proofs"
        " where product_id = $1 and version = $2",
        product,
        version,
    )
    if row is None:
        return None
    return {
        "document": msgspec.json.decode(row["document"]),
        "sha256": row["sha256"].hex(),
        "at": row["at"],
    }


def _evidence(row: Row) -> Evidence:
    run = row["run"]
    return Evidence(
        what=row["what"],
        passed=row["passed"],
        digest=row["digest"],
        reference=row["reference"],
        person=row["person_id"],
        run=None if run is None else msgspec.json.decode(run),
        at=row["at"],
    )


def _version(row: Row) -> ProductVersion:
    definition = row["definition"]
    return ProductVersion(
        product=row["product_id"],
        version=row["version"],
        kind=row["kind"],
        state=State(row["state"]),
        definition=None if definition is None else msgspec.json.decode(definition),
        author=row["author"],
        note=row["note"],
        pilots=tuple(row["pilots"]),
        share=row["share"],
        successor=row["successor"],
        deprecated_at=row["deprecated_at"],
        sunset_at=row["sunset_at"],
        offline_at=row["offline_at"],
        revision=row["revision"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value, order="sorted").decode()
