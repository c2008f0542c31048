"""How the definition of a product version is read and judged, by who executes it.

Always true: reading is pure, so that a definition gives the same product in every process and at
every time; what stands in ``KINDS`` is all that the life cycle knows of executing rooms.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from bankside.catalog.imports import definition as imported
from bankside.catalog.lifecycle.kind import Definition, Kind
from bankside.catalog.loading import DEFINITIONS, documents, load
from bankside.catalog.model import Catalogue, Product
from bankside.catalog.reading import product as read_product
from bankside.catalog.validation import Fault, check

ORDERS = "orders"


def product_of(definition: Definition, version: int) -> Product:
    """A product that the order runtime runs: an entry of ``products/*.yaml`` with its category."""
    shipped = load()
    made = read_product(
        definition, str(definition["category"]), shipped.archetypes, shipped.primitives
    )
    return replace(made, version=version)


def shipped_definition(product: str) -> Definition:
    """The entry that the package ships, as ``product_of`` reads it. KeyError: it ships none."""
    return _shipped()[product]


def definition_faults(definition: Definition, _: Catalogue) -> list[str]:
    """What the checks of the whole catalogue say of it with this definition in its place."""
    category, product = definition.get("category"), definition.get("id")
    files = dict(_files())
    for name, document in files.items():
        if name.startswith("products/") and document["category"] == category:
            entry = {key: value for key, value in definition.items() if key != "category"}
            others = [each for each in document["products"] if each["id"] != product]
            files[name] = {**document, "products": [*others, entry]}
            grown = len(others) + 1 - len(document["products"])
            files["categories"] = _counted(files["categories"], str(category), grown)
            return [str(fault) for fault in check(files) if fault not in _shelf_faults()]
    return [f"category: {category!r} is no category of the catalogue"]


@cache
def _files() -> Mapping[str, Any]:
    return documents(DEFINITIONS)


@cache
def _shelf_faults() -> frozenset[Fault]:
    """What is wrong without any draft is no fault of the draft."""
    return frozenset(check())


@cache
def _shipped() -> Mapping[str, Definition]:
    return {
        each["id"]: {**each, "category": document["category"]}
        for name, document in _files().items()
        if name.startswith("products/")
        for each in document["products"]
    }


def _counted(document: Any, category: str, grown: int) -> Any:
    """The categories with one more product in one of them, when it is new."""
    return {
        **document,
        "categories": [
            {**each, "product_count": each["product_count"] + grown}
            if each["id"] == category
            else each
            for each in document["categories"]
        ],
    }


KINDS: Mapping[str, Kind] = {
    ORDERS: Kind(product_of, definition_faults),
    imported.KIND: Kind(imported.product_of, imported.faults, imported.route),
}
