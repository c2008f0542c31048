"""What an API description says, in our own words; and what of it we cannot express.

Always true: immutable; a finding is never dropped: whatever a description holds and an import does
not carry over is one of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Node = Mapping[str, Any]
Place = Literal["path", "query", "header", "cookie"]
Media = Literal["json", "form", "none"]

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a description says and an import does not carry over.

    ``rule`` is the short name of what it is, ``line`` where it stands first (from 1), ``pointer``
    the JSON pointer there, ``count`` how often it is found.
    """

    rule: str
    line: int
    pointer: str
    text: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; ``style`` and ``explode`` say how a list or object in it is written."""

    name: str
    place: Place
    required: bool
    schema: Node
    style: str = ""
    explode: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """A request body we can write: ``media`` json or form; ``wrapped`` when it is no object.

    ``schema`` is the name of its schema in ``Described.schemas``, ``fields`` the names of its own
    members where they are known, ``deep`` those of a form written as ``name[part]=value``.
    """

    media: Media
    media_type: str
    required: bool
    schema: str
    wrapped: bool = False
    fields: tuple[str, ...] = ()
    deep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """What a 2xx answer is: JSON with a schema, bytes of a media type, or nothing.

    ``schema`` "": any JSON; ``media_type`` "": no body.
    """

    media_type: str
    schema: str = ""


@dataclass(frozen=True, slots=True)
class DescribedOperation:
    """One operation of a description that can be forwarded to.

    ``names`` are the member names found in request and answers, for what is guessed from them.
    ``money`` are pointers of request members that look like amounts, with their JSON type.
    """

    method: str
    path: str
    name: str
    summary: str
    line: int
    parameters: tuple[Parameter, ...]
    body: Body | None
    replies: Mapping[str, Reply]
    deprecated: bool = False
    names: frozenset[str] = frozenset()
    money: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Described:
    """A whole description. ``schemas`` are JSON Schemas 2020-12 by name, referring to each other
    as ``#/$defs/<name>``; ``sha256`` is that of the file.
    """

    sha256: str
    openapi: str
    title: str
    version: str
    summary: str
    operations: tuple[DescribedOperation, ...]
    schemas: Mapping[str, Any]
    findings: tuple[Finding, ...]
    found: int = 0
    servers: tuple[str, ...] = field(default=())
