"""Which version of each product callers meet, and what the router has to know of it.

Always true: a route is answered by the version that stands (live before deprecated, newest first);
at most one version on trial stands beside it, for whom it is open to; where nothing stands any
more, what was withdrawn says so. A shipped product without a stored version is live as shipped.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bankside.catalog.kinds import KINDS
from bankside.catalog.lifecycle.kind import Kinds
from bankside.catalog.lifecycle.model import MAKING, STANDING, TRIAL, ProductVersion, State
from bankside.catalog.lifecycle.reading import product_at, shipped_version
from bankside.catalog.model import Catalogue, Category, Product, ProductOperation, Text
from bankside.kernel.snapshot import Operation, Stage, StageState

# Where categories stand that the shelf does not name: behind all others.
LAST = 1_000
# Makes the router's operation of a product's; the compiler supplies it.
Route = Callable[[Product, ProductOperation], Operation]


@dataclass(frozen=True, slots=True)
class Edition:
    """A stored version with the product its definition says."""

    version: ProductVersion
    product: Product


@dataclass(frozen=True, slots=True)
class Standing:
    """The editions of each product, newest first, and the products that are stopped."""

    editions: Mapping[str, tuple[Edition, ...]] = field(default_factory=dict)
    suspended: frozenset[str] = frozenset()

    def catalogue(self, shipped: Catalogue, *, trials: bool = True) -> Catalogue:
        """The catalogue with the edition of each product that most callers meet.

        Products that no caller meets any more (or yet) are not in it; those that are only on trial
        are in it with ``trials``.
        """
        if not self.editions:
            return shipped
        products = dict(shipped.products)
        for product in self.editions:
            met = self.met(product, trials=trials)
            if met is None:
                products.pop(product, None)
            else:
                products[product] = met.product
        operations = {
            each.id: each
            for owner in (*products.values(), shipped.platform, shipped.open_banking)
            for each in owner.all_operations
        }
        clouds = {each.id: each for cloud in shipped.clouds.values() for each in cloud.operations}
        return replace(
            shipped,
            categories=_categories(shipped, products),
            products=products,
            operations={**operations, **clouds},
        )

    def met(self, product: str, *, trials: bool = True) -> Edition | None:
        """The stored edition that most callers meet; with ``trials`` one only on trial as well."""
        for states in ({State.LIVE}, {State.DEPRECATED}, TRIAL if trials else frozenset[State]()):
            for each in self.editions.get(product, ()):
                if each.version.state in states:
                    return each
        return None

    def scopes(self, product: str) -> frozenset[str]:
        """All that any standing edition of a product asks of an app."""
        return frozenset[str]().union(
            *(each.product.consent_scopes for each in self.editions.get(product, ()))
        )

    def routes(self, shipped: Catalogue, route: Route) -> list[Operation]:
        """One operation for each route of every product, with its stage."""
        catalogue = self.catalogue(shipped)
        found = []
        for product in shipped.products.values():
            if product.id not in self.editions:
                found += [route(product, each) for each in product.all_operations]
        for editions in self.editions.values():
            found += _staged(editions, route, catalogue)
        return [
            replace(each, stage=Stage("suspended")) if each.product in self.suspended else each
            for each in found
        ]


NOTHING_STORED = Standing()


def _categories(shipped: Catalogue, products: Mapping[str, Product]) -> Mapping[str, Category]:
    """The shelf's categories, and one for products that services of the bank carry out."""
    if all(each.category in shipped.categories for each in products.values()):
        return shipped.categories
    counts = Counter(each.category for each in products.values())
    added = {
        name: Category(name, Text("行内服务", "Services of the bank"), LAST, count)
        for name, count in counts.items()
        if name not in shipped.categories
    }
    return {**shipped.categories, **added}


def standing_of(
    shipped: Catalogue,
    versions: Iterable[ProductVersion],
    suspended: Iterable[str],
    kinds: Kinds = KINDS,
) -> Standing:
    """What the stored versions come to; drafts and versions in review are met by nobody."""
    editions: dict[str, list[Edition]] = {}
    for version in versions:
        if version.state not in MAKING:
            edition = Edition(version, product_at(shipped, version, kinds))
            editions.setdefault(version.product, []).append(edition)
        elif version.product in shipped.products:
            # Beside a new version in the making, the shipped one stands as it always did.
            editions.setdefault(version.product, [])
    for product, found in editions.items():
        found.sort(key=lambda each: -each.version.version)
        if product in shipped.products and not any(each.version.version == 1 for each in found):
            found.append(Edition(shipped_version(shipped, product), shipped.products[product]))
    return Standing(
        {product: tuple(found) for product, found in editions.items()}, frozenset(suspended)
    )


def _staged(editions: Sequence[Edition], route: Route, catalogue: Catalogue) -> list[Operation]:
    """The routes of one product: of all its editions together, each once."""
    by_route: dict[tuple[str, str], list[tuple[Edition, Operation]]] = {}
    for edition in editions:
        for each in edition.product.all_operations:
            made = _routed(edition, each, route)
            by_route.setdefault((each.method, each.path), []).append((edition, made))
    return [_answering(found, catalogue) for found in by_route.values()]


def _routed(edition: Edition, operation: ProductOperation, route: Route) -> Operation:
    version = edition.version
    made = replace(route(edition.product, operation), version=version.version)
    adds = KINDS[version.kind].route if version.kind in KINDS else None
    return adds(made, operation, version.definition or {}) if adds else made


def _answering(found: Sequence[tuple[Edition, Operation]], catalogue: Catalogue) -> Operation:
    """What answers one route: ``found`` are its versions, newest first."""

    def newest(states: Iterable[State]) -> tuple[Edition, Operation] | None:
        return next((each for each in found if each[0].version.state in states), None)

    stands = newest({State.LIVE}) or newest({State.DEPRECATED})
    trial = newest(TRIAL)
    base = stands or newest({State.OFFLINE})
    tried = _with_stage(*trial, catalogue) if trial else None
    if base is None:
        assert tried is not None, "a route belongs to a version that callers may meet"
        return tried
    operation = _with_stage(*base, catalogue)
    if tried is None:
        return operation
    return replace(operation, stage=replace(operation.stage or Stage(), newer=tried))


def _with_stage(edition: Edition, operation: Operation, catalogue: Catalogue) -> Operation:
    version = edition.version
    if version.state is State.LIVE:
        return operation
    stage = Stage(
        state=_stage_state(version.state),
        partners=frozenset(version.pilots) if version.state in TRIAL else frozenset(),
        share=version.share if version.state is State.CANARY else 0,
        deprecated_at=_epoch(version.deprecated_at),
        sunset_at=_epoch(version.sunset_at),
        successor=version.successor,
        link=_link(version.successor, operation, catalogue),
    )
    available = operation.available and version.state in STANDING | TRIAL
    return replace(operation, stage=stage, available=available)


def _stage_state(state: State) -> StageState:
    words: Mapping[State, StageState] = {
        State.SANDBOX: "sandbox",
        State.CANARY: "canary",
        State.LIVE: "live",
        State.DEPRECATED: "deprecated",
        State.OFFLINE: "offline",
    }
    return words[state]


def _link(successor: str, operation: Operation, catalogue: Catalogue) -> str:
    """The path of the same act at the successor; of its collection where ids stand in the path."""
    if successor not in catalogue.products or successor == operation.product:
        return ""
    word = operation.id.rpartition(".")[2]
    found = catalogue.operations.get(f"{successor}.{word}")
    if found is None:
        found = catalogue.products[successor].all_operations[0]
    return found.path.partition("/{")[0]


def _epoch(at: datetime | None) -> int:
    return int(at.timestamp()) if at is not None else 0
