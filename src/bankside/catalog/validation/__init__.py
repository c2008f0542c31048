"""Checks of the definitions; `bankside catalogue check` and a test run them.

Public: Fault, check.
"""

from collections.abc import Mapping
from typing import Any

from bankside.catalog.loading import DEFINITIONS, documents, read
from bankside.catalog.validation.fault import Fault
from bankside.catalog.validation.links import link_faults
from bankside.catalog.validation.references import reference_faults
from bankside.catalog.validation.shape import shape_faults
from bankside.catalog.validation.toy_bank import toy_bank_faults

__all__ = ["Fault", "check"]


def check(files: Mapping[str, Any] | None = None) -> list[Fault]:
    """Everything wrong with the definitions, sorted; empty when they may be served.

    ``files`` as ``documents`` returns them, the platform's own by default. Entries of a wrong shape
    are named alone: nothing else about them can be judged.
    """
    files = documents(DEFINITIONS) if files is None else files
    found = sorted(shape_faults(files))
    if found:
        return found
    twice = sorted(_ids_standing_twice(files))
    if twice:
        return twice
    catalogue = read(files)
    places = {product["id"]: file for file, product in _products(files)}
    return sorted(
        [
            *reference_faults(catalogue, places),
            *link_faults(catalogue, places),
            *toy_bank_faults(catalogue, places),
        ]
    )


def _products(files: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [
        (file, product)
        for file, document in files.items()
        if file.startswith("products/")
        for product in document["products"]
    ]


def _ids_standing_twice(files: Mapping[str, Any]) -> list[Fault]:
    """Ids name one thing; this is asked before reading, which keeps entries by id."""
    entries = [(file, product["id"]) for file, product in _products(files)]
    for file, key in (
        ("categories", "categories"),
        ("scenes", "scenes"),
        ("primitives", "primitives"),
        ("archetypes", "archetypes"),
        ("ecosystem-clouds", "clouds"),
        ("solutions", "solutions"),
    ):
        entries += [(file, each["id"]) for each in files[file][key]]
    kinds = [(file.partition("/")[0], entry) for file, entry in entries]
    return [
        Fault(file, entry, "this id stands twice")
        for (file, entry), kind in zip(entries, kinds, strict=True)
        if kinds.count(kind) > 1
    ]
