"""SQL of the standing orders slice; every question takes the data space."""

from collections.abc import Sequence

from bankside.bank.standing_orders.model import StandingOrder
from bankside.kernel.db import Connection
from bankside.kernel.ids import AccountId
from bankside.kernel.money import Money

# What the columns say of orders that were set up here and not loaded from another bank.
_OWN_BANK, _OWN_SOURCE = "", "bankside"


async def insert(db: Connection, order: StandingOrder) -> None:
    """Store a standing order; one that stands already stays as it is."""
    await db.execute(
        "insert into bank.standing_orders (partner_id, standing_order_id, account_id, payee_bank,"
        " payee_account, amount_minor, currency, category, source, payee_name, reference,"
        " frequency, first_on, next_on, final_on)"
        " values ($1, $2, $3, $4, $5, $6, $7, '', $8, $9, $10, $11, $12, $13, $14)"
        " on conflict do nothing",
        order.partner,
        order.id,
        order.account,
        _OWN_BANK,
        order.payee_account,
        order.amount.minor,
        order.amount.currency,
        _OWN_SOURCE,
        order.payee_name,
        order.reference,
        order.frequency,
        order.first_on,
        order.next_on,
        order.final_on,
    )


async def of_accounts(
    db: Connection, partner: str, accounts: Sequence[str], *, limit: int
) -> list[StandingOrder]:
    """Up to ``limit`` standing orders of the accounts, by account and id."""
    rows = await db.fetch(
        "select standing_order_id, account_id, payee_account, payee_name, amount_minor, currency,"
        " reference, frequency, first_on, next_on, final_on, status"
        " from bank.standing_orders where partner_id = $1 and account_id = any($2::text[])"
        " order by account_id, standing_order_id limit $3",
        partner,
        accounts,
        limit,
    )
    return [
        StandingOrder(
            id=row["standing_order_id"],
            partner=partner,
            account=AccountId(row["account_id"]),
            payee_account=row["payee_account"],
            payee_name=row["payee_name"],
            amount=Money(row["amount_minor"], row["currency"]),
            reference=row["reference"],
            frequency=row["frequency"],
            first_on=row["first_on"],
            next_on=row["next_on"],
            final_on=row["final_on"],
            is_active=row["status"] == "active",
        )
        for row in rows
    ]
