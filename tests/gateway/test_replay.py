"""A nonce is accepted once: over processes, turns, crashes and a full table."""

import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.fleet import fleet, go, outputs

from bankside.gateway import shared
from bankside.gateway.errors import ReplayStoreFull, SharedStateBusy
from bankside.gateway.replay import (
    FILL_MAX_PERCENT,
    STRIPES,
    ReplayByWire,
    ReplayStore,
    slots_for,
)
from bankside.gateway.shared import SharedFileInvalid

NOW = 1_772_416_800.0
WINDOW = 600
SMALL = 8 * STRIPES

OFFER = """
import sys
from pathlib import Path
from bankside.gateway.replay import ReplayStore
worker, path, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
store = ReplayStore(Path(path), now=1772416800.0, window_s=600)
print("ready", flush=True)
sys.stdin.readline()
print(" ".join(n for n in map(str, range(count)) if store.claim("app", n, 1772416800.0)))
"""


def opened(path: Path, *, slots: int = SMALL, now: float = NOW) -> ReplayStore:
    return ReplayStore(path, now=now, window_s=WINDOW, slots=slots)


def test_a_nonce_is_accepted_once(tmp_path: Path) -> None:
    store = opened(tmp_path / "replay")

    assert not store.seen("app", "n", NOW)
    assert store.claim("app", "n", NOW)

    assert store.seen("app", "n", NOW)
    assert not store.claim("app", "n", NOW)


def test_the_same_nonce_of_another_app_is_another_nonce(tmp_path: Path) -> None:
    store = opened(tmp_path / "replay")

    assert store.claim("app1", "n", NOW)
    assert store.claim("app", "1n", NOW)
    assert store.claim("app2", "n", NOW)


@pytest.mark.parametrize("nonce", ["", "\0", "\ud800", "价" * 500, " "])
def test_any_text_can_be_a_nonce(tmp_path: Path, nonce: str) -> None:
    store = opened(tmp_path / "replay")

    assert store.claim("app", nonce, NOW)
    assert not store.claim("app", nonce, NOW)


def test_four_workers_that_offer_the_same_nonces_win_each_once(tmp_path: Path) -> None:
    count = 25_000

    with fleet(OFFER, str(tmp_path / "replay"), str(count)) as workers:
        go(workers)
        won = [each.split() for each in outputs(workers)]

    assert Counter(nonce for each in won for nonce in each) == Counter(map(str, range(count)))
    assert sum(bool(each) for each in won) > 1, "the workers did not run at the same time"


def test_a_killed_worker_leaves_a_store_that_works(tmp_path: Path) -> None:
    path, count = tmp_path / "replay", 30_000

    with fleet(OFFER, str(path), str(count)) as workers:
        go(workers)
        time.sleep(0.05)
        workers[0].kill()
        won = [each.split() for each in outputs(workers[1:])]

    assert max(Counter(nonce for each in won for nonce in each).values()) == 1
    store = ReplayStore(path, now=NOW, window_s=WINDOW)
    assert not any(store.claim("app", str(number), NOW) for number in range(count))


HOLD = """
import sys
from pathlib import Path
from bankside.gateway.replay import STRIPES, ReplayStore
store = ReplayStore(Path(sys.argv[2]), now=1772416800.0, window_s=600, slots=8 * STRIPES)
for stripe in range(STRIPES):
    store._file.lock(stripe)
print("ready", flush=True)
sys.stdin.readline()
"""


def test_a_frozen_worker_costs_a_refusal_and_its_end_frees_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "replay"
    with fleet(HOLD, str(path), size=1) as workers:
        os.kill(workers[0].pid, signal.SIGSTOP)
        store = opened(path)
        started = time.monotonic()

        with pytest.raises(SharedStateBusy):
            store.claim("app", "n", NOW)

        assert time.monotonic() - started < 30
        assert not store.seen("app", "n", NOW), "the probe takes no lock"
        os.kill(workers[0].pid, signal.SIGKILL)
        workers[0].wait()
        assert store.claim("app", "n", NOW)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 500)), max_size=60))
def test_a_nonce_is_remembered_for_the_window_and_free_after_two(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int]]
) -> None:
    store = opened(tmp_path_factory.mktemp("replay") / "file")
    accepted: dict[int, float] = {}
    now = NOW
    for nonce, pause in steps:
        now += pause
        claimed = store.claim("app", str(nonce), now)
        age = now - accepted.get(nonce, float("-inf"))
        if age <= WINDOW:
            assert not claimed
        if age > 2 * WINDOW:
            assert claimed
        if claimed:
            accepted[nonce] = now
        assert store.seen("app", str(nonce), now)
    store.close()


def test_a_clock_that_is_set_back_forgets_nothing(tmp_path: Path) -> None:
    store = opened(tmp_path / "replay")
    assert store.claim("app", "early", NOW)
    assert store.claim("app", "late", NOW + WINDOW)

    back = NOW - 5 * WINDOW

    assert not store.claim("app", "early", back)
    assert not store.claim("app", "late", back)
    assert not store.claim("app", "early", NOW + WINDOW)


def test_a_full_table_refuses_and_forgets_nothing(tmp_path: Path) -> None:
    store = opened(tmp_path / "replay")
    accepted = []
    with pytest.raises(ReplayStoreFull):
        for number in range(SMALL):
            if store.claim("app", str(number), NOW):
                accepted.append(str(number))

    assert store.fill_percent() == 75  # 6 of 8 places: the next would be over 80 %
    assert all(store.seen("app", nonce, NOW) for nonce in accepted)
    assert not any(store.claim("app", nonce, NOW) for nonce in accepted)
    assert store.claim("app", "after two turns there is room", NOW + 2 * WINDOW)


def test_a_busy_short_window_does_not_fill_the_store_of_the_long_ones(tmp_path: Path) -> None:
    brief = ReplayStore(tmp_path / "brief", now=NOW - 60, window_s=120, slots=SMALL)
    long = ReplayStore(tmp_path / "long", now=NOW, window_s=1_200, slots=SMALL)
    store = ReplayByWire(brief, long, short=["native"])

    assert store.claim("app", "native:n", NOW)
    assert store.claim("app", "icbc:n", NOW)

    assert store.started_at == NOW, "what either may have forgotten is refused by its timestamp"
    assert store.seen("app", "native:n", NOW + 120)
    assert not store.claim("app", "native:n", NOW + 120)
    assert store.seen("app", "icbc:n", NOW + 1_200)
    assert not store.claim("app", "icbc:n", NOW + 1_200)
    assert not long.seen("app", "native:n", NOW)
    assert not brief.seen("app", "icbc:n", NOW)


@pytest.mark.parametrize(("rate", "window"), [(1, 1), (10_000, 120), (2_500, 1_200), (7, 333)])
def test_the_places_asked_for_hold_the_calls_of_a_window(rate: int, window: int) -> None:
    slots = slots_for(rate, window)

    assert slots * FILL_MAX_PERCENT // 100 >= rate * window * 105 // 100
    assert slots % (8 * STRIPES) == 0
    assert slots <= rate * window * 1.4 + 8 * STRIPES, "and not many more"


def test_the_usual_stores_take_the_space_that_the_settings_promise() -> None:
    space = 16 * (slots_for(10_000, 120) + slots_for(2_500, 1_200))

    assert 85e6 < space < 90e6


def test_a_restarted_worker_remembers_and_knows_since_when(tmp_path: Path) -> None:
    path = tmp_path / "replay"
    first = opened(path)
    first.claim("app", "n", NOW)
    first.close()

    again = opened(path, now=NOW + 60)

    assert again.seen("app", "n", NOW + 60)
    assert again.started_at == NOW


def test_after_a_reboot_the_store_begins_anew_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "replay"
    opened(path).claim("app", "n", NOW)
    other_boot = tmp_path / "boot_id"
    other_boot.write_text("another boot\n")
    monkeypatch.setattr(shared, "_BOOT_ID", other_boot)

    store = opened(path, now=NOW + 90)

    assert store.started_at == NOW + 90
    assert not store.seen("app", "n", NOW + 90)


def test_a_file_half_made_by_a_killed_worker_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "replay"
    path.write_bytes(bytes(4096))

    with pytest.raises(SharedFileInvalid, match="not a file of shared state"):
        path.write_bytes(b"#!/bin/sh\n" + bytes(4096))
        opened(path)
    path.write_bytes(bytes(4096))

    assert opened(path).claim("app", "n", NOW)


USE = """
import sys
from pathlib import Path
from bankside.gateway.replay import STRIPES, ReplayStore
store = ReplayStore(Path(sys.argv[2]), now=1772416800.0, window_s=600, slots=8 * STRIPES)
print("ready", flush=True)
sys.stdin.readline()
print(store.claim("app", "n", 1772416800.0))
"""


def test_the_settings_stay_while_another_worker_uses_the_file(tmp_path: Path) -> None:
    path = tmp_path / "replay"
    with fleet(USE, str(path), size=1) as workers:
        with pytest.raises(SharedFileInvalid, match="in use with other settings"):
            opened(path, slots=2 * SMALL)
        with pytest.raises(SharedFileInvalid, match="in use with other settings"):
            ReplayStore(path, now=NOW, window_s=WINDOW + 1, slots=SMALL)
        go(workers)

        assert outputs(workers) == ["True\n"]


def test_new_settings_begin_a_new_file_once_nobody_uses_the_old(tmp_path: Path) -> None:
    path = tmp_path / "replay"
    with fleet(USE, str(path), size=1) as workers:
        go(workers)
        outputs(workers)

    store = opened(path, slots=2 * SMALL, now=NOW + 5)

    assert store.started_at == NOW + 5, "what came before is refused by its timestamp"
    assert store.claim("app", "n", NOW + 5)


def test_only_the_owner_may_read_the_file(tmp_path: Path) -> None:
    opened(tmp_path / "replay")

    assert (tmp_path / "replay").stat().st_mode & 0o077 == 0
