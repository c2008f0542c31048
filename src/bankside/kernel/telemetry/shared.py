"""Numbers of all processes of a home: each saves its own every second, whoever is asked sums them.

A process takes the first free slot of the folder (a file lock, freed by the kernel with its death)
and goes on with the numbers the slot's last holder saved: a restart looks like no fall. A crash
loses at most a second of numbers; the call records are the truth.
"""

import atexit
import fcntl
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import structlog

from bankside.kernel.telemetry import calls
from bankside.kernel.telemetry.counters import all_counters

log = structlog.get_logger(__name__)

SLOTS_MAX = 64
SAVE_SECONDS = 1.0


class Series(msgspec.Struct, array_like=True):
    """The values of one counter, by label values."""

    help_text: str
    labels: tuple[str, ...]
    values: dict[tuple[str, ...], float]


@dataclass(slots=True)
class Numbers:
    """Everything counted: calls by (partner, operation), and counters by name."""

    pairs: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    counters: dict[str, Series] = field(default_factory=dict)

    def add(self, other: "Numbers") -> None:
        """Add what ``other`` counted."""
        for pair, cells in other.pairs.items():
            mine = self.pairs.get(pair) or [0] * calls.CELLS
            self.pairs[pair] = [a + b for a, b in zip(mine, cells, strict=True)]
        for name, series in other.counters.items():
            mine_of = self.counters.setdefault(name, Series(series.help_text, series.labels, {}))
            for values, number in series.values.items():
                mine_of.values[values] = mine_of.values.get(values, 0) + number


class _Saved(msgspec.Struct, array_like=True):
    pairs: list[tuple[str, str, list[int]]]
    counters: dict[str, tuple[str, tuple[str, ...], list[tuple[tuple[str, ...], float]]]]


class _Slot:
    """This process's place in a folder; None of it exists before `share`."""

    def __init__(self, folder: Path, number: int, lock: int) -> None:
        self.folder = folder
        self.path = folder / f"{number}.numbers"
        self._lock = lock
        self.inherited = _read(self.path)

    def save(self) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.write_bytes(_packed(_own(self.inherited)))
        fresh.replace(self.path)


_slot: _Slot | None = None


def share(folder: Path) -> None:
    """From now on this process's numbers are part of ``folder``'s."""
    global _slot  # noqa: PLW0603 - one process has one set of numbers
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(SLOTS_MAX):
        lock = os.open(folder / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        _slot = _Slot(folder, number, lock)
        atexit.register(_slot.save)
        threading.Thread(target=_save_for_ever, args=(_slot,), daemon=True).start()
        return
    log.warning("numbers_not_shared", reason=f"more than {SLOTS_MAX} processes in {folder}")


def total() -> Numbers:
    """The numbers of all processes of the folder, or of this one alone when it shares none."""
    if _slot is None:
        return _own(Numbers())
    numbers = _own(_slot.inherited)
    for path in _slot.folder.glob("*.numbers"):
        if path != _slot.path:
            numbers.add(_read(path))
    return numbers


def _own(inherited: Numbers) -> Numbers:
    numbers = Numbers()
    numbers.add(inherited)
    # Copies made in one step each: other threads go on counting.
    numbers.add(Numbers(pairs={pair: list(cells) for pair, cells in list(calls.pairs.items())}))
    for counter in all_counters():
        series = Series(counter.help_text, counter.labels, dict(counter.values))
        numbers.add(Numbers(counters={counter.name: series}))
    return numbers


def _packed(numbers: Numbers) -> bytes:
    return msgspec.msgpack.encode(
        _Saved(
            [(partner, operation, cells) for (partner, operation), cells in numbers.pairs.items()],
            {
                name: (series.help_text, series.labels, list(series.values.items()))
                for name, series in numbers.counters.items()
            },
        )
    )


def _read(path: Path) -> Numbers:
    """The numbers in a file; none when it is missing or of another version."""
    try:
        saved = msgspec.msgpack.decode(path.read_bytes(), type=_Saved)
    except (OSError, msgspec.MsgspecError):
        return Numbers()
    return Numbers(
        {
            (partner, operation): cells
            for partner, operation, cells in saved.pairs
            if len(cells) == calls.CELLS
        },
        {
            name: Series(help_text, labels, dict(values))
            for name, (help_text, labels, values) in saved.counters.items()
        },
    )


def _save_for_ever(slot: _Slot) -> None:
    while True:
        time.sleep(SAVE_SECONDS)
        try:
            slot.save()
        except OSError as error:
            log.warning("numbers_not_saved", error=repr(error))
