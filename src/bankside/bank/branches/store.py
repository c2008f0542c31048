"""SQL of the branches slice; every question takes the data space."""

import msgspec

from bankside.bank.branches.model import Branch
from bankside.kernel.db import Connection, Row
from bankside.kernel.ids import BranchId

_COLUMNS = "partner_id, branch_id, code, name_zh, name_en, region, facts::text as facts"


async def insert(db: Connection, branch: Branch) -> None:
    """Store a branch; one with the same id stays as it is."""
    await db.execute(
        "insert into bank.branches (partner_id, branch_id, code, name_zh, name_en, region, facts)"
        " values ($1, $2, $3, $4, $5, $6, $7::text::jsonb) on conflict do nothing",
        branch.partner,
        branch.id,
        branch.code,
        branch.name_zh,
        branch.name_en,
        branch.region,
        msgspec.json.encode(branch.facts).decode(),
    )


async def find(db: Connection, partner: str, reference: str) -> Branch | None:
    """The branch with this id or code."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from bank.branches"  # noqa: S608 - constant column list
        " where partner_id = $1 and (branch_id = $2 or code = $2)",
        partner,
        reference,
    )
    return _branch(row) if row else None


async def page(db: Connection, partner: str, after: str, limit: int) -> list[Branch]:
    """Up to ``limit`` branches with a code above ``after``, by code."""
    rows = await db.fetch(
        f"select {_COLUMNS} from bank.branches"  # noqa: S608 - constant column list
        " where partner_id = $1 and code > $2 order by code limit $3",
        partner,
        after,
        limit,
    )
    return [_branch(row) for row in rows]


def _branch(row: Row) -> Branch:
    return Branch(
        id=BranchId(row["branch_id"]),
        partner=row["partner_id"],
        code=row["code"],
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        region=row["region"],
        facts=msgspec.json.decode(row["facts"]),
    )
