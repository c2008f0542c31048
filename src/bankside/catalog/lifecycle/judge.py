"""Whether a canary may go on: its calls against those of the version that stands.

Always true: too few samples hold, they never pass; the judge says which figure decided. Errors by
Fisher's exact test (one-sided), latency by the Mann-Whitney U test against the baseline x 1.10,
both at the level 0.01. Source: operations guide section 2, catalogue guide section 6.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bankside.catalog.lifecycle.gate import Reason

# Below this neither test could see a doubled error rate of a percent.
CALLS_MIN = 200
LEVEL = 0.01
LATENCY_TOLERANCE = 1.10
# Of a first version, which has no baseline: what a new service may fail, in basis points.
ERRORS_ALONE_MAX_BP = 50
# So many durations of each arm are compared; more do not change the answer, only its time.
DURATIONS_MAX = 2_000

Verdict = Literal["pass", "fail", "hold"]


@dataclass(frozen=True, slots=True)
class Arm:
    """Calls of one version in the time of the canary; ``durations`` a sample in microseconds."""

    calls: int = 0
    failed: int = 0
    durations: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict and why."""

    verdict: Verdict
    reason: Reason

    @property
    def why(self) -> str:
        """The reason in English."""
        return str(self.reason)


def judge(canary: Arm, baseline: Arm | None) -> Judgement:
    """``baseline`` None: there is no version that stands (a new product)."""
    if canary.calls < CALLS_MIN:
        return Judgement("hold", _reason("few-calls", canary.calls, CALLS_MIN))
    if baseline is None:
        too_many = canary.failed * 10_000 > ERRORS_ALONE_MAX_BP * canary.calls
        reason = _reason("failed-alone", canary.failed, canary.calls)
        return Judgement("fail" if too_many else "pass", reason)
    if baseline.calls < CALLS_MIN:
        return Judgement("hold", _reason("few-stable-calls", baseline.calls, CALLS_MIN))
    errors = fisher(canary.failed, canary.calls, baseline.failed, baseline.calls)
    if errors < LEVEL:
        counts = (canary.failed, canary.calls, baseline.failed, baseline.calls)
        return Judgement("fail", _reason("failed-more", *counts))
    allowed = [each * LATENCY_TOLERANCE for each in baseline.durations]
    slower = mann_whitney(canary.durations, allowed)
    if slower < LEVEL:
        return Judgement("fail", Reason("slower"))
    return Judgement("pass", _reason("alike", f"{errors:.3f}", f"{slower:.3f}"))


def fisher(failed: int, calls: int, base_failed: int, base_calls: int) -> float:
    """The chance of at least ``failed`` failures when both arms fail alike."""
    total, all_failed = calls + base_calls, failed + base_failed
    whole = _log_choose(total, all_failed)
    return min(
        1.0,
        sum(
            math.exp(_log_choose(calls, hits) + _log_choose(base_calls, all_failed - hits) - whole)
            for hits in range(failed, min(all_failed, calls) + 1)
            if all_failed - hits <= base_calls
        ),
    )


def mann_whitney(values: Sequence[float], baseline: Sequence[float]) -> float:
    """The chance that ``values`` are this much larger by luck (normal approximation, ties)."""
    if not values or not baseline:
        return 1.0
    n, m = len(values), len(baseline)
    ranked = sorted([(each, True) for each in values] + [(each, False) for each in baseline])
    rank_sum, tied, at = 0.0, 0.0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        size = end - at
        rank_sum += (at + end + 1) / 2 * sum(own for _, own in ranked[at:end])
        tied += size**3 - size
        at = end
    u = rank_sum - n * (n + 1) / 2
    spread = n * m / 12 * ((n + m + 1) - tied / ((n + m) * (n + m - 1)))
    if spread <= 0:
        return 1.0
    return math.erfc((u - n * m / 2) / math.sqrt(2 * spread)) / 2


def _reason(name: str, *facts: object) -> Reason:
    return Reason(name, tuple(map(str, facts)))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
