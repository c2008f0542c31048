"""A file of 64-bit words mapped into every worker of a machine, with locks that die with a worker.

Always true: what is written under the lock of a stripe is seen by the next holder of that lock;
a worker that is killed in between leaves no lock behind (the kernel hands it on) and at worst one
half-made change, which the tables built on this file are ordered to survive.
A file from before the last boot is begun anew (its last pages may not have reached the disk), and
so is one of another shape that no process uses. While one is used, its settings stay.

Locks are robust mutexes of the C library in the file itself: taking a free one is no system call.
They exclude processes, and threads too, but are made for one thread of a worker: it never waits
long, and a worker opens a file itself, not before a fork, and once.
Source: pthread_mutexattr_setrobust(3); the decision is docs/decisions/0004.
"""

import ctypes
import errno
import mmap
import os
import secrets
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN, lockf
from hashlib import blake2b
from pathlib import Path
from struct import Struct
from time import monotonic, sleep

from bankside.gateway.errors import SharedStateBusy

# The head of the file takes one page, so that what is behind it is aligned.
HEAD_BYTES = 4096
WORD = 8
# A mutex has 40 or 48 bytes; each has a cache line of its own, so that workers do not share one.
_MUTEX_BYTES = 64
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

# The interpreter's own lock stays held during these calls: none of them ever waits.
_LIBC = ctypes.PyDLL(None)
_PROCESS_SHARED, _ROBUST = 1, 1
_ATTRIBUTES_BYTES = 64


class SharedFileInvalid(ValueError):
    """The file cannot serve: it is no file of ours, or others use it with other settings."""


class SharedFile:
    """The words of one file and the locks of its stripes.

    ``words``: all words behind the locks, zero at first. ``started_at``: epoch seconds when the
    file was begun. ``hashed``: text to a 64-bit number that is never 0, under a key of the file,
    so that nobody outside can aim at one place.
    """

    __slots__ = ("_descriptor", "_hash", "_map", "_mutexes", "path", "started_at", "words")

    def __init__(self, path: Path, *, layout: str, stripes: int, count: int, now: float) -> None:
        """Open the file, or make it. ``layout`` says in words what the ``count`` words mean.

        Raises SharedFileInvalid, OSError (no space, no permission).
        """
        self.path = path
        begin = HEAD_BYTES + stripes * _MUTEX_BYTES
        size = begin + count * WORD
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._lock_byte(_OPENING, _OPEN_WAIT_S)
            try:
                shape = f"{layout}, {stripes} locks of {_c_library()}"
                key, self.started_at, begun = self._opened_head(shape, stripes, size, now)
                lockf(self._descriptor, LOCK_SH, 1, _USING)
            finally:
                lockf(self._descriptor, LOCK_UN, 1, _OPENING)
            self._map = begun or mmap.mmap(self._descriptor, size)
        except BaseException:
            os.close(self._descriptor)
            raise
        self._mutexes = _mutexes(self._map, stripes)
        self._hash = blake2b(digest_size=WORD, key=key)
        self.words = memoryview(self._map)[begin:].cast("Q")

    def hashed(self, text: str) -> int:
        """A keyed 64-bit hash of ``text``, 1 or more."""
        digest = self._hash.copy()
        try:
            digest.update(text.encode())
        except UnicodeEncodeError:
            # A JSON text may contain half a surrogate pair: odd, but a nonce like any other.
            digest.update(text.encode(errors="surrogatepass"))
        return int.from_bytes(digest.digest(), "little") or 1

    def lock(self, stripe: int) -> None:
        """Hold the stripe against everybody else. Raises SharedStateBusy."""
        refused = _try_lock(self._mutexes[stripe])
        if refused:
            self._wait(self._mutexes[stripe], refused)

    def unlock(self, stripe: int) -> None:
        """Let the stripe go."""
        _unlock(self._mutexes[stripe])

    def close(self) -> None:
        """Unmap; the file stays."""
        self.words.release()
        self._map.close()
        os.close(self._descriptor)

    def _wait(self, mutex: ctypes.c_void_p, refused: int) -> None:
        deadline = monotonic() + LOCK_WAIT_S
        while refused == errno.EBUSY:
            if monotonic() > deadline:
                raise SharedStateBusy(retry_after=1)
            sleep(_LOCK_PAUSE_S)
            refused = _try_lock(mutex)
        if refused == errno.EOWNERDEAD:
            # We hold it; the tables are ordered so that a half-made change does no harm.
            _make_consistent(mutex)
        elif refused:
            raise SharedStateBusy(retry_after=1)

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

    def _opened_head(
        self, layout: str, stripes: int, size: int, now: float
    ) -> tuple[bytes, float, mmap.mmap | None]:
        """The file's key and beginning; makes (and maps) it when there is none from this boot."""
        boot = blake2b(_BOOT_ID.read_bytes(), digest_size=16).digest()
        shape = blake2b(f"{layout} {size}".encode(), digest_size=32).digest()
        found = os.pread(self._descriptor, _HEAD.size, 0)
        if len(found) == _HEAD.size:
            mark, its_boot, key, its_shape, started_at = _HEAD.unpack(found)
            if mark not in {_MARK, _UNFINISHED}:
                raise SharedFileInvalid(f"{self.path} is not a file of shared state")
            if mark == _MARK and its_boot == boot:
                if its_shape == shape:
                    return key, started_at, None
                if self._in_use():
                    raise SharedFileInvalid(
                        f"{self.path} is in use with other settings; stop every edge that uses it"
                    )
        elif found:
            raise SharedFileInvalid(f"{self.path} is not a file of shared state")
        begun = self._begin(stripes, size)
        key = secrets.token_bytes(16)
        os.pwrite(self._descriptor, _HEAD.pack(_MARK, boot, key, shape, now), 0)
        return key, now, begun

    def _in_use(self) -> bool:
        try:
            lockf(self._descriptor, _TRY, 1, _USING)
        except (BlockingIOError, PermissionError):
            return True
        return False

    def _begin(self, stripes: int, size: int) -> mmap.mmap:
        os.ftruncate(self._descriptor, 0)
        # All space is taken now: a full disk or memory must fail here, with a message, and not
        # as a signal that kills a worker at some later write.
        os.posix_fallocate(self._descriptor, 0, size)
        # Kept: closing a mapping closes a descriptor of the file, and with it goes every lock this
        # process holds there (fcntl(2)); another would then begin the file under our hands.
        begun = mmap.mmap(self._descriptor, size)
        for mutex in _mutexes(begun, stripes):
            _initialise(mutex)
        return begun


def _mutexes(mapped: mmap.mmap, stripes: int) -> list[ctypes.c_void_p]:
    """Where the mutexes of a mapped file lie."""
    begin = ctypes.addressof(ctypes.c_char.from_buffer(mapped)) + HEAD_BYTES
    return [ctypes.c_void_p(begin + number * _MUTEX_BYTES) for number in range(stripes)]


def _initialise(mutex: ctypes.c_void_p) -> None:
    attributes = ctypes.create_string_buffer(_ATTRIBUTES_BYTES)
    _LIBC.pthread_mutexattr_init(attributes)
    refused = (
        _LIBC.pthread_mutexattr_setpshared(attributes, _PROCESS_SHARED)
        or _LIBC.pthread_mutexattr_setrobust(attributes, _ROBUST)
        or _LIBC.pthread_mutex_init(mutex, attributes)
    )
    if refused:
        raise OSError(refused, f"no lock between processes: {os.strerror(refused)}")


def _c_library() -> str:
    """Who laid the mutexes out: another C library must not read them."""
    named = "CS_GNU_LIBC_VERSION" in os.confstr_names
    library = os.confstr("CS_GNU_LIBC_VERSION") if named else "another C library"
    return f"{library} on {os.uname().machine}"


_try_lock = _LIBC.pthread_mutex_trylock
_unlock = _LIBC.pthread_mutex_unlock
_make_consistent = _LIBC.pthread_mutex_consistent
