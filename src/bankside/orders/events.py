"""The facts orders publish: ``orders.order.<fact>``, version 1, one per state change of an order.

Facts of payments: created, paid, submitted, held, captured, released, split, split_returned,
refunded, settled, completed, closed, refused, compensated, reconciling. Of papers and positions,
each told by its primitive (``Effect.event``): issued, accepted, endorsed, discounted, dishonoured,
redeemed, sent, granted, drawn, repaid, placed, subscribed and the like. Bodies carry the whole
order as its partner sees it in figures, so that a consumer need not call back; amounts are decimal
strings.

An order whose request named an address for callbacks is also told there, in the request's dialect:
its events carry the address, and its partner is a recipient of the outbox's channel ``notify``.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from bankside.kernel import outbox
from bankside.kernel.call import Callback
from bankside.kernel.clock import Clock, rfc3339
from bankside.kernel.db import Write
from bankside.kernel.events import Event
from bankside.kernel.ids import new_id
from bankside.orders.model import Order

NOTIFY_CHANNEL = "notify"
# What is told at an address for callbacks: what became of the money, not every step on the way.
NOTIFIED = tuple(f"orders.order.{fact}" for fact in ("paid", "refunded", "settled", "closed"))
_SECTION = "callback"


def called_back(order: Order, callback: Callback | None) -> tuple[Order, tuple[Write, ...]]:
    """The new order with the address its later facts are told at, and what makes somebody do so."""
    if callback is None:
        return order, ()
    asked = {_SECTION: msgspec.to_builtins(callback)}
    name = f"{NOTIFY_CHANNEL}:{order.partner}"
    writes = (outbox.registered(name, NOTIFIED, partner=order.partner),)
    return replace(order, book={**order.book, **asked}), writes


def callback_of(told_order: Mapping[str, Any]) -> Callback | None:
    """Where and how the event with this body is to be told; None when nobody asked for it."""
    found = told_order.get(_SECTION)
    return None if found is None else msgspec.convert(found, Callback)


def told(order: Order, facts: tuple[str, ...], clock: Clock) -> list[Event]:
    """One event a fact about the changed order, numbered up to its ``event_seq``."""
    first = order.event_seq - len(facts) + 1
    return [
        Event(
            id=new_id("event", clock),
            type=f"orders.order.{fact}",
            partner=order.partner,
            object_id=order.id,
            object_seq=first + index,
            body=body(order),
        )
        for index, fact in enumerate(facts)
    ]


def body(order: Order) -> dict[str, object]:
    """The order as its events tell it."""
    return {
        "order": order.id,
        "product": order.product,
        "tenant": order.tenant,
        "app": order.app,
        "state": order.state.value,
        "status": order.status,
        "reference": order.reference,
        "parent": order.parent,
        "currency": order.currency,
        "amount": str(order.money(order.amount)),
        "paid": str(order.money(order.paid)),
        "refunded": str(order.money(order.refunded)),
        "split": str(order.money(order.split)),
        "held": str(order.money(order.held)),
        "settled": str(order.money(order.settled)),
        "fee": str(order.money(order.fee)),
        "code": order.output.get("code"),
        "at": rfc3339(order.updated_at),
        **_for_callback(order),
    }


def _for_callback(order: Order) -> dict[str, object]:
    """What a callback tells beyond the event, only where there is one."""
    if _SECTION not in order.book:
        return {}
    return {
        _SECTION: order.book[_SECTION],
        "merchant": order.input.get("merchant"),
        "created_at": rfc3339(order.created_at),
        "paid_at": order.output.get("paid_at"),
    }
