"""Catalogue and partners' registrations, compiled to the snapshot the edge serves from.

Always true: every route of the catalogue is in the snapshot, also those nothing executes yet; they
answer ``product.not_available`` (501), never a pretended success. An app holds the scopes of the
products it subscribed to; the platform's own operations are open to every app, and so are those of
the access by token: what a token may reach there is its scopes' and its consent's to say.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from bankside.catalog.model import Catalogue, Product, ProductOperation
from bankside.kernel.snapshot import App, Operation, Snapshot
from bankside.partners import SnapshotView

# Whether the order runtime can execute an operation of a product; supplied by `orders`.
Runnable = Callable[[Product, ProductOperation], bool]


def compile_snapshot(
    catalogue: Catalogue,
    view: SnapshotView,
    runnable: Runnable,
    *,
    version: int,
    built_at: int,
    offline: Collection[str] = (),
) -> Snapshot:
    """The snapshot ``version`` as of ``built_at`` (epoch seconds); ``offline`` are product ids.

    A product taken offline keeps its routes, which answer 501 until the life cycle of section 6
    of the catalogue guide (410 with the successor) is built.
    """
    operations = {
        each.id: each for each in _routes(catalogue, runnable, offline=frozenset(offline))
    }
    return Snapshot(
        version=version,
        built_at=built_at,
        operations=operations,
        apps=_apps(catalogue, view.apps),
        platform_keys=view.platform_keys,
        default_answer_keys=view.default_answer_keys,
    )


def _routes(
    catalogue: Catalogue, runnable: Runnable, *, offline: frozenset[str]
) -> list[Operation]:
    routes = []
    for product in (*catalogue.products.values(), catalogue.platform, catalogue.open_banking):
        live = product.id not in offline
        routes += [
            _route(product, each, available=live and runnable(product, each))
            for each in product.all_operations
        ]
    for cloud in catalogue.clouds.values():
        routes += [_cloud_route(each) for each in cloud.operations]
    return routes


def _route(product: Product, operation: ProductOperation, *, available: bool) -> Operation:
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


def _apps(catalogue: Catalogue, apps: Mapping[str, App]) -> dict[str, App]:
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
                *(catalogue.product(each).consent_scopes for each in products)
            )
            granted[app.products] = (products, scopes)
        products, scopes = granted[app.products]
        compiled[app.id] = replace(app, products=products, scopes=scopes)
    return compiled
