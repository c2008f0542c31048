"""Schemas of a description as JSON Schema 2020-12 that a validator can run safely.

Always true: a schema made here is valid by construction, refers only to others made here, never
leads a validator in a circle without consuming the value, and costs no more than linear time:
patterns that could take exponential time, and uniqueness of long lists, are listed as lost.
A request's and an answer's schema differ: ``readOnly`` members are not required in a request,
``writeOnly`` ones not in an answer. A format that nobody checks is told, and listed as lost.
Source: JSON Schema 2020-12; OpenAPI 3.0.3 section 4.7.24 (schema object: nullable, exclusive
bounds as booleans) and 3.1.0 section 4.8.24.
"""

import json
import re
import warnings
from collections.abc import Iterator, Mapping

# Python's own reading of a pattern; there is no public name for it.
from re import _constants as sre_constants  # type: ignore[attr-defined]
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any, Literal

from bankside.catalog.imports.findings import Findings
from bankside.catalog.imports.references import ReferenceBroken, References
from bankside.catalog.imports.source import escaped
from bankside.kernel.formats import CHECKS, WITHOUT_CHECK

Direction = Literal["request", "answer"]
Schema = dict[str, Any]

TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
# Comparing every entry with every other is bearable up to here.
UNIQUE_ITEMS_MAX = 1_000
PATTERN_LENGTH_MAX = 1_000
# A repetition of more than this counts as one without bound.
REPEATS_MAX = 100
ENDLESS_MAX = 3
_NOTES = ("title", "description", "format")
_MARKS = ("readOnly", "writeOnly")
# As JSON; a longer example would travel with every snapshot and teach nothing more.
EXAMPLE_BYTES_MAX = 4_096
_SILENT = frozenset(
    {
        *_NOTES,
        *("type", "nullable", "enum", "const", "minimum", "maximum", "exclusiveMinimum"),
        *("exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "items"),
        *("prefixItems", "minItems", "maxItems", "uniqueItems", "properties", "required"),
        *("additionalProperties", "minProperties", "maxProperties", "patternProperties"),
        *("allOf", "anyOf", "oneOf", "not", "$ref", "readOnly", "writeOnly"),
        # Told apart below, or of no meaning to a validator.
        *("example", "examples", "deprecated", "$schema", "$comment", "$id", "$defs"),
        *("definitions", "$anchor"),
    }
)
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")


class Schemas:
    """Makes schemas by name (``defs``), each once a direction, with all they refer to."""

    def __init__(self, references: References, findings: Findings, *, is_30: bool) -> None:
        """``is_30``: the rules of OpenAPI 3.0, where ``nullable`` and boolean bounds count."""
        self.defs: dict[str, Any] = {}
        self._names: dict[tuple[Direction, str], str] = {}
        self._references = references
        self._findings = findings
        self._is_30 = is_30
        self._waiting: list[tuple[str, Direction, str]] = []

    def named(self, node: Any, pointer: str, direction: Direction) -> str:
        """The name of the schema that stands at ``pointer``."""
        key = (direction, pointer)
        if key not in self._names:
            self._names[key] = name = f"{direction}{len(self._names)}"
            self.defs[name] = self._schema(node, pointer, direction)
            self._finish()
        return self._names[key]

    def _finish(self) -> None:
        """Make what was referred to so far."""
        while self._waiting:
            name, direction, pointer = self._waiting.pop()
            self.defs[name] = self._schema(self._references.at(pointer), pointer, direction)

    def _reference(self, target: str, pointer: str, direction: Direction) -> Schema:
        try:
            place = self._references.place(target)
            self._references.at(place)
        except ReferenceBroken as error:
            self._findings.lost("reference", pointer, f"{error}: anything is taken there")
            return {}
        key = (direction, place)
        if key not in self._names:
            self._names[key] = name = f"{direction}{len(self._names)}"
            self._waiting.append((name, direction, place))
        return {"$ref": f"#/$defs/{self._names[key]}"}

    def _schema(self, node: Any, pointer: str, direction: Direction) -> Any:
        if isinstance(node, bool):
            return node
        if not isinstance(node, Mapping):
            self._findings.lost("schema", pointer, "a schema is an object: anything is taken there")
            return {}
        made: Schema = {}
        target = node.get("$ref")
        if isinstance(target, str):
            made = self._reference(target, pointer, direction)
            if self._is_30:
                return made
        made |= {name: node[name] for name in _NOTES if isinstance(node.get(name), str)}
        made |= {name: True for name in _MARKS if node.get(name) is True}
        self._shown(node, pointer, made)
        self._types(node, pointer, made)
        self._numbers(node, pointer, made)
        self._texts(node, pointer, made)
        self._lists(node, pointer, made, direction)
        self._objects(node, pointer, made, direction)
        self._combined(node, pointer, made, direction)
        self._unknown(node, pointer)
        return self._nullable(node, made)

    def shows(self, name: str, node: Mapping[str, Any], pointer: str) -> None:
        """The schema ``name`` has the example of the media type that it stands in."""
        named = node.get("examples")
        several = named.values() if isinstance(named, Mapping) else ()
        values = [
            each["value"] for each in several if isinstance(each, Mapping) and "value" in each
        ]
        values = [node["example"]] if "example" in node else values
        if isinstance(self.defs[name], dict):
            self._shown({"examples": values}, pointer, self.defs[name])

    def _shown(self, node: Mapping[str, Any], pointer: str, made: Schema) -> None:
        """Keep the first example."""
        several = node.get("examples")
        values = several if isinstance(several, list) else []
        values = [node["example"]] if "example" in node else values
        if len(values) > 1:
            self._findings.lost("example", pointer, "a further example")
        if values and len(json.dumps(values[0])) > EXAMPLE_BYTES_MAX:
            self._findings.lost("example", pointer, "an example that is too long")
        elif values:
            made["examples"] = values[:1]

    def _types(self, node: Mapping[str, Any], pointer: str, made: Schema) -> None:
        kinds = node.get("type")
        if isinstance(kinds, str):
            kinds = [kinds]
        if isinstance(kinds, list):
            known = [each for each in kinds if isinstance(each, str) and each in TYPES]
            if len(known) != len(kinds):
                self._findings.lost("type", pointer, "a type JSON does not have is not checked")
            elif known:
                made["type"] = known[0] if len(known) == 1 else list(dict.fromkeys(known))
        elif kinds is not None:
            self._findings.lost("type", pointer, "a type JSON does not have is not checked")
        values = node.get("enum")
        if isinstance(values, list) and values:
            made["enum"] = list(values)
        if "const" in node and not self._is_30:
            made["const"] = node["const"]

    def _nullable(self, node: Mapping[str, Any], made: Schema) -> Schema:
        if not self._is_30 or node.get("nullable") is not True:
            return made
        if "enum" in made and None not in made["enum"]:
            made["enum"] = [*made["enum"], None]
        if isinstance(made.get("type"), str):
            made["type"] = [made["type"], "null"]
        if any(name in made for name in ("allOf", "anyOf", "oneOf")):
            return {"anyOf": [{"type": "null"}, made]}
        return made

    def _numbers(self, node: Mapping[str, Any], pointer: str, made: Schema) -> None:
        for bound, exclusive in (
            ("minimum", "exclusiveMinimum"),
            ("maximum", "exclusiveMaximum"),
        ):
            least, strict = node.get(bound), node.get(exclusive)
            if _is_number(least):
                made[exclusive if strict is True else bound] = least
            if _is_number(strict):
                made[exclusive] = strict
        step = node.get("multipleOf")
        if isinstance(step, int) and not isinstance(step, bool) and step > 0:
            made["multipleOf"] = step
        elif step is not None:
            # 19.99 is no multiple of 0.01 in binary fractions: right values would be refused.
            self._findings.lost("multipleOf", pointer, "a step that is no whole number")

    def _texts(self, node: Mapping[str, Any], pointer: str, made: Schema) -> None:
        for name in _COUNTS:
            count = node.get(name)
            if isinstance(count, int) and not isinstance(count, bool) and count >= 0:
                made[name] = count
        form = node.get("format")
        if isinstance(form, str) and form not in CHECKS and form not in WITHOUT_CHECK:
            self._findings.lost("format", pointer, f"the format {form[:80]} is told, not checked")
        pattern = node.get("pattern")
        if isinstance(pattern, str):
            if is_safe_pattern(pattern):
                made["pattern"] = pattern
            else:
                self._findings.lost("pattern", pointer, f"the pattern {pattern[:80]} is not safe")

    def _lists(
        self, node: Mapping[str, Any], pointer: str, made: Schema, direction: Direction
    ) -> None:
        if isinstance(node.get("items"), Mapping | bool):
            made["items"] = self._schema(node["items"], f"{pointer}/items", direction)
        first = node.get("prefixItems")
        if isinstance(first, list) and first and not self._is_30:
            made["prefixItems"] = [
                self._schema(each, f"{pointer}/prefixItems/{at}", direction)
                for at, each in enumerate(first)
            ]
        if node.get("uniqueItems") is True:
            if made.get("maxItems", UNIQUE_ITEMS_MAX + 1) <= UNIQUE_ITEMS_MAX:
                made["uniqueItems"] = True
            else:
                self._findings.lost("uniqueItems", pointer, "uniqueness in a list without end")

    def _objects(
        self, node: Mapping[str, Any], pointer: str, made: Schema, direction: Direction
    ) -> None:
        properties = node.get("properties")
        skipped: set[str] = set()
        if isinstance(properties, Mapping):
            made["properties"] = {
                name: self._schema(each, f"{pointer}/properties/{escaped(name)}", direction)
                for name, each in properties.items()
            }
            mark = "readOnly" if direction == "request" else "writeOnly"
            skipped = {name for name, each in properties.items() if self._is_marked(each, mark)}
        required = node.get("required")
        if isinstance(required, list):
            names = [each for each in required if isinstance(each, str) and each not in skipped]
            if names:
                made["required"] = list(dict.fromkeys(names))
        rest = node.get("additionalProperties")
        if isinstance(rest, Mapping | bool):
            made["additionalProperties"] = self._schema(
                rest, f"{pointer}/additionalProperties", direction
            )
        patterns = node.get("patternProperties")
        if isinstance(patterns, Mapping):
            at = f"{pointer}/patternProperties"
            made["patternProperties"] = {
                name: self._schema(each, f"{at}/{escaped(name)}", direction)
                for name, each in patterns.items()
                if self._kept_pattern(name, at)
            }

    def _kept_pattern(self, pattern: str, pointer: str) -> bool:
        kept = is_safe_pattern(pattern)
        if not kept:
            self._findings.lost("pattern", pointer, f"the pattern {pattern[:80]} is not safe")
        return kept

    def _is_marked(self, node: Any, mark: str) -> bool:
        return isinstance(node, Mapping) and node.get(mark) is True

    def _combined(
        self, node: Mapping[str, Any], pointer: str, made: Schema, direction: Direction
    ) -> None:
        for name in ("allOf", "anyOf", "oneOf"):
            parts = node.get(name)
            if isinstance(parts, list) and parts:
                made[name] = [
                    self._schema(each, f"{pointer}/{name}/{at}", direction)
                    for at, each in enumerate(parts)
                ]
        if isinstance(node.get("not"), Mapping | bool):
            made["not"] = self._schema(node["not"], f"{pointer}/not", direction)

    def _unknown(self, node: Mapping[str, Any], pointer: str) -> None:
        for name in node:
            if name in _SILENT:
                continue
            if name.startswith("x-"):
                self._findings.lost("extension", pointer, f"{name} of a schema")
            elif name in {"default", "externalDocs"}:
                self._findings.lost("example", pointer, f"{name} of a schema")
            else:
                self._findings.lost("keyword", pointer, f"{name} of a schema is not checked")


def break_circles(defs: dict[str, Any]) -> list[str]:
    """Make every schema end that would ask itself about the same value; the names of those."""
    broken = []
    for name in list(defs):
        seen: set[str] = set()
        waiting = list(_in_place(defs[name]))
        while waiting:
            target = waiting.pop()
            if target == name:
                defs[name] = {}
                broken.append(name)
                break
            if target not in seen:
                seen.add(target)
                waiting += _in_place(defs[target])
    return broken


def _in_place(schema: Any) -> Iterator[str]:
    """The schemas that are asked about the same value as ``schema``."""
    waiting = [schema]
    while waiting:
        each = waiting.pop()
        if not isinstance(each, dict):
            continue
        if "$ref" in each:
            yield each["$ref"].removeprefix("#/$defs/")
        for name in ("allOf", "anyOf", "oneOf"):
            waiting += each.get(name, ())
        waiting.append(each.get("not"))


def is_safe_pattern(pattern: str) -> bool:
    """Whether Python reads the pattern and no short text makes it take long.

    Refused: a choice or a repetition without bound inside another repetition (exponential), more
    than ``ENDLESS_MAX`` repetitions without bound (each one more power), references back.
    """
    if len(pattern) > PATTERN_LENGTH_MAX:
        return False
    try:
        with warnings.catch_warnings(action="ignore"):
            parsed = sre_parser.parse(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    endless = _endless(parsed, inside=False)
    return endless is not None and endless <= ENDLESS_MAX


def _endless(parsed: Any, *, inside: bool) -> int | None:
    """How many repetitions have no bound; None when the pattern is not safe at all."""
    count = 0
    for op, value in parsed:
        repeated = False
        parts: list[Any] = []
        if op in {sre_constants.GROUPREF, sre_constants.GROUPREF_EXISTS}:
            return None
        if op in {sre_constants.MAX_REPEAT, sre_constants.MIN_REPEAT}:
            repeated = value[1] is sre_constants.MAXREPEAT or value[1] > REPEATS_MAX
            parts = [value[2]]
        elif op is sre_constants.SUBPATTERN:
            parts = [value[-1]]
        elif op is sre_constants.BRANCH:
            parts = list(value[1])
        elif op in {sre_constants.ASSERT, sre_constants.ASSERT_NOT}:
            parts = [value[1]]
        if inside and (repeated or op is sre_constants.BRANCH):
            return None
        within = inside or op in {sre_constants.MAX_REPEAT, sre_constants.MIN_REPEAT}
        found = [_endless(each, inside=within) for each in parts]
        if None in found:
            return None
        count += repeated + sum(each for each in found if each)
    return count


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
