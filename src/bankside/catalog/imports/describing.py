"""What an OpenAPI description describes: its operations, as far as they can be forwarded to.

Always true: an operation is taken whole or not at all; what it has and cannot be carried over is
a finding. Nothing is decided here about products, rights or risk.
Source: OpenAPI 3.0.3 and 3.1.0.
"""

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from bankside.catalog.imports.contents import Contents
from bankside.catalog.imports.errors import DescriptionRefused
from bankside.catalog.imports.findings import Findings
from bankside.catalog.imports.members import Members, money_members
from bankside.catalog.imports.model import (
    METHODS,
    Described,
    DescribedOperation,
    Parameter,
    Place,
)
from bankside.catalog.imports.references import ReferenceBroken, References
from bankside.catalog.imports.schemas import Schemas, break_circles
from bankside.catalog.imports.source import Source, escaped, read_source

VERSIONS = re.compile(r"3\.[01]\.\d+.*")
# More operations than this are several APIs.
OPERATIONS_MAX = 2_000
PARAMETERS_MAX = 64
_PLACES: Mapping[str, Place] = {
    "path": "path",
    "query": "query",
    "header": "header",
    "cookie": "cookie",
}
_HOLE = re.compile(r"\{([^{}/]*)\}")
_KNOWN_AT_TOP = frozenset({"openapi", "info", "paths", "components", "servers", "tags"})
# What a path item holds besides its operations.
_PATH_NOTES = frozenset({"$ref", "summary", "description", "parameters", "servers"})
_OPERATION_NOTES = frozenset(
    {"tags", "summary", "description", "operationId", "parameters", "requestBody", "responses"}
    | {"deprecated"}
)


def describe(raw: bytes) -> Described:
    """What the description in ``raw`` says; raises DescriptionRefused naming line and rule."""
    source = read_source(raw)
    version = _version(source)
    references = References(source)
    findings = Findings(source)
    schemas = Schemas(references, findings, is_30=version.startswith("3.0"))
    reading = _Reading(source, references, findings, schemas)
    operations = tuple(reading.operations())
    for _ in break_circles(schemas.defs):
        findings.lost("schema-circle", "/components/schemas", "a schema that refers to itself only")
    info = source.root.get("info")
    info = info if isinstance(info, Mapping) else {}
    return Described(
        sha256=sha256(raw).hexdigest(),
        openapi=version,
        title=text_of(info, "title", 120),
        version=text_of(info, "version", 60),
        summary=text_of(info, "description", 2_000),
        operations=operations,
        schemas=schemas.defs,
        findings=findings.all(),
        found=reading.found,
        servers=tuple(_servers(source.root)),
    )


def text_of(node: Mapping[str, Any], name: str, most: int) -> str:
    """A text of the description, on one line, without control characters and not too long."""
    value = node.get(name)
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return ""
    words = "".join(each if each.isprintable() else " " for each in str(value)[: 4 * most])
    return " ".join(words.split())[:most]


def _version(source: Source) -> str:
    if "swagger" in source.root:
        raise DescriptionRefused(
            "version", source.line("/swagger"), "Swagger 2.0; convert it to OpenAPI 3.0 or 3.1"
        )
    version = source.root.get("openapi")
    if not isinstance(version, str) or VERSIONS.fullmatch(version) is None:
        text = "openapi is 3.0.x or 3.1.x"
        raise DescriptionRefused("version", source.line("/openapi"), text)
    return version[:20]


def _servers(root: Mapping[str, Any]) -> Iterator[str]:
    servers = root.get("servers")
    for each in servers[:20] if isinstance(servers, list) else ():
        if isinstance(each, Mapping) and isinstance(each.get("url"), str):
            yield each["url"][:500]


class _Reading:
    """Reads the operations of one description."""

    def __init__(
        self, source: Source, references: References, findings: Findings, schemas: Schemas
    ) -> None:
        self._source = source
        self._references = references
        self._findings = findings
        self._schemas = schemas
        self._members = Members(schemas.defs)
        self._contents = Contents(references, findings, schemas)
        self.found = 0

    def operations(self) -> Iterator[DescribedOperation]:
        """The operations that can be forwarded to, in the order of the file."""
        root = self._source.root
        self._beside(root)
        paths = root.get("paths", {})
        if not isinstance(paths, Mapping):
            raise DescriptionRefused("paths", self._source.line("/paths"), "paths is an object")
        for path, described in paths.items():
            pointer = f"/paths/{escaped(path)}"
            if path.startswith("x-"):
                self._findings.lost("extension", pointer, f"{path[:60]} beside the paths")
                continue
            item, at = self._followed(described, pointer)
            if not isinstance(item, Mapping):
                self._findings.lost("path", pointer, "a path without operations")
                continue
            yield from self._of_path(path, item, at)

    def _beside(self, root: Mapping[str, Any]) -> None:
        """What stands beside the paths and is not carried over."""
        for name, value in root.items():
            pointer = f"/{escaped(name)}"
            if name == "webhooks" and isinstance(value, Mapping):
                for hook in value:
                    text = f"the webhook {hook[:80]} is not offered"
                    self._findings.lost("webhook", f"{pointer}/{escaped(hook)}", text)
            elif name == "security":
                text = "how callers prove themselves is ours: the caller's signature or token"
                self._findings.lost("security", pointer, text)
            elif name not in _KNOWN_AT_TOP:
                rule = "extension" if name.startswith("x-") else "keyword"
                self._findings.lost(rule, pointer, f"{name[:60]} of the description")

    def _of_path(
        self, path: str, item: Mapping[str, Any], pointer: str
    ) -> Iterator[DescribedOperation]:
        for name in item:
            if name in METHODS or name in _PATH_NOTES:
                continue
            if name in {"head", "options", "trace"}:
                text = f"{name.upper()} is answered by the platform itself or not at all"
                self._findings.lost("method", f"{pointer}/{name}", text)
                self.found += 1
            else:
                self._findings.lost("extension", f"{pointer}/{escaped(name)}", f"{name[:60]}")
        if "servers" in item:
            text = "a server of its own; the upstream's address counts"
            self._findings.lost("server", f"{pointer}/servers", text)
        for method in METHODS:
            if method not in item:
                continue
            self.found += 1
            at = f"{pointer}/{method}"
            if self.found > OPERATIONS_MAX:
                raise DescriptionRefused(
                    "operations", self._source.line(at), f"more than {OPERATIONS_MAX} operations"
                )
            operation = self._operation(method, path, item, at)
            if operation is not None:
                yield operation

    def _operation(
        self, method: str, path: str, item: Mapping[str, Any], pointer: str
    ) -> DescribedOperation | None:
        """One operation; None when it cannot be forwarded to, which is then a finding."""
        node = item[method]
        if not isinstance(node, Mapping):
            self._findings.lost("operation", pointer, "an operation is an object")
            return None
        if not path.startswith("/") or "?" in path or "#" in path or not path.isprintable():
            self._findings.lost("path", pointer, "a path begins with / and has no query")
            return None
        try:
            parameters = self._parameters(path, item, node, pointer)
            body = self._contents.body(method, node, pointer)
            replies = self._contents.replies(node, pointer)
        except ReferenceBroken as error:
            self._findings.lost("operation", pointer, f"not imported: {error}")
            return None
        if parameters is None or body == "impossible":
            return None
        self._notes(node, pointer)
        wanted = body
        defs = self._schemas.defs
        schema = wanted.schema if wanted else ""
        named = [schema, *(each.schema for each in replies.values())]
        return DescribedOperation(
            method=method.upper(),
            path=path,
            name=text_of(node, "operationId", 120),
            summary=text_of(node, "summary", 200) or text_of(node, "description", 200),
            line=self._source.line(pointer),
            parameters=parameters,
            body=wanted,
            replies=replies,
            deprecated=node.get("deprecated") is True,
            names=self._members.names(named) | {each.name for each in parameters},
            money=money_members(defs, schema) if schema and wanted and not wanted.wrapped else (),
        )

    def _parameters(
        self, path: str, item: Mapping[str, Any], node: Mapping[str, Any], pointer: str
    ) -> tuple[Parameter, ...] | None:
        """The parameters of an operation, its own before those of its path; None: impossible."""
        found: dict[tuple[str, str], Parameter] = {}
        base = pointer.rpartition("/")[0]
        for owner, at in ((node, pointer), (item, base)):
            listed = owner.get("parameters")
            if listed is not None and not isinstance(listed, list):
                self._findings.lost("parameter", at, "parameters is a list")
                continue
            for number, each in enumerate(listed or ()):
                parameter = self._parameter(each, f"{at}/parameters/{number}")
                if parameter is not None:
                    found.setdefault((parameter.place, parameter.name), parameter)
        holes = _HOLE.findall(path)
        named = {each.name for each in found.values() if each.place == "path"}
        for name in set(holes) - named:
            self._findings.lost("parameter", pointer, f"{{{name}}} is not described: any text")
            found["path", name] = Parameter(name, "path", True, {"type": "string"})
        if len(set(holes)) != len(holes) or "" in holes:
            self._findings.lost("path", pointer, "a path whose parameters have no different names")
            return None
        if len(found) > PARAMETERS_MAX:
            self._findings.lost("parameter", pointer, f"more than {PARAMETERS_MAX} parameters")
            return None
        for each in found.values():
            if each.place == "cookie":
                if each.required:
                    self._findings.lost("cookie", pointer, "not imported: it needs a cookie")
                    return None
                self._findings.lost("cookie", pointer, "a cookie is not sent")
        kept = (each for each in found.values() if each.place != "cookie")
        return tuple(each for each in kept if each.place != "path" or each.name in holes)

    def _parameter(self, node: Any, pointer: str) -> Parameter | None:
        node, at = self._references.followed(node, pointer)
        name = node.get("name") if isinstance(node, Mapping) else None
        place = _PLACES.get(str(node.get("in"))) if isinstance(node, Mapping) else None
        readable = isinstance(name, str) and 0 < len(name) <= 128 and name.isprintable()
        if place is None or not readable:
            self._findings.lost("parameter", pointer, "a parameter without name or place")
            return None
        schema, where = node.get("schema"), f"{at}/schema"
        if schema is None and isinstance(node.get("content"), Mapping) and node["content"]:
            self._findings.lost("parameter", pointer, "a parameter written as a document: any text")
        style = node.get("style", "form" if place in {"query", "cookie"} else "simple")
        explode = node.get("explode", style == "form")
        if style not in {"form", "simple", "deepObject", "spaceDelimited", "pipeDelimited"}:
            self._findings.lost("style", pointer, f"a parameter of style {str(style)[:40]}")
            style = "simple"
        made = self._schemas.named(schema if schema is not None else {}, where, "request")
        return Parameter(
            name=str(name),
            place=place,
            required=node.get("required") is True or place == "path",
            schema={"$ref": f"#/$defs/{made}"},
            style=str(style),
            explode=explode is True,
        )

    def _notes(self, node: Mapping[str, Any], pointer: str) -> None:
        for name, value in node.items():
            if name in _OPERATION_NOTES:
                continue
            if name == "callbacks" and isinstance(value, Mapping):
                for each in value:
                    text = f"the callback {each[:80]} is not passed on"
                    self._findings.lost("callback", f"{pointer}/callbacks/{escaped(each)}", text)
            elif name == "security":
                self._findings.lost("security", pointer, "rights of single operations")
            elif name == "servers":
                text = "a server of its own; the upstream's address counts"
                self._findings.lost("server", pointer, text)
            else:
                rule = "extension" if name.startswith("x-") else "keyword"
                self._findings.lost(rule, pointer, f"{name[:60]} of an operation")

    def _followed(self, node: Any, pointer: str) -> tuple[Any, str]:
        try:
            return self._references.followed(node, pointer)
        except ReferenceBroken:
            return None, pointer
