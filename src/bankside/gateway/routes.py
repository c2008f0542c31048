"""Native routes: method and path -> operation and path parameters, in constant time.

Always true: a literal path is one dictionary read; a templated one costs one read per mask of
literal positions that its number of segments has under its noun (a handful), whatever the number
of routes.
"""

from collections.abc import Mapping
from urllib.parse import unquote

from bankside.kernel.snapshot import Operation

# Different masks of literal positions among templates with one number of segments under one noun
# (`/v1/<noun>/...`); the catalogue needs 3. More would mean a path design that no longer resolves
# in constant time: an import with more of them is refused before it is published.
MASKS_MAX = 8
# Where the noun stands among the segments of a path ("" is the first).
NOUN = 2

_Methods = dict[str, tuple[Operation, tuple[int, ...], tuple[str, ...]]]
_NO_PARAMETERS: Mapping[str, str] = {}


class Routes:
    """The router of one snapshot; filled once, then only read."""

    __slots__ = ("_literal", "_templates")

    def __init__(self) -> None:
        self._literal: dict[str, dict[str, Operation]] = {}
        # (number of segments, noun) -> mask (positions of literals) -> literals -> methods
        self._templates: dict[
            tuple[int, str], dict[tuple[int, ...], dict[tuple[str, ...], _Methods]]
        ] = {}

    def add(self, operation: Operation) -> None:
        """Serve ``operation`` under its own method and path template."""
        segments = operation.path.split("/")
        holes = tuple(at for at, each in enumerate(segments) if each.startswith("{"))
        if not holes:
            self._literal.setdefault(operation.path, {})[operation.method] = operation
            return
        mask = tuple(at for at in range(len(segments)) if at not in holes)
        place = _place(segments)
        masks = self._templates.setdefault(place, {})
        if mask not in masks:
            # The template with more literals is the more precise one: it is asked first.
            masks = dict(sorted({**masks, mask: {}}.items(), key=lambda each: -len(each[0])))
            self._templates[place] = masks
        literals = tuple(segments[at] for at in mask)
        names = tuple(segments[at][1:-1] for at in holes)
        masks[mask].setdefault(literals, {})[operation.method] = (
            operation,
            holes,
            names,
        )
        assert len(masks) <= MASKS_MAX, f"too many shapes of paths like {operation.path}"

    def find(self, method: str, path: str) -> tuple[Operation, Mapping[str, str]] | None:
        """The operation and its path parameters (percent-decoded), or None."""
        methods = self._literal.get(path)
        if methods is not None:
            operation = methods.get(method)
            if operation is not None:
                return operation, _NO_PARAMETERS
        segments = path.split("/")
        for found in self._templated(segments):
            entry = found.get(method)
            if entry is not None:
                operation, holes, names = entry
                values = _decoded([segments[at] for at in holes])
                return (
                    None if values is None else (operation, dict(zip(names, values, strict=True)))
                )
        return None

    def allowed(self, path: str) -> tuple[str, ...]:
        """Every method this path answers (GET implies HEAD), sorted; empty for an unknown path."""
        methods = set(self._literal.get(path, ()))
        for found in self._templated(path.split("/")):
            methods.update(found)
        if "GET" in methods:
            methods.add("HEAD")
        return (*sorted(methods), "OPTIONS") if methods else ()

    def _templated(self, segments: list[str]) -> list[_Methods]:
        found = self._under(_place(segments), segments)
        if len(segments) > NOUN + 1 and (len(segments), "") in self._templates:
            found += self._under((len(segments), ""), segments)
            found.sort(key=lambda each: -each[0])
        return [methods for _, methods in found]

    def _under(self, place: tuple[int, str], segments: list[str]) -> list[tuple[int, _Methods]]:
        """Methods of the templates kept at ``place`` that fit, with how many literals they have."""
        masks = self._templates.get(place)
        if masks is None:
            return []
        found = []
        for mask, by_literals in masks.items():
            methods = by_literals.get(tuple([segments[at] for at in mask]))
            if methods is not None:
                found.append((len(mask), methods))
        return found


def _place(segments: list[str]) -> tuple[int, str]:
    """Where templates with these segments are kept: ``/v1/<noun>/...`` of one length together."""
    noun = segments[NOUN] if len(segments) > NOUN + 1 else ""
    return len(segments), "" if noun.startswith("{") else noun


def _decoded(values: list[str]) -> list[str] | None:
    """Percent-decoded values, or None when one is empty, no UTF-8, or holds a control character."""
    decoded = []
    for value in values:
        text = value
        if "%" in value:
            try:
                text = unquote(value, errors="strict")
            except UnicodeDecodeError:
                return None
        if not text or not text.isprintable():
            return None
        decoded.append(text)
    return decoded
