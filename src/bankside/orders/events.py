"""The facts orders publish: ``orders.order.<fact>``, version 1, one per state change of an order.

Facts of payments: created, paid, submitted, held, captured, released, split, split_returned,
refunded, settled, completed, closed, refused, compensated, reconciling. Of papers and positions,
each told by its primitive (``Effect.event``): issued, accepted, endorsed, discounted, dishonoured,
redeemed, sent, granted, drawn, repaid, placed, subscribed and the like. Bodies carry the whole
order as its partner sees it in figures, so that a consumer need not call back; amounts are decimal
strings.

An order whose request named an address for callbacks is also told there, in the request's dialect:
its events carry the address, and are queued for it in the order's own commit. Each server of a
partner has a queue of its own, so that a dead one holds up no other.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import msgspec

from bankside.kernel import outbox
from bankside.kernel.call import Callback
from bankside.kernel.clock import Clock, rfc3339
from bankside.kernel.db import Write
from bankside.kernel.events import Event
from bankside.kernel.ids import new_id
from bankside.orders.model import Order

# Channels of the outbox: the form dialects' callbacks, and the native wire's.
NOTIFY_CHANNEL = "notify"
CALLBACK_CHANNEL = "callback"
_NATIVE = "native"
# What the form dialects tell: what became of the money, not every step on the way.
_FORM_FACTS = frozenset({"paid", "refunded", "settled", "closed"})
_SECTION = "callback"
# How a sandbox wants to be told: twice, in the wrong order, late.
_ACTED = "sandbox"


def called_back(order: Order, callback: Callback | None) -> tuple[Order, tuple[Write, ...]]:
    """The new order with the address its later facts are told at, and what opens its queue."""
    if callback is None or _SECTION in order.book:
        return order, ()
    asked = {_SECTION: msgspec.to_builtins(callback)}
    opened = outbox.registered(_queue(order.partner, callback), (), partner=order.partner)
    return replace(order, book={**order.book, **asked}), (opened,)


def told_natively(order: Order, callback: Callback | None) -> tuple[Order, tuple[Write, ...]]:
    """``called_back`` for the native wire, which tells of orders of every family."""
    return called_back(order, callback if callback and callback.wire == _NATIVE else None)


def published(order: Order, facts: tuple[str, ...], clock: Clock) -> list[Write]:
    """The events of the changed order, and their places in the queue of its address."""
    facts_told = told(order, facts, clock)
    writes = [outbox.publish(each) for each in facts_told]
    callback = callback_of(order.book)
    if callback is not None:
        queue, at = _queue(order.partner, callback), clock.now()
        writes += [
            outbox.queued(event, queue, at=at)
            for event, fact in zip(facts_told, facts, strict=True)
            if callback.wire == _NATIVE or fact in _FORM_FACTS
        ]
    return writes


def _queue(partner: str, callback: Callback) -> str:
    """The recipient of the outbox that stands for the server an address is on."""
    channel = CALLBACK_CHANNEL if callback.wire == _NATIVE else NOTIFY_CHANNEL
    parts = urlsplit(callback.url)
    server = hashlib.sha256(f"{parts.scheme}://{parts.netloc}".lower().encode()).hexdigest()
    return f"{channel}:{partner}:{server[:16]}"


def callback_of(told_order: Mapping[str, Any]) -> Callback | None:
    """Where and how the event with this body is to be told; None when nobody asked for it."""
    found = told_order.get(_SECTION)
    return None if found is None else msgspec.convert(found, Callback)


def acted(outcome: str) -> dict[str, dict[str, str]]:
    """What a sandbox app asked about the telling of its new order, for the order's book."""
    asked = outcome.rpartition("callbacks=")[2] if "callbacks=" in outcome else ""
    return {_ACTED: {"callbacks": asked.partition(";")[0].strip()}} if asked else {}


def acted_of(told_order: Mapping[str, Any]) -> str:
    """How the event with this body is to be told badly, in a sandbox; empty: as always."""
    return str(told_order.get(_ACTED, {}).get("callbacks", ""))


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
        **({_ACTED: order.book[_ACTED]} if _ACTED in order.book else {}),
    }


def facts(order: Order) -> dict[str, object]:
    """The order as its partner is told of it outside events: on its payer's way back."""
    return {**body(order), **_times(order)}


def _for_callback(order: Order) -> dict[str, object]:
    """What a callback tells beyond the event, only where there is one."""
    if _SECTION not in order.book:
        return {}
    return {_SECTION: order.book[_SECTION], **_times(order)}


def _times(order: Order) -> dict[str, object]:
    return {
        "merchant": order.input.get("merchant"),
        "created_at": rfc3339(order.created_at),
        "paid_at": order.output.get("paid_at"),
    }
