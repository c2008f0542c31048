"""Checking values against the schemas of an upstream's description.

Always true: a check takes bounded time (``kernel.json_schema``), names at most ``FAULTS_MAX``
places, and repeats nothing of what the value holds.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from bankside.kernel.json_schema import Validator
from bankside.kernel.snapshot import Upstream

FAULTS_MAX = 5
# A fault in a list of thousands is named by its place; the place has an end, too.
POINTER_MAX = 200


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
            made = self._validators[name] = Validator(schema)
        return made
