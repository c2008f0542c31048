"""``python -m bench [--short] [--orders N] [NAME ...]``: measure these, or everything.

Tables go to stdout, progress to stderr. A full measurement is written to ``bench/results/``; a
short one only shows that everything works, its figures say nothing.
"""

import sys
import time
from dataclasses import replace
from datetime import UTC, datetime

from bench.gateway import HOME
from bench.machine import facts
from bench.measurements import FULL, MEASUREMENTS, SHORT
from bench.report import write

# Each kind of break needs a few orders around it.
ORDERS_MIN = 1_200


def main(arguments: list[str]) -> int:
    """Run the named measurements; 2 when a name is unknown."""
    short = "--short" in arguments
    pace = SHORT if short else FULL
    names = [each for each in arguments if each != "--short"]
    command = " ".join(("python -m bench", *arguments))
    if "--orders" in names:
        at = names.index("--orders")
        given = names[at + 1 : at + 2]
        if not (given and given[0].isdigit() and int(given[0]) >= ORDERS_MIN):
            print(f"--orders takes a number of at least {ORDERS_MIN}", file=sys.stderr)
            return 2
        pace = replace(pace, orders=int(given[0]))
        names = names[:at] + names[at + 2 :]
    unknown = [each for each in names if each not in MEASUREMENTS]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; known: {', '.join(MEASUREMENTS)}", file=sys.stderr)
        return 2
    for name in names or MEASUREMENTS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        began, known = time.monotonic(), facts()
        result = MEASUREMENTS[name](pace, HOME)
        print(f"\n## {name}\n\n{result.tables}\n", flush=True)
        known["load"] += f" (before), {facts()['load']} (after; other work beside the bench counts)"
        known["took"] = f"{time.monotonic() - began:.0f} s"
        known["date"] = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        if not short:
            suffix = "" if pace == FULL else f"-{pace.orders}"
            told = command if suffix else f"python -m bench {name}"
            path = write(f"{name}{suffix}", result, {"command": told} | known)
            print(f"written to {path} and .json", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
