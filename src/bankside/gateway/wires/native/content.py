"""The business content of a native request: JSON body, query and idempotency key.

Always true: what leaves here is a JSON object without NUL characters (no database text holds one)
in which every member stands once, and a query in which every name stands once: no two readers can
disagree about what was asked for. Runs only after the signature was verified.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from bankside.gateway.errors import (
    BodyMalformed,
    BodyNotObject,
    BodyUnexpected,
    IdempotencyKeyMalformed,
    MediaTypeUnsupported,
    QueryMalformed,
)
from bankside.gateway.exchange import Exchange
from bankside.kernel.signing.structured import FieldMalformed, bare_string

QUERY_PARAMETERS_MAX = 64
IDEMPOTENCY_KEY_MAX = 128
_NOTHING: Mapping[str, Any] = {}
_decoder = msgspec.json.Decoder()
_NUL_ESCAPED = b"\\u0000"


def json_body(x: Exchange) -> Mapping[str, Any]:
    """The body as an object; {} without one. Raises BodyMalformed and its kinds."""
    if not x.body:
        return _NOTHING
    if x.method not in {"POST", "PUT", "PATCH"}:
        raise BodyUnexpected(f"{x.method} takes no body")
    media_type = x.headers.get("content-type", "application/json")
    if media_type != "application/json" and not _is_json(media_type):
        raise MediaTypeUnsupported("the body is application/json in UTF-8")
    try:
        value = _decoder.decode(x.body)
        if not isinstance(value, dict):
            raise BodyNotObject("the body is a JSON object")
        if _NUL_ESCAPED in x.body and _has_nul(value):
            raise BodyMalformed("a text of the body holds a NUL character")
        # Every member has one colon outside of texts. As many colons as members were read: none
        # stood twice. More are mostly times and addresses in texts: the slower reader tells.
        if x.body.count(b":") != _members(value):
            _refuse_repeated(x.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BodyMalformed(f"no JSON: {error}") from error
    except RecursionError as error:
        raise BodyMalformed("no JSON: nested too deeply") from error
    return value


def query_parameters(query: str) -> Mapping[str, str]:
    """The query's parameters by name. Raises QueryMalformed."""
    if not query:
        return _NOTHING
    pairs = query.split("&")
    if len(pairs) > QUERY_PARAMETERS_MAX:
        raise QueryMalformed(f"more than {QUERY_PARAMETERS_MAX} parameters")
    found: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        try:
            name, value = unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")
        except UnicodeDecodeError as error:
            raise QueryMalformed("a parameter is no UTF-8") from error
        if not name or name in found:
            raise QueryMalformed(f"the parameter {name!r} stands twice" if name else "a blank name")
        if "\0" in name or "\0" in value:
            raise QueryMalformed(f"the parameter {name!r} holds a NUL character")
        found[name] = value
    return found


def idempotency_key(field: str | None) -> str | None:
    """The caller's key, quoted or bare in the header. Raises IdempotencyKeyMalformed."""
    if field is None:
        return None
    key = field
    if field[:1] == '"':
        try:
            key = bare_string(field)
        except FieldMalformed as error:
            raise IdempotencyKeyMalformed(str(error)) from error
    # Visible means no blank either: such a key would be another one to whoever trims it.
    if not 0 < len(key) <= IDEMPOTENCY_KEY_MAX or " " in key or not _visible(key):
        raise IdempotencyKeyMalformed
    return key


def _visible(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _is_json(media_type: str) -> bool:
    kind, _, parameters = media_type.partition(";")
    charset = parameters.strip().lower().replace('"', "")
    return kind.strip().lower() == "application/json" and charset in {"", "charset=utf-8"}


def _members(value: dict[str, Any] | list[Any]) -> int:
    """How many members all objects in ``value`` have together."""
    count, inside = (len(value), value.values()) if type(value) is dict else (0, value)
    for each in inside:
        if type(each) is dict or type(each) is list:
            count += _members(each)
    return count


def _refuse_repeated(body: bytes) -> None:
    """Raise BodyMalformed when a member stands twice in an object of a well-formed body."""

    def once(pairs: list[tuple[str, Any]]) -> None:
        names: set[str] = set()
        for name, _ in pairs:
            if name in names:
                raise BodyMalformed(f"the member {name!r} stands twice in an object")
            names.add(name)

    try:
        json.loads(body, object_pairs_hook=once)
    except ValueError as error:
        raise BodyMalformed(f"no JSON: {error}") from error


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(key) or _has_nul(each) for key, each in value.items())
    return isinstance(value, list) and any(_has_nul(each) for each in value)
