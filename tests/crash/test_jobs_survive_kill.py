"""Three-step orders driven by jobs, while workers and PostgreSQL are killed: everything once.

The short form runs always; BANKSIDE_LONG_CRASH=1 runs the form of docs/decisions/0002-jobs.md
(1,000 orders, a kill every 2 s for 60 s, PostgreSQL killed twice).
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from bankside.kernel.db import DATABASE_TROUBLE, write_all
from bankside.kernel.jobs import enqueue
from bankside.kernel.migrate import migrate
from bankside.kernel.postgres import EmbeddedPostgres

STEPS = 3

TABLES = """
create schema crash;
create table crash.orders (id text primary key, step int not null default 0);
create table crash.postings (group_id text primary key, amount bigint not null);
create table crash.steps (
    order_id text, step int, worker int not null, at timestamptz not null default clock_timestamp(),
    primary key (order_id, step));
create table crash.attempts (
    order_id text, step int, worker int, at timestamptz not null default clock_timestamp());
"""

# One step: its posting, its journal row, the order's move and the next step's job, or none of them.
WORKER = """
import asyncio, os, random, sys
from bankside.kernel.db import open_pool, transaction, write_all
from bankside.kernel.jobs import enqueue
from bankside.kernel.jobs import Worker

async def main():
    pool = await open_pool(sys.argv[1])

    async def advance(job):
        order, step = job["order"], job["step"]
        await pool.execute("insert into crash.attempts values ($1, $2, $3)",
                           order, step, os.getpid())
        await asyncio.sleep(random.random() * 0.4)
        async with transaction(pool) as db:
            at = await db.fetchval("select step from crash.orders where id = $1 for update", order)
            if at != step:
                return
            await db.execute("insert into crash.postings values ($1, 100)", f"{order}:{step}")
            await db.execute("insert into crash.steps (order_id, step, worker) values ($1, $2, $3)",
                             order, step, os.getpid())
            await db.execute("update crash.orders set step = $2 where id = $1", order, step + 1)
            if step + 1 < int(sys.argv[2]):
                await write_all(db, [enqueue("advance", {"order": order, "step": step + 1},
                                             dedupe_key=f"{order}:{step + 1}")])

    await Worker(sys.argv[1], {"advance": advance}).run()

while True:
    try:
        asyncio.run(main())
    except OSError:
        pass  # PostgreSQL is just being restarted.
"""


# Of these workers, the one that began an unfinished step last.
BUSY = """
select a.worker from crash.attempts a
where a.worker in ({pids}) and not exists (
    select from crash.steps s where s.order_id = a.order_id and s.step = a.step)
order by a.at desc limit 1
"""

ALL_FINISHED = "select 1 where not exists (select from crash.orders where step < 3)"

SLOWEST = """
select max(extract(epoch from done.at - began.at) * 1000)::bigint
from crash.steps done join lateral (
    select min(at) as at from crash.attempts a
    where a.order_id = done.order_id and a.step = done.step) began on true
"""


@dataclass(frozen=True)
class Campaign:
    orders: int
    kills: int
    every_seconds: float
    postgres_kills: int


SHORT = Campaign(orders=150, kills=4, every_seconds=1.5, postgres_kills=1)
LONG = Campaign(orders=1_000, kills=30, every_seconds=2.0, postgres_kills=2)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of this test alone, because it is killed."""
    server = EmbeddedPostgres(tmp_path)
    server.start()
    yield server
    server.stop()


# Longer than the pause between two kills; a busy worker shows within a fraction of it.
BUSY_WAIT_SECONDS = 5.0


class Workers:
    """Two worker processes, one of which is now and then killed and replaced."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.processes = [self._spawn() for _ in range(2)]

    async def kill_a_busy_one(self) -> None:
        """Kill a worker in the middle of a step, and start another in its place.

        On a loaded machine the orders may be finished before this kill: then an idle one dies.
        """
        pids = ", ".join(str(process.pid) for process in self.processes)
        deadline = time.monotonic() + BUSY_WAIT_SECONDS
        while not (busy := await ask(self._url, BUSY.format(pids=pids))):
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(0.05)
        victim = next((each for each in self.processes if each.pid == busy), self.processes[0])
        victim.kill()
        victim.wait()
        self.processes[self.processes.index(victim)] = self._spawn()

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", WORKER, self._url, str(STEPS)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


async def accept_orders(url: str, count: int, seconds: float) -> None:
    """Spread over ``seconds``: each order and its first job in one transaction.

    Every eleventh is rolled back as a whole. While PostgreSQL is away, an order is tried again.
    """
    for number in range(count):
        await asyncio.sleep(seconds / count)
        async with asyncio.timeout(20):
            while True:
                try:
                    await accept(url, f"ord_{number}", roll_back=number % 11 == 10)
                    break
                except DATABASE_TROUBLE:
                    await asyncio.sleep(0.1)


async def accept(url: str, order: str, *, roll_back: bool) -> None:
    db = await asyncpg.connect(url)
    try:
        transaction = db.transaction()
        await transaction.start()
        await db.execute("insert into crash.orders (id) values ($1) on conflict do nothing", order)
        job = enqueue("advance", {"order": order, "step": 0}, dedupe_key=f"{order}:0")
        await write_all(db, [job])
        await (transaction.rollback() if roll_back else transaction.commit())
    finally:
        await db.close(timeout=1)


async def becomes(url: str, sql: str, *, seconds: float = 120) -> int:
    """Ask until the answer is not zero."""
    deadline = time.monotonic() + seconds
    while not (found := await ask(url, sql)):
        assert time.monotonic() < deadline, sql
        await asyncio.sleep(0.05)
    return found


async def ask(url: str, sql: str) -> int:
    async with asyncio.timeout(20):
        while True:
            try:
                db = await asyncpg.connect(url)
                break
            except DATABASE_TROUBLE:
                await asyncio.sleep(0.1)
    try:
        return int(await db.fetchval(sql) or 0)
    finally:
        await db.close()


def kill_postgres(server: EmbeddedPostgres) -> None:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    while server.pid is not None:
        time.sleep(0.01)
    server.start()


@pytest.mark.crash
@pytest.mark.timeout(400)
async def test_every_order_finishes_once_whatever_is_killed(server: EmbeddedPostgres) -> None:
    campaign = LONG if os.environ.get("BANKSIDE_LONG_CRASH") else SHORT
    url = server.url
    await migrate(url)
    db = await asyncpg.connect(url)
    await db.execute(TABLES)
    await db.close()
    postgres_dies_at = {
        (index + 1) * campaign.kills // (campaign.postgres_kills + 1)
        for index in range(campaign.postgres_kills)
    }
    workers = Workers(url)
    try:
        # Longer than the kills take, so that the last one finds work, too.
        seconds = (campaign.kills + 2) * campaign.every_seconds
        accepting = asyncio.create_task(accept_orders(url, campaign.orders, seconds))
        for kill in range(campaign.kills):
            await asyncio.sleep(campaign.every_seconds)
            await workers.kill_a_busy_one()
            if kill in postgres_dies_at:
                kill_postgres(server)
        await accepting
        await becomes(url, ALL_FINISHED)
    finally:
        workers.end()

    orders = await ask(url, "select count(*) from crash.orders")
    assert orders == sum(number % 11 != 10 for number in range(campaign.orders))
    assert await ask(url, "select count(*) from crash.steps") == orders * STEPS
    assert await ask(url, "select count(*) from crash.postings") == orders * STEPS
    assert await ask(url, "select count(*) from kernel.jobs where status = 'failed'") == 0
    repeated = await ask(url, "select count(*) from crash.attempts") - orders * STEPS
    slowest = await ask(url, SLOWEST)
    assert repeated > 0, "no kill hit a running job: the campaign proved nothing"
    print(f"{orders} orders, {repeated} attempts repeated, longest step {slowest} ms")


@pytest.mark.crash
async def test_a_killed_workers_job_is_done_by_another_process_within_10_seconds(
    server: EmbeddedPostgres,
) -> None:
    url = server.url
    await migrate(url)
    db = await asyncpg.connect(url)
    await db.execute(TABLES)
    # The step that a worker is in the middle of when it dies: it waits for this lock.
    await db.execute("insert into crash.orders (id) values ('ord_1')")
    lock = db.transaction()
    await lock.start()
    await db.execute("select from crash.orders where id = 'ord_1' for update")
    other = await asyncpg.connect(url)
    await write_all(other, [enqueue("advance", {"order": "ord_1", "step": 2}, dedupe_key=None)])
    workers = Workers(url)
    try:
        first = await becomes(url, "select max(worker) from crash.attempts")
        victim = next(each for each in workers.processes if each.pid == first)
        victim.kill()
        victim.wait()
        killed_at = time.monotonic()
        await lock.rollback()
        await db.execute("update crash.orders set step = 2 where id = 'ord_1'")
        heir = await becomes(url, "select max(worker) from crash.steps")
        took = time.monotonic() - killed_at
    finally:
        workers.end()
        await db.close()
        await other.close()

    assert heir != first
    assert took <= 10
    print(f"taken over after {took:.1f} s")
