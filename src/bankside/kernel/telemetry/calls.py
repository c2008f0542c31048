"""Numbers of calls: how many, how they ended, how long they took, per partner and operation.

One small list per pair in use; counting a call costs about half a microsecond. A pair is made only
for a known app and a known operation, and a partner has at most ``PAIRS_PER_PARTNER`` of them:
what goes beyond is counted under the operation ``other``. Refusals are counted by stage and code,
strangers' too.
"""

from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Awaitable
from typing import Generic, Protocol, TypeVar

from bankside.kernel.telemetry.counters import OTHER, Counter

OUTCOMES = ("ok", "refused", "failed", "unknown")
# Upper ends in microseconds: half a millisecond is an embedded read, a second a slow core.
BUCKETS_US = (500, 1_000, 2_500, 10_000, 50_000, 250_000, 1_000_000, 5_000_000)
# About 15 series a pair: a partner stays near the 2,000 series that operations.md allows it.
PAIRS_PER_PARTNER = 130

# A pair's list: one count an outcome, the sum of microseconds, one count a bucket (last: slower).
SUM = len(OUTCOMES)
FIRST_BUCKET = SUM + 1
CELLS = FIRST_BUCKET + len(BUCKETS_US) + 1

REFUSALS = Counter(
    "bankside_call_refusals_total", "Calls refused, by the stage that refused", ("stage", "code")
)
FOLDED = Counter("bankside_call_pairs_folded_total", "Calls counted as other", ("partner",))

pairs: dict[tuple[str, str], list[int]] = {}
_pairs_of: Tally[str] = Tally()


class _App(Protocol):
    @property
    def partner(self) -> str: ...


class _Operation(Protocol):
    @property
    def id(self) -> str: ...


class _Refusal(Protocol):
    @property
    def status(self) -> int: ...
    @property
    def code(self) -> str: ...


class Counted(Protocol):
    """What counting reads of a finished call (the gateway's Exchange has it)."""

    @property
    def app(self) -> _App | None: ...
    @property
    def operation(self) -> _Operation | None: ...
    @property
    def refusal(self) -> _Refusal | None: ...
    @property
    def stage(self) -> str: ...


CallT = TypeVar("CallT", bound=Counted, contravariant=True)
ReplyT = TypeVar("ReplyT", contravariant=True)


class CallMeter(Protocol[CallT, ReplyT]):
    """Anything that takes a record of each call (the gateway's Meter)."""

    @property
    def failing(self) -> bool: ...
    def record(self, x: CallT, reply: ReplyT, *, seconds: float) -> None: ...
    def flushed(self) -> Awaitable[None]: ...


class _CountingMeter(Generic[CallT, ReplyT]):
    """A meter that counts each call before it is recorded."""

    def __init__(self, meter: CallMeter[CallT, ReplyT]) -> None:
        self._meter = meter
        self.flushed = meter.flushed

    @property
    def failing(self) -> bool:
        return self._meter.failing

    def record(self, x: CallT, reply: ReplyT, *, seconds: float) -> None:
        count_call(x, seconds)
        self._meter.record(x, reply, seconds=seconds)


def counting(meter: CallMeter[CallT, ReplyT]) -> CallMeter[CallT, ReplyT]:
    """``meter``, with each call counted as well."""
    return _CountingMeter(meter)


def count_call(x: Counted, seconds: float) -> None:
    """Count one finished call."""
    refusal = x.refusal
    if refusal is not None:
        REFUSALS.add(x.stage, refusal.code)
    if x.app is None:
        return
    operation = x.operation.id if x.operation is not None else "none"
    cells = pairs.get((x.app.partner, operation)) or _new_pair(x.app.partner, operation)
    duration = int(seconds * 1_000_000)
    cells[_outcome(refusal)] += 1
    cells[SUM] += duration
    cells[FIRST_BUCKET + bisect_left(BUCKETS_US, duration)] += 1


def _new_pair(partner: str, operation: str) -> list[int]:
    if _pairs_of[partner] >= PAIRS_PER_PARTNER:
        FOLDED.add(partner)
        operation = OTHER
    else:
        _pairs_of[partner] += 1
    return pairs.setdefault((partner, operation), [0] * CELLS)


def _outcome(refusal: _Refusal | None) -> int:
    """The index of an outcome: 501 says "not built", which is a refusal and no fault."""
    if refusal is None:
        return 0
    if refusal.status >= 500 and refusal.status != 501:
        return 3 if refusal.status == 504 else 2
    return 1
