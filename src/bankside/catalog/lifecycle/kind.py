"""What the life cycle has to know of a kind of product versions: how to read and to judge one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bankside.catalog.model import Catalogue, Product, ProductOperation
from bankside.kernel.snapshot import Operation

Definition = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of product versions, by who executes them.

    ``read`` makes the product of a definition and its number. ``faults`` says what forbids to leave
    the draft, [] when nothing does. ``route`` adds to an operation of the router what its executing
    room needs there.
    """

    read: Callable[[Definition, int], Product]
    faults: Callable[[Definition, Catalogue], list[str]]
    route: Callable[[Operation, ProductOperation, Definition], Operation] | None = None


Kinds = Mapping[str, Kind]
