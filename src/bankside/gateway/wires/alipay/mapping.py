"""Carrying a request and its answer across: fields of the dialect to native ones and back.

Always true: a field the table does not name is ignored, as the public gateway ignores it, unless it
would change what happens to the money (the table then says what it may be); amounts cross as
decimal texts; nothing here decides whether an order is right, the executing room does.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from bankside.gateway.exchange import Refusal
from bankside.gateway.wires.alipay.methods import (
    AnswerField,
    Choice,
    Code,
    Method,
    MethodTable,
    RequestField,
)
from bankside.gateway.wires.forms import beijing_text
from bankside.kernel.call import Answer
from bankside.kernel.errors import Invalid

# The dialect names no currency where it means the yuan.
CURRENCY = "CNY"
LIST_ITEMS_MAX = 50
_KEY_MAX = 128
_DURATION = re.compile(r"([1-9][0-9]{0,3})([mhd])")
_SECONDS = {"m": 60, "h": 3_600, "d": 86_400}


class FieldInvalid(Invalid):
    """A business field is missing or of the wrong form."""

    code = "request.invalid"


@dataclass(slots=True)
class Native:
    """A request in the platform's own shape; ``choice`` is the operation that was chosen."""

    choice: Choice
    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    idempotency_key: str | None = None


def to_native(method: Method, content: Mapping[str, Any]) -> Native:
    """The native request behind ``content`` (the decoded business object); raises FieldInvalid."""
    chosen = next((name for name in method.one_of if _reach(content, name) is not None), None)
    if method.one_of and chosen is None:
        raise _missing(" or ".join(method.one_of))
    native = Native(next(c for c in method.choices if c.when in {"", chosen}))
    given: dict[str, str] = {}
    for each in method.request:
        if each.field in method.one_of and each.field != chosen:
            continue
        value = _given(each, content)
        if value is None:
            continue
        converted = _converted(each, value)
        if isinstance(converted, str):
            given[each.field] = converted
        _put(native, each, converted)
    parts = [given[name] for name in method.key if name in given]
    native.idempotency_key = _key(parts) if parts else None
    return native


def from_native(
    table: MethodTable, method: Method, request: Mapping[str, Any], answer: Answer, *, base: str
) -> dict[str, Any] | None:
    """The dialect's fields of a native answer; None when there is no object at ``base``.

    ``request.<field>`` among a field's sources is what the caller sent.
    """
    body: Any = answer.body if isinstance(answer.body, Mapping) else {}
    found = _reach(body, base) if base else body
    if not isinstance(found, Mapping):
        return None
    fields = {}
    for each in method.answer:
        value = _answered(table, each, {**found, "request": request}, answer.hit)
        if value is not None:
            fields[each.field] = value
    return fields


def is_waiting(method: Method, answer: Answer) -> bool:
    """Whether the order behind the answer still waits for its payer."""
    return isinstance(answer.body, Mapping) and answer.body.get("status") in method.waiting


def code_of(table: MethodTable, method: Method | None, refusal: Refusal) -> Code:
    """The dialect's code of a refusal: the method's own, the shared one, else by HTTP status."""
    known = (method.codes.get(refusal.code) if method is not None else None) or table.codes.get(
        refusal.code
    )
    if known is not None:
        return known
    family = refusal.status // 100 * 100
    return (
        table.by_status.get(refusal.status) or table.by_status.get(family) or table.by_status[500]
    )


def explained(code: Code, refusal: Refusal) -> str:
    """The text a person reads: the dialect's own words, then what we know more precisely."""
    precise = refusal.detail or refusal.title
    pointers = ", ".join(sorted({each.get("pointer", "") for each in refusal.errors} - {""}))
    return f"{code.text} ({refusal.code}: {precise}{': ' if pointers else ''}{pointers})"


def _reach(value: Any, path: str) -> Any:
    """The value at a dotted path of objects and list positions; None when it is not there."""
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list | tuple) and part.isdigit():
            value = value[int(part)] if int(part) < len(value) else None
        else:
            return None
    return None if value == "" else value


def _given(each: RequestField, content: Mapping[str, Any]) -> Any:
    """The value of a field, or of the one that stands in for it; raises FieldInvalid."""
    names = (each.field, *each.default)
    found = (_reach(content, name) for name in names)
    value = next((value for value in found if value is not None), None)
    if value is None and each.required:
        raise _missing(each.field)
    return value


def _put(native: Native, each: RequestField, value: Any) -> None:
    if each.place == "body":
        native.body[each.name] = value
    elif each.place == "query":
        native.query[each.name] = value
    elif each.place == "path":
        if not value.isprintable():
            raise _wrong(each.field, "printable characters")
        native.path[each.name] = value


def _converted(each: RequestField, value: Any) -> Any:
    if each.kind == "list":
        if not isinstance(value, list) or not 1 <= len(value) <= LIST_ITEMS_MAX:
            raise _wrong(each.field, f"a list of 1 to {LIST_ITEMS_MAX} objects")
        return [_item(each, item) for item in value]
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _wrong(each.field, "a text")
    text = str(value)
    if each.equals and text not in each.equals:
        raise _wrong(each.field, " or ".join(each.equals))
    if each.kind == "duration":
        return _seconds(each, text)
    return {"amount": text, "currency": CURRENCY} if each.kind == "money" else text


def _item(each: RequestField, item: Any) -> dict[str, Any]:
    if not isinstance(item, Mapping):
        raise _wrong(each.field, "a list of objects")
    converted = {}
    for part in each.items:
        value = _given(part, item)
        if value is not None:
            checked = _converted(part, value)
            if part.place:
                converted[part.name] = checked
    return converted


def _seconds(each: RequestField, text: str) -> int:
    found = _DURATION.fullmatch(text)
    if found is None:
        raise _wrong(each.field, "a number of minutes, hours or days such as 90m, 2h or 1d")
    return int(found[1]) * _SECONDS[found[2]]


def _answered(
    table: MethodTable, each: AnswerField, native: Mapping[str, Any], hit: bool
) -> str | None:
    if each.kind == "fixed":
        return each.fixed
    if each.kind == "changed":
        return "N" if hit else "Y"
    values = (_reach(native, source) for source in each.sources)
    value = next((value for value in values if value is not None), None)
    if value is None:
        return None
    if each.kind == "money":
        return str(value["amount"]) if isinstance(value, Mapping) else str(value)
    if each.kind == "time":
        return beijing_text(str(value))
    if each.kind in table.states:
        return table.states[each.kind].get(str(value), str(value))
    return str(value)


def _key(parts: list[str]) -> str:
    """The idempotency key: the caller's own numbers, or their digest when they do not fit."""
    key = "/".join(parts)
    if len(key) <= _KEY_MAX and key.isascii() and key.isprintable() and " " not in key:
        return key
    return "sha256:" + sha256(key.encode()).hexdigest()


def _missing(name: str) -> FieldInvalid:
    error = {"pointer": f"/{name}", "code": "field.missing"}
    return FieldInvalid(f"{name} is missing", errors=[error])


def _wrong(name: str, expected: str) -> FieldInvalid:
    error = {"pointer": f"/{name}", "code": "field.invalid"}
    return FieldInvalid(f"{name} is {expected}", errors=[error])
