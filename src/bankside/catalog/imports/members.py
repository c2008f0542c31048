"""Names of members in schemas, for what is guessed from names: data classes and amounts."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# Enough to find every name that matters in one operation; more is one huge shared model.
NAMES_MAX = 5_000
MONEY_MAX = 20
_MONEY_DEPTH = 4
_REFERENCES_MAX = 8
_MONEY = re.compile(r"(^|[._-])(amount|total|sum|price|balance|value)s?([._-]|$)", re.IGNORECASE)
_NOT_MONEY = re.compile(r"currency|code|type|status|date|count|id$|unit|name", re.IGNORECASE)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def words(name: str) -> str:
    """A member name in small words: ``cardNumber`` is ``card_number``."""
    return re.sub(r"[^a-z0-9]+", "_", _HUMP.sub("_", name).lower()).strip("_")


class Members:
    """The member names of one description's schemas; each schema is looked through once."""

    def __init__(self, defs: Mapping[str, Any]) -> None:
        self._defs = defs
        # Name of a schema -> the names of its own members, and the schemas it refers to.
        self._own: dict[str, tuple[frozenset[str], tuple[str, ...]]] = {}

    def names(self, schemas: Iterable[str]) -> frozenset[str]:
        """The names of all members in these schemas and what they refer to."""
        found: set[str] = set()
        seen: set[str] = set()
        waiting = [each for each in schemas if each]
        while waiting and len(found) < NAMES_MAX:
            name = waiting.pop()
            if name in seen or name not in self._defs:
                continue
            seen.add(name)
            if name not in self._own:
                self._own[name] = _own_members(self._defs[name])
            members, others = self._own[name]
            found |= members
            waiting += others
        return frozenset(found)


def _own_members(schema: Any) -> tuple[frozenset[str], tuple[str, ...]]:
    """Names of the members that stand in a schema itself, and the schemas it refers to."""
    found: set[str] = set()
    others: list[str] = []
    waiting: list[Any] = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                others.append(node["$ref"].removeprefix("#/$defs/"))
            properties = node.get("properties")
            if isinstance(properties, dict):
                found |= properties.keys()
                waiting += properties.values()
            for name in ("items", "prefixItems", "allOf", "anyOf", "oneOf", "additionalProperties"):
                waiting.append(node.get(name))
    return frozenset(found), tuple(dict.fromkeys(others))


def money_members(defs: Mapping[str, Any], schema: str) -> tuple[tuple[str, str, str], ...]:
    """Members of a request that look like amounts: (pointer, JSON type, pointer of its currency).

    The currency is a sibling whose name says so, "" when there is none.
    """
    root = {"$ref": f"#/$defs/{schema}"}
    return tuple(each for each, _ in zip(_money(defs, root, "", 0), range(MONEY_MAX), strict=False))


def _money(
    defs: Mapping[str, Any], node: Any, pointer: str, depth: int
) -> Iterator[tuple[str, str, str]]:
    for _ in range(_REFERENCES_MAX):
        if not isinstance(node, dict) or "$ref" not in node:
            break
        node = defs.get(node["$ref"].removeprefix("#/$defs/"))
    properties = node.get("properties") if isinstance(node, dict) else None
    if not isinstance(properties, dict) or depth > _MONEY_DEPTH:
        return
    currency = next((each for each in properties if "currency" in words(each)), None)
    for name, each in properties.items():
        place = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
        kind = each.get("type") if isinstance(each, dict) else None
        if isinstance(kind, list):
            kind = next((one for one in kind if one != "null"), None)
        plain = words(name)
        if _MONEY.search(plain) and not _NOT_MONEY.search(plain) and kind in _UNITS:
            beside = f"{pointer}/{currency}" if currency else ""
            yield place, str(kind), beside
        elif isinstance(each, dict) and ("$ref" in each or "properties" in each):
            yield from _money(defs, each, place, depth + 1)


_UNITS = frozenset({"integer", "number", "string"})
