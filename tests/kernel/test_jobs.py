"""Jobs: made with their transaction, done at least once, held when they keep failing."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from bankside.kernel.db import Pool, Write, transaction, write_all
from bankside.kernel.jobs import Handler, Worker, enqueue, failed_jobs, requeue
from bankside.kernel.jobs import worker as jobs_worker
from bankside.kernel.jobs.enqueue import ENQUEUE_SQL
from bankside.kernel.jobs.schema import SETTINGS, JobDriver, JobQueries
from bankside.kernel.migrate import migrations


async def commit(pool: Pool, *writes: Write) -> None:
    async with transaction(pool) as db:
        await write_all(db, list(writes))


@asynccontextmanager
async def working(url: str, **handlers: Handler) -> AsyncIterator[None]:
    task = asyncio.create_task(Worker(url, handlers).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(true: Callable[[], object], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - another task makes it true
            await asyncio.sleep(0.01)


class Done:
    """A handler that writes down what it did."""

    def __init__(self) -> None:
        self.payloads: list[dict[str, Any]] = []

    async def __call__(self, payload: dict[str, Any]) -> None:
        self.payloads.append(payload)


async def test_a_committed_job_is_done_and_a_rolled_back_one_never_was(
    fresh_pool: Pool, fresh_url: str
) -> None:
    done = Done()
    with pytest.raises(ZeroDivisionError):
        async with transaction(fresh_pool) as db:
            await write_all(db, [enqueue("look", {"order": "ord_lost"}, dedupe_key=None)])
            raise ZeroDivisionError
    async with working(fresh_url, look=done):
        await commit(fresh_pool, enqueue("look", {"order": "ord_1"}, dedupe_key="ord_1:1"))
        await until(lambda: done.payloads)

    assert done.payloads == [{"order": "ord_1"}]
    assert await fresh_pool.fetchval("select count(*) from kernel.jobs") == 0


async def test_jobs_of_one_key_wait_once_and_many_are_written_in_one_statement(
    fresh_pool: Pool,
) -> None:
    await commit(
        fresh_pool,
        *(enqueue("look", {"n": number}, dedupe_key=f"ord_{number % 3}:1") for number in range(9)),
    )

    assert await fresh_pool.fetchval("select count(*) from kernel.jobs") == 3


async def test_a_job_for_later_waits(fresh_pool: Pool, fresh_url: str) -> None:
    done = Done()
    async with working(fresh_url, look=done):
        await commit(
            fresh_pool,
            enqueue("look", {"n": 2}, dedupe_key=None, after=timedelta(seconds=1)),
            enqueue("look", {"n": 1}, dedupe_key=None),
        )
        await until(lambda: len(done.payloads) == 1)
        await asyncio.sleep(0.5)
        assert done.payloads == [{"n": 1}]
        await until(lambda: len(done.payloads) == 2)


async def test_a_job_nobody_here_handles_is_left_for_another_worker(
    fresh_pool: Pool, fresh_url: str
) -> None:
    done = Done()
    await commit(fresh_pool, enqueue("other", {}, dedupe_key=None))
    async with working(fresh_url, look=done):
        await asyncio.sleep(0.3)
    assert await fresh_pool.fetchval("select count(*) from kernel.jobs") == 1

    async with working(fresh_url, other=done):
        await until(lambda: done.payloads)


async def test_a_failing_job_is_retried_then_held_and_listed_until_somebody_requeues_it(
    fresh_pool: Pool, fresh_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_worker, "RETRY_SECONDS", (0, 0))
    tries: list[str] = []
    healed = False

    async def look(payload: dict[str, Any]) -> None:
        tries.append(payload["order"])
        if not healed:
            raise ConnectionError("the other bank is away")

    async with working(fresh_url, look=look):
        await commit(fresh_pool, enqueue("look", {"order": "ord_1"}, dedupe_key="ord_1:1"))
        held: list[jobs_worker.FailedJob] = []
        async with asyncio.timeout(10):
            while not held:
                held = await failed_jobs(fresh_pool)
                await asyncio.sleep(0.05)
        assert tries == ["ord_1"] * 3
        assert (held[0].name, held[0].payload) == ("look", {"order": "ord_1"})
        assert "the other bank is away" in held[0].error

        healed = True
        await requeue(fresh_pool, [held[0].id])
        await until(lambda: len(tries) == 4)
    assert await failed_jobs(fresh_pool) == []


async def test_a_stopped_worker_gives_its_running_job_back(
    fresh_pool: Pool, fresh_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_worker, "STOP_SECONDS", 0.2)
    started = asyncio.Event()
    done = Done()

    async def endless(payload: dict[str, Any]) -> None:
        started.set()
        await asyncio.Event().wait()

    await commit(fresh_pool, enqueue("look", {"n": 1}, dedupe_key="n:1"))
    async with working(fresh_url, look=endless):
        await started.wait()
    async with working(fresh_url, look=done):
        await until(lambda: done.payloads, seconds=5)


async def test_the_worker_outlives_a_lost_database_connection(
    fresh_pool: Pool, fresh_url: str
) -> None:
    done = Done()
    async with working(fresh_url, look=done):
        await commit(fresh_pool, enqueue("look", {"n": 1}, dedupe_key=None))
        await until(lambda: len(done.payloads) == 1)
        async with fresh_pool.acquire() as db:
            await db.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
        await commit(fresh_pool, enqueue("look", {"n": 2}, dedupe_key=None))
        await until(lambda: len(done.payloads) == 2, seconds=20)


async def test_the_statements_and_tables_are_the_librarys_own(fresh_pool: Pool) -> None:
    library = JobQueries(JobDriver(fresh_pool))
    migration = next(each for each in migrations() if each.name.endswith("-jobs.sql"))

    assert ENQUEUE_SQL.split() == library.qbq.build_enqueue_query("skip").split()
    assert library.qbe.build_install_query(create_schema=False) in migration.sql
    assert "UNLOGGED TABLE" not in migration.sql
    assert SETTINGS.durability.name == "durable"


def test_asking_for_a_job_loads_neither_the_queue_library_nor_pydantic() -> None:
    code = (
        "import sys, bankside.kernel.jobs;"
        "print([name for name in ('pgqueuer', 'pydantic') if name in sys.modules])"
    )

    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )

    assert said.stdout.strip() == "[]"
