"""The segment file an edge process appends to: sealed when it is full, a minute old, or unsure.

Always true: a write that returned is on disk; after a write that failed nothing is ever appended
to that file again, so every file is whole blocks and at most one torn tail.
"""

import os
from pathlib import Path

from bankside.kernel.clock import Clock
from bankside.kernel.metering.blocks import Packed, pack

SEGMENT_BYTES_MAX = 64 * 2**20
SEGMENT_SECONDS_MAX = 60.0


class SegmentFile:
    """One worker's segments, one open at a time; used by one thread."""

    def __init__(self, folder: Path, worker: str, clock: Clock) -> None:
        self._folder = folder
        self._worker = worker
        self._clock = clock
        self._handle: int | None = None
        self._number = 0
        self._offset = 0
        self._opened_at = 0.0

    def write(self, records: Packed) -> None:
        """Append one block and wait until the disk has it; after an error the segment is left."""
        try:
            if self._handle is not None and self._is_full():
                self.close()
            if self._handle is None:
                self._open()
            assert self._handle is not None
            block = memoryview(pack(self._worker, self._number, self._offset, records))
            size = len(block)
            while block:
                block = block[os.write(self._handle, block) :]
            os.fdatasync(self._handle)
            self._offset += size
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Seal the segment: nothing is ever appended to it again."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def _is_full(self) -> bool:
        age = self._clock.now().timestamp() - self._opened_at
        return self._offset >= SEGMENT_BYTES_MAX or not 0 <= age <= SEGMENT_SECONDS_MAX

    def _open(self) -> None:
        """A new file; its number (milliseconds since 1970) is above this worker's earlier ones."""
        self._opened_at = self._clock.now().timestamp()
        self._number = max(self._number + 1, int(self._opened_at * 1000))
        path = self._folder / f"{self._worker}-{self._number}.seg"
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._offset = 0
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
