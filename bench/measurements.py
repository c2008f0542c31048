"""The measurements by name, each as a function that returns its tables and rows."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bankside.kernel.postgres import EmbeddedPostgres
from bench import clearing, gateway, http_floor, ledger, stages, upstream
from bench.report import Result, table


@dataclass(frozen=True)
class Pace:
    """How long to measure: slices of the edge and the server, seconds of the ledger's ways, orders
    of the cleared date, pairs of reads and calls of a hostile service behind the edge."""

    rounds: int
    slice_s: float
    ledger_rounds: int
    ledger_s: float
    orders: int
    pairs: int
    hostile_calls: int


# All of them together stay below 5 minutes on two cores.
BREAKS = 1_000
FULL = Pace(
    rounds=10,
    slice_s=1.0,
    ledger_rounds=3,
    ledger_s=2.0,
    orders=100_000,
    pairs=5_000,
    hostile_calls=100_000,
)
SHORT = Pace(
    rounds=3,
    slice_s=0.3,
    ledger_rounds=1,
    ledger_s=0.5,
    orders=2_400,
    pairs=200,
    hostile_calls=1_000,
)


def edge(pace: Pace, home: Path) -> Result:
    """Calls per CPU-second of the edge, and durable transfers through it."""
    return gateway.run(rounds=pace.rounds, seconds=pace.slice_s, home=home)


def books(pace: Pace, home: Path) -> Result:
    """Durable transfers a second of the ledger alone."""
    home.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="bench-", dir=home) as folder:
        server = EmbeddedPostgres(Path(folder))
        try:
            rows = ledger.run(server.start(), seconds=pace.ledger_s, rounds=pace.ledger_rounds)
        finally:
            server.stop()
    return Result(ledger.markdown(rows), [asdict(each) for each in rows])


def server(pace: Pace, home: Path) -> Result:
    """CPU of the HTTP server alone."""
    with _cores_kept():
        rows = http_floor.run(rounds=pace.rounds, slice_s=pace.slice_s)
    heads = ("server", "CPU us a request", "quartiles", "ratio to bare", "requests")
    lines = [
        (
            each.name,
            f"{each.cpu_us:.1f}",
            f"{each.cpu_us_low:.1f}-{each.cpu_us_high:.1f}",
            f"{each.ratio_to_bare:.2f}",
            f"{each.requests:,}",
        )
        for each in rows
    ]
    return Result(table(heads, lines), [asdict(each) for each in rows])


def steps(pace: Pace, home: Path) -> Result:
    """Where the CPU of one call goes."""
    return stages.run(rounds=pace.rounds + 2, home=home)


def date(pace: Pace, home: Path) -> Result:
    """Clearing and three-way reconciliation of a date with planted breaks."""
    return clearing.run(home, orders=pace.orders, breaks=min(pace.orders // 100, BREAKS))


def behind(pace: Pace, home: Path) -> Result:
    """What forwarding adds, and what a hostile service does to the edge."""
    return upstream.run(home, pairs=pace.pairs, calls=pace.hostile_calls)


MEASUREMENTS: Mapping[str, Callable[[Pace, Path], Result]] = {
    "gateway": edge,
    "ledger": books,
    "http": server,
    "stages": steps,
    "clearing": date,
    "upstream": behind,
}


@contextmanager
def _cores_kept() -> Iterator[None]:
    """A measurement that pins this process leaves it as it was."""
    before = os.sched_getaffinity(0)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
