"""``python -m bench [NAME [ARGUMENT ...]]``: run one measurement, or all of them in turn."""

import importlib
import importlib.util
import sys

MEASUREMENTS = {"http": "bench.http_floor", "gateway": "bench.gateway", "ledger": "bench.ledger"}


def main(arguments: list[str]) -> int:
    """Run the named measurement with its own arguments; 2 when it is unknown or not built yet."""
    if not arguments:
        return max(main([name]) for name in MEASUREMENTS)
    name, *rest = arguments
    place = MEASUREMENTS.get(name)
    if place is None:
        print(f"unknown: {name}; known: {', '.join(MEASUREMENTS)}", file=sys.stderr)
        return 2
    if importlib.util.find_spec(place) is None:
        print(f"{name}: not built yet", file=sys.stderr)
        return 2
    print(f"\n## {name}\n", flush=True)
    importlib.import_module(place).main(rest)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
