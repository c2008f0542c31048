"""Carries call records from segment files into ``kernel.call_records``, each exactly once.

Always true: rows and the segment's shipped offset commit together, so a killed shipper repeats
nothing and loses nothing; two shippers never hold the same segment; a file is removed only when
all of it was shipped and a day has passed.
"""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from bankside.kernel.clock import Clock
from bankside.kernel.db import (
    DATABASE_TROUBLE,
    POOL_ACQUIRE_SECONDS,
    Connection,
    Pool,
    transaction,
)
from bankside.kernel.metering import store
from bankside.kernel.metering.blocks import BLOCK_BYTES_MAX, Block, unpack
from bankside.kernel.telemetry import Counter

log = structlog.get_logger(__name__)

_RECORDS = Counter(
    "bankside_call_records_total",
    "Call records read from segments (shipped, repeated, unreadable)",
    ("end",),
)

INTERVAL_SECONDS = 1.0
# One transaction carries this much of one segment; the longest block fits with its length.
READ_BYTES = BLOCK_BYTES_MAX + 16
# A writer seals its segment within a minute: nothing is written to a file this old.
KEEP = timedelta(hours=24)

_NAME = re.compile(r"([a-z0-9][a-z0-9.-]*)-([0-9]+)\.seg")


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment file: who wrote it, its number, its size in bytes, when it last grew."""

    path: Path
    worker: str
    number: int
    size: int
    changed_at: float


@dataclass(slots=True)
class Shipped:
    """What one round did. ``repeated``: records of an unsure write that were there already."""

    records: int = 0
    repeated: int = 0
    unreadable: int = 0
    files_removed: int = 0


class Shipper:
    """Ships the segments of one folder; every machine with edge processes runs one."""

    def __init__(self, pool: Pool, folder: Path, clock: Clock) -> None:
        self._pool = pool
        self._folder = folder
        self._clock = clock

    async def run(self) -> None:
        """Ship once a second until cancelled; a lost database or disk is waited for."""
        while True:
            try:
                await self.ship()
            except DATABASE_TROUBLE as error:
                log.warning("call_records_not_shipped", error=repr(error))
            await asyncio.sleep(INTERVAL_SECONDS)

    async def ship(self) -> Shipped:
        """Ship everything that is on disk now, then remove old files."""
        shipped = Shipped()
        async with self._pool.acquire(timeout=POOL_ACQUIRE_SECONDS) as db:
            offsets = await store.shipped_offsets(db)
        for segment in segments(self._folder):
            done = offsets.get((segment.worker, segment.number), 0)
            if segment.size > done and not self._is_old(segment):
                while await self._ship_part(segment, shipped):
                    pass
            elif self._is_old(segment):
                await self._remove(segment, shipped)
        _RECORDS.add("shipped", by=shipped.records)
        _RECORDS.add("repeated", by=shipped.repeated)
        _RECORDS.add("unreadable", by=shipped.unreadable)
        if shipped.unreadable:
            log.error("call_records_unreadable", count=shipped.unreadable)
        return shipped

    def _is_old(self, segment: Segment) -> bool:
        return self._clock.now().timestamp() - segment.changed_at > KEEP.total_seconds()

    async def _ship_part(self, segment: Segment, shipped: Shipped) -> bool:
        """Ship up to READ_BYTES of a segment; whether there is more."""
        async with transaction(self._pool) as db:
            offset = await store.lock_segment(db, segment.worker, segment.number)
            if offset is None:
                return False
            blocks = await asyncio.to_thread(_read, segment, offset)
            if blocks:
                await self._store(db, segment, blocks, shipped)
            return bool(blocks) and blocks[-1].end < segment.size

    async def _store(
        self, db: Connection, segment: Segment, blocks: list[Block], shipped: Shipped
    ) -> None:
        records = [record for block in blocks for record in block.records]
        await store.make_days(db, sorted({store.day_of(record) for record in records}))
        added = await store.insert(db, records)
        await store.advance_segment(db, segment.worker, segment.number, blocks[-1].end)
        shipped.records += added
        shipped.repeated += len(records) - added
        shipped.unreadable += sum(block.unreadable for block in blocks)

    async def _remove(self, segment: Segment, shipped: Shipped) -> None:
        """Remove an old file; one that ends in a block that a crash cut is kept aside."""
        while await self._ship_part(segment, shipped):
            pass
        async with transaction(self._pool) as db:
            offset = await store.lock_segment(db, segment.worker, segment.number)
            if offset is None:
                return
            if segment.size > offset:
                log.warning("segment_torn", name=segment.path.name, bytes_cut=segment.size - offset)
                segment.path.rename(segment.path.with_suffix(".torn"))
            else:
                segment.path.unlink(missing_ok=True)
            await store.forget_segment(db, segment.worker, segment.number)
        shipped.files_removed += 1


def segments(folder: Path) -> Iterator[Segment]:
    """The segment files of ``folder``, oldest number of each worker first."""
    for path in sorted(folder.glob("*.seg")):
        named = _NAME.fullmatch(path.name)
        if named is None:
            continue
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue
        yield Segment(path, named[1], int(named[2]), stat.st_size, stat.st_mtime)


def _read(segment: Segment, offset: int) -> list[Block]:
    """The whole blocks that begin within the next READ_BYTES of a segment."""
    with segment.path.open("rb") as file:
        file.seek(offset)
        data = file.read(READ_BYTES)
    return list(unpack(segment.worker, segment.number, offset, data))
