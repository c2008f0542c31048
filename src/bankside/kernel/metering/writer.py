"""Writes call records to segment files: many calls, one disk write.

Always true: one block is being written at a time, in a thread; a block goes out 100 ms after its
first record at the latest, and at once when a money call waits for it, but not more often than
every 5 ms. A write that fails is told to every waiting call, and its records are tried again.
"""

import asyncio
import re
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog

from bankside.kernel.clock import Clock
from bankside.kernel.metering.blocks import Packed
from bankside.kernel.metering.record import CallRecord, CallRow
from bankside.kernel.metering.segment import SegmentFile
from bankside.kernel.telemetry import Counter

log = structlog.get_logger(__name__)

_DROPPED = Counter(
    "bankside_call_records_dropped_total", "Call records that found no room while the disk failed"
)

FLUSH_SECONDS = 0.1
# Waiting money calls share a write: at most this long, so that a disk sees <= 200 writes a second.
LINGER_SECONDS = 0.005
# When the disk fails: some 40 MB of records wait, further ones are counted as dropped.
WAITING_RECORDS_MAX = 200_000

_WORKER = re.compile(r"[a-z0-9][a-z0-9.-]{0,99}")


class SegmentWriter:
    """One edge process's call records on their way to disk.

    ``worker`` names the process among all of the installation, over all machines.
    Use it inside a running event loop; end it with ``close``.
    """

    def __init__(self, folder: Path, worker: str, clock: Clock) -> None:
        if not _WORKER.fullmatch(worker):
            raise ValueError(f"{worker!r} is no worker name (a-z, 0-9, dot, dash)")
        folder.mkdir(parents=True, exist_ok=True)
        self._file = SegmentFile(folder, worker, clock)
        self._waiting = [Packed()]  # the last one is being filled
        self._waiting_count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._last_write_at = 0.0
        self._writing: asyncio.Task[None] | None = None
        # Resolved by the next write to begin, and by the write that is going on.
        self._next: asyncio.Future[None] | None = None
        self._current: asyncio.Future[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="segments")
        self.dropped = 0
        self.failing = False

    def append(self, record: CallRecord | CallRow) -> None:
        """Keep ``record``; it is on disk within 100 ms. One that is a bug costs only itself."""
        if self._waiting_count >= WAITING_RECORDS_MAX:
            self.dropped += 1
            _DROPPED.add()
            return
        block = self._waiting[-1]
        if block.is_full():
            block = Packed()
            self._waiting.append(block)
        try:
            block.add(record)
        except (TypeError, ValueError, OverflowError) as error:
            log.error("call_record_unpackable", record=repr(record), error=repr(error))
            return
        self._waiting_count += 1
        if self._timer is None and self._writing is None:
            self._write_in(FLUSH_SECONDS)

    def flushed(self) -> Awaitable[None]:
        """Resolves when all records appended so far are on disk; OSError when they could not be.

        While ``failing``, money operations should be refused before they are executed.
        """
        if not self._waiting_count:
            return _shielded(self._current)
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        if self._writing is None:
            self._write_soon()
        return _shielded(self._next)

    async def close(self) -> None:
        """Write what waits and close the segment; raises OSError when that failed."""
        try:
            while self._writing is not None:
                await asyncio.wait([self._writing])
            if self._waiting_count:
                await self.flushed()
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self._thread.shutdown(wait=True)
            self._file.close()

    def _write_soon(self) -> None:
        """Begin a write now, or 5 ms after the last one began."""
        since = asyncio.get_running_loop().time() - self._last_write_at
        self._write_in(max(0.0, LINGER_SECONDS - since))

    def _write_in(self, seconds: float) -> None:
        """Begin a write after ``seconds``, unless one is due earlier."""
        loop = asyncio.get_running_loop()
        at = loop.time() + seconds
        if self._timer is not None:
            if self._timer_at <= at:
                return
            self._timer.cancel()
        self._timer_at = at
        self._timer = loop.call_at(at, self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._writing = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        self._last_write_at = loop.time()
        blocks, self._waiting = [each for each in self._waiting if each.count], [Packed()]
        count, self._waiting_count = self._waiting_count, 0
        self._current, self._next = self._next or loop.create_future(), None
        try:
            for block in blocks:
                await loop.run_in_executor(self._thread, self._file.write, block)
            self.failing = False
            self._current.set_result(None)
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
            # Unsure how much is on disk: these go into a new segment, and a record that was
            # written after all is dropped by its request id when it is shipped.
            self._waiting[:0] = blocks
            self._waiting_count += count
            self.failing = True
            self._current.set_exception(
                error if isinstance(error, OSError) else OSError(f"call records: {error!r}")
            )
            self._current.exception()  # Nobody may be waiting; that is no error.
        finally:
            self._current = None
            self._writing = None
            self._continue()

    def _continue(self) -> None:
        """Plan the write of what came while the last one ran."""
        if self._next is not None:
            self._write_soon()
        elif self._waiting_count:
            self._write_in(FLUSH_SECONDS)


def _shielded(future: asyncio.Future[None] | None) -> Awaitable[None]:
    """The shared ``future`` for one more waiter, whose cancelling disturbs no other."""
    if future is None:
        future = asyncio.get_running_loop().create_future()
        future.set_result(None)
    return asyncio.shield(future)
