"""Checking values against the schemas of an upstream's description.

Always true: a check takes bounded time (a text longer than ``PATTERN_TEXT_MAX`` is not held against
a pattern, which Python reads by trying), names at most ``FAULTS_MAX`` places, and repeats nothing
of what the value holds. Source: JSON Schema 2020-12; formats are not checked.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
import msgspec
from jsonschema.exceptions import ValidationError

from bankside.kernel.snapshot import Upstream

FAULTS_MAX = 5
PATTERN_TEXT_MAX = 256
# A fault in a list of thousands is named by its place; the place has an end, too.
POINTER_MAX = 200


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and len(instance) <= PATTERN_TEXT_MAX:
        yield from jsonschema.Draft202012Validator.VALIDATORS["pattern"](
            validator, pattern, instance, schema
        )


_extend: Any = jsonschema.validators.extend
_Validator: Any = _extend(jsonschema.Draft202012Validator, {"pattern": _pattern})


class Checker:
    """The schemas of one upstream, read at their first use."""

    def __init__(self, upstream: Upstream) -> None:
        self._text = upstream.schemas
        self._defs: Mapping[str, Any] | None = None
        self._validators: dict[str, Any] = {}

    def faults(self, name: str, value: Any) -> list[dict[str, str]]:
        """What is wrong with ``value`` by the schema ``name``: pointer and code each."""
        found = []
        for error in self._validator(name).iter_errors(value):
            pointer = "".join(f"/{each}" for each in error.absolute_path)[:POINTER_MAX]
            found.append({"pointer": pointer, "code": f"field.{error.validator or 'refused'}"})
            if len(found) == FAULTS_MAX:
                break
        return found

    def _validator(self, name: str) -> Any:
        made = self._validators.get(name)
        if made is None:
            if self._defs is None:
                self._defs = msgspec.json.decode(self._text)
            schema = {"$ref": f"#/$defs/{name}", "$defs": self._defs}
            made = self._validators[name] = _Validator(schema)
        return made
