"""Orders that are told of an account's entries: subscriptions, and loans repaid from income.

Always true for a subscription: every entry is told once, in order; its event and the mark up to
which was told commit together, so that a teller that dies tells neither twice nor less; an entry is
told after it was posted, never before. The events leave through the outbox to the partner's webhook
endpoints (type ``entry.booked``).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import structlog

from bankside.bank import ledger
from bankside.bank.ledger import Entry
from bankside.kernel.clock import Clock
from bankside.kernel.db import transaction
from bankside.kernel.errors import BanksideError
from bankside.kernel.events import Event
from bankside.kernel.ids import new_id
from bankside.kernel.money import Money
from bankside.kernel.outbox import publish
from bankside.orders import engine, income, store, store_subscriptions
from bankside.orders.desk import Desk, Moved, Unit
from bankside.orders.model import Order, State
from bankside.orders.primitives.effect import section
from bankside.orders.store_subscriptions import Subscription

USE: Final = "notify.send"
EVENT: Final = "orders.entry.booked"
# Entries told in one commit, subscriptions looked at in one question, questions in one sweep.
ENTRIES_AT_ONCE: Final = 100
PAGE: Final = 500
PAGES_MAX: Final = 200

_log = structlog.get_logger("orders")


async def tell(desk: Desk) -> int:
    """Tell every subscription what was booked since it was last told; how many were told."""
    told = 0
    after = ("", "")
    for _ in range(PAGES_MAX):
        async with desk.reading() as db:
            found = await store_subscriptions.page(db, after=after, limit=PAGE)
            now = await ledger.balances(db, {each.ledger_account for each in found})
        for each in found:
            account = now.get(each.ledger_account)
            if account is not None and account.version > each.sequence:
                told += await _told(desk, each)
        if len(found) < PAGE:
            break
        after = (found[-1].partner, found[-1].order)
    return told


async def _told(desk: Desk, subscription: Subscription) -> bool:
    """One subscription's next entries; one that fails is logged and tried at the next sweep."""
    try:
        async with desk.turn(subscription.order):
            await _tell_one(desk, subscription)
    except Moved:
        return False  # Another worker was first.
    except BanksideError as error:
        _log.warning("subscription_not_told", order=subscription.order, code=error.code)
        return False
    return True


async def _tell_one(desk: Desk, subscription: Subscription) -> None:
    async with desk.reading() as db:
        order = await store.find(db, store.Scope(subscription.partner, None), subscription.order)
        if order is None or order.state is not State.WAITING:
            await _end(desk, subscription)
            return
        # The order's own mark is read in its turn: the row's may be another teller's past.
        page = await ledger.entries_page(
            db,
            subscription.ledger_account,
            newest_first=False,
            cursor=str(section(order, _mark(order))["last"]),
            limit=ENTRIES_AT_ONCE,
        )
    if page.items and _mark(order) == income.NOUN:
        await income.take(desk, subscription, order, page.items)
    elif page.items:
        await _commit(desk, subscription, order, page.items)


def _mark(order: Order) -> str:
    """The section that keeps up to which entry the order was told: a loan's, or a subscriber's."""
    return income.NOUN if income.NOUN in order.book else "subscription"


async def _end(desk: Desk, subscription: Subscription) -> None:
    async with transaction(desk.pool) as db:
        await store_subscriptions.ended(db, subscription)


async def _commit(
    desk: Desk, subscription: Subscription, order: Order, entries: Sequence[Entry]
) -> None:
    """The entries are told, and the mark moves, in one commit that only one teller wins."""
    last = entries[-1].version
    events = _events(desk.clock, order, [each for each in entries if _is_wanted(order, each)])
    ask = {"notify": {"receipts": [_receipt(order, each) for each in events], "last": last}}
    # An event a told entry: they are numbered with those of the order itself.
    counted = replace(order, event_seq=order.event_seq + len(events))
    change = replace(engine.again(counted, USE, ask, desk.clock.now()), before=order)
    writes = (store_subscriptions.told(subscription, last), *(publish(each) for each in events))
    await desk.commit(Unit(changes=(change,), writes=writes))


def _is_wanted(order: Order, entry: Entry) -> bool:
    """Whether the subscription asked for entries of this direction and size."""
    direction = order.input.get("direction", "both")
    if direction != "both" and (direction == "credit") != (entry.amount.minor > 0):
        return False
    least = order.input.get("minimum")
    return least is None or abs(entry.amount.minor) >= _minor(least)


def _minor(shown: dict[str, str]) -> int:
    return Money.parse(shown["amount"], shown["currency"]).minor


def _events(clock: Clock, order: Order, entries: Sequence[Entry]) -> list[Event]:
    return [
        Event(
            id=new_id("event", clock),
            type=EVENT,
            partner=order.partner,
            object_id=order.id,
            object_seq=order.event_seq + number,
            body=_body(order, entry),
        )
        for number, entry in enumerate(entries, start=1)
    ]


def _body(order: Order, entry: Entry) -> dict[str, Any]:
    """What is told of an entry: never a balance, a name or a remark, which are the holder's."""
    amount = replace(entry.amount, minor=abs(entry.amount.minor))
    account = order.input["account"]
    return {
        "subscription": order.id,
        "tenant": order.tenant,
        "account": account,
        "entry": f"{account}.{entry.version}",
        "sequence": entry.version,
        "credit_debit": "CRDT" if entry.amount.minor > 0 else "DBIT",
        "amount": str(amount),
        "currency": amount.currency,
        "kind": entry.kind,
        "group": str(entry.group),
        "booking_date": entry.booking_date.isoformat(),
        "value_date": entry.value_date.isoformat(),
    }


def _receipt(order: Order, event: Event) -> dict[str, Any]:
    """What the order keeps of an entry it was told."""
    body = event.body
    comes_in = body["credit_debit"] == "CRDT"
    sum_ = f"{body['amount']} {body['currency']}"
    return {
        "party": order.input["account"],
        "text": {
            "zh": f"{'入账' if comes_in else '出账'} {sum_}",
            "en": f"{'In' if comes_in else 'Out'}: {sum_}",
        },
        "state": "told",
        "simulated": False,
        "entry": body["entry"],
        "event": event.id,
    }
