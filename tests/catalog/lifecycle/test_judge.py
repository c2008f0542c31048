"""The judge of a canary: too few calls hold, a worse version is found, luck is not blamed."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankside.catalog.lifecycle.judge import CALLS_MIN, Arm, fisher, judge, mann_whitney


def arm(calls: int, failed: int = 0, centre: int = 1_000, seed: int = 1) -> Arm:
    """Calls whose durations vary by a tenth around a centre."""
    luck = random.Random(seed)
    return Arm(calls, failed, tuple(int(luck.gauss(centre, centre / 10)) for _ in range(calls)))


@given(st.integers(0, CALLS_MIN - 1), st.integers(0, 50))
def test_too_few_calls_never_pass(calls: int, failed: int) -> None:
    assert judge(Arm(calls, min(failed, calls)), Arm(1_000)).verdict == "hold"
    assert judge(Arm(calls, min(failed, calls)), None).verdict == "hold"
    assert judge(Arm(1_000), Arm(calls)).verdict == "hold"


def test_an_equal_version_passes_and_the_report_says_by_what() -> None:
    judgement = judge(arm(1_000, 1), arm(1_000, 1, seed=2))

    assert judgement.verdict == "pass"
    assert "errors p =" in judgement.why


@pytest.mark.parametrize(
    ("canary", "verdict"),
    [
        (arm(1_000, 20), "fail"),
        (arm(1_000, centre=1_200), "fail"),
        (arm(1_000, centre=1_050), "pass"),
        (arm(1_000, centre=800), "pass"),
        (arm(1_000, 2), "pass"),
    ],
)
def test_a_worse_version_fails_and_a_little_slower_one_does_not(canary: Arm, verdict: str) -> None:
    assert judge(canary, arm(1_000, 1, seed=2)).verdict == verdict


def test_a_new_product_is_judged_alone() -> None:
    assert judge(arm(1_000, 5), None).verdict == "pass"
    assert judge(arm(1_000, 6), None).verdict == "fail"


def test_of_two_hundred_equal_canaries_hardly_one_is_sent_back() -> None:
    luck = random.Random(7)
    verdicts = []
    for trial in range(200):
        failed = [sum(luck.random() < 0.01 for _ in range(400)) for _ in range(2)]
        canary, base = arm(400, failed[0], seed=trial), arm(400, failed[1], seed=1_000 + trial)
        verdicts.append(judge(canary, base).verdict)

    assert verdicts.count("fail") <= 5


def test_fishers_test_agrees_with_the_textbook() -> None:
    """Fisher's tea tasting, 3 of 4 right by chance: p = 0.2429 (Design of Experiments, 1935)."""
    assert fisher(3, 4, 1, 4) == pytest.approx(17 / 70)
    assert fisher(4, 4, 0, 4) == pytest.approx(1 / 70)
    assert fisher(0, 10, 0, 10) == pytest.approx(1)


def test_ranks_of_equal_values_say_nothing() -> None:
    assert mann_whitney([5, 5, 5], [5, 5]) == 1.0
    assert mann_whitney([], [1]) == 1.0
    assert mann_whitney([9] * 50, [1] * 50) < 1e-6
    assert mann_whitney([1] * 50, [9] * 50) > 0.999
