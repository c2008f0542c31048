"""A confirmed review and its description, bound to what the edge forwards by.

Always true: an upstream's id is made of all that it says, so equal ones are one and a change makes
another; only the schemas that its operations need are in it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

import msgspec

from bankside.catalog.imports.members import words
from bankside.catalog.imports.model import Described, DescribedOperation, Parameter
from bankside.catalog.imports.review import Confirmed, ConfirmedOperation
from bankside.kernel.snapshot import (
    Forward,
    MapRule,
    RefusalRule,
    SentField,
    SentReply,
    Upstream,
)

# Headers that are ours to write, or that belong to one connection only (RFC 9110 section 7.6.1).
OWN_HEADERS = frozenset(
    {
        *("host", "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te"),
        *("trailer", "transfer-encoding", "upgrade", "content-length", "content-type", "accept"),
        *("accept-encoding", "user-agent", "cookie", "expect", "x-request-id", "traceparent"),
        *("tracestate", "authorization", "proxy-connection", "forwarded", "x-forwarded-for"),
    }
)
_encoder = msgspec.msgpack.Encoder(order="deterministic")


def bind(described: Described, confirmed: Confirmed) -> Upstream:
    """What the edge needs to forward the kept operations of a review."""
    by_place = {f"{each.method} {each.path}": each for each in described.operations}
    forwards = {
        f"{confirmed.product}.{each.word}": _forward(by_place[each.upstream], each, described)
        for each in confirmed.operations
        if each.keep
    }
    settings = confirmed.upstream
    unnamed = Upstream(
        id="",
        product=confirmed.product,
        url=settings.url.rstrip("/"),
        connect_ms=settings.connect_ms,
        answer_ms=settings.answer_ms,
        slow_ms=settings.slow_ms,
        connections=settings.connections,
        answer_bytes_max=settings.answer_bytes_max,
        credential_header=settings.credential_header.lower(),
        schemas=msgspec.json.encode(_needed(described.schemas, forwards)),
        forwards=forwards,
    )
    digest = sha256(_encoder.encode(unnamed)).hexdigest()[:32]
    return replace(unnamed, id=f"ups_{digest}")


def fields_of(operation: DescribedOperation, entry: ConfirmedOperation) -> Iterator[SentField]:
    """The parameters of an operation as our callers give them."""
    members = set(operation.body.fields) if operation.body else set()
    taken = set(entry.holes.values()) | {words(each) for each in entry.holes.values()}
    for each in operation.parameters:
        if each.place == "header" and (
            each.name.lower() in OWN_HEADERS or each.name == entry.key_header
        ):
            continue
        if each.place == "header" and each.name.lower() in {name.lower() for name in entry.headers}:
            continue
        if each.place == "path":
            native = entry.holes.get(each.name, each.name)
        else:
            native = words(each.name) if each.place == "header" else each.name
            if native in members or native in taken:
                native = f"{each.place}_{native}"
            taken.add(native)
        yield _sent(each, native)


def _sent(each: Parameter, native: str) -> SentField:
    return SentField(
        name=each.name,
        native=native,
        place=each.place if each.place != "cookie" else "header",
        required=each.required,
        style=each.style or "simple",
        explode=each.explode,
        schema=str(each.schema.get("$ref", "")).removeprefix("#/$defs/"),
    )


def _forward(
    operation: DescribedOperation, entry: ConfirmedOperation, described: Described
) -> Forward:
    body = operation.body
    fields = tuple(_kinded(each, described.schemas) for each in fields_of(operation, entry))
    return Forward(
        method=operation.method,
        path=operation.path,
        fields=fields,
        headers={name.lower(): value for name, value in entry.headers.items()},
        media=body.media if body else "none",
        media_type=body.media_type if body else "",
        wrapped=body.wrapped if body else False,
        deep=body.deep if body else (),
        body=body.schema if body else "",
        body_required=body.required if body else False,
        replies={
            status: SentReply(each.media_type, each.schema)
            for status, each in operation.replies.items()
        },
        asked=tuple(map(_rule, entry.map_request)),
        answered=tuple(map(_rule, entry.map_answer)),
        refusals=tuple(
            RefusalRule(each.status, each.code, each.answers, each.title, each.pointer, each.equals)
            for each in entry.refusals
        ),
        key_header=entry.key_header.lower(),
        repeatable=bool(entry.key_header) or operation.method == "GET",
    )


def _rule(rule: Any) -> MapRule:
    return MapRule(
        target=rule.target,
        source=rule.source,
        unit=rule.unit,
        currency=rule.currency,
        words=dict(rule.words),
        constant=rule.constant,
    )


def _kinded(field: SentField, schemas: Mapping[str, Any]) -> SentField:
    """The field with the JSON type its schema reads it as."""
    schema = _resolved(schemas, field.schema)
    entry = schema.get("items")
    if isinstance(entry, dict) and "$ref" in entry:
        entry = _resolved(schemas, entry["$ref"].removeprefix("#/$defs/"))
    inner = _kind(entry) if isinstance(entry, dict) else "string"
    return replace(field, kind=_kind(schema), entry=inner)


def _kind(schema: Mapping[str, Any]) -> str:
    kinds = schema.get("type", "string")
    if isinstance(kinds, list):
        kinds = next((each for each in kinds if each != "null"), "string")
    if "type" not in schema and ("items" in schema):
        return "array"
    return str(kinds)


def _resolved(schemas: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    schema = schemas.get(name, {})
    for _ in range(32):
        if not isinstance(schema, dict) or "$ref" not in schema:
            break
        schema = schemas.get(schema["$ref"].removeprefix("#/$defs/"), {})
    return schema if isinstance(schema, dict) else {}


def _needed(schemas: Mapping[str, Any], forwards: Mapping[str, Forward]) -> dict[str, Any]:
    """The schemas that these operations use, and all those use."""
    needed: dict[str, Any] = {}
    waiting = [each.body for each in forwards.values() if each.body]
    waiting += [field.schema for each in forwards.values() for field in each.fields if field.schema]
    waiting += [
        reply.schema
        for each in forwards.values()
        for reply in each.replies.values()
        if reply.schema
    ]
    while waiting:
        name = waiting.pop()
        if name in needed or name not in schemas:
            continue
        needed[name] = schemas[name]
        waiting += _references(schemas[name])
    return needed


def _references(schema: Any) -> list[str]:
    found: list[str] = []
    waiting = [schema]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            target = each.get("$ref")
            if isinstance(target, str):
                found.append(target.removeprefix("#/$defs/"))
            waiting += [value for name, value in each.items() if name not in {"enum", "const"}]
        elif isinstance(each, list):
            waiting += each
    return found
