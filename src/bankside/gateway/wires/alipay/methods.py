"""The table of Alipay-style methods: which operation each is, and how its fields cross over.

Always true: the table is data (``alipay_methods.yaml``), read once and checked while it is read; a
method names operations of one product only, so the rights that were checked hold for each of them.
Source: wire-protocol rules, section 9 (methods, paths, operations).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

Place = Literal["body", "path", "query", ""]
RequestKind = Literal["text", "money", "duration", "list"]
AnswerKind = Literal["text", "money", "time", "trade_state", "transfer_state", "changed", "fixed"]
_PLACES = {"body", "path", "query"}


class TableInvalid(Exception):
    """The method table contradicts itself; nothing is served from it."""


@dataclass(frozen=True, slots=True)
class RequestField:
    """Where a field of the dialect goes: ``place`` and the native ``name`` (empty: nowhere).

    ``kind`` money: a decimal text that becomes an amount; duration: ``90m`` becomes seconds; list:
    objects whose fields follow ``items``. ``equals``: the only values it may have. ``default``: the
    fields that stand in for it. ``field`` may reach into an object: ``payee_info.identity``.
    """

    field: str
    place: Place
    name: str
    kind: RequestKind = "text"
    required: bool = False
    equals: tuple[str, ...] = ()
    default: tuple[str, ...] = ()
    items: tuple["RequestField", ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerField:
    """Where a field of the answer comes from: the first native path that has a value."""

    field: str
    sources: tuple[str, ...]
    kind: AnswerKind = "text"
    fixed: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """A refusal in the dialect: ``code`` and ``sub_code`` (v3: its last part), Chinese text."""

    code: str
    sub_code: str
    text: str


@dataclass(frozen=True, slots=True)
class Choice:
    """An operation of a method, taken when the field ``when`` is there (empty: always).

    ``base``: where in the native answer the object stands (``order``, ``items.0``; empty: it is
    the answer itself).
    """

    operation: str
    when: str = ""
    base: str = ""


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the dialect.

    ``one_of``: the first of these fields that is there is used, one must be. ``key``: the fields
    that make the idempotency key. ``waiting``: native states that answer 10003, not done yet.
    ``tells``: what becomes of the trade it makes is told at the request's ``notify_url``.
    ``plain``: an operation under its own name, its content as it is (`plain.py`).
    ``page``: a browser brings it, and is sent on to the trade's hosted page (v2 only).
    """

    name: str
    choices: tuple[Choice, ...]
    request: tuple[RequestField, ...]
    answer: tuple[AnswerField, ...]
    key: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    waiting: frozenset[str] = frozenset()
    codes: Mapping[str, Code] = field(default_factory=dict)
    tells: bool = False
    plain: bool = False
    page: bool = False


@dataclass(frozen=True, slots=True)
class MethodTable:
    """All methods by name, the refusals all methods share, and the words for trade states."""

    methods: Mapping[str, Method]
    codes: Mapping[str, Code]
    by_status: Mapping[int, Code]
    states: Mapping[str, Mapping[str, str]]
    texts: Mapping[str, str]
    later: Mapping[str, str]


@cache
def method_table() -> MethodTable:
    """The table of this release; raises TableInvalid when the file is wrong."""
    text = files(__package__).joinpath("alipay_methods.yaml").read_text(encoding="utf-8")
    return read_table(yaml.safe_load(text))


def read_table(raw: Mapping[str, Any]) -> MethodTable:
    """A table from its YAML form; raises TableInvalid naming the method."""
    try:
        methods = {name: _method(name, entry) for name, entry in raw["methods"].items()}
        return MethodTable(
            methods=methods,
            codes={name: _code(entry) for name, entry in raw["codes"].items()},
            by_status={int(name): _code(entry) for name, entry in raw["by_status"].items()},
            states={kind: dict(words) for kind, words in raw["states"].items()},
            texts={str(name): text for name, text in raw["texts"].items()},
            later=dict(raw["later"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise TableInvalid(repr(error)) from error


def _method(name: str, raw: Mapping[str, Any]) -> Method:
    choices = tuple(_choice(each) for each in raw["operations"])
    products = {choice.operation.rpartition(".")[0] for choice in choices}
    if len(products) != 1 or choices[-1].when:
        raise TableInvalid(f"{name}: one product, and a last choice that always fits")
    request = tuple(_request_field(key, entry) for key, entry in raw["request"].items())
    known = {each.field for each in request}
    one_of = tuple(raw.get("one_of", ()))
    unknown = [each for each in (*one_of, *raw.get("key", ())) if each not in known]
    if unknown:
        raise TableInvalid(f"{name}: {unknown} are no fields of the request")
    return Method(
        name=name,
        choices=choices,
        request=request,
        answer=tuple(_answer_field(key, entry) for key, entry in raw["answer"].items()),
        key=tuple(raw.get("key", ())),
        one_of=one_of,
        waiting=frozenset(raw.get("waiting", ())),
        codes={code: _code(entry) for code, entry in raw.get("codes", {}).items()},
        tells=raw.get("tells", False),
        page=raw.get("page", False),
    )


def _choice(raw: str | Mapping[str, str]) -> Choice:
    return Choice(raw) if isinstance(raw, str) else Choice(**raw)


def _request_field(name: str, raw: str | Mapping[str, Any]) -> RequestField:
    entry: Mapping[str, Any] = {"to": raw} if isinstance(raw, str) else raw
    place, _, target = entry.get("to", "").partition(".")
    if "to" in entry and not (place in _PLACES and target):
        raise TableInvalid(f"{name}: {entry['to']} is no place of a request")
    return RequestField(
        field=name,
        place=place,
        name=target,
        kind=entry.get("as", "text"),
        required=entry.get("required", False),
        equals=tuple(entry.get("equals", ())),
        default=tuple(entry.get("default", ())),
        items=tuple(_request_field(key, each) for key, each in entry.get("items", {}).items()),
    )


def _answer_field(name: str, raw: str | list[str] | Mapping[str, Any]) -> AnswerField:
    entry: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {"from": raw}
    source = entry.get("from", ())
    return AnswerField(
        field=name,
        sources=(source,) if isinstance(source, str) else tuple(source),
        kind=entry.get("as", "fixed" if "fixed" in entry else "text"),
        fixed=entry.get("fixed", ""),
    )


def _code(raw: list[str]) -> Code:
    code, sub_code, text = raw
    return Code(str(code), sub_code, text)
