"""The queue library's names and settings here: our schema, our table names, everything durable."""

from datetime import timedelta
from typing import Self

import structlog
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.domain.models import Job, TracebackRecord
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import Channel
from pgqueuer.ports.driver import Driver
from pgqueuer.queries import Queries

from bankside.kernel.db import DATABASE_TROUBLE

log = structlog.get_logger(__name__)

# Every name is given, so that no environment variable of the library decides one.
SETTINGS = DBSettings(
    prefix="",
    db_schema="kernel",
    channel=Channel("bankside_jobs"),
    queue_table="jobs",
    queue_table_log="jobs_log",
    queue_status_type="job_status",
    schedules_table="jobs_schedules",
    statistics_table="jobs_statistics",
    function="jobs_changed",
    trigger="jobs_changed",
    # Its other levels make tables UNLOGGED: empty after a crash.
    durability=Durability.durable,
)


class JobQueries(Queries):
    """The library's statements on our tables, mended where a lost database would cost a job."""

    def __init__(self, driver: Driver) -> None:
        super().__init__(
            driver,
            qbe=QueryBuilderEnvironment(SETTINGS),
            qbq=QueryQueueBuilder(SETTINGS),
            qbs=QuerySchedulerBuilder(SETTINGS),
        )

    async def retry_job(
        self, job: Job, delay: timedelta, traceback_record: TracebackRecord | None
    ) -> None:
        """Queue a job again; with the database away, leave it to whoever takes it over.

        The library would note a retry that could not be written as a failure, and hold the job.
        """
        try:
            await super().retry_job(job, delay, traceback_record)
        except DATABASE_TROUBLE as error:
            log.warning("job_left_to_others", job=job.id, error=repr(error))


class JobDriver(AsyncpgPoolDriver):
    """The library's pool driver, listening before the library's first health check asks.

    The check is a notification to ourselves: sent before LISTEN it never arrives, and the worker
    would start over after ten seconds.
    """

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        try:
            await self.add_listener(SETTINGS.channel, lambda payload: None)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self
