"""Use cases of the standing orders slice; each runs in the caller's transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date

from bankside.bank.accounts import account as find_account
from bankside.bank.standing_orders import rules, store
from bankside.bank.standing_orders.errors import StandingOrderInvalid
from bankside.bank.standing_orders.model import NewStandingOrder, StandingOrder
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection, Write
from bankside.kernel.ids import new_id

# As many as one list shows.
STANDING_ORDERS_MAX = 500


async def set_up(
    db: Connection, clock: Clock, partner: str, asked: NewStandingOrder
) -> StandingOrder:
    """The standing order stands. Raises AccountNotFound, StandingOrderInvalid."""
    account = await find_account(db, partner, asked.account)
    if asked.amount.minor < 1 or asked.amount.currency != account.currency:
        raise StandingOrderInvalid(f"it pays an amount above zero in {account.currency}")
    if not rules.FREQUENCY.fullmatch(asked.frequency):
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


async def due_standing_orders(
    db: Connection,
    day: date,
    *,
    after: tuple[date, str, str],
    limit: int,
    apart: Collection[str] = (),
) -> Sequence[StandingOrder]:
    """Active orders whose date, or next try, has come by a day, longest due first.

    Reads over all data spaces but those ``apart``: the clock acts for the bank, not for a caller.
    """
    return await store.due(db, day, after=after, limit=limit, apart=apart)


async def first_standing_orders(
    db: Connection, spaces: Sequence[str]
) -> Mapping[str, StandingOrder]:
    """The active order that is due first in each of these sandbox spaces, where there is one."""
    return {each.partner: each for each in await store.first_of(db, spaces)}


def tried_again(order: StandingOrder, day: date) -> Write:
    """The order's date was tried and not paid: it is tried again on ``day``."""
    return store.moved(replace(order, pay_on=day, tries=order.tries + 1), before=order)


def moved_on(order: StandingOrder, since: date) -> Write:
    """The order waits for its first date after ``since``; after its last one it is over."""
    found = rules.date_after(order, since)
    after = replace(order, next_on=found, pay_on=None, tries=0, is_active=found is not None)
    return store.moved(after, before=order)
