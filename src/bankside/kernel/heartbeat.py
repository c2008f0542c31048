"""Heartbeats: every process says once a second that it lives; pages and operators read them.

Always true: a process whose last beat is older than ``STALE_SECONDS`` is shown as gone, and rows
older than ``FORGET_SECONDS`` disappear with the next beat of anybody.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import msgspec
import structlog

from bankside import __version__
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection, Pool

BEAT_SECONDS = 1.0
STALE_SECONDS = 5
FORGET_SECONDS = 60

_BEAT = """
insert into kernel.heartbeats (process, instance, address, version, started_at, seen_at, detail)
values ($1, $2, $3, $4, $5, now(), $6::text::jsonb)
on conflict (process, instance) do update
set seen_at = excluded.seen_at, detail = excluded.detail, address = excluded.address
"""
_FORGET = "delete from kernel.heartbeats where seen_at < now() - make_interval(secs => $1)"
_LIVING = """
select process, instance, address, version, started_at, seen_at, detail::text as detail,
       seen_at > now() - make_interval(secs => $1) as alive
from kernel.heartbeats order by process, started_at
"""
_GONE = "delete from kernel.heartbeats where process = $1 and instance = $2"

_log = structlog.get_logger("heartbeat")


@dataclass(frozen=True, slots=True)
class Beat:
    """The last sign of life of one process."""

    process: str
    instance: str
    address: str
    version: str
    started_at: datetime
    seen_at: datetime
    alive: bool
    detail: Mapping[str, Any]


async def beat(
    pool: Pool,
    clock: Clock,
    process: str,
    *,
    address: str = "",
    detail: Callable[[], Mapping[str, Any]] = dict,
) -> None:
    """Beat until cancelled; a database that is away only silences the beat."""
    instance = f"{socket.gethostname()}:{os.getpid()}"
    started = clock.now()
    try:
        while True:
            try:
                facts = msgspec.json.encode(detail()).decode()
                await pool.execute(_BEAT, process, instance, address, __version__, started, facts)
                await pool.execute(_FORGET, FORGET_SECONDS)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _log.warning("beat not written", process=process, error=type(error).__name__)
            await asyncio.sleep(BEAT_SECONDS)
    finally:
        await _leave(pool, process, instance)


async def living(db: Connection | Pool) -> list[Beat]:
    """All processes that beat within the last minute, the silent ones with ``alive`` False."""
    rows = await db.fetch(_LIVING, STALE_SECONDS)
    return [Beat(**{**dict(row), "detail": msgspec.json.decode(row["detail"])}) for row in rows]


async def _leave(pool: Pool, process: str, instance: str) -> None:
    """Take our row away on a clean stop, so that nobody waits for a process that said goodbye."""
    try:
        await asyncio.wait_for(pool.execute(_GONE, process, instance), timeout=1)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        _log.debug("goodbye not written", process=process)
