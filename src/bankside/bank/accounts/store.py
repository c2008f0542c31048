"""SQL of the accounts slice; every question takes the data space."""

from collections.abc import Sequence
from datetime import datetime

from bankside.bank.accounts.model import (
    Account,
    AccountStatus,
    Counterparty,
    Disposition,
    DispositionRole,
    PayerToken,
    ProductClass,
    Standing,
)
from bankside.kernel.db import Connection, Row, Write
from bankside.kernel.ids import AccountId, BranchId, CustomerId

_COLUMNS = (
    "a.partner_id, a.account_id, a.number, a.customer_id, a.product_class, a.currency, a.status,"
    " a.status_reason, a.ledger_account, a.branch_id, a.opened_at, a.closed_at,"
    " a.account_class, a.bound_ledger_account"
)
SPENT_ONCE = "payer_token_spent_once"
ONE_MOVER = "accounts_one_mover"
ONE_PENSION = "accounts_one_pension"
ONE_OF_CLASS = "accounts_one_of_class"
_SPEND = (
    "insert into bank.payer_token_uses (partner_id, token_hash, used_for, used_at)"
    " values ($1, $2, $3, $4)"
)


_INSERT = (
    "insert into bank.accounts (partner_id, account_id, number, customer_id, product_class,"
    " currency, status, status_reason, ledger_account, branch_id, opened_at,"
    " account_class, bound_ledger_account)"
    " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
)
_DISPOSE = (
    "insert into bank.dispositions (partner_id, account_id, customer_id, role, since)"
    " values ($1, $2, $3, $4, $5)"
)
_MOVE = "select bank.move_account($1, $2, $3, $4, $5, $6)"


def inserted(account: Account) -> Write:
    """The row of a new account."""
    return Write(_INSERT, _row(account))


def disposed(partner: str, given: Disposition) -> Write:
    """The row of a customer's power over a new account."""
    row = (partner, given.account, given.customer, given.role.value, given.since)
    return Write(_DISPOSE, row)


def moved(account: Standing, to: AccountStatus, *, reason: str, at: datetime) -> Write:
    """The account's move from its present status; a second mover violates ONE_MOVER."""
    return Write(_MOVE, (account.partner, account.id, account.status.value, to.value, reason, at))


async def next_serial(db: Connection) -> int:
    """The serial of the next account number."""
    serial: int = await db.fetchval("select nextval('bank.account_serials')")
    return serial


async def insert(db: Connection, account: Account) -> bool:
    """Store an account; False when its id, number or ledger account is taken.

    False as well for a second pension account of one customer (ONE_PENSION).
    """
    row = await db.fetchrow(
        f"{_INSERT} on conflict do nothing returning account_id", *_row(account)
    )
    return row is not None


async def pension_of(db: Connection, partner: str, customer: str) -> str | None:
    """The id of the customer's pension account that is not closed; there is at most one."""
    found: str | None = await db.fetchval(
        "select account_id from bank.accounts where partner_id = $1 and customer_id = $2"
        " and product_class = 'pension' and status <> 'closed'",
        partner,
        customer,
    )
    return found


async def of_class(db: Connection, partner: str, customer: str, account_class: str) -> int:
    """How many accounts of a class the customer has that are not closed."""
    found: int = await db.fetchval(
        "select count(*) from bank.accounts where partner_id = $1 and customer_id = $2"
        " and account_class = $3 and status <> 'closed'",
        partner,
        customer,
        account_class,
    )
    return found


async def bound_to(db: Connection, partner: str, ledger_accounts: Sequence[str]) -> dict[str, str]:
    """The ledger accounts that these ledger accounts are bound to, by them."""
    rows = await db.fetch(
        "select ledger_account, bound_ledger_account from bank.accounts where partner_id = $1"
        " and ledger_account = any($2::text[]) and bound_ledger_account is not null",
        partner,
        list(ledger_accounts),
    )
    return {row["ledger_account"]: row["bound_ledger_account"] for row in rows}


async def insert_disposition(db: Connection, partner: str, given: Disposition) -> None:
    """Store a customer's power over an account; one that stands already stays."""
    await db.execute(
        "insert into bank.dispositions (partner_id, account_id, customer_id, role, since)"
        " values ($1, $2, $3, $4, $5) on conflict do nothing",
        partner,
        given.account,
        given.customer,
        given.role.value,
        given.since,
    )


async def dispositions(db: Connection, partner: str, account: str) -> list[Disposition]:
    """Who may dispose of the account, the owner first."""
    rows = await db.fetch(
        "select account_id, customer_id, role, since from bank.dispositions"
        " where partner_id = $1 and account_id = $2 order by role desc, customer_id",
        partner,
        account,
    )
    return [
        Disposition(
            AccountId(row["account_id"]),
            CustomerId(row["customer_id"]),
            DispositionRole(row["role"]),
            row["since"],
        )
        for row in rows
    ]


async def find(db: Connection, partner: str, references: Sequence[str]) -> list[Account]:
    """The accounts with these ids or numbers, in any order."""
    rows = await db.fetch(
        f"select {_COLUMNS} from bank.accounts a where a.partner_id = $1"  # noqa: S608 - constant
        " and a.account_id = any($2::text[])"
        f" union select {_COLUMNS} from bank.accounts a where a.partner_id = $1"
        " and a.number = any($2::text[])",
        partner,
        list(references),
    )
    return [_account(row) for row in rows]


async def find_for_update(db: Connection, partner: str, account: str) -> Account | None:
    """The account with this id, locked until the transaction ends."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from bank.accounts a"  # noqa: S608 - constant column list
        " where a.partner_id = $1 and a.account_id = $2 for no key update",
        partner,
        account,
    )
    return _account(row) if row else None


async def page(
    db: Connection, partner: str, *, customer: str | None, after: str, limit: int
) -> list[Account]:
    """Up to ``limit`` accounts with an id above ``after``: a customer's, or all of the space."""
    if customer is None:
        rows = await db.fetch(
            f"select {_COLUMNS} from bank.accounts a"  # noqa: S608 - constant column list
            " where a.partner_id = $1 and a.account_id > $2 order by a.account_id limit $3",
            partner,
            after,
            limit,
        )
    else:
        rows = await db.fetch(
            f"select {_COLUMNS} from bank.dispositions d"  # noqa: S608 - constant column list
            " join bank.accounts a using (partner_id, account_id)"
            " where d.partner_id = $1 and d.customer_id = $2 and d.account_id > $3"
            " order by d.account_id limit $4",
            partner,
            customer,
            after,
            limit,
        )
    return [_account(row) for row in rows]


async def set_status(
    db: Connection, account: Account, to: AccountStatus, *, reason: str, at: datetime | None
) -> None:
    """Move a locked account to a status; ``at`` is the closing time of a closed one."""
    await db.execute(
        "update bank.accounts set status = $3, status_reason = $4, closed_at = $5"
        " where partner_id = $1 and account_id = $2",
        account.partner,
        account.id,
        to.value,
        reason,
        at,
    )


async def counterparties(
    db: Connection, partner: str, ledger_accounts: Sequence[str]
) -> dict[str, Counterparty]:
    """Number and owner of the data space's accounts among some ledger accounts.

    A merchant's pending account is shown under the merchant's id and name.
    """
    rows = await db.fetch(
        "select a.ledger_account, a.number, c.name_zh, c.name_en from bank.accounts a"
        " join bank.customers c using (partner_id, customer_id)"
        " where a.partner_id = $1 and a.ledger_account = any($2::text[])"
        " union all select m.pending_ledger_account, m.merchant_id, m.name_zh, m.name_en"
        " from bank.merchants m"
        " where m.partner_id = $1 and m.pending_ledger_account = any($2::text[])",
        partner,
        list(ledger_accounts),
    )
    return {
        row["ledger_account"]: Counterparty(row["number"], row["name_zh"], row["name_en"])
        for row in rows
    }


async def insert_token(db: Connection, partner: str, token: PayerToken, *, at: datetime) -> bool:
    """Store a payer's token; False when there is one with this hash."""
    row = await db.fetchrow(
        "insert into bank.payer_tokens"
        " (partner_id, token_hash, account_id, reusable, issued_at, expires_at)"
        " values ($1, $2, $3, $4, $5, $6)"
        " on conflict do nothing returning partner_id",
        partner,
        token.hash,
        token.account,
        token.reusable,
        at,
        token.expires_at,
    )
    return row is not None


async def find_token(db: Connection, partner: str, token_hash: bytes) -> PayerToken | None:
    """The token with this hash and whether it was spent."""
    row = await db.fetchrow(
        "select t.token_hash, t.account_id, t.reusable, t.expires_at, u.token_hash is not null"
        " as used from bank.payer_tokens t"
        " left join bank.payer_token_uses u using (partner_id, token_hash)"
        " where t.partner_id = $1 and t.token_hash = $2",
        partner,
        token_hash,
    )
    if row is None:
        return None
    return PayerToken(
        row["token_hash"],
        AccountId(row["account_id"]),
        row["reusable"],
        row["expires_at"],
        row["used"],
    )


def token_spent(partner: str, token_hash: bytes, *, used_for: str, at: datetime) -> Write:
    """The row that spends a token; a second one violates SPENT_ONCE."""
    return Write(_SPEND, (partner, token_hash, used_for, at))


def _row(account: Account) -> tuple[object, ...]:
    return (
        account.partner,
        account.id,
        account.number,
        account.customer,
        account.product_class.value,
        account.currency,
        account.status.value,
        account.status_reason,
        account.ledger_account,
        account.branch,
        account.opened_at,
        account.account_class,
        account.bound_ledger_account,
    )


def _account(row: Row) -> Account:
    return Account(
        id=AccountId(row["account_id"]),
        partner=row["partner_id"],
        number=row["number"],
        customer=CustomerId(row["customer_id"]),
        product_class=ProductClass(row["product_class"]),
        currency=row["currency"],
        status=AccountStatus(row["status"]),
        status_reason=row["status_reason"],
        ledger_account=row["ledger_account"],
        branch=BranchId(row["branch_id"]) if row["branch_id"] else None,
        opened_at=row["opened_at"],
        closed_at=row["closed_at"],
        account_class=row["account_class"],
        bound_ledger_account=row["bound_ledger_account"],
    )
