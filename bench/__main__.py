"""``python -m bench [--short] [NAME ...]``: measure these, or everything, one after the other.

Tables go to stdout, progress to stderr. A full measurement is written to ``bench/results/``; a
short one only shows that everything works, its figures say nothing.
"""

import sys
import time
from datetime import UTC, datetime

from bench.gateway import HOME
from bench.machine import facts
from bench.measurements import FULL, MEASUREMENTS, SHORT
from bench.report import write


def main(arguments: list[str]) -> int:
    """Run the named measurements; 2 when a name is unknown."""
    short = "--short" in arguments
    names = [each for each in arguments if each != "--short"]
    unknown = [each for each in names if each not in MEASUREMENTS]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; known: {', '.join(MEASUREMENTS)}", file=sys.stderr)
        return 2
    for name in names or MEASUREMENTS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        began, known = time.monotonic(), facts()
        result = MEASUREMENTS[name](SHORT if short else FULL, HOME)
        print(f"\n## {name}\n\n{result.tables}\n", flush=True)
        known["load"] += f" (before), {facts()['load']} (after; other work beside the bench counts)"
        known["took"] = f"{time.monotonic() - began:.0f} s"
        known["date"] = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        if not short:
            path = write(name, result, {"command": f"python -m bench {name}"} | known)
            print(f"written to {path} and .json", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
