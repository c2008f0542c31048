"""How many APIs answer: asked of the compiled router, never of the YAML.

An API is a distinct (method, path template, version) that the native router leads to an operation
which executes, that is: answers something other than 404, 405, 410 and 501. Wires, languages,
aliases and generated copies are not counted; operations that are described only are shown apart.

Usage: ``python -m tools.count_apis [--json] [--home FOLDER]``

Without ``--home`` it is the router of the shipped catalogue; with it, the one that the edges of
that installation serve from now (its newest kept snapshot), with what was drafted, imported and
withdrawn there.
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from bankside import catalog, orders
from bankside.catalog import Catalogue, Runnable
from bankside.gateway.routes import Routes
from bankside.kernel.signing import verifier
from bankside.kernel.snapshot import Snapshot, decode
from bankside.partners import SnapshotView

# The access to customers' accounts by token is counted apart from products; what is forwarded to
# services of the bank (``imported``) exists in installations only.
KINDS = ("product", "cloud", "platform", "access", "imported")


def counted(catalogue: Catalogue, runnable: Runnable) -> dict[str, dict[str, int]]:
    """Kind -> {answering, described}: routes the router leads to, by whether they execute."""
    return counted_in(
        catalog.compile_snapshot(
            catalogue, SnapshotView({}, {}, {}), runnable, version=0, built_at=0
        )
    )


def counted_in(snapshot: Snapshot) -> dict[str, dict[str, int]]:
    """The same of a snapshot; kinds that it adds to the shipped ones come last."""
    found = {True: Counter[str](), False: Counter[str]()}
    for route, available in reached(snapshot).items():
        found[available][route[0]] += 1
    more = sorted((found[True].keys() | found[False].keys()) - set(KINDS))
    return {
        kind: {"answering": found[True][kind], "described": found[False][kind]}
        for kind in (*KINDS, *more)
    }


def in_force(home: Path) -> Snapshot:
    """The newest snapshot that an edge of this installation kept; SystemExit when there is none."""
    kept = sorted((home / "snapshot").glob("*.blob"), key=lambda each: each.stat().st_mtime_ns)
    if not kept:
        raise SystemExit(f"{home} has no snapshot: start the platform once")
    trusted = verifier("ed25519", (home / "keys" / "snapshot.der").read_bytes())
    return decode(kept[-1].read_bytes(), trusted)


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
    asked = argparse.ArgumentParser(description="Count the APIs that the router answers.")
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--home", type=Path, help="an installation's folder, such as var")
    given = asked.parse_args()
    if given.home is not None:
        figures = counted_in(in_force(given.home))
    else:
        figures = counted(catalog.load(), orders.Orders.runnable)
    print(json.dumps(figures, indent=1) if given.json else table(figures))


if __name__ == "__main__":
    main()
