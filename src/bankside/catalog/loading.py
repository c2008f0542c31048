"""Definitions on disk to a ``Catalogue`` in memory.

Always true: the whole catalogue is read once a process (about 0.2 s) and never changes afterwards.
Loading trusts the shape of the files; `bankside.catalog.validation` is what checks it.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bankside.catalog.access import access_product
from bankside.catalog.model import (
    Archetype,
    Catalogue,
    Category,
    Cloud,
    Industry,
    Primitive,
    PrimitiveOperation,
    ProductOperation,
    Scene,
    Text,
)
from bankside.catalog.reading import cloud_operations, platform_product, product
from bankside.catalog.solution_definitions import solution

DEFINITIONS = Path(__file__).parent / "definitions"

# The C parser is ten times faster; a build of PyYAML without it still reads the same documents.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Document = Mapping[str, Any]


@cache
def load() -> Catalogue:
    """The platform's own catalogue; the same object for every caller."""
    return read(documents(DEFINITIONS))


def documents(folder: Path) -> dict[str, Any]:
    """Every YAML file below ``folder`` as plain data, by its path without the suffix."""
    return {
        str(path.relative_to(folder).with_suffix("")): yaml.load(path.read_bytes(), _LOADER)
        for path in sorted(folder.rglob("*.yaml"))
    }


def read(files: Mapping[str, Any]) -> Catalogue:
    """The catalogue that these documents define (as ``documents`` returns them)."""
    primitives = {each["id"]: _primitive(each) for each in files["primitives"]["primitives"]}
    archetypes = {each["id"]: _archetype(each) for each in files["archetypes"]["archetypes"]}
    products = {
        each["id"]: product(each, document["category"], archetypes, primitives)
        for name, document in files.items()
        if name.startswith("products/")
        for each in document["products"]
    }
    platform = platform_product(files["platform"])
    open_banking = access_product(files["open-banking"])
    clouds = {each["id"]: _cloud(each) for each in files["ecosystem-clouds"]["clouds"]}
    return Catalogue(
        categories={each["id"]: _category(each) for each in files["categories"]["categories"]},
        products=products,
        platform=platform,
        open_banking=open_banking,
        schemas={**files["open-banking-schemas"], **files["solution-schemas"]},
        clouds=clouds,
        solutions={each["id"]: solution(each) for each in files["solutions"]["solutions"]},
        scenes={each["id"]: Scene(each["id"], _text(each)) for each in files["scenes"]["scenes"]},
        industries={
            each["code"]: Industry(each["code"], _text(each))
            for each in files["industries"]["sections"]
        },
        primitives=primitives,
        archetypes=archetypes,
        operations=_operations(
            [each.all_operations for each in (*products.values(), platform, open_banking)]
            + [each.operations for each in clouds.values()]
        ),
    )


def _operations(groups: Iterable[tuple[ProductOperation, ...]]) -> dict[str, ProductOperation]:
    return {operation.id: operation for group in groups for operation in group}


def _text(row: Document, key: str = "name") -> Text:
    return Text(row[key]["zh"], row[key]["en"])


def _category(row: Document) -> Category:
    return Category(row["id"], _text(row), row["order"], row["product_count"])


def _archetype(row: Document) -> Archetype:
    return Archetype(row["id"], row["family"], tuple(row["steps"]))


def _primitive(row: Document) -> Primitive:
    operations = {
        each["op"]: PrimitiveOperation(
            each["op"], each["effect"], each["posts"], each.get("reverse")
        )
        for each in row["operations"]
    }
    return Primitive(row["id"], _text(row), row["kind"], operations)


def _cloud(row: Document) -> Cloud:
    return Cloud(
        id=row["id"],
        name=_text(row),
        description=_text(row, "description"),
        industries=tuple(row["industries"]),
        scenes=tuple(row["scenes"]),
        tenant_objects=tuple(row["tenant_objects"]),
        products=tuple(row["products"]),
        primitives=tuple(row["primitives"]),
        operations=cloud_operations(row),
    )
