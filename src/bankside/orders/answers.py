"""What a caller gets to see of an order: one shape per family, every field always there.

All families: ``id``, ``product``, ``state`` (runtime), ``status`` (the family's word for the
money), ``request`` (what was asked for), ``created_at``, ``updated_at`` and ``code``/``detail`` of
the refusal that ended it, or null. Absent values are null; amounts are
``{"amount", "currency"}``; times RFC 3339 UTC.
Documented in ``docs/build/orders.md``.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bankside.kernel.clock import rfc3339
from bankside.kernel.money import Money
from bankside.orders.model import Line, Order

Shown = dict[str, Any]

# The code of an order that has no page of its own; it names the order and nothing else.
QR_PREFIX = "bankside:pay:"


def show(order: Order) -> Shown:
    """The order in its family's shape."""
    return {
        "id": order.id,
        "product": order.product,
        "state": order.state.value,
        "status": order.status,
        **_BY_FAMILY.get(order.family, _product)(order),
        "request": dict(order.input),
        "code": order.output.get("code"),
        "detail": order.output.get("detail"),
        "created_at": rfc3339(order.created_at),
        "updated_at": rfc3339(order.updated_at),
    }


def show_line(line: Line, currency: str) -> Shown:
    """One line of a bulk order with its result."""
    return {
        "line_no": line.no,
        "payee_account": line.payee_account,
        "amount": Money(line.amount, currency).to_json(),
        "withheld": Money(line.withheld, currency).to_json(),
        "remark": line.remark or None,
        "state": line.state,
        "code": line.reason,
        "retried_in": line.retried_in,
    }


def _collect(order: Order) -> Shown:
    waits = order.waits_for == "collect.confirm"
    page = order.book.get("page", {}).get("url")
    return {
        "order_no": order.reference,
        "merchant": order.input["merchant"],
        "subject": order.input.get("subject"),
        "amount": _money(order, order.amount),
        "paid": _money(order, order.paid),
        "refunded": _money(order, order.refunded),
        "split": _money(order, order.split),
        "settled": _money(order, order.settled),
        "fee": _money(order, order.fee),
        "simulated": order.output.get("simulated", False),
        "pay_url": page,
        "code_url": f"{page}/code" if page and waits else None,
        "qr_code": (page or QR_PREFIX + order.id) if waits else None,
        "expires_at": _time(order.wake_at) if waits else None,
        "paid_at": order.output.get("paid_at"),
    }


def _split(order: Order) -> Shown:
    return _collect(order) | {
        "receivers": [
            {"account": account, "received": _money(order, minor)}
            for account, minor in _receivers(order).items()
        ],
        "split_requests": order.requests,
        "frozen_until": _time(order.wake_at) if order.waits_for == "split.execute" else None,
    }


def _receivers(order: Order) -> Mapping[str, int]:
    declared = {each["account"]: 0 for each in order.input.get("receivers", ())}
    return {**declared, **order.shares}


def _hold(order: Order) -> Shown:
    return {
        "order_no": order.reference,
        "merchant": order.input["merchant"],
        "subject": order.input.get("subject"),
        "amount": _money(order, order.amount),
        "held": _money(order, order.held),
        "captured": _money(order, order.paid),
        "paid": _money(order, order.paid),
        "refunded": _money(order, order.refunded),
        "settled": _money(order, order.settled),
        "fee": _money(order, order.fee),
        "expires_at": _time(order.wake_at),
        "paid_at": order.output.get("paid_at"),
    }


def _refund(order: Order) -> Shown:
    return {
        "refund_no": order.reference,
        "order": order.parent,
        "order_no": order.input.get("order_no"),
        "amount": _money(order, order.amount),
        "order_paid": order.output.get("order_paid"),
        "order_refunded": order.output.get("order_refunded"),
        "reason": order.input.get("reason"),
    }


def _transfer(order: Order) -> Shown:
    return {
        "end_to_end_id": order.reference,
        "payer_account": order.input["payer_account"],
        "payee_account": order.input["payee_account"],
        "amount": _money(order, order.amount),
        "paid": _money(order, order.paid),
        "fee": _money(order, order.fee),
        "remark": order.input.get("remark"),
        "paid_at": order.output.get("paid_at"),
    }


def _payout(order: Order) -> Shown:
    return {
        "batch_no": order.reference,
        "retry_of": order.parent,
        "payer_account": order.input["payer_account"],
        "amount": _money(order, order.amount),
        "count": order.input["count"],
        "paid": _money(order, order.paid),
        "paid_count": order.output.get("paid_count"),
        "failed_count": order.output.get("failed_count"),
        "fee": _money(order, order.fee),
        "remark": order.input.get("remark"),
    }


def _file(order: Order) -> Shown:
    return {
        "subject": order.input["subject"],
        "period": order.input["period"],
        "format": order.input["format"],
        "content_type": order.output.get("content_type"),
        "bytes": order.output.get("bytes"),
        "rows": order.output.get("rows"),
        "sha256": order.output.get("sha256"),
    }


def _product(order: Order) -> Shown:
    """An order of mixed steps: its money, what it waits for, and what its steps found out."""
    return {
        "reference": order.reference,
        "parent": order.parent,
        "amount": _money(order, order.amount),
        "paid": _money(order, order.paid),
        "refunded": _money(order, order.refunded),
        "held": _money(order, order.held),
        "fee": _money(order, order.fee),
        "waits_for": order.waits_for,
        "due_at": _time(order.wake_at),
        "simulated": order.output.get("simulated", False),
        "result": {noun: shown_section(order, noun) for noun in order.book},
    }


def shown_section(order: Order, noun: str) -> Shown:
    """What a primitive shows of its section: without names that begin with ``_``, and ledger ids.

    Whole numbers under ``minor`` names are amounts of the order's currency.
    """
    shown: Shown = {}
    for name, value in order.book[noun].items():
        if name.startswith("_") or name == "ledger":
            continue
        if name.endswith("_minor"):
            shown[name.removesuffix("_minor")] = _money(order, value)
        else:
            shown[name] = _section(order, value)
    return shown


def _section(order: Order, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name.removesuffix("_minor"): _money(order, each)
            if name.endswith("_minor")
            else _section(order, each)
            for name, each in value.items()
            if not name.startswith("_")
        }
    if isinstance(value, list | tuple):
        return [_section(order, each) for each in value]
    return value


_BY_FAMILY: Mapping[str, Callable[[Order], Shown]] = {
    "collect": _collect,
    "collect_split": _split,
    "hold_capture": _hold,
    "refund": _refund,
    "transfer": _transfer,
    "payout": _payout,
    "query_file": _file,
}


def _money(order: Order, minor: int) -> dict[str, str]:
    return order.money(minor).to_json()


def _time(at: datetime | None) -> str | None:
    return rfc3339(at) if at else None
