"""What the edge needs to forward operations to a service of the bank behind it.

Always true: immutable, compiled by the catalogue, part of the signed snapshot; a credential stands
here sealed only. An ``Upstream`` is what one imported product version is served from; its id is
made of its content, so that two versions never share one by accident.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Place = Literal["path", "query", "header"]
Media = Literal["json", "form", "none"]
# An amount of ours is {"amount": "12.34", "currency": "CNY"}; upstreams count in minor units, or
# write a decimal number (major) or a decimal text (text).
Unit = Literal["", "minor", "major", "text"]


@dataclass(frozen=True, slots=True)
class SentField:
    """A parameter of the upstream's request: ``name`` there, ``native`` in our request.

    ``kind`` is the JSON type a text of ours is read as (``string`` as it is, ``array``: parts
    separated by commas).
    """

    name: str
    native: str
    place: Place
    required: bool = False
    kind: str = "string"
    entry: str = "string"
    style: str = "form"
    explode: bool = True
    schema: str = ""


@dataclass(frozen=True, slots=True)
class MapRule:
    """One line of a mapping: ``source`` and ``target`` are JSON pointers in the object.

    ``unit``: an amount changes its writing; ``currency`` is where it stands beside it (a pointer)
    or which one it is (a code). ``words``: values and what becomes of them. ``constant``: the value
    when there is no source.
    """

    target: str
    source: str = ""
    unit: Unit = ""
    currency: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    constant: Any = None


@dataclass(frozen=True, slots=True)
class RefusalRule:
    """What a refusal of the upstream becomes: by its status, and by a value in its body."""

    status: int
    code: str
    answers: int
    title: str
    pointer: str = ""
    equals: str = ""


@dataclass(frozen=True, slots=True)
class SentReply:
    """A 2xx answer: ``media_type`` "" has no body; ``schema`` "" is not described further."""

    media_type: str
    schema: str = ""


@dataclass(frozen=True, slots=True)
class Forward:
    """How one operation is forwarded.

    ``headers``: name -> text, or ``$`` and one of partner, app, tenant, psu, request_id.
    ``wrapped`` bodies are no objects: they stand under ``items`` (or ``value``) in ours.
    ``key_header``: where the upstream takes an idempotency key, "" nowhere. ``repeatable``: the
    upstream may be asked again with the same key (or the request changes nothing).
    """

    method: str
    path: str
    fields: tuple[SentField, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    media: Media = "none"
    media_type: str = ""
    wrapped: bool = False
    deep: tuple[str, ...] = ()
    body: str = ""
    body_required: bool = False
    replies: Mapping[str, SentReply] = field(default_factory=dict)
    asked: tuple[MapRule, ...] = ()
    answered: tuple[MapRule, ...] = ()
    refusals: tuple[RefusalRule, ...] = ()
    key_header: str = ""
    repeatable: bool = False


@dataclass(frozen=True, slots=True)
class Upstream:
    """A service of the bank: its address, its limits, and its operations by ours.

    ``connect_ms`` to reach it, ``answer_ms`` for a whole answer, ``slow_ms`` after which a call
    counts against its health. ``connections`` a worker keeps at most; as many calls twice wait.
    ``credential`` is sealed for ``upstream:<product>`` and sent in ``credential_header``.
    ``schemas`` is a JSON object of schemas by name, which refer to each other by ``#/$defs/``.
    """

    id: str
    product: str
    url: str
    connect_ms: int = 1_000
    answer_ms: int = 5_000
    slow_ms: int = 3_000
    connections: int = 32
    answer_bytes_max: int = 1_048_576
    credential_header: str = ""
    credential: bytes = b""
    schemas: bytes = b"{}"
    forwards: Mapping[str, Forward] = field(default_factory=dict)
