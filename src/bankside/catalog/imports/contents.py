"""Request bodies and answers of an operation: which media type is taken, which ones are lost.

Source: OpenAPI 3.0.3 sections 4.7.13 to 4.7.17 (request body, media type, encoding, responses).
"""

from collections.abc import Mapping
from typing import Any, Literal

from bankside.catalog.imports.findings import Findings
from bankside.catalog.imports.model import Body, Media, Reply
from bankside.catalog.imports.references import ReferenceBroken, References
from bankside.catalog.imports.schemas import Schemas
from bankside.catalog.imports.source import escaped

FORM = "application/x-www-form-urlencoded"
# Methods whose requests carry a body through every dialect.
_WITH_BODY = frozenset({"post", "put", "patch"})
_COMPOSED = ("allOf", "anyOf", "oneOf")


class Contents:
    """Reads bodies and answers of one description."""

    def __init__(self, references: References, findings: Findings, schemas: Schemas) -> None:
        self._references = references
        self._findings = findings
        self._schemas = schemas

    def body(
        self, method: str, node: Mapping[str, Any], pointer: str
    ) -> Body | Literal["impossible"] | None:
        """The request body of an operation; impossible (a finding) when we cannot write it."""
        if "requestBody" not in node:
            return None
        place = f"{pointer}/requestBody"
        described, at = self._references.followed(node["requestBody"], place)
        if not isinstance(described, Mapping) or not isinstance(described.get("content"), Mapping):
            self._findings.lost("body", place, "a request body without content is not sent")
            return None
        required = described.get("required") is True
        if method not in _WITH_BODY:
            self._findings.lost("body", place, f"the body of {method.upper()} is not sent")
            return "impossible" if required else None
        content: Mapping[str, Any] = described["content"]
        chosen = _chosen(content)
        for name in content:
            if name != chosen:
                self._findings.lost("media-type", place, f"{name[:80]} as a request body")
        if chosen is None:
            text = "not imported: no request body of JSON or of form fields"
            if required or content:
                self._findings.lost("media-type", place, text)
            return "impossible"
        media: Media = "form" if _plain(chosen) == FORM else "json"
        entry = content[chosen] if isinstance(content[chosen], Mapping) else {}
        where = f"{at}/content/{escaped(chosen)}"
        name = self._schemas.named(entry.get("schema", {}), f"{where}/schema", "request")
        self._schemas.shows(name, entry, where)
        return Body(
            media=media,
            media_type=_plain(chosen),
            required=required,
            schema=name,
            wrapped=not self._is_object(name),
            fields=self._fields(name),
            deep=tuple(_deep(entry.get("encoding"))) if media == "form" else (),
        )

    def replies(self, node: Mapping[str, Any], pointer: str) -> dict[str, Reply]:
        """The 2xx answers by status (``200``, ``2XX`` or ``default``)."""
        found: dict[str, Reply] = {}
        responses = node.get("responses")
        for status, each in responses.items() if isinstance(responses, Mapping) else ():
            place = f"{pointer}/responses/{escaped(status)}"
            try:
                described, at = self._references.followed(each, place)
            except ReferenceBroken as error:
                self._findings.lost("response", place, f"{error}: any answer is taken")
                continue
            if not isinstance(described, Mapping):
                continue
            if isinstance(described.get("links"), Mapping) and described["links"]:
                self._findings.lost("link", place, "links between operations")
            if isinstance(described.get("headers"), Mapping) and described["headers"]:
                for name in described["headers"]:
                    self._findings.lost("response-header", place, f"{name[:60]} is not passed on")
            if status[:1] == "2" or status == "default":
                found[status.upper() if status != "default" else status] = self._reply(
                    described, at, place
                )
        if "default" in found and any(each != "default" for each in found):
            # Beside a real success the default describes refusals; their texts never leave here.
            del found["default"]
        return found

    def _reply(self, described: Mapping[str, Any], at: str, place: str) -> Reply:
        content = described.get("content")
        if not isinstance(content, Mapping) or not content:
            return Reply("")
        names = [each for each in content if _is_json(each)]
        chosen = (names or list(content))[0]
        for name in content:
            if name != chosen and not (_is_json(name) and names):
                self._findings.lost("media-type", place, f"{name[:80]} as an answer")
        if not names:
            return Reply(_plain(chosen))
        entry = content[chosen] if isinstance(content[chosen], Mapping) else {}
        where = f"{at}/content/{escaped(chosen)}/schema"
        if "schema" not in entry:
            return Reply("application/json")
        return Reply("application/json", self._schemas.named(entry["schema"], where, "answer"))

    def _fields(self, name: str) -> tuple[str, ...]:
        properties = self._resolved(name).get("properties", {})
        return tuple(properties) if isinstance(properties, dict) else ()

    def _is_object(self, name: str) -> bool:
        schema = self._resolved(name)
        kind = schema.get("type")
        if kind is None:
            return not schema.get("items")
        return kind == "object" or (isinstance(kind, list) and "object" in kind)

    def _resolved(self, name: str) -> Mapping[str, Any]:
        """The schema of a name behind references to references."""
        schema = self._schemas.defs[name]
        for _ in range(32):
            if not isinstance(schema, dict) or "$ref" not in schema:
                break
            schema = self._schemas.defs[schema["$ref"].removeprefix("#/$defs/")]
        return schema if isinstance(schema, dict) else {}


def _chosen(content: Mapping[str, Any]) -> str | None:
    """The media type to write: JSON before form fields."""
    return next((name for name in content if _is_json(name)), None) or next(
        (name for name in content if _plain(name) == FORM), None
    )


def _plain(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _is_json(media_type: str) -> bool:
    plain = _plain(media_type)
    return plain in {"application/json", "text/json", "*/*", "application/*"} or (
        plain.startswith("application/") and plain.endswith("+json")
    )


def _deep(encoding: Any) -> list[str]:
    if not isinstance(encoding, Mapping):
        return []
    return [
        name
        for name, each in encoding.items()
        if isinstance(each, Mapping) and each.get("style") == "deepObject"
    ]
