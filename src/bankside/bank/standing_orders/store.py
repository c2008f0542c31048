"""SQL of the standing orders slice; every question takes the data space."""

from collections.abc import Collection, Sequence
from datetime import date

from bankside.bank.standing_orders.model import StandingOrder
from bankside.kernel.db import Connection, Row, Write
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


_COLUMNS = (
    "partner_id, standing_order_id, account_id, payee_account, payee_name, amount_minor, currency,"
    " reference, frequency, first_on, next_on, final_on, status, pay_on, tries"
)
# Who comes second moves nothing: the date it decided on is no longer the order's.
_MOVE = (
    "update bank.standing_orders set next_on = $5, pay_on = $6, tries = $7, status = $8"
    " where partner_id = $1 and standing_order_id = $2 and next_on = $3 and tries = $4"
)


def moved(order: StandingOrder, *, before: StandingOrder) -> Write:
    """The order's next date and try, from those it stood at ``before``."""
    status = "active" if order.is_active else "inactive"
    row = (order.partner, order.id, before.next_on, before.tries)
    return Write(_MOVE, (*row, order.next_on, order.pay_on, order.tries, status))


async def due(
    db: Connection,
    day: date,
    *,
    after: tuple[date, str, str],
    limit: int,
    apart: Collection[str],
) -> list[StandingOrder]:
    """Up to ``limit`` active orders due on a day or before, beyond (day, partner, id) ``after``."""
    rows = await db.fetch(
        f"select {_COLUMNS} from bank.standing_orders"  # noqa: S608 - constant column list
        " where status = 'active' and next_on is not null and coalesce(pay_on, next_on) <= $1"
        " and (coalesce(pay_on, next_on), partner_id, standing_order_id) > ($2, $3, $4)"
        " and partner_id <> all($6::text[])"
        " order by coalesce(pay_on, next_on), partner_id, standing_order_id limit $5",
        day,
        *after,
        limit,
        list(apart),
    )
    return [_order(row) for row in rows]


async def first_of(db: Connection, spaces: Sequence[str]) -> list[StandingOrder]:
    """The active order of each of the sandbox spaces that is due first, where there is one."""
    rows = await db.fetch(
        f"select distinct on (partner_id) {_COLUMNS} from bank.standing_orders"  # noqa: S608 - as above
        r" where partner_id = any($1::text[]) and partner_id like 'sbx\_%'"
        " and status = 'active' and next_on is not null"
        " order by partner_id, coalesce(pay_on, next_on), standing_order_id",
        list(spaces),
    )
    return [_order(row) for row in rows]


async def of_accounts(
    db: Connection, partner: str, accounts: Sequence[str], *, limit: int
) -> list[StandingOrder]:
    """Up to ``limit`` standing orders of the accounts, by account and id."""
    rows = await db.fetch(
        f"select {_COLUMNS} from bank.standing_orders"  # noqa: S608 - constant column list
        " where partner_id = $1 and account_id = any($2::text[])"
        " order by account_id, standing_order_id limit $3",
        partner,
        accounts,
        limit,
    )
    return [_order(row) for row in rows]


def _order(row: Row) -> StandingOrder:
    return StandingOrder(
        id=row["standing_order_id"],
        partner=row["partner_id"],
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
        pay_on=row["pay_on"],
        tries=row["tries"],
    )
