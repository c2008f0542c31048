"""The text of an API description as plain data, with the line each part stands on.

Always true: what leaves here is made of objects with different names, lists, texts, numbers, true,
false and null, nested at most ``DEPTH_MAX`` deep; anything else is a DescriptionRefused that names
line and rule. YAML is read by the JSON-like rules that OpenAPI asks for: ``no`` is a text and a
date is a text; aliases are followed within bounds.
Source: OpenAPI 3.1.0 section 4.2 (format), RFC 8259, RFC 6901 (pointers).
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import yaml

from bankside.catalog.imports.errors import DescriptionRefused

BYTES_MAX = 10 * 1024 * 1024
DEPTH_MAX = 64
# Values of one description, each alias counted as what it stands for: ten megabytes of JSON hold
# about a million; more comes only from aliases of aliases.
VALUES_MAX = 2_000_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|[{}\[\],:\n]')
_TAG = "tag:yaml.org,2002:"
_TRUTH = {"true": True, "false": False}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")


class Source:
    """A description as data (``root``), and where each part of it stands."""

    def __init__(self, root: Mapping[str, Any], text: str, node: Any = None) -> None:
        """``node`` is the composed YAML; None for JSON."""
        self.root = root
        self._text = text
        self._node = node

    def line(self, pointer: str) -> int:
        """The line of the part at a JSON pointer, or of the nearest part around it; from 1."""
        while pointer and pointer not in self._lines:
            pointer = pointer.rpartition("/")[0]
        return self._lines.get(pointer, 1)

    @cached_property
    def _lines(self) -> dict[str, int]:
        places = _json_places(self._text) if self._node is None else _yaml_places(self._node)
        lines: dict[str, int] = {}
        for pointer, line in places:
            lines.setdefault(pointer, line)
        return lines


def read_source(raw: bytes) -> Source:
    """The description in ``raw`` (JSON or YAML, UTF-8); raises DescriptionRefused."""
    if len(raw) > BYTES_MAX:
        raise DescriptionRefused("size", 1, f"{len(raw)} bytes are more than {BYTES_MAX}")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DescriptionRefused("encoding", line, "the text is not UTF-8") from error
    try:
        source = _from_json(text) if text.lstrip()[:1] in {"{", "["} else _from_yaml(text)
    except RecursionError as error:
        raise DescriptionRefused("depth", 1, f"nested deeper than {DEPTH_MAX}") from error
    if not isinstance(source.root, dict):
        raise DescriptionRefused("shape", 1, "the description is an object")
    return source


def escaped(name: str) -> str:
    """A name as one part of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _from_json(text: str) -> Source:
    repeated: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            repeated.append("")
        return found

    def no_number(name: str) -> Any:
        raise ValueError(f"{name} is no number of JSON")

    try:
        root = json.loads(text, object_pairs_hook=once, parse_constant=no_number)
    except json.JSONDecodeError as error:
        raise DescriptionRefused("syntax", error.lineno, f"no JSON: {error.msg}") from error
    except ValueError as error:
        raise DescriptionRefused("syntax", 1, f"no JSON: {error}") from error
    _check(root)
    if repeated:
        pointer, line = _repeated(text)
        raise DescriptionRefused("duplicate-name", line, f"{pointer} stands twice")
    return Source(root, text)


def _check(root: Any) -> None:
    """Refuse what is nested too deeply, and texts that no UTF-8 can write."""
    waiting: list[tuple[Any, int]] = [(root, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > DEPTH_MAX:
            raise DescriptionRefused("depth", 1, f"nested deeper than {DEPTH_MAX}")
        if isinstance(value, dict):
            waiting += [(each, depth + 1) for each in value.values()]
            waiting += [(each, depth) for each in value]
        elif isinstance(value, list):
            waiting += [(each, depth + 1) for each in value]
        elif isinstance(value, str) and not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                text = "a text holds half a character (a lone surrogate)"
                raise DescriptionRefused("encoding", 1, text) from error
        elif isinstance(value, float) and not math.isfinite(value):
            raise DescriptionRefused("syntax", 1, "a number is too large")


def _json_places(text: str) -> Iterator[tuple[str, int]]:
    """Each member and list entry of well-formed JSON: its pointer, and the line it begins on."""
    line, at = 1, ""
    # Open objects and lists: pointer, number of the entry (-1: an object).
    stack: list[list[Any]] = []
    name_next = False
    yield "", 1
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark == "\n":
            line += 1
        elif mark in {"{", "["}:
            stack.append([at, -1 if mark == "{" else 0])
            name_next = mark == "{"
            if mark == "[":
                at = f"{at}/0"
                yield at, line
        elif mark in {"}", "]"}:
            at = stack.pop()[0]
            name_next = False
        elif mark == ",":
            base, number = stack[-1]
            if number >= 0:
                stack[-1][1] = number + 1
                at = f"{base}/{number + 1}"
                yield at, line
            else:
                name_next = True
        elif mark != ":" and name_next:
            at = f"{stack[-1][0]}/{escaped(json.loads(mark))}"
            name_next = False
            yield at, line


def _repeated(text: str) -> tuple[str, int]:
    seen: set[str] = set()
    for pointer, line in _json_places(text):
        if pointer in seen:
            return pointer, line
        seen.add(pointer)
    return "a name", 1


def _from_yaml(text: str) -> Source:
    try:
        loader = _LOADER(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise DescriptionRefused("syntax", line, f"no YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise DescriptionRefused("syntax", 1, "no YAML, or a character no text may hold") from error
    if node is None:
        raise DescriptionRefused("shape", 1, "the description is empty")
    _bounded(node)
    root = _built(node, 1)
    _check(root)
    return Source(root, text, node)


def _children(node: Any) -> list[Any]:
    if isinstance(node, yaml.MappingNode):
        return [each for pair in node.value for each in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _bounded(root: Any) -> None:
    """Refuse aliases that stand for themselves, or for more values than any description has."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()
    waiting: list[tuple[Any, bool]] = [(root, False)]
    while waiting:
        node, is_done = waiting.pop()
        if is_done:
            open_nodes.discard(id(node))
            sizes[id(node)] = 1 + sum(sizes[id(each)] for each in _children(node))
            if sizes[id(node)] > VALUES_MAX:
                raise _refused(node, "alias", f"aliases stand for more than {VALUES_MAX} values")
            continue
        if id(node) in sizes:
            continue
        if id(node) in open_nodes:
            raise _refused(node, "alias", "an alias stands inside of what it stands for")
        open_nodes.add(id(node))
        waiting.append((node, True))
        waiting += [(each, False) for each in _children(node) if id(each) not in sizes]
        if any(id(each) in open_nodes for each in _children(node)):
            raise _refused(node, "alias", "an alias stands inside of what it stands for")


def _built(node: Any, depth: int) -> Any:
    """The data of a node, by the rules of JSON."""
    if depth > DEPTH_MAX:
        raise _refused(node, "depth", f"nested deeper than {DEPTH_MAX}")
    if isinstance(node, yaml.SequenceNode):
        return [_built(each, depth + 1) for each in node.value]
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _refused(key, "name", "a name is a text")
            if key.value == "<<" and key.tag == f"{_TAG}merge":
                raise _refused(key, "merge", "merge keys are no part of OpenAPI")
            if key.value in found:
                raise _refused(key, "duplicate-name", f"{key.value} stands twice")
            found[key.value] = _built(value, depth + 1)
        return found
    return _scalar(node)


def _scalar(node: Any) -> Any:
    text: str = node.value
    kind = node.tag.removeprefix(_TAG)
    if node.style:
        return text  # In quotes, or a block.
    if kind == "null":
        return None
    if kind == "bool":
        return _TRUTH.get(text.lower(), text)
    if kind in {"int", "float"}:
        try:
            if _INTEGER.fullmatch(text):
                return int(text)
            if _NUMBER.fullmatch(text):
                number = float(text)
                return number if math.isfinite(number) else text
        except ValueError as error:
            raise _refused(node, "syntax", "a number is too long") from error
    return text


def _yaml_places(root: Any) -> Iterator[tuple[str, int]]:
    waiting: list[tuple[str, Any, int]] = [("", root, 1)]
    while waiting:
        pointer, node, line = waiting.pop()
        yield pointer, line
        if isinstance(node, yaml.MappingNode):
            waiting += [
                (f"{pointer}/{escaped(key.value)}", value, key.start_mark.line + 1)
                for key, value in node.value
            ]
        elif isinstance(node, yaml.SequenceNode):
            waiting += [
                (f"{pointer}/{number}", each, each.start_mark.line + 1)
                for number, each in enumerate(node.value)
            ]


def _refused(node: Any, rule: str, text: str) -> DescriptionRefused:
    return DescriptionRefused(rule, node.start_mark.line + 1, text)
