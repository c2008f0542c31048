"""SQL of the Berka loader: the facts in one go, and which load stands in a data space."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from bankside.kernel.db import Connection

SOURCE = "berka"
# Columns of each table the loader fills, in the order of the rows it is given.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "branches": ("partner_id", "branch_id", "code", "name_zh", "name_en", "region", "facts"),
    "customers": (
        *("partner_id", "customer_id", "kind", "name_zh", "name_en", "birth_date", "branch_id"),
        *("facts", "created_at"),
    ),
    "accounts": (
        *("partner_id", "account_id", "number", "customer_id", "product_class", "currency"),
        *("status", "ledger_account", "branch_id", "opened_at"),
    ),
    "dispositions": ("partner_id", "account_id", "customer_id", "role", "since"),
    "standing_orders": (
        *("partner_id", "standing_order_id", "account_id", "payee_bank", "payee_account"),
        *("amount_minor", "currency", "category", "source"),
    ),
    "loan_contracts": (
        *("partner_id", "loan_contract_id", "account_id", "granted_on", "amount_minor"),
        *("instalment_minor", "currency", "duration_months", "state", "source"),
    ),
    "cards": (
        *("partner_id", "card_id", "account_id", "customer_id", "class", "issued_on", "source"),
    ),
}


@dataclass(frozen=True, slots=True)
class Load:
    """A load of a data space: which files, and whether its postings are complete."""

    digest: bytes
    done: bool
    counts: Mapping[str, int]


async def begin(
    db: Connection, partner: str, digest: bytes, *, counts: Mapping[str, int], at: datetime
) -> bool:
    """Claim the data space for these files; False when a load stands there already."""
    row = await db.fetchrow(
        "insert into bank.loads (partner_id, source, digest, state, counts, started_at)"
        " values ($1, $2, $3, 'posting', $4::text::jsonb, $5)"
        " on conflict do nothing returning partner_id",
        partner,
        SOURCE,
        digest,
        msgspec.json.encode(counts).decode(),
        at,
    )
    return row is not None


async def find(db: Connection, partner: str) -> Load | None:
    """The load that stands in the data space."""
    row = await db.fetchrow(
        "select digest, state, counts::text as counts from bank.loads"
        " where partner_id = $1 and source = $2",
        partner,
        SOURCE,
    )
    if row is None:
        return None
    return Load(row["digest"], row["state"] == "done", msgspec.json.decode(row["counts"]))


async def finish(db: Connection, partner: str, *, at: datetime) -> None:
    """All postings of the load stand."""
    await db.execute(
        "update bank.loads set state = 'done', finished_at = $3"
        " where partner_id = $1 and source = $2 and state = 'posting'",
        partner,
        SOURCE,
        at,
    )


async def copy(db: Connection, table: str, rows: Iterable[Sequence[Any]]) -> None:
    """Add many rows to one table of ``COLUMNS``."""
    await db.copy_records_to_table(
        table, schema_name="bank", columns=COLUMNS[table], records=[tuple(row) for row in rows]
    )
