"""Doing jobs: claims them, runs their handlers, retries, holds what keeps failing.

Always true: a job whose worker died is done by another one within 10 s; a worker that is stopped
gives its jobs back; a lost database is waited for. A handler must not block the event loop: its
heartbeat would stop and another worker would do the job as well.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import FailingListenerError, RetryRequested
from pgqueuer.domain.models import Job
from pgqueuer.domain.types import JobId

from bankside.kernel.db import DATABASE_TROUBLE, Connection, Pool, open_pool
from bankside.kernel.jobs.schema import SETTINGS, JobDriver, JobQueries
from bankside.kernel.telemetry import Counter

log = structlog.get_logger(__name__)

_JOBS = Counter(
    "bankside_jobs_total",
    "Attempts to do a job, by how they ended (done, retried, held, given_back)",
    ("name", "end"),
)

# Does one job, given its payload; idempotent by what the payload names.
Handler = Callable[[dict[str, Any]], Awaitable[None]]

# A worker beats every half of this; a job without a beat for this long is anybody's. With the
# poll below, another process has it within 10 s.
HEARTBEAT_SECONDS = 7.0
POLL_SECONDS = 1.0
# Waits between attempts; after the last one the job is held for a person.
RETRY_SECONDS = (1, 5, 30, 120, 600, 3_600)
JOB_SECONDS_MAX = 300.0
CLAIM_ROWS = 10
# One worker's jobs at a time; its handlers share a pool of about half as many connections.
CONCURRENT_MAX = 20
# One only listens; the others claim, beat and note results.
CONNECTIONS = 3
STOP_SECONDS = 20.0
GIVE_BACK_SECONDS = 3.0
TROUBLE_SECONDS = 1.0
HISTORY_KEEP = timedelta(days=7)
HISTORY_SECONDS = 600.0
HISTORY_ROWS = 20_000
FAILED_PAGE_MAX = 200

_TROUBLE: tuple[type[Exception], ...] = (*DATABASE_TROUBLE, FailingListenerError)


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that is held: its retries are used up."""

    id: int
    name: str
    payload: dict[str, Any]
    attempts: int
    failed_at: datetime
    error: str


class Worker:
    """Does the jobs that ``handlers`` name; any number of workers may run at once.

    Jobs of other names are left alone. Claims and heartbeats go over connections of its own, so
    that handlers that use up their pool do not make it look dead.
    """

    def __init__(self, url: str, handlers: Mapping[str, Handler]) -> None:
        self._url = url
        self._handlers = dict(handlers)

    async def run(self) -> None:
        """Do jobs until cancelled; then finish what runs, or give it back after 20 s."""
        while True:
            try:
                pool = await open_pool(self._url, size=CONNECTIONS)
                try:
                    await self._run_on(pool)
                finally:
                    pool.terminate()
            except _TROUBLE as error:
                log.warning("jobs_wait_for_database", error=repr(error))
            await asyncio.sleep(TROUBLE_SECONDS)

    async def _run_on(self, pool: Pool) -> None:
        history = asyncio.create_task(_forget_history(pool))
        try:
            await self._run_manager(pool)
        finally:
            history.cancel()

    async def _run_manager(self, pool: Pool) -> None:
        manager = QueueManager(JobQueries(JobDriver(pool)), channel=SETTINGS.channel)
        for name, handler in self._handlers.items():
            # "delete", the library's default, would drop a job that failed.
            manager.entrypoint(name, accepts_context=False, on_failure="hold")(_job(handler))
        running = asyncio.create_task(
            manager.run(
                dequeue_timeout=timedelta(seconds=POLL_SECONDS),
                batch_size=CLAIM_ROWS,
                max_concurrent_tasks=CONCURRENT_MAX,
                shutdown_on_listener_failure=True,
                heartbeat_timeout=timedelta(seconds=HEARTBEAT_SECONDS),
                log_aggregation_interval=timedelta(0),
            )
        )
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            manager.shutdown.set()
            await asyncio.wait([running], timeout=STOP_SECONDS)
            running.cancel()
            await asyncio.wait([running], timeout=GIVE_BACK_SECONDS)
            raise


async def _forget_history(pool: Pool) -> None:
    """Keep the library's log of past jobs at a week."""
    while True:
        try:
            await pool.execute(_FORGET, HISTORY_KEEP, HISTORY_ROWS)
        except DATABASE_TROUBLE as error:
            log.warning("jobs_history_not_cut", error=repr(error))
        await asyncio.sleep(HISTORY_SECONDS)


def _job(handler: Handler) -> Callable[[Job], Awaitable[None]]:
    """``handler`` as the library calls it: a failure is retried, a stop gives the job back."""

    async def run(job: Job) -> None:
        try:
            async with asyncio.timeout(JOB_SECONDS_MAX):
                await handler(msgspec.json.decode(job.payload or b"{}"))
        except asyncio.CancelledError:
            _JOBS.add(job.entrypoint, "given_back")
            # Let through, the library would note the job as cancelled by its owner and drop it.
            raise RetryRequested(timedelta(0), "the worker was stopped") from None
        except Exception as error:
            log.warning("job_failed", name=job.entrypoint, attempt=job.attempts, error=repr(error))
            if job.attempts >= len(RETRY_SECONDS):
                _JOBS.add(job.entrypoint, "held")
                raise
            _JOBS.add(job.entrypoint, "retried")
            wait = timedelta(seconds=RETRY_SECONDS[job.attempts])
            raise RetryRequested(wait, repr(error)) from error
        _JOBS.add(job.entrypoint, "done")

    return run


async def failed_jobs(db: Connection, *, limit: int = 50) -> list[FailedJob]:
    """Held jobs, latest first; at most 200."""
    rows = await db.fetch(_FAILED, max(1, min(limit, FAILED_PAGE_MAX)))
    return [
        FailedJob(
            row["id"],
            row["entrypoint"],
            msgspec.json.decode(row["payload"]),
            row["attempts"],
            row["updated"],
            row["error"] or "",
        )
        for row in rows
    ]


async def requeue(pool: Pool, ids: list[int]) -> None:
    """Let held jobs be tried again, with a fresh set of retries."""
    await JobQueries(JobDriver(pool)).requeue_jobs([JobId(each) for each in ids])


_FORGET = """
delete from kernel.jobs_log where id in (
    select id from kernel.jobs_log where created < now() - $1::interval order by created limit $2)
"""

_FAILED = """
select j.id, j.entrypoint, j.payload, j.attempts, j.updated, (
    select l.traceback ->> 'exception_message' from kernel.jobs_log l
    where l.job_id = j.id and l.traceback is not null order by l.created desc limit 1) as error
from kernel.jobs j where j.status = 'failed' order by j.updated desc limit $1
"""
