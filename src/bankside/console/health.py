"""What lives: the processes that beat, the database, and the answers for probes."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from bankside.kernel.db import Pool
from bankside.kernel.heartbeat import Beat, living

ORDER = ("edge", "web", "worker", "database")


@dataclass(frozen=True, slots=True)
class ProcessState:
    """One line of the health table; ``state`` is up, wait or down."""

    process: str
    state: str
    address: str


async def processes(pool: Pool) -> list[ProcessState]:
    """All processes with their state; an unreachable database is the only line then."""
    try:
        beats = await living(pool)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return [ProcessState("database", "down", "")]
    return [*_by_process(beats), ProcessState("database", "up", "")]


def _by_process(beats: Sequence[Beat]) -> list[ProcessState]:
    """One line a kind of process: up when any instance beats, with the addresses it serves."""
    lines = []
    for name in ORDER[:-1]:
        mine = [beat for beat in beats if beat.process == name]
        up = [beat for beat in mine if beat.alive]
        state = "up" if up else "down" if mine else "wait"
        address = ", ".join(sorted({beat.address for beat in up if beat.address}))
        lines.append(ProcessState(name, state, address + (f" ×{len(up)}" if len(up) > 1 else "")))
    return lines
