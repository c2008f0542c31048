"""SQL of the customers slice; every question takes the data space."""

import msgspec

from bankside.bank.customers.model import Customer, CustomerKind
from bankside.kernel.db import Connection, Row
from bankside.kernel.ids import BranchId, CustomerId

_COLUMNS = (
    "partner_id, customer_id, kind, name_zh, name_en, resident_id, credit_code, birth_date,"
    " branch_id, facts::text as facts, created_at"
)


async def insert(db: Connection, customer: Customer) -> bool:
    """Store a customer; False when the id, resident id or credit code is taken."""
    row = await db.fetchrow(
        "insert into bank.customers (partner_id, customer_id, kind, name_zh, name_en, resident_id,"
        " credit_code, birth_date, branch_id, facts, created_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::jsonb, $11)"
        " on conflict do nothing returning customer_id",
        customer.partner,
        customer.id,
        customer.kind.value,
        customer.name_zh,
        customer.name_en,
        customer.resident_id,
        customer.credit_code,
        customer.birth_date,
        customer.branch,
        msgspec.json.encode(customer.facts).decode(),
        customer.created_at,
    )
    return row is not None


async def find(db: Connection, partner: str, customer: str) -> Customer | None:
    """The customer with this id."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from bank.customers"  # noqa: S608 - constant column list
        " where partner_id = $1 and customer_id = $2",
        partner,
        customer,
    )
    return _customer(row) if row else None


async def page(db: Connection, partner: str, after: str, limit: int) -> list[Customer]:
    """Up to ``limit`` customers with an id above ``after``, by id."""
    rows = await db.fetch(
        f"select {_COLUMNS} from bank.customers"  # noqa: S608 - constant column list
        " where partner_id = $1 and customer_id > $2 order by customer_id limit $3",
        partner,
        after,
        limit,
    )
    return [_customer(row) for row in rows]


def _customer(row: Row) -> Customer:
    return Customer(
        id=CustomerId(row["customer_id"]),
        partner=row["partner_id"],
        kind=CustomerKind(row["kind"]),
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        resident_id=row["resident_id"],
        credit_code=row["credit_code"],
        birth_date=row["birth_date"],
        branch=BranchId(row["branch_id"]) if row["branch_id"] else None,
        facts=msgspec.json.decode(row["facts"]),
        created_at=row["created_at"],
    )
