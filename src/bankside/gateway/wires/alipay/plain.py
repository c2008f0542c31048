"""Operations the method table does not name, under their own names: the content as it is.

Always true: every operation of the snapshot has at most one such method, ``bankside.<category>.
<product>.<word>`` with ``_`` for ``-``; its business content is the native body, path parameters in
snake case and ``idempotency_key`` among its members; its answer stands under ``result`` (v2: as
JSON text, its nodes hold texts only). Names with digits have none: one public SDK does not find
them.
"""

import base64
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from bankside.gateway.serving import Serving
from bankside.gateway.wires.alipay.mapping import (
    FieldInvalid,
    Native,
    from_native,
    to_native,
)
from bankside.gateway.wires.alipay.methods import Choice, Method, MethodTable
from bankside.kernel.call import Answer
from bankside.kernel.snapshot import Operation

NAMESPACE = "bankside."
RESULT = "result"
_KEY_MAX = 128
_HOLE = re.compile(r"\{(\w+)\}")
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


def plain_method(s: Serving, name: str) -> Method | None:
    """The method of an operation under its own name."""
    if not name.startswith(NAMESPACE):
        return None
    path = "/api/" + name.removeprefix(NAMESPACE).replace("_", "-").replace(".", "/") + "/V1"
    operation = s.icbc_paths.get(path)
    if operation is None:
        return None
    return Method(name, (Choice(operation.id),), request=(), answer=(), plain=True)


def plain_native(method: Method, operation: Operation, content: Mapping[str, Any]) -> Native:
    """The native request; raises FieldInvalid."""
    native = Native(method.choices[0])
    body = dict(content)
    for name, key in _holes(operation.path):
        native.path[name] = value = _text(key, body.pop(key, ""))
        if not value or not value.isprintable():
            raise _wrong(key)
    given = body.pop("idempotency_key", None)
    if given is not None:
        native.idempotency_key = _text("idempotency_key", given)
        if not 1 <= len(native.idempotency_key) <= _KEY_MAX:
            raise _wrong("idempotency_key")
    if operation.method == "GET":
        native.query = {name: _text(name, value) for name, value in body.items()}
    else:
        native.body = body
    return native


def plain_answer(answer: Answer) -> dict[str, Any]:
    """The answer as one member of the node."""
    if isinstance(answer.body, bytes):
        content = base64.b64encode(answer.body).decode()
        return {RESULT: {"content": content, "content_type": answer.content_type}}
    return {RESULT: dict(answer.body)}


def native_of(method: Method, operation: Operation | None, content: Mapping[str, Any]) -> Native:
    """The native request behind the business content; raises FieldInvalid."""
    if method.plain:
        assert operation is not None, "the reader of the request found it"
        return plain_native(method, operation, content)
    return to_native(method, content)


def answered(
    table: MethodTable, method: Method, request: Mapping[str, Any], answer: Answer, base: str
) -> dict[str, Any] | None:
    """The members of the node; None when there is no object at ``base``."""
    if method.plain:
        return plain_answer(answer)
    return from_native(table, method, request, answer, base=base)


def as_texts(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a v2 node, which are texts: an object is its JSON text.

    Braces inside the texts of it are escaped: one public SDK counts them without reading quotes.
    """
    return {
        name: value if isinstance(value, str) else _TEXT.sub(_escaped, _compact(value))
        for name, value in fields.items()
    }


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _escaped(text: re.Match[str]) -> str:
    return text[0].replace("{", "\\u007b").replace("}", "\\u007d")


@lru_cache(maxsize=4_096)
def _holes(template: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, _HUMP.sub(r"_\1", name).lower()) for name in _HOLE.findall(template))


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise _wrong(name)
    return str(value)


def _wrong(name: str) -> FieldInvalid:
    error = {"pointer": f"/{name}"[:200], "code": "field.invalid"}
    return FieldInvalid(f"{name[:100]} is missing, or no text", errors=[error])
