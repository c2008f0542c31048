"""How many APIs answer: asked of the compiled router, never of the YAML.

An API is a distinct (method, path template, version) that the native router leads to an operation
which executes, that is: answers something other than 404, 405, 410 and 501. Wires, languages,
aliases and generated copies are not counted; operations that are described only are shown apart.

Usage: ``python -m tools.count_apis [--json]``
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Mapping

from bankside import catalog, orders
from bankside.catalog import Catalogue, Runnable
from bankside.gateway.routes import Routes
from bankside.kernel.snapshot import Snapshot
from bankside.partners import SnapshotView

# The access to customers' accounts by token is counted apart from products.
KINDS = ("product", "cloud", "platform", "access")


def counted(catalogue: Catalogue, runnable: Runnable) -> dict[str, dict[str, int]]:
    """Kind -> {answering, described}: routes the router leads to, by whether they execute."""
    snapshot = catalog.compile_snapshot(
        catalogue, SnapshotView({}, {}, {}), runnable, version=0, built_at=0
    )
    found = {True: Counter[str](), False: Counter[str]()}
    for route, available in reached(snapshot).items():
        found[available][route[0]] += 1
    return {
        kind: {"answering": found[True][kind], "described": found[False][kind]} for kind in KINDS
    }


def reached(snapshot: Snapshot) -> Mapping[tuple[str, str, str, int], bool]:
    """(kind, method, path template, version) -> whether it executes, for each route one can call.

    A route that another one hides is not in it: the router is asked with a real path.
    """
    router = Routes()
    for operation in snapshot.operations.values():
        router.add(operation)
    routes = {}
    for operation in snapshot.operations.values():
        answer = router.find(operation.method, re.sub(r"\{\w+\}", "any-id", operation.path))
        if answer is not None:
            met = answer[0]
            key = (catalog.kind_of(met), met.method, met.path, met.version)
            routes[key] = met.available
    return routes


def table(figures: dict[str, dict[str, int]]) -> str:
    """The figures as text, with a line of totals."""
    columns = ("answering", "described")
    total = {name: sum(row[name] for row in figures.values()) for name in columns}
    lines = [f"{'kind':10} {'answering':>10} {'described':>10}"]
    lines += [
        f"{kind:10} {row['answering']:10} {row['described']:10}"
        for kind, row in (figures | {"all": total}).items()
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the table, or JSON."""
    figures = counted(catalog.load(), orders.Orders.runnable)
    print(json.dumps(figures, indent=1) if "--json" in sys.argv[1:] else table(figures))


if __name__ == "__main__":
    main()
