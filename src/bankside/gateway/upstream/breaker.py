"""When a failing upstream is left alone, and how often a call may be repeated.

Always true: pure bookkeeping with the time handed in (monotonic seconds); memory is bounded. A
circuit opens when at least half of at least twenty calls of the last ten seconds failed; it then
lets one call a second through, and closes with the first that succeeds.
Source: gateway guide section 6.
"""

from collections import deque

WINDOW_SECONDS = 10.0
CALLS_MIN = 20
FAILED_SHARE = 0.5
PROBE_SECONDS = 1.0
# Outcomes remembered at most; at higher rates the newest speak for all.
CALLS_KEPT = 1_000
# A repeat for every ten calls, and some for a service that is asked rarely.
REPEAT_SHARE = 0.1
REPEATS_SAVED_MAX = 10.0


class Breaker:
    """The circuit of one upstream and one class of operations (reads or writes)."""

    def __init__(self) -> None:
        self._outcomes: deque[tuple[float, bool]] = deque(maxlen=CALLS_KEPT)
        self._failed = 0
        self.is_open = False
        self._next_probe = 0.0

    def admits(self, now: float) -> bool:
        """Whether a call may be made now; an open circuit lets a probe through each second."""
        if not self.is_open:
            return True
        if now < self._next_probe:
            return False
        self._next_probe = now + PROBE_SECONDS
        return True

    def succeeded(self, now: float) -> None:
        """A call came back as it should."""
        if self.is_open:
            self.is_open = False
            self._outcomes.clear()
            self._failed = 0
        self._note(now, failed=False)

    def failed(self, now: float) -> None:
        """A call failed, or takes too long."""
        self._note(now, failed=True)
        count = len(self._outcomes)
        if not self.is_open and count >= CALLS_MIN and self._failed >= FAILED_SHARE * count:
            self.is_open = True
            self._next_probe = now + PROBE_SECONDS

    def _note(self, now: float, *, failed: bool) -> None:
        outcomes = self._outcomes
        if len(outcomes) == CALLS_KEPT:
            self._failed -= outcomes[0][1]
        outcomes.append((now, failed))
        self._failed += failed
        while outcomes and outcomes[0][0] < now - WINDOW_SECONDS:
            self._failed -= outcomes.popleft()[1]


class RepeatBudget:
    """Repeats allowed to one upstream: a share of its calls, never more."""

    def __init__(self) -> None:
        self._saved = 1.0

    def called(self) -> None:
        """A call was made."""
        self._saved = min(REPEATS_SAVED_MAX, self._saved + REPEAT_SHARE)

    def take(self) -> bool:
        """Whether one may be repeated now."""
        if self._saved < 1.0:
            return False
        self._saved -= 1.0
        return True
