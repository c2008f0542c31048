"""JSON Schema 2020-12 as the platform holds values against schemas that others wrote.

Always true: a check takes bounded time: a text longer than ``PATTERN_TEXT_MAX`` is not held against
a pattern, which Python reads by trying. Formats are those of ``kernel.formats``.
"""

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from bankside.kernel.formats import has_format

PATTERN_TEXT_MAX = 256


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and len(instance) <= PATTERN_TEXT_MAX:
        yield from Draft202012Validator.VALIDATORS["pattern"](validator, pattern, instance, schema)


def _format(_: Any, name: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not has_format(name, instance):
        yield ValidationError(f"is no {name}", validator="format")


# A class of validators; the library's own type says less than it is.
Validator: Any = extend(Draft202012Validator, {"pattern": _pattern, "format": _format})  # type: ignore[no-untyped-call]
