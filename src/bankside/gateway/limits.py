"""Token buckets shared by all workers of a machine: one call too many is one call too many.

Always true: over all processes together a bucket grants ``burst`` calls at once and ``rate`` a
second after that, never one more; a refused call takes nothing.
Algorithm: GCRA. A bucket is one number, the instant at which it will be full again; a bucket that
is full needs no place, so places are taken over from buckets that have become full. Only when 64
neighbouring places are all in use is the fullest bucket of them forgotten, in its caller's favour.
Source: ITU-T I.371 (generic cell rate algorithm); the file is `shared`.
"""

from pathlib import Path
from typing import Final

from bankside.gateway.shared import SharedFile

STRIPES: Final = 256
# 1 MB in all. A bucket holds a place for burst / rate seconds after its last call, so this serves
# tens of thousands of apps a second.
BUCKETS_DEFAULT: Final = 2**16
# Places looked at for one bucket; beyond them the one that is nearest to full is taken over.
_PROBES_MAX: Final = 64
# Hashes kept in memory, about 150 B each: the apps that call at present.
_MARKS_KEPT: Final = 4096
_SECOND: Final = 1_000_000_000  # nanoseconds
# Epoch seconds as a float are exact to a quarter of a microsecond; a caller who waited as long as
# it was told must not be refused for that. What is granted early is not granted twice.
_SLACK: Final = 1_000  # nanoseconds
# A bucket of rate 0 grants nothing; there is no better moment to name.
_NEVER_S: Final = 1.0


class SharedLimits:
    """The store behind the port LimitStore; one object a worker, one file a machine."""

    __slots__ = ("_file", "_marks", "_places", "_probes", "_words")

    def __init__(self, path: Path, *, now: float, buckets: int = BUCKETS_DEFAULT) -> None:
        """``buckets``: places in all, a multiple of STRIPES. Raises SharedFileInvalid, OSError."""
        if buckets < STRIPES or buckets % STRIPES:
            raise ValueError(f"buckets: a multiple of {STRIPES}")
        self._places = buckets // STRIPES
        self._probes = min(_PROBES_MAX, self._places)
        self._file = SharedFile(
            path, layout=f"limits 1, {STRIPES} stripes", count=2 * buckets, now=now
        )
        self._words = self._file.words
        self._marks: dict[str, int] = {}

    def take(self, bucket: str, now: float, *, rate: int, burst: int) -> float:
        """Take one token: 0.0 when granted, else the seconds until one is there.

        Raises SharedStateBusy.
        """
        if rate <= 0:
            return _NEVER_S
        mark = self._marks.get(bucket) or self._marked(bucket)
        stripe = mark % STRIPES
        now_ns = int(now * _SECOND)
        self._file.lock(stripe)
        try:
            return self._take(mark, now_ns, _SECOND // rate, burst)
        finally:
            self._file.unlock(stripe)

    def close(self) -> None:
        """Let the file go; it stays for the other workers."""
        self._words.release()
        self._file.close()

    def _marked(self, bucket: str) -> int:
        if len(self._marks) >= _MARKS_KEPT:
            self._marks.clear()
        mark = self._marks[bucket] = self._file.hashed(bucket)
        return mark

    def _take(self, mark: int, now: int, spacing: int, burst: int) -> float:
        words = self._words
        place = self._place(mark, now)
        full_at = now
        empty = now + burst * spacing
        if words[place] == mark:
            full_at = max(words[place + 1], now)
            if full_at > empty + _SECOND:
                # The clock was set back or the limit made smaller: the bucket is empty, and not
                # closed until the old instant comes. Less than a second is a worker that took
                # its ``now`` a little earlier, and must not be given that time once more.
                words[place + 1] = full_at = empty
        full_at += spacing
        wait = full_at - empty
        if wait > _SLACK:
            return wait / _SECOND
        # The instant before the name: a worker killed in between has at most spoilt a bucket that
        # was full or given up.
        words[place + 1] = full_at
        words[place] = mark
        return 0.0

    def _place(self, mark: int, now: int) -> int:
        """The place of this bucket, or one it may take over."""
        words = self._words
        first = (mark % STRIPES) * self._places
        start = (mark // STRIPES) % self._places
        spare = -1
        for probe in range(self._probes):
            place = 2 * (first + (start + probe) % self._places)
            word = words[place]
            if word == mark:
                return place
            if not word:
                # No bucket ever gives its place back, so none of this name lies behind a free one.
                return place if spare < 0 or words[spare + 1] > now else spare
            if spare < 0 or words[place + 1] < words[spare + 1]:
                spare = place
        return spare
