"""What the answers of operations hold, by path: the types that links between steps rely on.

The shapes are those of the OpenAPI document; what the sections of ``result`` hold stands in
``definitions/results.yaml``, because it follows from the steps that ran.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bankside.catalog.apis.answers import answer_schema, answer_schemas
from bankside.catalog.model import Input, Product, ProductOperation

_RESULTS = Path(__file__).parents[1] / "definitions" / "results.yaml"
_MONEY = "Money"
_BY_FORMAT = {"date": "date", "date-time": "time"}


@dataclass(frozen=True, slots=True)
class Kind:
    """What stands at a place: a type of inputs, ``time``, ``order`` (an order's id) or ``object``.

    ``optional``: it may be empty. ``order`` is the product whose order an id names; ``account`` the
    class of an account; ``fields`` are those of a list's entries.
    """

    type: str
    optional: bool = False
    currency: str | None = None
    account: str | None = None
    order: str | None = None
    fields: tuple[Input, ...] = ()


def answered(product: Product, operation: ProductOperation, parts: tuple[str, ...]) -> Kind | None:
    """The kind of the field at ``parts`` of the operation's answer; None: there is none."""
    first, *rest = parts
    if first == "id" and not rest:
        return Kind("order", order=product.id)
    if first == "request" and rest:
        return _requested(operation.inputs, tuple(rest))
    if first == "result" and rest:
        return _result(product, rest[0], ".".join(rest[1:]))
    return _at(answer_schema(product, operation), parts, optional=False)


@cache
def results() -> Mapping[str, Any]:
    """``sections``: fields by section; ``products``: sections by product."""
    found: Mapping[str, Any] = yaml.safe_load(_RESULTS.read_bytes())
    return found


@cache
def _components() -> Mapping[str, Any]:
    return answer_schemas()


def _result(product: Product, section: str, field: str) -> Kind | None:
    if section not in results()["products"].get(product.id, ()):
        return None
    fields = results()["sections"][section]
    if field not in fields:
        head, _, tail = field.rpartition(".")
        is_money = fields.get(head, "").rstrip("?") == "money" and tail in ("amount", "currency")
        return Kind("text") if is_money else None
    word = fields[field]
    kind = word.rstrip("?")
    opens = {"pension.pension-accounts": "pension", "wallet.wallets": "wallet"}
    return Kind(
        kind,
        optional=word.endswith("?"),
        account=opens.get(product.id, "current") if kind == "account" else None,
        order=product.id if kind == "order" else None,
    )


def _requested(fields: tuple[Input, ...], parts: tuple[str, ...]) -> Kind | None:
    """A field of the request as the order keeps it: never a secret."""
    found = next((each for each in fields if each.name == parts[0]), None)
    if found is None or found.type in ("secret", "token"):
        return None
    if len(parts) == 1:
        return Kind(found.type, optional=not found.required, fields=found.fields)
    if found.type == "money" and parts[1:] in (("amount",), ("currency",)):
        return Kind("text", optional=not found.required)
    if found.type == "list" and parts[1].isdecimal() and len(parts) > 2:
        inner = _requested(found.fields, parts[2:])
        # Nobody promises that the list has so many entries.
        return Kind(inner.type, optional=True) if inner else None
    return None


def _at(schema: Mapping[str, Any], parts: tuple[str, ...], *, optional: bool) -> Kind | None:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name == _MONEY:
            return _money(parts, optional=optional)
        return _at(_components().get(name, {}), parts, optional=optional)
    if "anyOf" in schema:
        return _at(schema["anyOf"][0], parts, optional=True)
    if not parts:
        return Kind(_type(schema), optional=optional)
    if schema.get("type") == "array" and parts[0].isdecimal():
        return _at(schema["items"], parts[1:], optional=True)
    inner = schema.get("properties", {}).get(parts[0])
    return None if inner is None else _at(inner, parts[1:], optional=optional)


def _money(parts: tuple[str, ...], *, optional: bool) -> Kind | None:
    if not parts:
        return Kind("money", optional=optional)
    return Kind("text", optional=optional) if parts in (("amount",), ("currency",)) else None


def _type(schema: Mapping[str, Any]) -> str:
    words = {"integer": "int", "boolean": "bool", "array": "list", "object": "object"}
    kind = schema.get("type")
    if kind == "string":
        return _BY_FORMAT.get(schema.get("format", ""), "text")
    return words.get(kind if isinstance(kind, str) else "", "object")
