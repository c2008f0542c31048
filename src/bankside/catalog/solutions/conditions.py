"""Conditions of a step: comparisons of a path with a path or a literal, all of which have to hold.

``$steps.rating.result.score.score >= 600``: left a path, one of ``== != < <= > >= in``, right a
path or JSON (a number, a text in quotes, true, false, a list for ``in``). Amounts compare with
amounts of their currency or with a decimal text; nothing is ever evaluated as code.
"""

import json
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from bankside.catalog.solutions.values import Missing, Path, ValueInvalid, path, read

CONDITION_MAX = 256
_FORM = re.compile(r"\s*(\$\S+)\s+(==|!=|<=|>=|<|>|in)\s+(.+?)\s*", re.DOTALL)

_ORDERED: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison; ``right`` is a path or a literal."""

    left: Path
    operator: str
    right: Any

    @property
    def paths(self) -> tuple[Path, ...]:
        """The paths it reads."""
        return (self.left, self.right) if isinstance(self.right, Path) else (self.left,)


def comparison(text: str) -> Comparison:
    """A condition as written. Raises ValueInvalid."""
    found = _FORM.fullmatch(text) if len(text) <= CONDITION_MAX else None
    if found is None:
        raise ValueInvalid(f"{text[:80]!r} is no comparison: $PATH OPERATOR VALUE")
    left, sign, given = path(found[1]), found[2], found[3]
    if given.startswith("$"):
        right: Any = path(given)
    else:
        try:
            right = json.loads(given, parse_float=Decimal)
        except ValueError as error:
            raise ValueInvalid(f"{given[:40]!r} is no path and no JSON value") from error
    if (sign == "in") != isinstance(right, list) or isinstance(right, dict):
        raise ValueInvalid("`in` takes a list, and nothing else does")
    return Comparison(left, sign, right)


def holds(asked: Comparison, sources: Mapping[str, Any]) -> bool:
    """Whether it holds now; a path that leads to nothing, or two unlike values, does not."""
    try:
        left = read(asked.left, sources)
        right = read(asked.right, sources) if isinstance(asked.right, Path) else asked.right
    except Missing:
        return False
    if asked.operator == "in":
        return any(_compared("==", left, each) for each in right)
    return _compared(asked.operator, left, right)


def _compared(sign: str, left: Any, right: Any) -> bool:
    pair = _comparable(left, right)
    if pair is None:
        return False
    one, other = pair
    if sign in ("==", "!="):
        return bool((one == other) == (sign == "=="))
    if isinstance(one, bool):
        return False
    return bool(_ORDERED[sign](one, other))


def _comparable(left: Any, right: Any) -> tuple[Any, Any] | None:
    """Both as numbers, both as texts or both as booleans; None when they are unlike."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        if left.get("currency") != right.get("currency"):
            return None
        return _numbers(left.get("amount"), right.get("amount"))
    if isinstance(left, Mapping):
        return _numbers(left.get("amount"), right)
    if isinstance(right, Mapping):
        return _numbers(left, right.get("amount"))
    if isinstance(left, bool) or isinstance(right, bool):
        return (left, right) if isinstance(left, bool) and isinstance(right, bool) else None
    if isinstance(left, str) and isinstance(right, str):
        return left, right
    return _numbers(left, right)


def _numbers(left: Any, right: Any) -> tuple[Decimal, Decimal] | None:
    try:
        one, other = Decimal(str(left)), Decimal(str(right))
    except InvalidOperation:
        return None
    return (one, other) if one.is_finite() and other.is_finite() else None
