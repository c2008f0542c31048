"""Use cases of the standing orders slice; each runs in the caller's transaction."""

import re
from collections.abc import Collection

from bankside.bank.accounts import account as find_account
from bankside.bank.standing_orders import store
from bankside.bank.standing_orders.errors import StandingOrderInvalid
from bankside.bank.standing_orders.model import NewStandingOrder, StandingOrder
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import new_id

# As many as one list shows.
STANDING_ORDERS_MAX = 500
# Every week on a weekday, or every n-th month on a day (UK Open Banking, Frequency).
_FREQUENCY = re.compile(
    r"EvryDay|IntrvlWkDay:0[1-9]:0[1-7]|IntrvlMnthDay:(0[1-6]|12|24):(0[1-9]|[12][0-9]|3[01])"
)


async def set_up(
    db: Connection, clock: Clock, partner: str, asked: NewStandingOrder
) -> StandingOrder:
    """The standing order stands. Raises AccountNotFound, StandingOrderInvalid."""
    account = await find_account(db, partner, asked.account)
    if asked.amount.minor < 1 or asked.amount.currency != account.currency:
        raise StandingOrderInvalid(f"it pays an amount above zero in {account.currency}")
    if not _FREQUENCY.fullmatch(asked.frequency):
        raise StandingOrderInvalid(f"{asked.frequency[:40]!r} is no frequency")
    if asked.final_on is not None and asked.final_on < asked.first_on:
        raise StandingOrderInvalid("its last payment lies before its first")
    order = StandingOrder(
        id=asked.id or new_id("standing_order", clock),
        partner=partner,
        account=account.id,
        payee_account=asked.payee_account,
        payee_name=asked.payee_name,
        amount=asked.amount,
        reference=asked.reference,
        frequency=asked.frequency,
        first_on=asked.first_on,
        next_on=asked.first_on,
        final_on=asked.final_on,
        is_active=True,
    )
    await store.insert(db, order)
    return order


async def standing_orders_of(
    db: Connection, partner: str, accounts: Collection[str]
) -> list[StandingOrder]:
    """The standing orders of these accounts (ids), by account; at most STANDING_ORDERS_MAX."""
    return await store.of_accounts(db, partner, list(accounts), limit=STANDING_ORDERS_MAX)
