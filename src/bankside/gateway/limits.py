"""Token buckets shared by all workers of a machine: one call too many is one call too many.

Always true: over all processes together a bucket grants ``burst`` calls at once and ``rate`` a
second after that, never one more; a refused call takes nothing.
A worker that uses many tokens of a bucket takes some ahead (a lease), so that not every call locks
the file: half of what it used in the 50 ms before, so buckets that it calls less than 640 times a
second, and the end of every burst, are taken from call by call. A lease may be used 50 ms after the
bucket has filled up again, and is lost when its worker falls silent; that is the error.
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
# Buckets kept in memory, about 250 B each: the apps that call at present.
_KNOWN_MAX: Final = 4096
_SECOND: Final = 1_000_000_000  # nanoseconds
# Epoch seconds as a float are exact to a quarter of a microsecond; a caller who waited as long as
# it was told must not be refused for that. What is granted early is not granted twice.
_SLACK: Final = 1_000  # nanoseconds
# A bucket of rate 0 grants nothing; there is no better moment to name.
_NEVER_S: Final = 1.0
# How long a lease holds, and how long the use was watched that it is half of.
_LEASE_S: Final = 0.05
# A lease is at most this part of what the bucket has left, so that other workers get theirs; one
# of fewer tokens saves too little for what it may lose.
_LEASE_PART: Final = 16
_LEASE_MIN: Final = 16


class _Known:
    """A bucket this worker takes from: its hash, its lease, and how much it is used.

    ``left``: tokens of the lease not used yet. ``until``: when the present watch ends (epoch
    seconds). ``obtained``: tokens of this watch, those it began with included. ``usual``: tokens
    used in the watch before.
    """

    __slots__ = ("left", "mark", "obtained", "until", "usual")

    def __init__(self, mark: int) -> None:
        self.mark = mark
        self.left = self.obtained = self.usual = 0
        self.until = 0.0

    def watch(self, now: float) -> None:
        """Begin the next watch; after a pause the lease has lapsed and nothing is usual."""
        if now >= self.until + _LEASE_S:
            self.left = self.obtained = 0
        self.usual = self.obtained - self.left
        self.obtained = self.left
        self.until = now + _LEASE_S


class SharedLimits:
    """The store behind the port LimitStore; one object a worker, one file a machine."""

    __slots__ = ("_file", "_known", "_places", "_probes", "_words")

    def __init__(self, path: Path, *, now: float, buckets: int = BUCKETS_DEFAULT) -> None:
        """``buckets``: places in all, a multiple of STRIPES. Raises SharedFileInvalid, OSError."""
        if buckets < STRIPES or buckets % STRIPES:
            raise ValueError(f"buckets: a multiple of {STRIPES}")
        self._places = buckets // STRIPES
        self._probes = min(_PROBES_MAX, self._places)
        self._file = SharedFile(
            path, layout="limits 2", stripes=STRIPES, count=2 * buckets, now=now
        )
        self._words = self._file.words
        self._known: dict[str, _Known] = {}

    def take(self, bucket: str, now: float, *, rate: int, burst: int) -> float:
        """Take one token: 0.0 when granted, else the seconds until one is there.

        Raises SharedStateBusy.
        """
        known = self._known.get(bucket) or self._met(bucket)
        if now >= known.until:
            known.watch(now)
        if known.left:
            known.left -= 1
            return 0.0
        if rate <= 0:
            return _NEVER_S
        stripe = known.mark % STRIPES
        self._file.lock(stripe)
        try:
            wait, ahead = self._take(known, int(now * _SECOND), _SECOND // rate, burst)
        finally:
            self._file.unlock(stripe)
        known.left = ahead
        known.obtained += ahead + (wait == 0.0)
        return wait

    def close(self) -> None:
        """Let the file go; it stays for the other workers."""
        self._words.release()
        self._file.close()

    def _met(self, bucket: str) -> _Known:
        if len(self._known) >= _KNOWN_MAX:
            self._known.clear()
        known = self._known[bucket] = _Known(self._file.hashed(bucket))
        return known

    def _take(self, known: _Known, now: int, spacing: int, burst: int) -> tuple[float, int]:
        """Seconds to wait (0.0: granted), and how many tokens were taken ahead."""
        mark = known.mark
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
            return wait / _SECOND, 0
        ahead = min(known.usual // 2, (empty - full_at) // spacing // _LEASE_PART)
        if ahead < _LEASE_MIN:
            ahead = 0
        # The instant before the name: a worker killed in between has at most spoilt a bucket that
        # was full or given up.
        words[place + 1] = full_at + ahead * spacing
        words[place] = mark
        return 0.0, ahead

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
