"""A request example for a schema of a service of the bank: its description's own, or a made one.

Always true: a sample is taken by the schema it was made for, held against it before it is shown;
where neither the description's example nor a made one is, there is none. Members that only answers
hold (``readOnly``) are not in it. Source: JSON Schema 2020-12; OpenAPI 3.1.0 section 4.8.14.
"""

# Python's own reading of a pattern; there is no public name for it.
from collections.abc import Iterable, Mapping
from re import _constants as sre_constants  # type: ignore[attr-defined]
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any

from bankside.kernel.json_schema import Validator

Node = Mapping[str, Any]

# A schema may contain itself: below so many levels the least is shown (null, an empty list) ...
LEVELS_MAX = 4
# ... and below so many nothing.
DEPTH_MAX = 12
# Of a body that requires nothing, enough members to see what it is about.
OPTIONAL_MAX = 3
# Longer texts and lists say nothing to a reader.
LENGTH_MAX = 512
LIST_MAX = 5
_SCHEMAS = "#/components/schemas/"
_ALTERNATIVES = ("oneOf", "anyOf")
_NULL = {"type": "null"}
_BY_FORMAT: Mapping[str, str] = {
    "date": "2026-03-02",
    "date-time": "2026-03-02T02:00:00Z",
    "time": "02:00:00Z",
    "uuid": "0b0e7c3a-1111-4222-8333-944444444444",
    "email": "ning@shop.example",
    "hostname": "shop.example",
    "uri": "https://shop.example/",
    "uri-reference": "/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "byte": "aGk=",
}
_CATEGORIES = {
    sre_constants.CATEGORY_DIGIT: "1",
    sre_constants.CATEGORY_WORD: "a",
    sre_constants.CATEGORY_SPACE: " ",
    sre_constants.CATEGORY_NOT_DIGIT: "a",
    sre_constants.CATEGORY_NOT_WORD: "-",
    sre_constants.CATEGORY_NOT_SPACE: "a",
}


class Sampler:
    """Makes samples for schemas of one document."""

    def __init__(self, components: Mapping[str, Any]) -> None:
        """``components``: the document's schemas by name."""
        self._components = components
        self._held = Validator({"components": {"schemas": components}})

    def samples(self, schema: Node) -> tuple[Any, ...]:
        """One value that the schema takes; none when none was found."""
        held = self._held.evolve(schema=schema)
        for told in (True, False):
            made = self._made(schema, 0, told=told)
            if held.is_valid(made):
                return (made,)
        return ()

    def _made(self, schema: Any, depth: int, *, told: bool) -> Any:
        """A likely value; ``told``: with the description's own examples where it has some."""
        node = self._flat(schema, depth)
        if told and node.get("examples"):
            return node["examples"][0]
        if "const" in node:
            return node["const"]
        if node.get("enum"):
            return node["enum"][0]
        kind = _kind(node, least=depth >= LEVELS_MAX)
        if kind == "object":
            return self._object(node, depth, told=told)
        if kind == "array":
            count = max(node.get("minItems", 0), int(depth < LEVELS_MAX))
            count = min(count, LIST_MAX, node.get("maxItems", LIST_MAX))
            entry = node.get("items", {}) if depth < DEPTH_MAX else {}
            return [self._made(entry, depth + 1, told=told) for _ in range(count)]
        if kind in {"integer", "number"}:
            return _number(node)
        if kind == "boolean":
            return True
        return None if kind == "null" else _text(node)

    def _object(self, node: Node, depth: int, *, told: bool) -> dict[str, Any]:
        members: Node = node.get("properties", {})
        names = list(node.get("required", ()))
        if not names and depth == 0:
            # Told apart by reading one level: what only answers hold is no part of a request.
            names = [name for name, each in members.items() if not _is_answers_own(each)]
            names = names[:OPTIONAL_MAX]
        if depth >= DEPTH_MAX:
            return {}
        return {name: self._made(members.get(name, {}), depth + 1, told=told) for name in names}

    def _flat(self, schema: Any, depth: int) -> dict[str, Any]:
        """The schema with what it refers to and is composed of in one place."""
        if not isinstance(schema, Mapping) or depth > 2 * DEPTH_MAX:
            return {}
        made: dict[str, Any] = {}
        parts: list[Any] = list(schema.get("allOf", ()))
        if "$ref" in schema:
            parts.append(self._components.get(str(schema["$ref"]).removeprefix(_SCHEMAS), {}))
        for name in _ALTERNATIVES:
            # What may be null is told, until it goes too deep.
            is_deep = depth >= LEVELS_MAX
            parts += sorted(schema.get(name, ()), key=lambda one: (one == _NULL) != is_deep)[:1]
        own = {name: each for name, each in schema.items() if name not in {"allOf", "$ref"}}
        for part in (*(self._flat(each, depth + 1) for each in parts), own):
            members = {**made.get("properties", {}), **part.get("properties", {})}
            required = dict.fromkeys([*made.get("required", ()), *part.get("required", ())])
            made |= part
            made |= {"properties": members} if members else {}
            made |= {"required": list(required)} if required else {}
        return made


def _is_answers_own(schema: Any) -> bool:
    return isinstance(schema, Mapping) and schema.get("readOnly") is True


def _kind(node: Node, *, least: bool) -> str:
    kinds = node.get("type")
    if isinstance(kinds, list):
        plain = [each for each in kinds if each != "null"]
        kinds = plain[0] if plain and not (least and len(plain) < len(kinds)) else "null"
    if isinstance(kinds, str):
        return kinds
    if "properties" in node or "required" in node or "additionalProperties" in node:
        return "object"
    return "array" if "items" in node else "string"


def _number(node: Node) -> int | float:
    least = node.get("minimum", node.get("exclusiveMinimum", 0) + ("exclusiveMinimum" in node))
    most = node.get("maximum", node.get("exclusiveMaximum", least + 1))
    step = node.get("multipleOf", 1)
    value = max(least, min(1, most))
    found: int | float = -(-value // step) * step if node.get("type") == "integer" else value
    return found


def _text(node: Node) -> str:
    text = _BY_FORMAT.get(node.get("format", ""))
    if text is None and "pattern" in node:
        text = matching(node["pattern"])
    text = "example" if text is None else text
    least, most = min(node.get("minLength", 0), LENGTH_MAX), node.get("maxLength", LENGTH_MAX)
    return text.ljust(least, text[-1:] or "x")[:most]


def matching(pattern: str) -> str:
    """A short text that a pattern is likely to find; a check decides."""
    return _matching(sre_parser.parse(pattern))


def _matching(parsed: Iterable[Any]) -> str:
    made = ""
    for op, value in parsed:
        if op is sre_constants.LITERAL:
            made += chr(value)
        elif op is sre_constants.NOT_LITERAL:
            made += "a" if value != ord("a") else "b"
        elif op is sre_constants.ANY:
            made += "a"
        elif op is sre_constants.IN:
            made += _one_of(value)
        elif op is sre_constants.BRANCH:
            made += _matching(value[1][0])
        elif op is sre_constants.SUBPATTERN:
            made += _matching(value[-1])
        elif op in {sre_constants.MAX_REPEAT, sre_constants.MIN_REPEAT}:
            least, most, part = value
            made += _matching(part) * min(max(least, min(1, most)), LENGTH_MAX)
    return made


def _one_of(members: Iterable[Any]) -> str:
    """A character of a set like ``[A-Z_]`` or ``[^/]``."""
    listed = list(members)
    if listed[0][0] is sre_constants.NEGATE:
        return next(each for each in "aA1-_ " if not any(_is_in(each, one) for one in listed[1:]))
    op, value = listed[0]
    if op is sre_constants.RANGE:
        return chr(value[0])
    return chr(value) if op is sre_constants.LITERAL else _CATEGORIES[value]


def _is_in(character: str, member: Any) -> bool:
    op, value = member
    if op is sre_constants.RANGE:
        return bool(value[0] <= ord(character) <= value[1])
    if op is sre_constants.LITERAL:
        return bool(value == ord(character))
    return _CATEGORIES[value] == character
