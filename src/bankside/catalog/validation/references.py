"""Whether the definitions agree with each other: ids, routes, names, counts and references."""

from collections import Counter
from collections.abc import Iterable, Iterator

from bankside.catalog.model import Catalogue, Cloud, Product
from bankside.catalog.solution_definitions import Solution
from bankside.catalog.solutions.assembly import Asker, broken
from bankside.catalog.validation.fault import Fault

CLOUDS, SOLUTIONS, CATEGORIES, PRIMITIVES = (
    "ecosystem-clouds",
    "solutions",
    "categories",
    "primitives",
)


def reference_faults(catalogue: Catalogue, files: dict[str, str]) -> Iterator[Fault]:
    """Faults between entries; ``files`` is product id -> file name."""
    for product in catalogue.products.values():
        yield from _product(catalogue, product, files[product.id])
    for cloud in catalogue.clouds.values():
        yield from _bundle(catalogue, cloud, CLOUDS)
    for solution in catalogue.solutions.values():
        yield from _bundle(catalogue, solution, SOLUTIONS)
        # Whether its products run is the runtime's to say (`bankside solution check`).
        for link in broken(solution, catalogue, Asker(runnable=lambda _, __: True)):
            yield Fault(SOLUTIONS, solution.id, str(link))
    yield from _counts(catalogue)
    yield from _reverses(catalogue)
    yield from _routes(catalogue, files)


def _product(catalogue: Catalogue, product: Product, file: str) -> Iterator[Fault]:
    archetype = catalogue.archetypes.get(product.archetype)
    uses = tuple(step.use for step in product.steps)
    if archetype is None:
        yield Fault(file, product.id, f"archetype {product.archetype} does not exist")
    elif archetype.steps != uses:
        yield Fault(file, product.id, f"steps differ from archetype {product.archetype}")
    for use in uses:
        if catalogue.primitive(use) is None:
            yield Fault(file, product.id, f"no primitive does {use}")
    derived = tuple(sorted({use.partition(".")[0] for use in uses}))
    if derived != product.primitives:
        yield Fault(file, product.id, f"primitives should be {', '.join(derived)}")
    if product.category not in catalogue.categories:
        yield Fault(file, product.id, f"category {product.category} does not exist")
    if product.id.partition(".")[0] != product.category:
        yield Fault(file, product.id, f"its id does not start with {product.category}")
    ids = [step.id for step in product.steps]
    yield from _twice(file, product.id, "step", ids)
    yield from _places(catalogue, product.id, file, product.scenes, product.industries)


def _bundle(catalogue: Catalogue, bundle: Cloud | Solution, file: str) -> Iterator[Fault]:
    for product in bundle.products:
        if product not in catalogue.products:
            yield Fault(file, bundle.id, f"product {product} does not exist")
    for primitive in bundle.primitives if isinstance(bundle, Cloud) else ():
        if primitive not in catalogue.primitives:
            yield Fault(file, bundle.id, f"primitive {primitive} does not exist")
    yield from _places(catalogue, bundle.id, file, bundle.scenes, bundle.industries)


def _places(
    catalogue: Catalogue,
    entry: str,
    file: str,
    scenes: Iterable[str],
    industries: Iterable[str],
) -> Iterator[Fault]:
    for scene in scenes:
        if scene not in catalogue.scenes:
            yield Fault(file, entry, f"scene {scene} does not exist")
    for industry in industries:
        if industry not in catalogue.industries:
            yield Fault(file, entry, f"industry {industry} does not exist")


def _counts(catalogue: Catalogue) -> Iterator[Fault]:
    found = Counter(product.category for product in catalogue.products.values())
    for category in catalogue.categories.values():
        if found[category.id] != category.product_count:
            what = f"{found[category.id]} products, {category.product_count} expected"
            yield Fault(CATEGORIES, category.id, what)


def _reverses(catalogue: Catalogue) -> Iterator[Fault]:
    for primitive in catalogue.primitives.values():
        for operation in primitive.operations.values():
            if operation.reverse and catalogue.primitive(operation.reverse) is None:
                what = f"{operation.op} is reversed by {operation.reverse}, which does not exist"
                yield Fault(PRIMITIVES, primitive.id, what)


def _routes(catalogue: Catalogue, files: dict[str, str]) -> Iterator[Fault]:
    """Every route, operation id and wire path stands for one operation."""
    owners = (
        [(each, files[each.id]) for each in catalogue.products.values()]
        + [(catalogue.platform, "platform")]
        + [(each, CLOUDS) for each in catalogue.clouds.values()]
    )
    seen: dict[tuple[str, str], str] = {}
    for owner, file in owners:
        operations = owner.operations if isinstance(owner, Cloud) else owner.all_operations
        for each in operations:
            route = f"{each.method} {each.path}"
            for name in (("route", route), ("id", each.id), ("wire path", each.icbc_path)):
                if name in seen:
                    what = f"{name[0]} {name[1]} stands twice, first in {seen[name]}"
                    yield Fault(file, owner.id, what)
                seen[name] = owner.id


def _twice(file: str, entry: str, what: str, values: Iterable[str]) -> Iterator[Fault]:
    for value, count in Counter(values).items():
        if count > 1:
            yield Fault(file, entry, f"{what} {value} stands twice")
