"""Standing orders are paid by the clock: each date is an order of its own, a plain transfer.

Always true: a date is paid at most once (the transfer's number names standing order, date and try,
and the standing order moves on in the commit that pays); it is paid from 9:00 Beijing time on its
date, or on the first working day after it; one that the ledger or a limit refuses is tried on the
next two working days and then passed over. A date that nobody paid for a week is passed over as
well: whoever waited for it has paid it otherwise. A sandbox space whose clock was moved is paid by
that clock (`sandbox.jump`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from bankside.bank.accounts import Account, accounts_by_reference
from bankside.bank.standing_orders import (
    StandingOrder,
    due_standing_orders,
    first_standing_orders,
    moved_on,
    pays_on,
    tried_again,
)
from bankside.kernel.calendar import next_business_day
from bankside.kernel.db import Connection, Write, transaction, write_all
from bankside.kernel.errors import BanksideError, Unavailable
from bankside.kernel.ids import new_id
from bankside.orders import engine, limits, parties, store, store_keys
from bankside.orders.desk import Desk, Moved, Unit
from bankside.orders.engine import Change
from bankside.orders.errors import AccountUnknown
from bankside.orders.families import drafts
from bankside.orders.model import Order, State
from bankside.orders.pricing import terms
from bankside.orders.primitives.deposit import bank_day
from bankside.orders.primitives.mandate import due_at
from bankside.orders.store_keys import Spending
from bankside.partners import moved_clocks

PRODUCT: Final = "payment.internal-transfers"
# Who the call record and the order name as the app: nobody called.
APP: Final = "bank:standing-orders"
TRIES_MAX: Final = 3
LATE_DAYS_MAX: Final = 7
PAGE: Final = 200
PAGES_MAX: Final = 500

_log = structlog.get_logger("orders")


@dataclass(frozen=True, slots=True)
class _Payment:
    """A transfer that is about to be made, with what it adds to the payer's day."""

    order: Order
    spending: Spending | None


async def pay(desk: Desk) -> int:
    """Pay every standing order that is due; how many were paid, refused or passed over.

    Data spaces with clocks of their own are apart.
    """
    at = desk.clock.now()
    handled = 0
    after = (date.min, "", "")
    async with desk.reading() as db:
        apart = await moved_clocks(db)
    for _ in range(PAGES_MAX):
        async with desk.reading() as db:
            found = await due_standing_orders(
                db, bank_day(at), after=after, limit=PAGE, apart=apart.keys()
            )
        for each in found:
            handled += await _one(desk, each, at)
        if len(found) < PAGE:
            break
        last = found[-1]
        assert last.next_on is not None, "only those with a date are due"
        after = (last.pay_on or last.next_on, last.partner, last.id)
    return handled


async def pay_in(desk: Desk, space: str) -> None:
    """Pay what is due in a data space of the sandbox by its clock, the desk's."""
    at = desk.clock.now()
    for _ in range(PAGE):
        async with desk.reading() as db:
            first = (await first_standing_orders(db, [space])).get(space)
        if first is None or not await _one(desk, first, at):
            break


async def dues(db: Connection, spaces: Sequence[str]) -> dict[str, datetime]:
    """When the next standing order is due in each of the spaces that have one, by its own clock."""
    found = {}
    for space, first in (await first_standing_orders(db, spaces)).items():
        due = pays_on(first)
        assert due is not None, "it is active and has a date"
        found[space] = due_at(due)
    return found


async def _one(desk: Desk, standing: StandingOrder, at: datetime) -> bool:
    """One standing order; one that fails is logged and tried at the next sweep."""
    due = pays_on(standing)
    if due is None or at < due_at(due):
        return False
    try:
        if (bank_day(at) - due).days > LATE_DAYS_MAX:
            since = bank_day(at) - timedelta(days=LATE_DAYS_MAX + 1)
            await _moves(desk, moved_on(standing, since))
        else:
            await _pays(desk, standing, at)
    except Moved:
        return False  # Another worker was first.
    except BanksideError as error:
        _log.warning("standing_order_not_paid", standing_order=standing.id, code=error.code)
        return False
    return True


async def _pays(desk: Desk, standing: StandingOrder, at: datetime) -> None:
    assert standing.next_on is not None, "only those with a date are due"
    async with desk.reading() as db:
        before = await store.find_by_reference(
            db, standing.partner, [_scope(standing)], _number(standing)
        )
    if before is not None and before.state is State.REFUSED:
        # A worker died between the refusal and what follows from it.
        await _not_paid(desk, standing, at)
        return
    on = moved_on(standing, standing.next_on)
    try:
        async with desk.reading() as db:
            payment = await _drafted(db, desk, standing, at)
        order = payment.order
        change = engine.run(order, "transfer.execute", {}, at)

        def refused(group: UUID) -> Change:
            return engine.refused(order, "transfer.execute", group, at)

        spent = (store_keys.spent(payment.spending),) if payment.spending else ()
        await desk.commit(
            Unit(
                changes=(change,),
                refused=refused,
                writes=(on, *spent),
                narrative=standing.reference,
            )
        )
    except Unavailable:
        raise
    except BanksideError as refusal:
        _log.info("standing_order_refused", standing_order=standing.id, code=refusal.code)
        await _not_paid(desk, standing, at)


async def _not_paid(desk: Desk, standing: StandingOrder, at: datetime) -> None:
    """The date is tried again on the next working day, or passed over after its last try."""
    assert standing.next_on is not None, "only those with a date are due"
    if standing.tries + 1 < TRIES_MAX:
        await _moves(desk, tried_again(standing, next_business_day(bank_day(at))))
    else:
        await _moves(desk, moved_on(standing, standing.next_on))


async def _moves(desk: Desk, write: Write) -> None:
    async with transaction(desk.pool) as db:
        await write_all(db, [write])


async def _drafted(db: Connection, desk: Desk, standing: StandingOrder, at: datetime) -> _Payment:
    """The transfer of a date. Raises AccountUnknown for a payee elsewhere, limits."""
    found = await accounts_by_reference(
        db, standing.partner, [standing.account, standing.payee_account]
    )
    payer, payee = found.get(standing.account), found.get(standing.payee_account)
    if payer is None or payee is None or payee.currency != standing.amount.currency:
        raise AccountUnknown("the payee has no account of this currency here")
    order = _order(desk, standing, (payer, payee), at)
    spending = await limits.admitted(
        db,
        desk.catalogue.product(PRODUCT),
        partner=order.partner,
        subject=order.subject,
        amount=standing.amount,
        at=at,
    )
    return _Payment(order, spending)


def _order(desk: Desk, standing: StandingOrder, accounts: Sequence[Account], at: datetime) -> Order:
    payer, payee = accounts
    product = desk.catalogue.product(PRODUCT)
    asked = {
        "payer_account": payer.id,
        "payee_account": payee.id,
        "amount": standing.amount,
        "remark": standing.reference,
    }
    return Order(
        partner=standing.partner,
        id=new_id("order", desk.clock),
        tenant=None,
        app=APP,
        product=PRODUCT,
        family=product.archetype,
        plan=drafts.plan(product),
        scope=_scope(standing),
        reference=_number(standing),
        content_hash=drafts.content_hash(PRODUCT, asked),
        subject=payer.ledger_account,
        currency=standing.amount.currency,
        amount=standing.amount.minor,
        terms=terms(product, standing.amount.currency),
        roles={
            "payer_account": payer.ledger_account,
            "payee_account": payee.ledger_account,
            **parties.house(standing.amount.currency),
        },
        input={**drafts.kept(asked), "standing_order": standing.id},
        output={"branch": payer.branch},
        created_at=at,
        updated_at=at,
    )


def _scope(standing: StandingOrder) -> str:
    return f"standing:{standing.id}"


def _number(standing: StandingOrder) -> str:
    """The transfer's number: the date it is for, and which try of it this is."""
    assert standing.next_on is not None, "only those with a date are due"
    return f"{standing.next_on.isoformat()}/{standing.tries + 1}"
