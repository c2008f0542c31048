"""Catalogue and partners' registrations, compiled to the snapshot the edge serves from.

Always true: every route of the catalogue is in the snapshot, also those nothing executes yet; they
answer ``product.not_available`` (501), never a pretended success. An app holds the scopes of the
products it subscribed to; the platform's own operations are open to every app, and so are those of
the access by token: what a token may reach there is its scopes' and its consent's to say.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from bankside.catalog.model import Catalogue, Product, ProductOperation
from bankside.catalog.standing import NOTHING_STORED, Standing
from bankside.kernel.snapshot import App, Operation, Snapshot
from bankside.partners import SnapshotView

# Whether the order runtime can execute an operation of a product; supplied by `orders`.
Runnable = Callable[[Product, ProductOperation], bool]
# Archetypes whose unpaid orders are paid at a hosted page of their own.
_PAGED = frozenset({"collect", "collect_split"})


def compile_snapshot(
    catalogue: Catalogue,
    view: SnapshotView,
    runnable: Runnable,
    *,
    version: int,
    built_at: int,
    standing: Standing = NOTHING_STORED,
) -> Snapshot:
    """The snapshot ``version`` as of ``built_at`` (epoch seconds).

    ``standing``: the stored product versions; without any, every shipped product is live.
    """
    operations = {each.id: each for each in _routes(catalogue, runnable, standing)}
    return Snapshot(
        version=version,
        built_at=built_at,
        operations=operations,
        apps=_apps(standing.catalogue(catalogue), view.apps, standing),
        platform_keys=view.platform_keys,
        default_answer_keys=view.default_answer_keys,
    )


def _routes(catalogue: Catalogue, runnable: Runnable, standing: Standing) -> list[Operation]:
    def route(product: Product, operation: ProductOperation) -> Operation:
        return route_of(product, operation, available=runnable(product, operation))

    routes = standing.routes(catalogue, route)
    for owner in (catalogue.platform, catalogue.open_banking):
        routes += [route(owner, each) for each in owner.all_operations]
    for cloud in catalogue.clouds.values():
        routes += [_cloud_route(each) for each in cloud.operations]
    return routes


def route_of(product: Product, operation: ProductOperation, *, available: bool) -> Operation:
    """A product's operation as the router and the executing room see it."""
    return Operation(
        id=operation.id,
        method=operation.method,
        path=operation.path,
        product=operation.product,
        purpose=operation.purpose,
        icbc_path=operation.icbc_path,
        scopes=product.consent_scopes if operation.scopes is None else operation.scopes,
        risk_tier=product.risk_tier,
        data_class=product.data_class,
        moves_money=operation.moves_money,
        writes=operation.writes,
        available=available,
        access=operation.access,
        page=product.archetype in _PAGED and operation.runs == "collect.create",
    )


def _cloud_route(operation: ProductOperation) -> Operation:
    # No cloud runs before the room `ecosystem` exists; its routes say so instead of answering 404.
    return Operation(
        id=operation.id,
        method=operation.method,
        path=operation.path,
        product=operation.product,
        purpose=operation.purpose,
        icbc_path=operation.icbc_path,
        writes=operation.writes,
        available=False,
    )


def _apps(catalogue: Catalogue, apps: Mapping[str, App], standing: Standing) -> dict[str, App]:
    """The apps with the platform's operations and all scopes of their products.

    Equal grants become one shared set: a grant of the whole shelf costs an app one reference.
    """
    granted: dict[frozenset[str], tuple[frozenset[str], frozenset[str]]] = {}
    compiled = {}
    for app in apps.values():
        if app.products not in granted:
            # A subscription may outlive its product; what is not in the catalogue grants nothing.
            open_to_all = {catalogue.platform.id, catalogue.open_banking.id}
            products = app.products.intersection(catalogue.products) | open_to_all
            scopes = frozenset[str]().union(
                *(catalogue.product(each).consent_scopes for each in products),
                # A version on trial may ask for more than the one that stands.
                *(standing.scopes(each) for each in products),
            )
            granted[app.products] = (products, scopes)
        products, scopes = granted[app.products]
        compiled[app.id] = replace(app, products=products, scopes=scopes)
    return compiled
