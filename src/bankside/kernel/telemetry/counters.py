"""Counting: named counters with a few labels, kept in this process and shared by `shared`."""

import threading
from collections.abc import Iterator
from typing import ClassVar

# A counter with more label combinations is being fed by somebody's input; the rest is "other".
SERIES_MAX = 500
OTHER = "other"


class Counter:
    """A number that only grows, one per combination of label values.

    Declare it once, at module level; ``name`` ends with ``_total``.
    """

    registered: ClassVar[dict[str, "Counter"]] = {}

    def __init__(self, name: str, help_text: str, labels: tuple[str, ...] = ()) -> None:
        assert name.startswith("bankside_")
        assert name.endswith("_total")
        assert name not in self.registered, f"{name} is declared twice"
        self.name = name
        self.help_text = help_text
        self.labels = labels
        self.values: dict[tuple[str, ...], float] = {}
        self._lock = threading.Lock()
        self.registered[name] = self

    def add(self, *values: str, by: float = 1) -> None:
        """Count ``by`` for these label values."""
        assert len(values) == len(self.labels)
        with self._lock:
            if values not in self.values and len(self.values) >= SERIES_MAX:
                values = (OTHER,) * len(values)
            self.values[values] = self.values.get(values, 0) + by


def all_counters() -> Iterator[Counter]:
    """Every counter declared in this process."""
    yield from list(Counter.registered.values())
