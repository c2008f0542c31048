"""The beginning of an order: its plan, price, number and place in its partner's data space."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bankside.catalog import Product
from bankside.kernel.ids import new_id
from bankside.kernel.money import Money
from bankside.orders import events
from bankside.orders.desk import Desk, Ticket
from bankside.orders.model import Order, PlanStep
from bankside.orders.pricing import terms

# A payer's code is shown anew at each attempt; it is not part of what is being paid for.
NOT_CONTENT = frozenset({"payer_token"})

Form = Mapping[str, Any]

__all__ = [
    "NOT_CONTENT",
    "Form",
    "batches_scope",
    "content_hash",
    "draft",
    "kept",
    "orders_scope",
    "plan",
    "refunds_scope",
    "terms",
    "transfers_scope",
]


def draft(desk: Desk, ticket: Ticket, form: Form, *, amount: Money, subject: str) -> Order:
    """A new order for the product the ticket calls, without number, roles and terms yet."""
    caller = ticket.call.caller
    return Order(
        partner=caller.partner,
        id=new_id("order", desk.clock),
        tenant=caller.tenant,
        app=caller.app,
        psu=caller.psu,
        product=ticket.product.id,
        product_version=ticket.product.version,
        family=ticket.product.archetype,
        plan=plan(ticket.product),
        scope="",
        content_hash=content_hash(ticket.product.id, form),
        subject=subject,
        currency=amount.currency,
        amount=amount.minor,
        input=kept(form),
        book=events.acted(ticket.call.outcome),
        created_at=ticket.at,
        updated_at=ticket.at,
    )


def plan(product: Product) -> tuple[PlanStep, ...]:
    """The product's steps, copied: a new version never changes an order in flight."""
    return tuple(
        PlanStep(step.id, step.use, step.when, step.on_failure, dict(step.roles))
        for step in product.steps
    )


def content_hash(product: str, form: Form) -> bytes:
    """What an order is about: equal for equal requests, whatever key or payer's code they carry."""
    content = {name: value for name, value in form.items() if name not in NOT_CONTENT}
    text = json.dumps([product, _plain(content)], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).digest()


def kept(form: Form) -> dict[str, Any]:
    """The request as the order keeps it: plain JSON, without the payer's code (C3)."""
    return {name: _plain(value) for name, value in form.items() if name not in NOT_CONTENT}


def orders_scope(tenant: str | None) -> str:
    """The space in which order numbers of collections and holds are unique."""
    return f"order:{tenant or ''}"


def transfers_scope(tenant: str | None) -> str:
    """The space of end-to-end ids."""
    return f"transfer:{tenant or ''}"


def batches_scope(tenant: str | None) -> str:
    """The space of batch numbers."""
    return f"batch:{tenant or ''}"


def refunds_scope(order_id: str) -> str:
    """Refund numbers are unique within the order they refund."""
    return f"refund:{order_id}"


def _plain(value: Any) -> Any:
    if isinstance(value, Money):
        return value.to_json()
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value if isinstance(value, int | str | bool) else str(value)
