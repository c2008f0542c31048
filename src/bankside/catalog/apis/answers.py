"""The shapes of answers: of an order by its archetype, of a query by its product.

Every field is always there; a value that is not known yet is null. The tables say what the order
runtime shows (`orders/answers.py`).
"""

from collections.abc import Mapping
from typing import Any

from bankside.catalog.apis.answers_platform import PLATFORM
from bankside.catalog.model import Product, ProductOperation

Schema = dict[str, Any]

# Words of the tables below; a trailing ``?`` allows null.
_WORDS: Mapping[str, Schema] = {
    "text": {"type": "string"},
    "int": {"type": "integer"},
    "bool": {"type": "boolean"},
    "uris": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["uri"],
            "properties": {"uri": {"type": "string"}},
        },
    },
    "keys": {"type": "array", "items": {"type": "object", "required": ["kty", "kid", "alg"]}},
    "types": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["type"],
            "properties": {"type": {"type": "string"}},
        },
    },
    "money": {"$ref": "#/components/schemas/Money"},
    "time": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
    "order": {"$ref": "#/components/schemas/Order"},
    "object": {"type": "object"},
    "objects": {"type": "array", "items": {"type": "object"}},
    "legs": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["from", "to", "amount"],
            "properties": {
                "from": {"type": "string"},
                "to": {"type": "string"},
                "amount": {"$ref": "#/components/schemas/Money"},
            },
        },
    },
    "receivers": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["account", "received"],
            "properties": {
                "account": {"type": "string"},
                "received": {"$ref": "#/components/schemas/Money"},
            },
        },
    },
    "counterparty": {
        "type": "object",
        "required": ["account", "name_zh", "name_en"],
        "properties": {
            name: {"type": ["string", "null"]} for name in ("account", "name_zh", "name_en")
        },
    },
}
_HEAD = {"id": "text", "product": "text", "state": "text", "status": "text"}
_TAIL = {
    "request": "object",
    "code": "text?",
    "detail": "text?",
    "created_at": "time",
    "updated_at": "time",
}
_COLLECT = {
    "order_no": "text",
    "merchant": "text",
    "subject": "text?",
    "amount": "money",
    "paid": "money",
    "refunded": "money",
    "split": "money",
    "settled": "money",
    "fee": "money",
    "simulated": "bool",
    "pay_url": "text?",
    "code_url": "text?",
    "qr_code": "text?",
    "expires_at": "time?",
    "paid_at": "time?",
}
# archetype -> what an order of it shows between head and tail
ORDERS: Mapping[str, Mapping[str, str]] = {
    "collect": _COLLECT,
    "collect_split": {
        **_COLLECT,
        "receivers": "receivers",
        "split_requests": "int",
        "frozen_until": "time?",
    },
    "hold_capture": {
        "order_no": "text",
        "merchant": "text",
        "subject": "text?",
        "amount": "money",
        "held": "money",
        "captured": "money",
        "paid": "money",
        "refunded": "money",
        "settled": "money",
        "fee": "money",
        "expires_at": "time?",
        "paid_at": "time?",
    },
    "refund": {
        "refund_no": "text?",
        "order": "text",
        "order_no": "text?",
        "amount": "money",
        "order_paid": "money?",
        "order_refunded": "money?",
        "reason": "text?",
    },
    "transfer": {
        "end_to_end_id": "text?",
        "payer_account": "text",
        "payee_account": "text",
        "amount": "money",
        "paid": "money",
        "fee": "money",
        "remark": "text?",
        "paid_at": "time?",
    },
    "payout": {
        "batch_no": "text?",
        "retry_of": "text?",
        "payer_account": "text",
        "amount": "money",
        "count": "int",
        "paid": "money",
        "paid_count": "int?",
        "failed_count": "int?",
        "fee": "money",
        "remark": "text?",
    },
    "query_file": {
        "subject": "text",
        "period": "text",
        "format": "text",
        "content_type": "text?",
        "bytes": "int?",
        "rows": "int?",
        "sha256": "text?",
    },
}

# An order of mixed steps: ``request`` is what was asked for (never a secret), ``result`` what the
# steps found out, a section each.
_PRODUCT = {
    "reference": "text?",
    "parent": "text?",
    "amount": "money",
    "paid": "money",
    "refunded": "money",
    "held": "money",
    "fee": "money",
    "waits_for": "text?",
    "due_at": "time?",
    "simulated": "bool",
    "result": "object",
}

_FUND = {
    "id": "text",
    "name_zh": "text",
    "name_en": "text",
    "kind": "text",
    "currency": "text",
    "risk_grade": "text",
    "minimum": "text",
    "price": "text",
    "price_date": "date",
    "source": "text",
    "simulated": "bool",
}
_ENTRY = {
    "id": "text",
    "account": "text",
    "sequence": "int",
    "booking_date": "date",
    "value_date": "date",
    "booked_at": "time",
    "credit_debit": "text",
    "amount": "money",
    "balance_after": "money",
    "counterparty": "counterparty",
    "narrative": "text?",
    "kind": "text",
    "group": "text",
}
# product -> what one item of a query shows
_QUERIES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "account.account-balances": (
        "Balance",
        {
            "id": "text",
            "number": "text",
            "currency": "text",
            "status": "text",
            "booked": "money",
            "available": "money",
            "held": "money",
            "as_of": "time",
        },
    ),
    "account.account-transactions": ("Transaction", _ENTRY),
    "forex.exchange-rates": (
        "ExchangeRate",
        {
            "id": "text",
            "currency": "text",
            "sell": "text",
            "buy": "text",
            "rate": "text",
            "source": "text",
            "simulated": "bool",
            "as_of": "time",
        },
    ),
    **dict.fromkeys(("metalbond.metal-prices", "wealth.wealth-products"), ("Fund", _FUND)),
    "card.credit-card-bills": (
        "CardBill",
        {
            "id": "text",
            "status": "text",
            "owed": "money",
            "interest": "money",
            "late_fee": "money",
            "billed": "money?",
            "minimum": "money",
            "available": "money",
            "bill_date": "date",
            "due_on": "date",
        },
    ),
    "insurance.insurance-products": (
        "InsuranceProduct",
        {
            "id": "text",
            "name_zh": "text",
            "name_en": "text",
            "rate_bp": "int",
            "cover_min": "int",
            "cover_max": "int",
            "days_max": "int",
        },
    ),
    "data.categorized-transactions": ("CategorizedTransaction", {**_ENTRY, "category": "text"}),
    "data.fund-traces": ("TracedTransaction", {**_ENTRY, "legs": "legs"}),
    "payment.payment-statuses": (
        "PaymentStatus",
        {
            "id": "text",
            "product": "text",
            "reference": "text?",
            "status": "text",
            "iso_status": "text",
            "code": "text?",
            "iso_reason": "text?",
            "amount": "money",
            "paid": "money",
            "refunded": "money",
            "created_at": "time",
            "updated_at": "time",
        },
    ),
}
_RECEIPT = {"no": "int", "party": "text", "text": "object", "state": "text", "simulated": "bool"}
_LINE = {
    "line_no": "int",
    "payee_account": "text",
    "amount": "money",
    "withheld": "money",
    "remark": "text?",
    "state": "text",
    "code": "text?",
    "retried_in": "text?",
}


def answer_schemas() -> dict[str, Schema]:
    """The component schemas that ``answer_schema`` refers to."""
    orders = {
        order_name(name): _object({**_HEAD, **fields, **_TAIL}) for name, fields in ORDERS.items()
    }
    queries = {name: _object(fields) for name, fields in _QUERIES.values()}
    return {
        "Order": _object({**_HEAD, **_TAIL}),
        "ProductOrder": _object({**_HEAD, **_PRODUCT, **_TAIL}),
        "BulkLine": _object(_LINE),
        "Receipt": _object(_RECEIPT),
        **orders,
        **queries,
    }


def order_name(archetype: str) -> str:
    """The component of an archetype's order: ``CollectSplitOrder``; ``ProductOrder`` for most."""
    if archetype not in ORDERS:
        return "ProductOrder"
    return "".join(part.title() for part in archetype.split("_")) + "Order"


def answer_schema(product: Product, operation: ProductOperation) -> Schema:
    """The JSON body of a success."""
    if operation.answer is not None:
        return _reference(operation.answer)
    if any(each.name == "cursor" for each in operation.inputs):
        return {
            "type": "object",
            "required": ["items", "next_cursor"],
            "properties": {
                "items": {"type": "array", "items": _item(product, operation)},
                "next_cursor": {"type": ["string", "null"]},
            },
        }
    return _item(product, operation)


def is_file(product: Product, operation: ProductOperation) -> bool:
    """Whether a success is a file instead of JSON: a report's content, or an export."""
    return operation.purpose == "download" or (
        product.family == "query" and operation.word == "exports"
    )


def _item(product: Product, operation: ProductOperation) -> Schema:
    if operation.open:
        return {"type": "object"}
    if product.tier == "platform":
        noun = operation.path.split("/")[3]
        fields = PLATFORM.get(f"{noun}.{operation.word}") or PLATFORM.get(noun)
        return _object(fields) if fields else _reference("Order")
    if product.id in _QUERIES:
        return _reference(_QUERIES[product.id][0])
    if operation.word == "refunds" and product.archetype in (
        *ORDERS,
        "bill_pay",
        "tax_remit",
        "fx_store",
    ):
        return _reference(order_name("refund"))
    if operation.word == "lines":
        return _reference("BulkLine")
    if operation.word == "receipts":
        return _reference("Receipt")
    if product.family == "query":
        return _reference("Order")
    return _reference(order_name(product.archetype))


def _object(fields: Mapping[str, str]) -> Schema:
    """All fields are always there; more may come with a later version."""
    return {
        "type": "object",
        "required": list(fields),
        "properties": {name: _word(word) for name, word in fields.items()},
    }


def _word(word: str) -> Schema:
    schema = _WORDS[word.rstrip("?")]
    return {"anyOf": [schema, {"type": "null"}]} if word.endswith("?") else dict(schema)


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
