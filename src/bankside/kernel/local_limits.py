"""Rate limits in a process's own memory: the guard in front of authentication, on edge and web.

Always true: it never refuses for lack of memory and never grows beyond ``BUCKETS_MAX`` entries.
Limits that partners pay for are kept in the edge's shared store, not here; attempts to log in are
counted in the database besides.
Algorithm: GCRA (one number a bucket: when it would be empty again).
"""

# About 150 bytes each: 10 MB a worker at most. An address that brings more than this many names
# at once only makes us forget idle buckets earlier, which favours the caller.
BUCKETS_MAX = 65_536


class LocalLimits:
    """Token buckets of one process; the same interface as the shared store."""

    __slots__ = ("_empty_at",)

    def __init__(self) -> None:
        self._empty_at: dict[str, float] = {}

    def take(self, bucket: str, now: float, *, rate: int, burst: int) -> float:
        """Take one token: 0.0 when granted, else the seconds until one is there."""
        if rate <= 0:
            return 1.0
        spacing = 1.0 / rate
        empty_at = max(self._empty_at.get(bucket, 0.0), now) + spacing
        wait = empty_at - now - burst * spacing
        # A nanosecond of slack: the sum of many spacings is not exact.
        if wait > 1e-9:
            return wait
        if len(self._empty_at) >= BUCKETS_MAX and bucket not in self._empty_at:
            self._forget(now)
        self._empty_at[bucket] = empty_at
        return 0.0

    def _forget(self, now: float) -> None:
        """Drop buckets that are full again; if none is, the older half."""
        kept = {name: at for name, at in self._empty_at.items() if at > now}
        if len(kept) > BUCKETS_MAX // 2:
            kept = dict(list(kept.items())[len(kept) // 2 :])
        self._empty_at = kept
