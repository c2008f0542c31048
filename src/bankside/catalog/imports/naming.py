"""Names that an imported operation has on our wires, derived from its upstream path.

Always true: names of one set differ from each other, use our letters only, and are the same for the
same description; a path parameter never hides a member of the request in the dialects that carry
both in one object.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from bankside.catalog.imports.members import words
from bankside.catalog.imports.model import DescribedOperation

SET_NAME = re.compile(r"[a-z][a-z0-9-]{1,40}")
_HOLE = re.compile(r"(\{[^{}/]*\})")
_SKIPPED = re.compile(r"(api|rest|v[0-9]+([._][0-9]+)*)")
_ON_COLLECTION = {"GET": "list", "POST": "create", "PUT": "replace", "PATCH": "amend"}
_ON_ITEM = {"GET": "query", "POST": "act", "PUT": "replace", "PATCH": "amend"}
_WORD_MAX = 80
_SEGMENT_MAX = 60


@dataclass(frozen=True, slots=True)
class Names:
    """``path``: ours, below /v1; ``word``: of the operation's id; ``holes``: upstream parameter to
    ours.
    """

    path: str
    word: str
    holes: dict[str, str]


def set_name(title: str) -> str:
    """A name for the set from the title of its description."""
    name = words(title).replace("_", "-")[:40].strip("-")
    return name if SET_NAME.fullmatch(name) else "imported-services"


def names_of(set_: str, operations: Iterable[DescribedOperation]) -> list[Names]:
    """The names of each operation, in their order."""
    taken: set[tuple[str, str]] = set()
    used: set[str] = set()
    made = []
    for each in operations:
        segments, holes = _segments(each, set_)
        path = _free_path(f"/v1/{set_}", segments, each.method, taken)
        word = _free_word(path.split("/")[3:], each.method, used)
        made.append(Names(path, word, holes))
    return made


def shape(path: str) -> str:
    """A path without the names of its parameters: what the router tells paths apart by."""
    return re.sub(r"\{[^{}/]*\}", "{}", path)


def _segments(operation: DescribedOperation, set_: str) -> tuple[list[str], dict[str, str]]:
    """The segments of our path below the set, and what the parameters are called there."""
    beside = {words(each.name) for each in operation.parameters if each.place != "path"}
    if operation.body is not None:
        beside |= {words(each) for each in operation.body.fields}
    segments: list[str] = []
    holes: dict[str, str] = {}
    for part in operation.path.split("/"):
        for piece in _HOLE.split(part):
            if piece.startswith("{"):
                holes[piece[1:-1]] = name = _hole(piece[1:-1], beside, set(holes.values()))
                segments.append("{" + name + "}")
            elif word := words(piece).replace("_", "-")[:_SEGMENT_MAX]:
                segments.append(word)
    while segments and _SKIPPED.fullmatch(segments[0].replace("-", "_")):
        segments.pop(0)
    if segments and segments[0] == set_:
        segments.pop(0)
    return segments, holes


def _hole(name: str, beside: set[str], taken: set[str]) -> str:
    """A parameter's name in our path: letters and digits, camel case."""
    parts = words(name).split("_") if words(name) else ["id"]
    camel = parts[0] + "".join(each.capitalize() for each in parts[1:])
    if not camel[0].isalpha():
        camel = f"p{camel}"
    if words(camel) in beside:
        camel = f"{camel}InPath"
    candidate, number = camel[:40], 2
    while candidate in taken:
        candidate, number = f"{camel[:38]}{number}", number + 1
    return candidate


def _free_path(root: str, segments: list[str], method: str, taken: set[tuple[str, str]]) -> str:
    path, number = "/".join([root, *segments]), 2
    while (method, shape(path)) in taken:
        path, number = "/".join([root, *segments, f"way-{number}"]), number + 1
    taken.add((method, shape(path)))
    return path


def _free_word(segments: list[str], method: str, used: set[str]) -> str:
    literals = [each for each in segments if not each.startswith("{")]
    on_item = bool(segments) and segments[-1].startswith("{")
    act = {"DELETE": "remove"}.get(method) or (_ON_ITEM if on_item else _ON_COLLECTION)[method]
    base = "-".join([*literals, act])
    if len(base) > _WORD_MAX:
        digest = sha256("/".join(segments).encode()).hexdigest()[:8]
        base = f"{base[: _WORD_MAX - 20].rstrip('-')}-{digest}-{act}"
    word, number = base, 2
    while word in used:
        word, number = f"{base}-{number}", number + 1
    used.add(word)
    return word
