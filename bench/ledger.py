"""Durable transfers a second of the ledger, by the ways one can post.

Method: client, Books and PostgreSQL share one machine; PostgreSQL is the embedded one with its
production settings (fsync, full_page_writes, synchronous_commit on, data checksums on), or the
server of the URL. A fresh ledger per row: ACCOUNTS funded accounts, every transfer moves a random
small amount between two random ones (``hot``: always to the same one). Each counts once its commit
is durable and its caller was answered: one transfer row, two entries, two balances, hash chain on.
Each row runs for SECONDS after a warm-up of WARM_SECONDS; rounds are interleaved and the median of
ROUNDS is shown with the lowest and highest. ``cpu us`` is the CPU time a transfer takes of this
process and of its PostgreSQL sessions together (``/proc/<pid>/schedstat``; without the server's
part when it runs elsewhere): a figure that others on the machine disturb less. After each row its
books are proven; a fault fails the bench.

    one by one     one connection, each transfer in its own transaction (``post``)
    16 concurrent  sixteen connections, each transfer in its own transaction (``post``)
    group commit   ``Books`` with n callers waiting (n = 10, 100, 500; and 500 on a hot account)
    post_batch     the SQL function alone, 500 groups a call, arguments made beforehand: what is
                   left when Python is taken away

Run: ``python -m bench ledger`` (embedded PostgreSQL in a temporary home), or ``run(url)``.
"""

import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import uvloop

from bankside.bank.ledger import (
    AccountClass,
    Books,
    Group,
    Leg,
    NewAccount,
    carry_out,
    open_account,
    open_ledger,
    post,
    verify,
)
from bankside.bank.ledger import store as sql
from bankside.bank.ledger.columns import columns_of
from bankside.kernel.clock import SystemClock, booking_date
from bankside.kernel.db import Pool, open_pool, transaction
from bankside.kernel.migrate import migrate
from bankside.kernel.money import Money
from bankside.kernel.postgres import EmbeddedPostgres

ACCOUNTS = 10_000
FUNDS = 10_000_000
SECONDS = 3.0
WARM_SECONDS = 0.5
ROUNDS = 3
BATCH = 500
# Arguments are made beforehand for a rate that no machine of ours reaches.
BARE_RATE_MAX = 60_000

CLOCK = SystemClock()


@dataclass(frozen=True)
class Row:
    """One way of posting: transfers a second (median, lowest, highest round), latency and CPU."""

    way: str
    transfers_per_second: int
    lowest: int
    highest: int
    p50_ms: float
    p99_ms: float
    cpu_us: float


@dataclass
class Field:
    """A funded ledger, and transfers to post in it."""

    pool: Pool
    ledger: str
    hot: bool
    chance: random.Random

    def transfer(self) -> Group:
        """A fresh transfer between two accounts."""
        dice = self.chance.getrandbits(128)
        debit = 1 + dice % (ACCOUNTS - 1)
        credit = 0 if self.hot else (debit + 1 + (dice >> 32) % (ACCOUNTS - 2)) % ACCOUNTS
        leg = Leg(ACCOUNT_IDS[debit], ACCOUNT_IDS[credit], SUMS[dice % len(SUMS)])
        return Group(uuid.UUID(int=dice), (leg,), narrative="bench", request_hash=b"bench")


# Ids as long as real ones; made beforehand, because the load must not cost what is measured.
ACCOUNT_IDS = [f"acc_{number:026d}" for number in range(ACCOUNTS)]
SUMS = [Money(minor, "CNY") for minor in range(1, 101)]


class Stopwatch:
    """Counts what finishes between its start and its end, with how long each took."""

    def __init__(self, seconds: float) -> None:
        self.begin = time.perf_counter() + WARM_SECONDS
        self.end = self.begin + seconds
        self.latencies: list[float] = []
        self.count = 0
        self.all = 0  # with those outside the measured time

    def going(self) -> bool:
        """Whether there is time for another one."""
        return time.perf_counter() < self.end

    def done(self, started: float, count: int = 1) -> None:
        """``count`` transfers that were asked for at ``started`` are durable now."""
        now = time.perf_counter()
        self.all += count
        if started >= self.begin and now <= self.end:
            self.count += count
            self.latencies.append(now - started)


Way = Callable[[Field, Stopwatch], Awaitable[None]]


def each_alone(connections: int) -> Way:
    """Every transfer in a transaction of its own, on this many connections."""

    async def run_way(field: Field, watch: Stopwatch) -> None:
        async def caller() -> None:
            while watch.going():
                started = time.perf_counter()
                async with transaction(field.pool) as db:
                    await post(db, [field.transfer()], at=CLOCK.now(), ledger=field.ledger)
                watch.done(started)

        await asyncio.gather(*(caller() for _ in range(connections)))

    return run_way


def together(callers: int) -> Way:
    """Group commit: this many callers of one Books, each with one transfer at a time."""

    async def run_way(field: Field, watch: Stopwatch) -> None:
        async with Books(field.pool, CLOCK, ledger=field.ledger) as books:

            async def caller() -> None:
                while watch.going():
                    started = time.perf_counter()
                    verdict = await books.commit(field.transfer())
                    assert verdict.accepted
                    watch.done(started)

            await asyncio.gather(*(caller() for _ in range(callers)))

    return run_way


async def bare_batches(field: Field, watch: Stopwatch) -> None:
    """The SQL function with arguments made before the clock runs."""
    # Arguments take CPU time of this process too: cpu us of this row is not compared.
    today = booking_date(CLOCK)
    ready = []
    seconds = watch.end - watch.begin
    for _ in range(int((seconds + WARM_SECONDS) * BARE_RATE_MAX / BATCH)):
        groups = [field.transfer() for _ in range(BATCH)]
        ready.append(columns_of(groups, [b"bench"] * BATCH, today))
    fresh = Stopwatch(seconds)
    watch.begin, watch.end = fresh.begin, fresh.end
    async with field.pool.acquire() as db:
        for columns in ready:
            if not watch.going():
                break
            started = time.perf_counter()
            async with db.transaction():
                await sql.post_batch(db, field.ledger, CLOCK.now(), columns, seal=False)
            watch.done(started, BATCH)


# Name, how, and whether all money goes to one account.
WAYS: tuple[tuple[str, Way, bool], ...] = (
    ("one by one", each_alone(1), False),
    ("16 concurrent", each_alone(16), False),
    ("16 concurrent, hot account", each_alone(16), True),
    ("group commit, n = 10", together(10), False),
    ("group commit, n = 100", together(100), False),
    ("group commit, n = 500", together(BATCH), False),
    ("group commit, hot account, n = 500", together(BATCH), True),
    ("post_batch alone, n = 500", bare_batches, False),
)


async def measure(url: str, *, seconds: float, rounds: int) -> list[Row]:
    """All ways on one database, interleaved; the books are proven at the end."""
    await migrate(url)
    pool = await open_pool(url, size=16)
    rates: dict[str, list[float]] = {name: [] for name, _, _ in WAYS}
    latencies: dict[str, list[float]] = {name: [] for name, _, _ in WAYS}
    cpu: dict[str, list[float]] = {name: [] for name, _, _ in WAYS}
    for number in range(rounds):
        for name, way, hot in WAYS:
            field = await funded(pool, hot=hot, seed=number)
            before = await cpu_seconds(pool)
            watch = Stopwatch(seconds)
            await way(field, watch)
            rates[name].append(watch.count / seconds)
            latencies[name] += watch.latencies
            cpu[name].append((await cpu_seconds(pool) - before) * 1e6 / watch.all)
            async with pool.acquire() as db:
                report = await verify(db, field.ledger)
            if report.fault is not None:
                raise RuntimeError(f"{name}: {report.text()}")
    await pool.close()
    return [_row(name, rates[name], latencies[name], cpu[name]) for name, _, _ in WAYS]


async def cpu_seconds(pool: Pool) -> float:
    """CPU time so far of this process and of the pool's sessions that run on this machine."""
    rows = await pool.fetch(
        "select pid from pg_stat_activity where datname = current_database() "
        "and backend_type = 'client backend'"
    )
    files = [Path(f"/proc/{row['pid']}/schedstat") for row in rows]
    spent = sum(int(each.read_text().split()[0]) for each in files if each.exists())
    return time.process_time() + spent / 1e9


def _row(name: str, rates: list[float], latencies: list[float], cpu: list[float]) -> Row:
    percentiles = statistics.quantiles(latencies, n=100)
    return Row(
        name,
        round(statistics.median(rates)),
        round(min(rates)),
        round(max(rates)),
        round(percentiles[49] * 1000, 2),
        round(percentiles[98] * 1000, 2),
        round(statistics.median(cpu), 1),
    )


async def funded(pool: Pool, *, hot: bool, seed: int) -> Field:
    """A fresh ledger whose accounts all have money."""
    ledger = f"bench-{uuid.uuid4()}"
    equity = NewAccount(
        id="equity", partner="bank", currency="CNY", account_class=AccountClass.EQUITY, floor=None
    )
    accounts = [NewAccount(id=each, partner="bench", currency="CNY") for each in ACCOUNT_IDS]
    paid_in = [
        Group(uuid.uuid4(), (Leg("equity", each.id, Money(FUNDS, "CNY")),)) for each in accounts
    ]
    async with transaction(pool) as db:
        await carry_out(db, open_ledger(ledger))
        await carry_out(db, *(open_account(each, ledger=ledger) for each in [equity, *accounts]))
        await post(db, paid_in, ledger=ledger)
    # Fresh statistics, and no vacuum of the funding in the middle of the measurement.
    await pool.execute(
        "vacuum analyze bank.ledger_accounts, bank.ledger_transfers, bank.ledger_entries"
    )
    return Field(pool, ledger, hot, random.Random(f"{ledger} {seed}"))


def run(url: str, *, seconds: float = SECONDS, rounds: int = ROUNDS) -> list[Row]:
    """Measure on the database of ``url``, which gets ledgers of its own."""
    return uvloop.run(measure(url, seconds=seconds, rounds=rounds))


def markdown(rows: list[Row]) -> str:
    """The rows as a table."""
    lines = [
        "| way | transfers/s | lowest-highest | p50 ms | p99 ms | cpu us |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.way} | {row.transfers_per_second:,} | {row.lowest:,}-{row.highest:,} "
        f"| {row.p50_ms} | {row.p99_ms} | {row.cpu_us} |"
        for row in rows
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] = ()) -> None:
    """Print the table and the same rows as JSON; ``--short``: one round of a second each."""
    short = "--short" in arguments
    timing = {"seconds": 1.0, "rounds": 1} if short else {"seconds": SECONDS, "rounds": ROUNDS}
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bankside-bench-") as home:
        server = EmbeddedPostgres(Path(home))
        try:
            rows = uvloop.run(measure(server.start(), **timing))  # type: ignore[arg-type]
        finally:
            server.stop()
    print(markdown(rows))
    print(f"\nmeasured in {time.monotonic() - started:.0f} s on {os.cpu_count()} cores\n")
    print(json.dumps([asdict(row) for row in rows]))


if __name__ == "__main__":
    main(sys.argv[1:])
