"""Counting honestly: what the compiled router answers, not what the YAML says.

An operation counts as a route when the snapshot holds its (method, path template, version) and it
answers something other than 404, 405, 410 and 501. Wires, languages and aliases are not counted;
the access to customers' accounts by token (``access``) is counted apart from products.
"""

from collections import Counter

from bankside.catalog.compiling import Runnable, compile_snapshot
from bankside.catalog.model import Catalogue
from bankside.catalog.solutions.assembly import Asker, broken
from bankside.kernel.snapshot import Operation, Snapshot
from bankside.partners import SnapshotView


def count(catalogue: Catalogue, runnable: Runnable) -> dict[str, int]:
    """The figures of `bankside catalogue count`:

    - ``products``: products defined; ``core``: those of tier core;
    - ``available``: products of which at least one operation runs;
    - ``operations``: adopted operations of products (added and platform operations not counted);
    - ``routes``: distinct (method, path template, version) in the compiled snapshot;
    - ``routes_answering``: those that execute; ``product_routes``, ``cloud_routes``,
      ``platform_routes`` and ``access_routes``: the same by kind;
    - ``clouds``: defined, whether or not they run; ``solutions``: those that run, every step of
      them as a call that the router answers.
    """
    snapshot = compile_snapshot(
        catalogue, SnapshotView({}, {}, {}), runnable, version=0, built_at=0
    )
    answering = Counter(kind_of(each) for each in answering_routes(snapshot))
    products = catalogue.products.values()
    return {
        "products": len(catalogue.products),
        "available": len(
            {each.product for each in answering_routes(snapshot)} & catalogue.products.keys()
        ),
        "core": sum(each.tier == "core" for each in products),
        "operations": sum(len(each.operations) for each in products),
        "routes": len({(o.method, o.path, o.version) for o in snapshot.operations.values()}),
        "routes_answering": answering.total(),
        "product_routes": answering["product"],
        "cloud_routes": answering["cloud"],
        "platform_routes": answering["platform"],
        "access_routes": answering["access"],
        "clouds": len(catalogue.clouds),
        "solutions": sum(
            not broken(each, catalogue, Asker(runnable=runnable))
            for each in catalogue.solutions.values()
        ),
    }


def answering_routes(snapshot: Snapshot) -> list[Operation]:
    """One operation per distinct (method, path template, version) that executes."""
    routes = {
        (each.method, each.path, each.version): each
        for each in snapshot.operations.values()
        if each.available
    }
    return list(routes.values())


def kind_of(operation: Operation) -> str:
    """``product``, ``cloud``, ``platform``, ``access``, or ``imported`` (forwarded)."""
    if operation.upstream:
        return "imported"
    kind = operation.product.partition(".")[0]
    if kind == "open-banking":
        return "access"
    return kind if kind in ("cloud", "platform") else "product"
