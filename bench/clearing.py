"""Clearing and reconciling one date: time, rows a second, memory; re-run byte-identical.

A process of its own seals, nets, claims, pays out and reconciles the date of ``clearing_date``, and
does again what can be done again. ``python -m bench clearing --orders 1000000`` makes it larger.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop

from bankside.bank import clearing, reconciliation
from bankside.bank.clearing import Whose
from bankside.bank.networks import SandboxNetwork
from bankside.bank.reconciliation import Chosen, Day
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, open_pool, transaction
from bankside.kernel.migrate import migrate
from bankside.kernel.postgres import EmbeddedPostgres
from bankside.orders import posted_records
from bench.clearing_date import CHANNEL, DAY, PARTNER, stored
from bench.report import Result, table

NIGHT = datetime(2026, 3, 2, 16, tzinfo=UTC)
MORNING = datetime(2026, 3, 3, 2, tzinfo=UTC)
# A million orders on a busy machine; what takes longer is not feasible.
SECONDS_MAX = 3_600


async def clear_and_reconcile(url: str, file: Path) -> dict[str, Any]:
    """Seconds of every step, hashes, breaks as (side, kind, reference), and the peak memory."""
    pool = await open_pool(url, size=2)
    night, morning = FixedClock(NIGHT), FixedClock(MORNING)
    took: dict[str, float] = {}
    network = SandboxNetwork()
    await _timed(took, "seal", lambda: clearing.seal(pool, night, DAY))
    batch = await _timed(
        took, "net, claim, check", lambda: clearing.advance(pool, night, network, DAY)
    )
    first = await _timed(took, "settlement file", lambda: _file(pool))
    again = await _timed(took, "settlement file again", lambda: _file(pool))
    paid = await _timed(took, "pay out", lambda: clearing.advance(pool, morning, network, DAY))
    outcome = await _timed(took, "reconcile", lambda: _reconciled(pool, morning, file))
    repeat = await _timed(took, "reconcile again", lambda: _reconciled(pool, morning, file))
    async with transaction(pool) as db:
        payouts = await clearing.payout_counts(db, DAY)
    found = await _breaks(pool)
    await pool.close()
    return {
        "took": took,
        "hash": batch.hash,
        "state": paid.state.value,
        "payouts": {state.value: count for state, count in payouts.items()},
        "identical": first == again
        and outcome.digest == repeat.digest
        and paid.hash == batch.hash
        and repeat.repeat,
        "compared": outcome.compared,
        "found": found,
        "peak_mb": _peak_mb(),
    }


async def _timed(took: dict[str, float], name: str, work: Callable[[], Awaitable[Any]]) -> Any:
    began = time.perf_counter()
    result = await work()
    took[name] = time.perf_counter() - began
    print(f"{name}: {took[name]:.1f} s", file=sys.stderr, flush=True)
    return result


async def _file(pool: Pool) -> str:
    async with transaction(pool) as db:
        whose = Whose(partner=PARTNER, on=DAY)
        given = await clearing.give_out(
            db,
            FixedClock(NIGHT),
            whose,
            form="csv",
            out=lambda _: None,
            sign=lambda digest: ("bench", digest),
        )
        return given.written.sha256


async def _reconciled(pool: Pool, clock: FixedClock, file: Path) -> reconciliation.Outcome:
    with file.open("rb") as lines:
        async with transaction(pool) as db:
            return await reconciliation.run(
                db,
                clock,
                Day(PARTNER, DAY, CHANNEL),
                orders=posted_records,
                file=reconciliation.read(lines),
            )


async def _breaks(pool: Pool) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    cursor: str | None = None
    while True:
        async with pool.acquire() as db:
            page = await reconciliation.list_breaks(
                db, PARTNER, Chosen(channel=CHANNEL), cursor=cursor, limit=200
            )
        found += [(b.found.side.value, b.found.kind.value, b.found.reference) for b in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found


def _peak_mb() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


@dataclass(frozen=True)
class Row:
    """What one date took and found; ``rows`` are the records of all three sources."""

    orders: int
    rows: int
    postings: int
    made_s: float
    took_s: dict[str, float]
    planted: int
    found: int
    missed: int
    false: int
    by_kind: dict[str, int]
    netted_per_second: int
    reconciled_per_second: int
    peak_memory_mb: int
    payouts: dict[str, int]
    re_run_is_identical: bool
    batch_sha256: str


def measure(home: Path, *, orders: int, breaks: int) -> Row:
    """Make the date, clear and reconcile it in another process, compare with what was planted."""
    home.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="bench-", dir=home) as folder:
        server = EmbeddedPostgres(Path(folder))
        file = Path(folder) / "channel.csv"
        try:
            url = server.start()
            began = time.perf_counter()
            world = uvloop.run(_prepared(url, file, orders, breaks))
            made = time.perf_counter() - began
            command = [sys.executable, "-m", "bench.clearing", url, str(file)]
            told = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=SECONDS_MAX)
        finally:
            server.stop()
    return _row(orders, world, made, json.loads(told.stdout))


def _row(orders: int, world: dict[str, Any], made: float, result: dict[str, Any]) -> Row:
    planted, took = world["planted"], result["took"]
    found = [tuple(each) for each in result["found"]]
    rows = world["lines"] + world["journal"] + world["legs"]
    return Row(
        orders=orders,
        rows=rows,
        postings=world["legs"],
        made_s=round(made, 1),
        took_s={name: round(seconds, 1) for name, seconds in took.items()},
        planted=len(planted),
        found=len(found),
        missed=len(planted - set(found)),
        false=len([each for each in found if each not in planted]),
        by_kind={
            kind: sum(each[1] == kind for each in found)
            for kind in sorted({kind for _, kind, _ in planted})
        },
        netted_per_second=round(world["legs"] / took["net, claim, check"]),
        reconciled_per_second=round(rows / took["reconcile"]),
        peak_memory_mb=result["peak_mb"],
        payouts=result["payouts"],
        re_run_is_identical=result["identical"],
        batch_sha256=result["hash"],
    )


async def _prepared(url: str, file: Path, orders: int, breaks: int) -> dict[str, Any]:
    await migrate(url)
    pool = await open_pool(url, size=2)
    world = await stored(pool, file, orders=orders, breaks=breaks)
    await pool.close()
    return world


def run(home: Path, *, orders: int, breaks: int) -> Result:
    """The measurement as a table; fails when a break was missed or invented."""
    row = measure(home, orders=orders, breaks=breaks)
    if row.missed or row.false or not row.re_run_is_identical:
        raise RuntimeError(f"clearing or reconciliation is wrong: {row}")
    lines: list[tuple[str, str]] = []
    for name, value in asdict(row).items():
        shown = name.replace("_", " ")
        if isinstance(value, dict):
            unit = " s" if name == "took_s" else ""
            lines += [
                (f"{shown.removesuffix(' s')}: {part}", f"{each:,}{unit}")
                for part, each in value.items()
            ]
        else:
            lines.append((shown, f"{value:,}" if type(value) is int else str(value)))
    return Result(table(("what", "figure"), lines), [asdict(row)])


if __name__ == "__main__":
    print(json.dumps(asyncio.run(clear_and_reconcile(sys.argv[1], Path(sys.argv[2])))))
