"""Local ``$ref`` of a description, and nothing else: a reference outside of it is refused.

Source: RFC 6901 (JSON pointer) in a URI fragment, OpenAPI 3.0.3 section 4.7.23.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from bankside.catalog.imports.errors import DescriptionRefused
from bankside.catalog.imports.source import Source

# A reference to a reference to a reference ...: no description needs more.
CHAIN_MAX = 32


class ReferenceBroken(Exception):
    """The reference leads nowhere in this description."""


class References:
    """Finds what local references of one description lead to."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._refuse_outside()

    def place(self, target: str) -> str:
        """The JSON pointer of a reference such as ``#/components/schemas/Payment``."""
        if not target.startswith("#"):
            raise ReferenceBroken("a reference out of the description")
        try:
            return unquote(target[1:], errors="strict").rstrip("/")
        except UnicodeDecodeError as error:
            raise ReferenceBroken("a reference that is no text") from error

    def at(self, pointer: str) -> Any:
        """What stands at a JSON pointer; raises ReferenceBroken."""
        found: Any = self._source.root
        for part in pointer.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping) and name in found:
                found = found[name]
            elif isinstance(found, list) and name.isdecimal() and int(name[:9]) < len(found):
                found = found[int(name[:9])]
            else:
                raise ReferenceBroken("a reference that leads nowhere")
        return found

    def followed(self, node: Any, pointer: str) -> tuple[Any, str]:
        """``node``, or what it refers to at last, and where that stands; raises ReferenceBroken."""
        for _ in range(CHAIN_MAX):
            if not isinstance(node, Mapping) or not isinstance(node.get("$ref"), str):
                return node, pointer
            pointer = self.place(node["$ref"])
            node = self.at(pointer)
        raise ReferenceBroken(f"more than {CHAIN_MAX} references in a row")

    def _refuse_outside(self) -> None:
        """Refuse the description when a reference of it leads out of it."""
        waiting: list[tuple[Any, str]] = [(self._source.root, "")]
        while waiting:
            value, pointer = waiting.pop()
            if isinstance(value, list):
                waiting += [(each, f"{pointer}/{at}") for at, each in enumerate(value)]
            elif isinstance(value, Mapping):
                target = value.get("$ref")
                if isinstance(target, str) and not target.startswith("#"):
                    raise DescriptionRefused(
                        "external-reference",
                        self._source.line(f"{pointer}/$ref"),
                        f"{target[:120]} is not in this file; put everything into one file",
                    )
                waiting += [
                    (each, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")
                    for name, each in value.items()
                    # What an example shows is no reference of the description.
                    if name not in {"example", "examples", "default", "enum", "const"}
                ]
