"""A file of 64-bit words mapped into every worker of a machine, with locks that die with a worker.

Always true: what is written under the lock of a stripe is seen by the next holder of that lock;
a worker that is killed in between leaves no lock behind (the kernel releases it) and at worst one
half-made change, which the tables built on this file are ordered to survive.
A file from before the last boot is begun anew (its last pages may not have reached the disk), and
so is one of another size that no process uses. While one is used, its settings stay.

Locks are POSIX record locks: they exclude processes, not threads, so one thread of a worker uses a
store, and a worker opens a file itself (a fork has no locks) and once (closing any copy would drop
its locks).
Source: fcntl(2), advisory record locking; the decision is docs/decisions/0004.
"""

import mmap
import os
import secrets
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN, lockf
from hashlib import blake2b
from pathlib import Path
from struct import Struct
from time import monotonic, sleep

from bankside.gateway.errors import SharedStateBusy

# The head of the file takes one page, so that the words behind it are aligned.
HEAD_BYTES = 4096
WORD = 8
_HEAD = Struct("<8s16s16s32sd")  # mark, boot, key, layout, started_at
_MARK = b"bankside"
# The head is written last; its maker held the lock we hold now, so it is dead.
_UNFINISHED = bytes(8)
_TRY = LOCK_EX | LOCK_NB
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

# Bytes of the head that are locked: while a process opens the file, and while it uses it.
_OPENING, _USING = 0, 1
# A lock is held for a few microseconds; a holder that the scheduler put aside comes back within
# some milliseconds. Whoever waits longer waits for a frozen process, and refuses the call.
LOCK_WAIT_S = 0.1
_LOCK_PAUSE_S = 0.000_05
# Making a file of 100 MB takes about 0.1 s; the others wait that long at their start.
_OPEN_WAIT_S = 10.0


class SharedFileInvalid(ValueError):
    """The file cannot serve: it is no file of ours, or others use it with other settings."""


class SharedFile:
    """The words of one file and the locks of its stripes.

    ``words``: all words behind the head, zero at first. ``started_at``: epoch seconds when the
    file was begun. ``hashed``: text to a 64-bit number that is never 0, under a key of the file,
    so that nobody outside can aim at one place.
    """

    __slots__ = ("_descriptor", "_hash", "_map", "path", "started_at", "words")

    def __init__(self, path: Path, *, layout: str, count: int, now: float) -> None:
        """Open the file, or make it. ``layout`` says in words what the ``count`` words mean.

        Raises SharedFileInvalid, OSError (no space, no permission).
        """
        self.path = path
        size = HEAD_BYTES + count * WORD
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._lock_byte(_OPENING, _OPEN_WAIT_S)
            try:
                key, self.started_at = self._opened_head(layout, size, now)
                lockf(self._descriptor, LOCK_SH, 1, _USING)
            finally:
                lockf(self._descriptor, LOCK_UN, 1, _OPENING)
            self._map = mmap.mmap(self._descriptor, size)
        except BaseException:
            os.close(self._descriptor)
            raise
        self._hash = blake2b(digest_size=WORD, key=key)
        self.words = memoryview(self._map)[HEAD_BYTES:].cast("Q")

    def hashed(self, text: str) -> int:
        """A keyed 64-bit hash of ``text``, 1 or more."""
        digest = self._hash.copy()
        # A JSON text may contain half a surrogate pair: odd, but a nonce like any other.
        digest.update(text.encode(errors="surrogatepass"))
        return int.from_bytes(digest.digest(), "little") or 1

    def lock(self, stripe: int) -> None:
        """Hold the stripe against all other processes. Raises SharedStateBusy."""
        try:
            lockf(self._descriptor, _TRY, 1, HEAD_BYTES + stripe)
        except (BlockingIOError, PermissionError):
            self._lock_byte(HEAD_BYTES + stripe, LOCK_WAIT_S)

    def unlock(self, stripe: int) -> None:
        """Let the stripe go."""
        lockf(self._descriptor, LOCK_UN, 1, HEAD_BYTES + stripe)

    def close(self) -> None:
        """Unmap; the file stays."""
        self.words.release()
        self._map.close()
        os.close(self._descriptor)

    def _lock_byte(self, at: int, wait_s: float) -> None:
        deadline = monotonic() + wait_s
        while True:
            try:
                lockf(self._descriptor, _TRY, 1, at)
            except (BlockingIOError, PermissionError):
                if monotonic() > deadline:
                    raise SharedStateBusy(retry_after=1) from None
                sleep(_LOCK_PAUSE_S)
            else:
                return

    def _opened_head(self, layout: str, size: int, now: float) -> tuple[bytes, float]:
        """The file's key and beginning; makes the file when there is none from this boot."""
        boot = blake2b(_BOOT_ID.read_bytes(), digest_size=16).digest()
        shape = blake2b(f"{layout} {size}".encode(), digest_size=32).digest()
        found = os.pread(self._descriptor, _HEAD.size, 0)
        if len(found) == _HEAD.size:
            mark, its_boot, key, its_shape, started_at = _HEAD.unpack(found)
            if mark not in {_MARK, _UNFINISHED}:
                raise SharedFileInvalid(f"{self.path} is not a file of shared state")
            if mark == _MARK and its_boot == boot:
                if its_shape == shape:
                    return key, started_at
                if self._in_use():
                    raise SharedFileInvalid(
                        f"{self.path} is in use with other settings; stop every edge that uses it"
                    )
        elif found:
            raise SharedFileInvalid(f"{self.path} is not a file of shared state")
        return self._begin(boot, shape, size, now)

    def _in_use(self) -> bool:
        try:
            lockf(self._descriptor, _TRY, 1, _USING)
        except (BlockingIOError, PermissionError):
            return True
        return False

    def _begin(self, boot: bytes, shape: bytes, size: int, now: float) -> tuple[bytes, float]:
        os.ftruncate(self._descriptor, 0)
        # All space is taken now: a full disk or memory must fail here, with a message, and not
        # as a signal that kills a worker at some later write.
        os.posix_fallocate(self._descriptor, 0, size)
        key = secrets.token_bytes(16)
        os.pwrite(self._descriptor, _HEAD.pack(_MARK, boot, key, shape, now), 0)
        return key, now
