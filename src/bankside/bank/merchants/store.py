"""SQL of the merchants slice; every question takes the data space."""

from bankside.bank.merchants.model import Merchant, Receiver
from bankside.kernel.db import Connection, Row, Write
from bankside.kernel.ids import AccountId, CustomerId, MerchantId, TenantId

_COLUMNS = (
    "m.partner_id, m.merchant_id, m.tenant_id, m.customer_id, m.name_zh, m.name_en, m.currency,"
    " m.settlement_account, a.ledger_account as settlement_ledger_account,"
    " m.pending_ledger_account, m.fee_rate_bp, m.split_share_max_bp, m.created_at,"
    " exists (select from bank.clearing_terms t where t.partner_id = m.partner_id"
    " and t.merchant_id = m.merchant_id) as netted"
)
_FROM = (
    "from bank.merchants m join bank.accounts a"
    " on a.partner_id = m.partner_id and a.account_id = m.settlement_account"
)


_INSERT = (
    "insert into bank.merchants (partner_id, merchant_id, tenant_id, customer_id, name_zh,"
    " name_en, currency, settlement_account, pending_ledger_account, fee_rate_bp,"
    " split_share_max_bp, created_at)"
    " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
)
_ADMIT = (
    "insert into bank.merchant_receivers"
    " (partner_id, merchant_id, account_id, relation, registered_at)"
    " values ($1, $2, $3, $4, $5) on conflict do nothing"
)


def inserted(merchant: Merchant) -> Write:
    """The row of a new merchant."""
    return Write(_INSERT, _row(merchant))


def admitted(partner: str, receiver: Receiver) -> Write:
    """The row of a split receiver; one that stands already stays as it is."""
    return Write(_ADMIT, _receiver_row(partner, receiver))


async def insert(db: Connection, merchant: Merchant) -> bool:
    """Store a merchant; False when its id is taken."""
    row = await db.fetchrow(
        f"{_INSERT} on conflict do nothing returning merchant_id", *_row(merchant)
    )
    return row is not None


async def find(db: Connection, partner: str, merchant: str, tenant: str | None) -> Merchant | None:
    """The merchant with this id that the tenant (None: the partner itself) may see."""
    row = await db.fetchrow(
        f"select {_COLUMNS} {_FROM} where m.partner_id = $1"
        " and m.merchant_id = $2 and ($3::text is null or coalesce(m.tenant_id, $3) = $3)",
        partner,
        merchant,
        tenant,
    )
    return _merchant(row) if row else None


async def page(
    db: Connection, partner: str, *, tenant: str | None, after: str, limit: int
) -> list[Merchant]:
    """Up to ``limit`` merchants the tenant may see with an id above ``after``, by id."""
    rows = await db.fetch(
        f"select {_COLUMNS} {_FROM} where m.partner_id = $1"
        " and m.merchant_id > $2 and ($3::text is null or coalesce(m.tenant_id, $3) = $3)"
        " order by m.merchant_id limit $4",
        partner,
        after,
        tenant,
        limit,
    )
    return [_merchant(row) for row in rows]


async def owned(db: Connection, partner: str, tenant: str | None, *, limit: int) -> list[Merchant]:
    """Up to ``limit`` merchants of exactly this tenant (None: of the partner itself), by id."""
    rows = await db.fetch(
        f"select {_COLUMNS} {_FROM} where m.partner_id = $1"  # noqa: S608 - constant columns
        " and m.tenant_id is not distinct from $2 order by m.merchant_id limit $3",
        partner,
        tenant,
        limit,
    )
    return [_merchant(row) for row in rows]


async def settled_to(db: Connection, partner: str, account: str) -> list[str]:
    """The merchants whose settlement account this is, by id."""
    rows = await db.fetch(
        "select merchant_id from bank.merchants where partner_id = $1 and settlement_account = $2"
        " order by merchant_id",
        partner,
        account,
    )
    return [row["merchant_id"] for row in rows]


async def customers(db: Connection, partner: str, tenant: str) -> frozenset[str]:
    """The customers behind the tenant's merchants."""
    rows = await db.fetch(
        "select distinct customer_id from bank.merchants where partner_id = $1 and tenant_id = $2",
        partner,
        tenant,
    )
    return frozenset(row["customer_id"] for row in rows)


async def insert_receiver(db: Connection, partner: str, receiver: Receiver) -> None:
    """Store a split receiver; one that stands already stays as it is."""
    await db.execute(_ADMIT, *_receiver_row(partner, receiver))


async def lock(db: Connection, partner: str, merchant: str) -> None:
    """Keep other writers of the merchant's receivers waiting until the transaction ends."""
    await db.execute(
        "select from bank.merchants where partner_id = $1 and merchant_id = $2 for no key update",
        partner,
        merchant,
    )


async def receivers(db: Connection, partner: str, merchant: str) -> list[Receiver]:
    """All receivers of the merchant, oldest first."""
    rows = await db.fetch(
        "select r.merchant_id, r.account_id, a.ledger_account, r.relation, r.registered_at"
        " from bank.merchant_receivers r join bank.accounts a using (partner_id, account_id)"
        " where r.partner_id = $1 and r.merchant_id = $2 order by r.registered_at, r.account_id",
        partner,
        merchant,
    )
    return [
        Receiver(
            MerchantId(row["merchant_id"]),
            AccountId(row["account_id"]),
            row["ledger_account"],
            row["relation"],
            row["registered_at"],
        )
        for row in rows
    ]


def _row(merchant: Merchant) -> tuple[object, ...]:
    return (
        merchant.partner,
        merchant.id,
        merchant.tenant,
        merchant.customer,
        merchant.name_zh,
        merchant.name_en,
        merchant.currency,
        merchant.settlement_account,
        merchant.pending_ledger_account,
        merchant.fee_rate_bp,
        merchant.split_share_max_bp,
        merchant.created_at,
    )


def _receiver_row(partner: str, receiver: Receiver) -> tuple[object, ...]:
    return (
        partner,
        receiver.merchant,
        receiver.account,
        receiver.relation,
        receiver.registered_at,
    )


def _merchant(row: Row) -> Merchant:
    return Merchant(
        id=MerchantId(row["merchant_id"]),
        partner=row["partner_id"],
        tenant=TenantId(row["tenant_id"]) if row["tenant_id"] else None,
        customer=CustomerId(row["customer_id"]),
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        currency=row["currency"],
        settlement_account=AccountId(row["settlement_account"]),
        settlement_ledger_account=row["settlement_ledger_account"],
        pending_ledger_account=row["pending_ledger_account"],
        fee_rate_bp=row["fee_rate_bp"],
        split_share_max_bp=row["split_share_max_bp"],
        created_at=row["created_at"],
        netted=row["netted"],
    )
