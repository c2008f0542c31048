"""SQL of installed solutions: the bank's own ('' as partner) and those of single partners."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from bankside.kernel.db import Connection


async def newest(db: Connection, partner: str, solution: str) -> Mapping[str, Any] | None:
    """The newest definition that the partner may run: its own before the bank's."""
    found = await db.fetchval(
        "select definition from catalog.solutions"
        " where partner_id in ($1, '') and solution_id = $2 and withdrawn_at is null"
        " order by partner_id desc, version desc limit 1",
        partner,
        solution,
    )
    return msgspec.json.decode(found) if found else None


async def every(db: Connection, partner: str | None) -> list[tuple[str, int, Mapping[str, Any]]]:
    """(partner, version, definition) of the newest versions: a partner's and the bank's, by id.

    None: of all partners, for the operator.
    """
    rows = await db.fetch(
        "select distinct on (partner_id, solution_id) partner_id, version, definition"
        " from catalog.solutions"
        " where withdrawn_at is null and ($1::text is null or partner_id in ($1, ''))"
        " order by partner_id, solution_id, version desc",
        partner,
    )
    return [
        (row["partner_id"], row["version"], msgspec.json.decode(row["definition"])) for row in rows
    ]


async def insert(db: Connection, partner: str, definition: Mapping[str, Any], at: datetime) -> int:
    """The definition is the newest version of its id; which number that is."""
    await db.execute("select pg_advisory_xact_lock(hashtext('catalog.solutions'))")
    version: int = await db.fetchval(
        "insert into catalog.solutions"
        " (partner_id, solution_id, version, definition, installed_at)"
        " select $1, $2, coalesce(max(version), 0) + 1, $3::text::jsonb, $4"
        " from catalog.solutions where partner_id = $1 and solution_id = $2 returning version",
        partner,
        definition["id"],
        msgspec.json.encode(definition).decode(),
        at,
    )
    return version


async def withdraw(db: Connection, partner: str, solution: str, at: datetime) -> int:
    """No version of the solution begins a run any more; how many that were."""
    rows = await db.fetch(
        "update catalog.solutions set withdrawn_at = $3"
        " where partner_id = $1 and solution_id = $2 and withdrawn_at is null returning version",
        partner,
        solution,
        at,
    )
    return len(rows)
