"""What changed between two descriptions of one service, as its callers would feel it.

Always true: a change is breaking when a request or a reader that was right before can be wrong
after; what cannot be told apart is called breaking.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bankside.catalog.imports.model import Described, DescribedOperation

DEPTH_MAX = 12


@dataclass(frozen=True, slots=True)
class Change:
    """One change of an operation (``GET /pets``)."""

    operation: str
    is_breaking: bool
    text: str


def changes(before: Described, after: Described) -> tuple[Change, ...]:
    """Every change, operation by operation."""
    old = {f"{each.method} {each.path}": each for each in before.operations}
    new = {f"{each.method} {each.path}": each for each in after.operations}
    found = [Change(name, True, "is gone") for name in old.keys() - new.keys()]
    found += [Change(name, False, "is new") for name in new.keys() - old.keys()]
    for name in old.keys() & new.keys():
        for is_breaking, text in _between(old[name], new[name], before.schemas, after.schemas):
            found.append(Change(name, is_breaking, text))
    return tuple(sorted(set(found), key=lambda each: (each.operation, each.text)))


def _between(
    old: DescribedOperation,
    new: DescribedOperation,
    were: Mapping[str, Any],
    are: Mapping[str, Any],
) -> Iterator[tuple[bool, str]]:
    before = {(each.place, each.name): each for each in old.parameters}
    after = {(each.place, each.name): each for each in new.parameters}
    for place, name in sorted(before.keys() | after.keys()):
        was, is_now = before.get((place, name)), after.get((place, name))
        where = f"the {place} parameter {name}"
        if was is None and is_now is not None:
            yield is_now.required, f"{where} is new{' and required' if is_now.required else ''}"
        elif is_now is None:
            yield True, f"{where} is gone"
        elif was is not None:
            if is_now.required and not was.required:
                yield True, f"{where} is required now"
            pair = _Pair(were, are, where, is_request=True)
            yield from pair.between(was.schema, is_now.schema, "", 0)
    if (old.body is None) != (new.body is None):
        required = new.body is not None and new.body.required
        yield (
            new.body is None or required,
            "the request body is " + ("gone" if new.body is None else "new"),
        )
    elif old.body is not None and new.body is not None:
        if new.body.required and not old.body.required:
            yield True, "the request body is required now"
        if old.body.media_type != new.body.media_type:
            # The platform writes it: callers do not notice.
            yield False, f"the request body is {new.body.media_type} now"
        pair = _Pair(were, are, "the request", is_request=True)
        yield from pair.between(_named(old.body.schema), _named(new.body.schema), "", 0)
    yield from _answers(old, new, were, are)
    if new.deprecated and not old.deprecated:
        yield False, "is deprecated now"


def _answers(
    old: DescribedOperation,
    new: DescribedOperation,
    were: Mapping[str, Any],
    are: Mapping[str, Any],
) -> Iterator[tuple[bool, str]]:
    for status in sorted(old.replies.keys() | new.replies.keys()):
        was, is_now = old.replies.get(status), new.replies.get(status)
        where = f"the answer {status}"
        if was is None:
            yield False, f"{where} is new"
        elif is_now is None:
            yield True, f"{where} is gone"
        elif was.media_type != is_now.media_type:
            yield True, f"{where} is {is_now.media_type or 'empty'} now"
        elif bool(was.schema) != bool(is_now.schema):
            yield not is_now.schema, f"{where} is {'' if is_now.schema else 'no longer '}described"
        elif was.schema:
            pair = _Pair(were, are, where, is_request=False)
            yield from pair.between(_named(was.schema), _named(is_now.schema), "", 0)


def _named(schema: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{schema}"}


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two sets of schemas; ``is_request``: callers write what they describe, else they read it."""

    were: Mapping[str, Any]
    are: Mapping[str, Any]
    where: str
    is_request: bool

    def between(self, old: Any, new: Any, pointer: str, depth: int) -> Iterator[tuple[bool, str]]:
        """The changes from ``old`` to ``new``, members first."""
        old, new = self._resolved(old, self.were), self._resolved(new, self.are)
        place = f"{self.where}: {pointer or 'the whole'}"
        if depth > DEPTH_MAX or not isinstance(old, dict) or not isinstance(new, dict):
            return
        yield from self._values(old, new, place)
        before, after = old.get("properties", {}), new.get("properties", {})
        needed, needs = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(before.keys() | after.keys()):
            member = f"{self.where}: {pointer}/{name}"
            if name not in before:
                breaks = self.is_request and name in needs
                yield breaks, f"{member} is new{' and required' if name in needs else ''}"
            elif name not in after:
                yield True, f"{member} is gone"
            else:
                if name in needs - needed and self.is_request:
                    yield True, f"{member} is required now"
                if name in needed - needs and not self.is_request:
                    yield True, f"{member} may be missing now"
                yield from self.between(before[name], after[name], f"{pointer}/{name}", depth + 1)
        if "items" in old and "items" in new:
            yield from self.between(old["items"], new["items"], f"{pointer}/*", depth + 1)

    def _values(
        self, old: Mapping[str, Any], new: Mapping[str, Any], place: str
    ) -> Iterator[tuple[bool, str]]:
        was, is_now = _kinds(old), _kinds(new)
        if was != is_now:
            # A request may be wider, an answer narrower.
            fits = is_now >= was if self.is_request else is_now <= was
            yield not fits, f"{place} is {' or '.join(sorted(is_now))} now"
        if "enum" in old or "enum" in new:
            before, after = set(map(str, old.get("enum", ()))), set(map(str, new.get("enum", ())))
            if before != after:
                wider = "enum" not in new or ("enum" in old and before <= after)
                narrower = "enum" not in old or ("enum" in new and after <= before)
                fits = wider if self.is_request else narrower
                yield not fits, f"{place} takes other values now"
        for name in ("minLength", "minItems", "minimum", "maxLength", "maxItems", "maximum"):
            if old.get(name) != new.get(name):
                yield self._is_bound_broken(name, old, new), f"{place} has another {name}"
        for name in ("pattern", "format", "multipleOf", "allOf", "anyOf", "oneOf", "not"):
            if (name in old) != (name in new) or (
                name in {"pattern", "format"} and old.get(name) != new.get(name)
            ):
                yield True, f"{place} has another {name}"

    def _is_bound_broken(self, name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        was, is_now = old.get(name), new.get(name)
        if is_now is None or was is None:
            return (was is None) == self.is_request
        tighter = is_now > was if name.startswith("min") else is_now < was
        return bool(tighter) == self.is_request

    def _resolved(self, schema: Any, defs: Mapping[str, Any]) -> Any:
        for _ in range(32):
            if not isinstance(schema, dict) or "$ref" not in schema:
                break
            schema = defs.get(schema["$ref"].removeprefix("#/$defs/"))
        return schema


def _kinds(schema: Mapping[str, Any]) -> set[str]:
    kinds = schema.get("type")
    if kinds is None:
        return {"anything"}
    return {kinds} if isinstance(kinds, str) else set(kinds)
