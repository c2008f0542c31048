"""A bucket grants what was agreed, over all workers together, and not one call more."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.fleet import fleet, go, outputs

from bankside.gateway.limits import STRIPES, SharedLimits

NOW = 1_772_416_800.0

DEMAND = """
import sys
from pathlib import Path
from bankside.gateway.limits import SharedLimits
worker, path = int(sys.argv[1]), sys.argv[2]
limits = SharedLimits(Path(path), now=1772416800.0)
print("ready", flush=True)
sys.stdin.readline()
for now in (1772416800.0, 1772416800.5, 1772416801.5):
    granted = [limits.take("app", now, rate=100, burst=1000) == 0.0 for _ in range(1000)]
    print(sum(granted), flush=True)
    sys.stdin.readline()
"""


def opened(path: Path, *, buckets: int = 16 * STRIPES) -> SharedLimits:
    return SharedLimits(path, now=NOW, buckets=buckets)


def test_four_workers_together_get_the_burst_and_then_the_rate(tmp_path: Path) -> None:
    granted = []
    with fleet(DEMAND, str(tmp_path / "limits")) as workers:
        for _ in range(3):
            go(workers)
            counts = [int(each.stdout.readline()) for each in workers if each.stdout is not None]
            granted.append(sum(counts))
        go(workers)
        outputs(workers)

    assert granted == [1000, 50, 100]


def test_a_refused_call_is_told_how_long_to_wait_and_that_is_enough(tmp_path: Path) -> None:
    limits = opened(tmp_path / "limits")
    for _ in range(3):
        assert limits.take("app", NOW, rate=4, burst=3) == 0.0

    wait = limits.take("app", NOW, rate=4, burst=3)

    assert wait == pytest.approx(0.25)
    assert limits.take("app", NOW + wait / 2, rate=4, burst=3) > 0
    assert limits.take("app", NOW + wait, rate=4, burst=3) == 0.0


def test_one_a_second_means_one_a_second(tmp_path: Path) -> None:
    limits = opened(tmp_path / "limits")

    granted = [limits.take("app", NOW + tenth / 8, rate=1, burst=1) == 0.0 for tenth in range(80)]

    assert sum(granted) == 10


def test_apps_do_not_share_a_bucket(tmp_path: Path) -> None:
    limits = opened(tmp_path / "limits")

    assert all(limits.take(f"app{number}", NOW, rate=1, burst=1) == 0.0 for number in range(500))


def test_a_rate_of_zero_grants_nothing(tmp_path: Path) -> None:
    assert opened(tmp_path / "limits").take("app", NOW, rate=0, burst=10) > 0


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([1, 2, 5, 8, 100, 1000]),
    st.integers(1, 20),
    st.lists(st.integers(0, 4000), max_size=60),
)
def test_a_bucket_grants_exactly_what_a_counted_bucket_would(
    tmp_path_factory: pytest.TempPathFactory, rate: int, burst: int, pauses: list[int]
) -> None:
    limits = opened(tmp_path_factory.mktemp("limits") / "file")
    start = 1_000_000  # small enough for exact binary fractions of a second
    eighths = 0
    tokens, last = Fraction(burst), 0
    for pause in pauses:
        eighths += pause
        tokens = min(Fraction(burst), tokens + Fraction(rate * (eighths - last), 1024))
        last = eighths

        granted = limits.take("app", start + eighths / 1024, rate=rate, burst=burst) == 0.0

        assert granted == (tokens >= 1)
        tokens -= granted
    limits.close()


def test_a_clock_set_back_does_not_close_a_bucket(tmp_path: Path) -> None:
    limits = opened(tmp_path / "limits")
    limits.take("app", NOW, rate=10, burst=10)

    waits = [limits.take("app", NOW - 3600, rate=10, burst=10) for _ in range(3)]

    assert max(waits) <= 0.1
    assert limits.take("app", NOW - 3599, rate=10, burst=10) == 0.0


def test_workers_whose_clock_was_read_earlier_gain_nothing(tmp_path: Path) -> None:
    limits = opened(tmp_path / "limits")
    granted = 0
    for step in range(400):
        now = NOW + step / 128
        granted += limits.take("app", now, rate=100, burst=10) == 0.0
        granted += limits.take("app", now - 0.125, rate=100, burst=10) == 0.0

    assert granted == 10 + 100 * 399 // 128


def test_a_limit_made_smaller_holds_from_the_next_call(tmp_path: Path) -> None:
    limits = opened(tmp_path / "limits")
    for _ in range(100):
        limits.take("app", NOW, rate=10, burst=100)

    assert limits.take("app", NOW + 0.5, rate=1, burst=1) == pytest.approx(1.0)
    assert limits.take("app", NOW + 1.5, rate=1, burst=1) == 0.0


def test_places_of_full_buckets_are_used_again(tmp_path: Path) -> None:
    limits = opened(tmp_path / "limits", buckets=STRIPES)

    for second in range(20):
        now = NOW + 2 * second
        for number in range(100):
            assert limits.take(f"{second} {number}", now, rate=1, burst=1) == 0.0


def test_a_crowd_of_buckets_never_refuses_for_lack_of_room(tmp_path: Path) -> None:
    limits = opened(tmp_path / "limits", buckets=STRIPES)

    assert all(limits.take(str(number), NOW, rate=1, burst=1) == 0.0 for number in range(5000))


def test_a_busy_worker_grants_no_more_than_agreed_and_what_it_took_ahead(tmp_path: Path) -> None:
    limits = opened(tmp_path / "limits")
    rate, burst, demand = 8_000, 4_000, 20_000
    granted = [
        limits.take("app", NOW + step / demand, rate=rate, burst=burst) == 0.0
        for step in range(2 * demand)
    ]

    agreed = burst + 2 * rate
    # A lease is at most half of what 50 ms used, and may be used that much later.
    assert agreed * 0.99 <= sum(granted) <= agreed + demand // 40
    # The end of the burst is exact: from then on every second of calls gets its rate.
    assert sum(granted[demand:]) == pytest.approx(rate, rel=0.01)


def test_what_a_worker_took_ahead_and_left_costs_the_others_little(tmp_path: Path) -> None:
    busy, other = opened(tmp_path / "limits"), opened(tmp_path / "limits")
    for step in range(2_000):
        assert busy.take("app", NOW + step / 20_000, rate=1_000, burst=10_000) == 0.0

    left = sum(other.take("app", NOW + 0.1, rate=1_000, burst=10_000) == 0.0 for _ in range(10_000))

    # 2,000 of the burst are used and 100 regained; at most half of 50 ms of calls is lost.
    assert 8_100 - 500 <= left <= 8_100
