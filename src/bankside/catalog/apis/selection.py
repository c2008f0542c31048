"""A part of the platform's OpenAPI document: the operations of some products, and nothing else.

Always true: what is left is a whole document: every reference leads somewhere, and no component,
tag or security scheme stands in it that nothing uses.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

Node = dict[str, Any]

_METHODS = frozenset({"get", "post", "put", "patch", "delete"})
_COMPONENTS = "#/components/"


def selected(document: Node, products: Collection[str], *, title: str) -> Node:
    """``document`` with the operations of these products only, under its own title."""
    paths: dict[str, Node] = {}
    for path, item in document["paths"].items():
        kept = {
            name: node
            for name, node in item.items()
            if name not in _METHODS or node.get("x-bankside-product") in products
        }
        if any(name in _METHODS for name in kept):
            paths[path] = kept
    operations = [
        node for item in paths.values() for name, node in item.items() if name in _METHODS
    ]
    tags = {tag for node in operations for tag in node.get("tags", ())}
    return {
        **document,
        "info": {**document["info"], "title": title},
        "tags": [each for each in document["tags"] if each["name"] in tags],
        "paths": paths,
        "components": _used(document, paths, operations),
    }


def _used(document: Node, paths: Node, operations: list[Node]) -> Node:
    """The components that the paths refer to, directly or through each other."""
    components = document["components"]
    found: set[tuple[str, str]] = set()
    waiting = [*_references(paths), *_schemes(document, operations)]
    while waiting:
        place = waiting.pop()
        if place not in found:
            found.add(place)
            waiting += _references(components[place[0]][place[1]])
    kept = {
        kind: {name: node for name, node in named.items() if (kind, name) in found}
        for kind, named in components.items()
    }
    return {kind: named for kind, named in kept.items() if named}


def _references(node: Any) -> Iterator[tuple[str, str]]:
    """(kind, name) of every component that is referred to below ``node``."""
    if isinstance(node, Mapping):
        reference = node.get("$ref")
        if isinstance(reference, str) and reference.startswith(_COMPONENTS):
            kind, _, name = reference.removeprefix(_COMPONENTS).partition("/")
            yield kind, name.partition("/")[0]
        for each in node.values():
            yield from _references(each)
    elif isinstance(node, list):
        for each in node:
            yield from _references(each)


def _schemes(document: Node, operations: list[Node]) -> Iterator[tuple[str, str]]:
    for node in operations:
        needs: Any = node.get("security", document["security"])
        for need in needs:
            for name in need:
                yield "securitySchemes", name
