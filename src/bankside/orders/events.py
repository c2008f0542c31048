"""The facts orders publish: ``orders.order.<fact>``, version 1, one per state change of an order.

Facts of payments: created, paid, submitted, held, captured, released, split, split_returned,
refunded, settled, completed, closed, refused, compensated, reconciling. Of papers and positions,
each told by its primitive (``Effect.event``): issued, accepted, endorsed, discounted, dishonoured,
redeemed, sent, granted, drawn, repaid, placed, subscribed and the like. Bodies carry the whole
order as its partner sees it in figures, so that a consumer need not call back; amounts are decimal
strings.
"""

from bankside.kernel.clock import Clock, rfc3339
from bankside.kernel.events import Event
from bankside.kernel.ids import new_id
from bankside.orders.model import Order


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
    }
