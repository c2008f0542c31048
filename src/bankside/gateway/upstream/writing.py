"""A checked call of ours as the bytes an upstream is sent.

Always true: every parameter and member is checked by the upstream's own description before a byte
leaves; what a caller wrote stands percent-encoded in paths and queries and never in a header line
unless it is plain visible text; no header of the caller is passed on.
Source: OpenAPI 3.0.3 section 4.7.12 (styles); RFC 3986; RFC 9112.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from bankside.gateway.upstream.checking import Checker
from bankside.gateway.upstream.errors import ForwardInvalid
from bankside.gateway.upstream.mapping import to_upstream
from bankside.kernel.call import Call
from bankside.kernel.snapshot import Forward, SentField, Upstream

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,18})?")
# W3C Trace Context, version 00.
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})")
_HEADER_VALUE_MAX = 1_024
_encode = msgspec.json.Encoder(decimal_format="number").encode
_JOINED = {"form": ",", "simple": ",", "spaceDelimited": "%20", "pipeDelimited": "|"}
_TRUTH = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is added to a request besides what the caller asked for."""

    credential: str = ""
    key: str = ""


def written(
    call: Call, forward: Forward, upstream: Upstream, checker: Checker, extra: Secrets
) -> bytes:
    """The request to send; raises ForwardInvalid when the call is not what the operation takes."""
    body = dict(call.body)
    values = _values(call, forward, body)
    _check_fields(forward, values, checker)
    content = _content(forward, body, checker)
    base = urlsplit(upstream.url)
    target = base.path.rstrip("/") + _path(forward, values)
    query = "&".join(_query(call, forward, values))
    lines = [
        f"{forward.method} {target}{'?' + query if query else ''} HTTP/1.1",
        f"host: {base.netloc}",
        "user-agent: bankside",
        "accept-encoding: identity",
        *(f"{name}: {value}" for name, value in _headers(call, forward, values)),
    ]
    if upstream.credential_header and extra.credential:
        lines.append(f"{upstream.credential_header}: {extra.credential}")
    if forward.key_header and extra.key:
        lines.append(f"{forward.key_header}: {extra.key}")
    if content is not None:
        lines.append(f"content-type: {forward.media_type}")
    if content is not None or forward.method in {"POST", "PUT", "PATCH"}:
        lines.append(f"content-length: {len(content or b'')}")
    head = "\r\n".join(lines)
    # A line break inside a line would be a request of its own: every part was checked above.
    assert head.count("\r") == head.count("\n") == len(lines) - 1
    return head.encode("ascii") + b"\r\n\r\n" + (content or b"")


def _values(call: Call, forward: Forward, body: dict[str, Any]) -> dict[str, Any]:
    """The parameters by our names, from path, query or (writes) the body, which loses them."""
    values: dict[str, Any] = {}
    faults = []
    known = set()
    for each in forward.fields:
        known.add(each.native)
        if each.place == "path":
            value: Any = call.path.get(each.native)
        elif each.native in call.query:
            value = call.query[each.native]
        else:
            value = body.pop(each.native, None) if call.operation.writes else None
        if value is None and each.required:
            faults.append({"pointer": f"/{each.native}", "code": "field.missing"})
        elif value is not None:
            values[each.native] = _read(each, value)
    faults += [
        {"pointer": f"/{name}"[:200], "code": "field.unknown"}
        for name in call.query
        if name not in known and _deep_owner(name) not in known
    ]
    if faults:
        raise ForwardInvalid("the request lacks a parameter, or has one too many", errors=faults)
    return values


def _read(each: SentField, value: Any) -> Any:
    """A parameter's value as its JSON type; what cannot be read stays a text, and fails there."""
    if each.kind == "array" and isinstance(value, str):
        return [_typed(each.entry, part) for part in value.split(",")]
    return _typed(each.kind, value)


def _typed(kind: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if kind == "integer" and _INTEGER.fullmatch(value):
        return int(value)
    if kind == "number" and _NUMBER.fullmatch(value):
        return Decimal(value)
    return _TRUTH.get(value, value) if kind == "boolean" else value


def _check_fields(forward: Forward, values: Mapping[str, Any], checker: Checker) -> None:
    faults = []
    for each in forward.fields:
        if each.native in values and each.schema:
            for fault in checker.faults(each.schema, values[each.native]):
                pointer = f"/{each.native}{fault['pointer']}"
                faults.append({"pointer": pointer, "code": fault["code"]})
    if faults:
        raise ForwardInvalid("a parameter is not what the operation takes", errors=faults)


def _content(forward: Forward, body: dict[str, Any], checker: Checker) -> bytes | None:
    """The body as bytes; None without one."""
    if forward.media == "none":
        if body:
            fault = {"pointer": f"/{next(iter(body))}"[:200], "code": "field.unknown"}
            raise ForwardInvalid("this operation takes no body", errors=[fault])
        return None
    value: Any = to_upstream(forward.asked, body)
    if forward.wrapped:
        value = _unwrapped(value)
    if not body and not forward.body_required:
        return None
    faults = checker.faults(forward.body, value) if forward.body else []
    if faults:
        raise ForwardInvalid("the body is not what the operation takes", errors=faults)
    if forward.media == "form":
        return "&".join(_form(forward, value)).encode("ascii")
    return _encode(value)


def _unwrapped(body: dict[str, Any]) -> Any:
    for name in ("items", "value"):
        if set(body) == {name}:
            return body[name]
    fault = {"pointer": "/items", "code": "field.missing"}
    raise ForwardInvalid("the content stands under items (a list) or value", errors=[fault])


def _path(forward: Forward, values: Mapping[str, Any]) -> str:
    path = forward.path
    for each in forward.fields:
        if each.place != "path":
            continue
        text = _text(values[each.native])
        if not text or text in {".", ".."} or not text.isprintable():
            fault = {"pointer": f"/{each.native}", "code": "field.invalid"}
            raise ForwardInvalid("a part of the path cannot be written", errors=[fault])
        path = path.replace("{" + each.name + "}", quote(text, safe=""))
    return path


def _query(call: Call, forward: Forward, values: Mapping[str, Any]) -> Iterator[str]:
    for each in forward.fields:
        if each.place != "query":
            continue
        if each.native in values:
            yield from _pairs(each.name, values[each.native], each)
        for name, value in call.query.items():
            # `created[gte]` is a part of the parameter `created`.
            if "[" in name and _deep_owner(name) == each.native:
                part = each.name + name.removeprefix(each.native)
                yield f"{quote(part, safe='[]')}={quote(value, safe='')}"


def _deep_owner(name: str) -> str:
    return name.partition("[")[0] if name.endswith("]") else name


def _pairs(name: str, value: Any, each: SentField) -> Iterator[str]:
    written_name = quote(name, safe="[]")
    if isinstance(value, list):
        parts = [quote(_text(entry), safe="") for entry in value]
        if each.style == "form" and each.explode:
            yield from (f"{written_name}={part}" for part in parts)
        else:
            yield f"{written_name}={_JOINED.get(each.style, ',').join(parts)}"
    elif isinstance(value, Mapping):
        for part, inner in value.items():
            yield f"{quote(f'{name}[{part}]', safe='[]')}={quote(_text(inner), safe='')}"
    else:
        yield f"{written_name}={quote(_text(value), safe='')}"


def _form(forward: Forward, value: Any) -> Iterator[str]:
    for name, each in value.items():
        if isinstance(each, Mapping | list) and name in forward.deep:
            yield from _deep(name, each)
        elif isinstance(each, list):
            yield from (f"{quote(name)}={quote(_text(entry), safe='')}" for entry in each)
        else:
            yield f"{quote(name)}={quote(_text(each), safe='')}"


def _deep(name: str, value: Any) -> Iterator[str]:
    """``a[b][0]=c``, as forms write what is nested."""
    if isinstance(value, Mapping):
        for part, each in value.items():
            yield from _deep(f"{name}[{part}]", each)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _deep(f"{name}[{number}]", each)
    else:
        yield f"{quote(name, safe='[]')}={quote(_text(value), safe='')}"


def _headers(call: Call, forward: Forward, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    caller = call.caller
    known = {
        "$partner": caller.partner,
        "$app": caller.app,
        "$tenant": caller.tenant or "",
        "$psu": caller.psu or "",
        "$request_id": caller.request_id,
    }
    yield "accept", "application/json" if _has_json(forward) else "*/*"
    yield "x-request-id", caller.request_id
    yield "traceparent", _traceparent(call)
    for name, value in forward.headers.items():
        text = known.get(value, value)
        if text:
            yield name, text
    for each in forward.fields:
        if each.place == "header" and each.native in values:
            value = values[each.native]
            text = ",".join(map(_text, value)) if isinstance(value, list) else _text(value)
            if not (text.isascii() and text.isprintable() and len(text) <= _HEADER_VALUE_MAX):
                fault = {"pointer": f"/{each.native}", "code": "field.invalid"}
                raise ForwardInvalid("a header takes visible ASCII", errors=[fault])
            yield each.name, text


def _traceparent(call: Call) -> str:
    """The caller's trace goes on, or one begins here; this hop is named after the request."""
    digest = sha256(call.caller.request_id.encode()).hexdigest()
    trace = _TRACEPARENT.fullmatch(call.trace)
    return f"00-{trace[1] if trace else digest[:32]}-{digest[32:48]}-{trace[2] if trace else '00'}"


def _has_json(forward: Forward) -> bool:
    kinds = {each.media_type for each in forward.replies.values()} - {""}
    return not kinds or "application/json" in kinds


def _text(value: Any) -> str:
    """A value as it is written where there are only texts."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, Mapping | list):
        return _encode(value).decode()
    return str(value)
