"""Collects what an import does not carry over: the same thing said once, with how often it is."""

from bankside.catalog.imports.model import Finding
from bankside.catalog.imports.source import Source

# A report names this many different things; a description with more of them is not worth reading.
FINDINGS_MAX = 10_000


class Findings:
    """What was lost so far; equal things are counted, not repeated."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._first: dict[tuple[str, str], str] = {}
        self._counts: dict[tuple[str, str], int] = {}

    def lost(self, rule: str, pointer: str, text: str) -> None:
        """``text`` is lost at ``pointer``; the text names no place, so that equal ones meet."""
        key = (rule, text) if len(self._first) < FINDINGS_MAX else (rule, "and more of this kind")
        self._first.setdefault(key, pointer)
        self._counts[key] = self._counts.get(key, 0) + 1

    def all(self) -> tuple[Finding, ...]:
        """Every finding, in the order of the lines."""
        found = [
            Finding(rule, self._source.line(at), at, text, self._counts[rule, text])
            for (rule, text), at in self._first.items()
        ]
        return tuple(sorted(found, key=lambda each: (each.line, each.rule, each.text)))
