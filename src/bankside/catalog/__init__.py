"""API, product, solution: the catalogue that runs.

Always true: what the catalogue shows, the router answers; definitions are data in
``definitions/``; whatever nothing executes yet says so.

Public: load, Catalogue, Product, ProductOperation, Input, Step, Text and the other values of
``model``; compile_snapshot, route_of, Runnable; publish, Publication, compiled, latest_snapshot,
CHANNEL, standing_now, Standing, KINDS, offers, Offers, Offer, ProductUnknown, ProductClosed;
subscribe, open_to (new contracts); display, Display, Notice (what the public is shown); impact,
Impact, differences, Difference; openapi, input_schema; count, answering_routes, kind_of; shelf,
Shelf, Card. The checks are in ``bankside.catalog.validation``, solutions in
``bankside.catalog.solutions``, the life cycle of products in ``bankside.catalog.lifecycle``.
"""

from bankside.catalog.apis import input_schema, openapi
from bankside.catalog.compiling import Runnable, compile_snapshot, route_of
from bankside.catalog.counting import answering_routes, count, kind_of
from bankside.catalog.differences import Difference, differences
from bankside.catalog.display import Display, Notice, display
from bankside.catalog.errors import ProductClosed, ProductUnknown
from bankside.catalog.graph import Impact, impact
from bankside.catalog.kinds import KINDS
from bankside.catalog.loading import load
from bankside.catalog.model import (
    HOUSE_ROLES,
    RUNTIME_ACTIONS,
    AccountFee,
    Catalogue,
    Category,
    Cloud,
    Fees,
    Input,
    Limits,
    Product,
    ProductOperation,
    Step,
    Text,
)
from bankside.catalog.offers import Offer, Offers, offers
from bankside.catalog.publication import (
    Publication,
    compiled,
    latest_snapshot,
    publish,
    standing_now,
)
from bankside.catalog.shelves import Card, Shelf, shelf
from bankside.catalog.solution_definitions import (
    STANDS,
    Solution,
    SolutionInput,
    SolutionStep,
    Undo,
)
from bankside.catalog.standing import Standing
from bankside.catalog.store import CHANNEL
from bankside.catalog.subscribing import open_to, subscribe

__all__ = [
    "CHANNEL",
    "HOUSE_ROLES",
    "KINDS",
    "RUNTIME_ACTIONS",
    "STANDS",
    "AccountFee",
    "Card",
    "Catalogue",
    "Category",
    "Cloud",
    "Difference",
    "Display",
    "Fees",
    "Impact",
    "Input",
    "Limits",
    "Notice",
    "Offer",
    "Offers",
    "Product",
    "ProductClosed",
    "ProductOperation",
    "ProductUnknown",
    "Publication",
    "Runnable",
    "Shelf",
    "Solution",
    "SolutionInput",
    "SolutionStep",
    "Standing",
    "Step",
    "Text",
    "Undo",
    "answering_routes",
    "compile_snapshot",
    "compiled",
    "count",
    "differences",
    "display",
    "impact",
    "input_schema",
    "kind_of",
    "latest_snapshot",
    "load",
    "offers",
    "open_to",
    "openapi",
    "publish",
    "route_of",
    "shelf",
    "standing_now",
    "subscribe",
]
