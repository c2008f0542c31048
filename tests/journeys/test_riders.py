"""A rider's day on the running platform: every figure of the story is in the books."""

import json
from decimal import Decimal

import pytest
from tests.platform import Platform

pytestmark = pytest.mark.xdist_group("journeys")


def test_a_riders_day_is_paid_split_saved_insured_advanced_and_repaid(platform: Platform) -> None:
    told = platform.bankside("demo", "riders", "--json")

    assert told.returncode == 0, told.stderr.decode() + platform.logs()
    day = json.loads(told.stdout)
    figures = [each["figure"] for each in day["steps"]]
    assert figures[0] == "68.00 paid"
    assert figures[1] == "61.50 = 52.00 + 9.50"
    assert figures[2] == "120.00 - 0.00"
    assert figures[4] == "6.00 contributed"
    assert figures[5].startswith("9.86 paid")
    assert figures[6].startswith("100.00 / 100.00")
    assert figures[7] == "100.00 of 200.00, 0.00 left"
    # Share and income in, pension and premium out; the advance came and went.
    assert (
        Decimal(day["after"]) - Decimal(day["before"])
        == Decimal("9.50") + 120 - 6 - Decimal("9.86") + 200
    )
    proved = platform.bankside("ledger", "verify", "--json")
    assert proved.returncode == 0, proved.stdout


def test_the_story_is_told_in_chinese_as_well(platform: Platform) -> None:
    told = platform.bankside("demo", "riders", "--lang", "zh")

    assert told.returncode == 0, told.stderr.decode()
    lines = told.stdout.decode().splitlines()
    assert len(lines) == 9
    assert lines[0].startswith("1. 食客支付晚餐")
