"""A schema of the service behind, as a mapping makes it ours.

Always true: a member that a rule moves stands where our callers meet it, amounts as ``Money``; what
cannot be told from the schema's own members (alternatives at the top) is told as any object, never
as the service's shape. Source: catalogue guide section 8; RFC 6901.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from bankside.kernel.snapshot import MapRule

Node = dict[str, Any]
# A rule with the pointer of the service's member and of ours ("" for none).
Move = tuple[MapRule, str, str]

_SCHEMAS = "#/components/schemas/"
_MONEY: Node = {"$ref": f"{_SCHEMAS}Money"}
_DEPTH_MAX = 32


def remapped(
    schema: Node, components: Mapping[str, Any], moves: Iterable[Move], *, outwards: bool
) -> Node:
    """The object schema with each member where our callers meet it.

    ``outwards``: of a request, where the currency beside an amount is written by us and a value
    without a source is a constant of ours.
    """
    made = _flat(schema, components)
    if made is None:
        return {"type": "object"}
    taken = []
    for rule, theirs, ours in moves:
        found, required = _take(made, theirs, components)
        taken.append((rule, ours, found, required))
        if outwards and rule.unit and rule.currency.startswith("/"):
            _take(made, rule.currency, components)
    for rule, ours, found, required in taken:
        if ours:
            _put(made, ours, _ours(rule, found), components, required=required)
    return made


def _ours(rule: MapRule, found: Node) -> Node:
    if rule.unit:
        return dict(_MONEY)
    # Words change the values: an enumeration of the service's own says nothing of ours.
    return {"type": "string"} if rule.words else found


def _flat(schema: Any, components: Mapping[str, Any], depth: int = 0) -> Node | None:
    """An object schema with its members in one place; None where there are alternatives."""
    if not isinstance(schema, Mapping) or depth > _DEPTH_MAX:
        return None
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix(_SCHEMAS)
        return _flat(components.get(name), components, depth + 1)
    if {"oneOf", "anyOf", "if", "not"} & schema.keys():
        return None
    made: Node = {
        name: deepcopy(value)
        for name, value in schema.items()
        # An example shows the members where the service meets them.
        if name not in {"allOf", "properties", "required", "examples"}
    }
    made |= {"type": "object", "properties": {}, "required": []}
    for part in schema.get("allOf", ()):
        found = _flat(part, components, depth + 1)
        if found is None:
            return None
        made["properties"] |= found.get("properties", {})
        made["required"] += found.get("required", [])
    made["properties"] |= deepcopy(dict(schema.get("properties", {})))
    made["required"] = list(dict.fromkeys([*made["required"], *schema.get("required", [])]))
    return made if made["required"] else {k: v for k, v in made.items() if k != "required"}


def _take(made: Node, pointer: str, components: Mapping[str, Any]) -> tuple[Node, bool]:
    """The schema of the member at a pointer, removed, and whether it was required."""
    if not pointer:
        return {}, False
    *path, last = _parts(pointer)
    owner: Node | None = made
    for part in path:
        owner = _below(owner, part, components, make=False)
    if owner is None:
        return {}, False
    required = last in owner.get("required", ())
    if required:
        owner["required"] = [each for each in owner["required"] if each != last]
        if not owner["required"]:
            del owner["required"]
    found: Node = owner.get("properties", {}).pop(last, {})
    return found, required


def _put(
    made: Node, pointer: str, schema: Node, components: Mapping[str, Any], *, required: bool
) -> None:
    *path, last = _parts(pointer)
    owner: Node | None = made
    for part in path:
        if owner is not None and required:
            owner["required"] = list(dict.fromkeys([*owner.get("required", ()), part]))
        owner = _below(owner, part, components, make=True)
    if owner is None:
        return
    owner.setdefault("properties", {})[last] = schema
    if required:
        owner["required"] = list(dict.fromkeys([*owner.get("required", ()), last]))


def _below(
    owner: Node | None, part: str, components: Mapping[str, Any], *, make: bool
) -> Node | None:
    """The schema of a member that is an object, as a copy of its own in its owner."""
    if owner is None:
        return None
    members = owner.setdefault("properties", {})
    if part not in members:
        if not make:
            return None
        members[part] = {"type": "object", "properties": {}}
    found = _flat(members[part], components)
    if found is not None:
        members[part] = found
    return found


def _parts(pointer: str) -> list[str]:
    return [each.replace("~1", "/").replace("~0", "~") for each in pointer.split("/")[1:]]
