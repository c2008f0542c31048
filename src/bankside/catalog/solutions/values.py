"""Where a field's value comes from: a path, a constant, or a text or share made of them.

``"$input.payer"`` is a field of the run's request, ``"$steps.split.paid"`` a field of what step
``split`` answers now, ``"$run.date"`` a fact of the run (``id``, ``no``, ``date``, ``month``).
``{"$text": [...]}`` joins texts, ``{"$share": [path, basis points]}`` takes a share of an amount,
rounded half-even to its minor unit. Everything else stands for itself; lists and objects are read
entry by entry. There is nothing to evaluate: no code, no loops, no functions of the caller's.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bankside.kernel.errors import BanksideError
from bankside.kernel.money import Money

RUN_FACTS: Mapping[str, str] = {"id": "text", "no": "text", "date": "date", "month": "text"}
# A request is a few objects deep; what is deeper is no request of ours.
DEPTH_MAX = 8
_PATH = re.compile(r"\$(input|steps|run)((?:\.[A-Za-z0-9_-]{1,64}){1,8})")
_SHARE_MAX_BP = 10_000


class ValueInvalid(Exception):
    """The binding is no value of this language; the text says what is wrong with it."""


class Missing(Exception):
    """A path leads to nothing now: the text is the path."""


@dataclass(frozen=True, slots=True)
class Path:
    """A place among the run's inputs, its steps' answers or its own facts."""

    source: str
    parts: tuple[str, ...]

    def __str__(self) -> str:
        return f"${self.source}." + ".".join(self.parts)

    @property
    def step(self) -> str | None:
        """The step whose answer it reads."""
        return self.parts[0] if self.source == "steps" else None


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that stands for itself."""

    value: Any


@dataclass(frozen=True, slots=True)
class Joined:
    """A text of several."""

    parts: tuple["Value", ...]


@dataclass(frozen=True, slots=True)
class Share:
    """Basis points of an amount."""

    of: Path
    rate_bp: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A list, entry by entry."""

    entries: tuple["Value", ...]


@dataclass(frozen=True, slots=True)
class Composed:
    """An object, field by field."""

    fields: Mapping[str, "Value"]


Value = Path | Constant | Joined | Share | Listed | Composed


def parse(raw: Any, *, depth: int = 0) -> Value:
    """The value that a binding writes. Raises ValueInvalid."""
    if depth > DEPTH_MAX:
        raise ValueInvalid(f"values are nested more than {DEPTH_MAX} deep")
    if isinstance(raw, str):
        return path(raw) if raw.startswith("$") else Constant(raw)
    if isinstance(raw, list | tuple):
        return Listed(tuple(parse(each, depth=depth + 1) for each in raw))
    if isinstance(raw, Mapping):
        return _mapping(raw, depth)
    if raw is None or isinstance(raw, bool | int):
        return Constant(raw)
    raise ValueInvalid(f"{str(raw)[:40]!r} is no value: write numbers with a point as text")


def path(text: str) -> Path:
    """``$steps.split.paid`` as a path. Raises ValueInvalid."""
    found = _PATH.fullmatch(text)
    if found is None:
        raise ValueInvalid(f"{text[:80]!r} is no path: $input.NAME, $steps.STEP.FIELD or $run.FACT")
    parts = tuple(found[2][1:].split("."))
    if found[1] == "steps" and len(parts) == 1:
        raise ValueInvalid(f"{text} names a step and no field of its answer")
    return Path(found[1], parts)


def paths(value: Value) -> Iterator[Path]:
    """Every path the value reads."""
    match value:
        case Path():
            yield value
        case Share():
            yield value.of
        case Joined(parts) | Listed(parts):
            for each in parts:
                yield from paths(each)
        case Composed(fields):
            for each in fields.values():
                yield from paths(each)


def resolve(value: Value, sources: Mapping[str, Any]) -> Any:
    """The value as JSON; ``sources`` are ``input``, ``steps`` and ``run``. Raises Missing."""
    match value:
        case Path():
            return read(value, sources)
        case Constant(constant):
            return constant
        case Joined(parts):
            return "".join(str(resolve(each, sources)) for each in parts)
        case Share():
            return _share(value, sources)
        case Listed(entries):
            return [resolve(each, sources) for each in entries]
        case Composed(fields):
            return {name: resolve(each, sources) for name, each in fields.items()}


def read(at: Path, sources: Mapping[str, Any]) -> Any:
    """What stands at a path. Raises Missing where nothing does."""
    found: Any = sources[at.source]
    for part in at.parts:
        if isinstance(found, Mapping) and found.get(part) is not None:
            found = found[part]
        elif isinstance(found, list | tuple) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        else:
            raise Missing(str(at))
    return found


def _mapping(raw: Mapping[Any, Any], depth: int) -> Value:
    words = [name for name in raw if isinstance(name, str) and name.startswith("$")]
    if not words:
        return Composed({str(name): parse(each, depth=depth + 1) for name, each in raw.items()})
    if len(raw) > 1 or words[0] not in ("$text", "$share"):
        raise ValueInvalid(f"{words[0]} is no form: $text or $share, alone in its object")
    given = raw[words[0]]
    if not isinstance(given, list | tuple) or not given:
        raise ValueInvalid(f"{words[0]} takes a list")
    if words[0] == "$text":
        parts = tuple(parse(each, depth=depth + 1) for each in given)
        if any(not isinstance(each, Path | Constant) for each in parts):
            raise ValueInvalid("$text joins paths and texts")
        return Joined(parts)
    if len(given) != 2 or not isinstance(given[0], str):
        raise ValueInvalid("$share takes a path and basis points")
    rate = given[1]
    if isinstance(rate, bool) or not isinstance(rate, int) or not 1 <= rate <= _SHARE_MAX_BP:
        raise ValueInvalid(f"$share takes 1 to {_SHARE_MAX_BP} basis points")
    return Share(path(given[0]), rate)


def _share(share: Share, sources: Mapping[str, Any]) -> Any:
    given = read(share.of, sources)
    try:
        whole = Money.parse(given["amount"], given["currency"])
    except (BanksideError, KeyError, TypeError) as error:
        raise Missing(str(share.of)) from error
    return whole.basis_points(share.rate_bp).to_json()
