"""``python -m bench [NAME ...]``: run these measurements, or all of them, one after the other."""

import importlib
import sys

MEASUREMENTS = {"http": "bench.http_floor", "ledger": "bench.ledger", "gateway": "bench.gateway"}


def main(names: list[str]) -> int:
    """Run the named measurements; 2 when a name is unknown or not built yet."""
    unknown = [name for name in names if name not in MEASUREMENTS]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; known: {', '.join(MEASUREMENTS)}", file=sys.stderr)
        return 2
    for name in names or MEASUREMENTS:
        try:
            module = importlib.import_module(MEASUREMENTS[name])
        except ModuleNotFoundError as error:
            if error.name != MEASUREMENTS[name]:
                raise
            print(f"{name}: not built yet", file=sys.stderr)
            return 2
        print(f"\n## {name}\n", flush=True)
        module.main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
