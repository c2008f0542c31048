"""API, product, solution: the catalogue that runs.

Always true: what the catalogue shows, the router answers; definitions are data in
``definitions/``; whatever nothing executes yet says so.

Public: load, Catalogue, Product, ProductOperation, Input, Step, Text and the other values of
``model``; compile_snapshot, Runnable; publish, Publication, compiled, latest_snapshot, CHANNEL,
take_offline, put_live, offline_products, ProductUnknown; openapi, input_schema; count,
answering_routes, kind_of; shelf, Shelf, Card. The checks are in ``bankside.catalog.validation``.
"""

from bankside.catalog.apis import input_schema, openapi
from bankside.catalog.compiling import Runnable, compile_snapshot
from bankside.catalog.counting import answering_routes, count, kind_of
from bankside.catalog.errors import ProductUnknown
from bankside.catalog.loading import load
from bankside.catalog.model import (
    HOUSE_ROLES,
    RUNTIME_ACTIONS,
    Catalogue,
    Category,
    Cloud,
    Fees,
    Input,
    Limits,
    Product,
    ProductOperation,
    Solution,
    Step,
    Text,
)
from bankside.catalog.publication import (
    Publication,
    compiled,
    latest_snapshot,
    offline_products,
    publish,
    put_live,
    take_offline,
)
from bankside.catalog.shelves import Card, Shelf, shelf
from bankside.catalog.store import CHANNEL

__all__ = [
    "CHANNEL",
    "HOUSE_ROLES",
    "RUNTIME_ACTIONS",
    "Card",
    "Catalogue",
    "Category",
    "Cloud",
    "Fees",
    "Input",
    "Limits",
    "Product",
    "ProductOperation",
    "ProductUnknown",
    "Publication",
    "Runnable",
    "Shelf",
    "Solution",
    "Step",
    "Text",
    "answering_routes",
    "compile_snapshot",
    "compiled",
    "count",
    "input_schema",
    "kind_of",
    "latest_snapshot",
    "load",
    "offline_products",
    "openapi",
    "publish",
    "put_live",
    "shelf",
    "take_offline",
]
