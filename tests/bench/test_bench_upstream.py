"""The measured edge really forwards, and a wrong answer fails the measurement."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from bench.hostile import KINDS
from bench.storm import FORGED, Held, Tally, judge
from bench.upstream import run

from bankside.gateway.upstream import errors
from bankside.kernel.errors import BanksideError

WELL: dict[str, Any] = {"seen": {"well": 1}, "twice": []}


def held() -> Held:
    return Held([100.0, 120.0], [30, 60])


def tally(**change: Any) -> Tally:
    return Tally(**{"ends": Counter({("well", 200, ""): 1})} | change)


def test_a_small_storm_ends_in_documented_answers_alone(tmp_path: Path) -> None:
    rows = run(tmp_path, pairs=20, calls=300).rows

    assert rows["hostile"]["wrong"] == rows["hostile"]["written_twice"] == 0
    assert sum(sum(each.values()) for each in rows["hostile"]["kinds"].values()) == 300
    assert rows["added_ms"]["pairs"] == 20


def test_every_end_of_a_kind_is_one_that_the_edge_documents() -> None:
    codes = {
        each.code
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, BanksideError)
    }

    for kind in KINDS.values():
        assert {code for _, code in kind.read | kind.write} <= codes | {""}


@pytest.mark.parametrize(
    ("tallied", "seen", "holds"),
    [
        (tally(wrong=["GET cut-1: (200, '')"]), WELL, held()),
        (tally(ends=Counter()), WELL, held()),
        (tally(), WELL | {"twice": ["well-1"]}, held()),
        (tally(), {"seen": {FORGED: 1}, "twice": []}, held()),
        (tally(ends=Counter({("well", 503, "upstream.busy"): 1})), WELL, held()),
        (tally(), WELL, Held([100.0, 200.0], [30, 60])),
        (tally(), WELL, Held([100.0, 120.0], [30, 500])),
    ],
)
def test_what_must_not_happen_fails_the_measurement(
    tallied: Tally, seen: dict[str, Any], holds: Held
) -> None:
    judge(tally(), held(), WELL, 1)
    with pytest.raises(RuntimeError):
        judge(tallied, holds, seen, 1)
