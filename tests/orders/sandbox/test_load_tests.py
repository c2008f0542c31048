"""A load test is announced for some minutes; then, and beyond its quota, the old rate holds."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from tests.orders.little_bank import LittleBank
from tests.orders.sandbox.tester import SandboxApp, a_tester

from bankside.gateway.stages import rights
from bankside.kernel.local_limits import LocalLimits
from bankside.kernel.snapshot import App
from bankside.orders.errors import InputInvalid, SandboxOnly
from bankside.partners import SpaceUnknown, snapshot_view

ANNOUNCE = "platform.load-tests.create"
ASKED = {"minutes": 10, "rate_per_second": 2_000}


async def _app(tester: SandboxApp) -> App:
    async with tester.pool.acquire() as db:
        return (await snapshot_view(db, tester.clock)).apps[tester.app]


async def test_the_snapshot_says_how_fast_and_until_when(tester: SandboxApp) -> None:
    told = await tester.shown(ANNOUNCE, ASKED)

    app = await _app(tester)
    assert told["until"] == "2026-03-02T02:10:00.000Z"
    assert (app.load_rate, app.load_until) == (2_000, tester.clock.now().timestamp() + 600)
    assert app.rate_per_second == 100
    tester.clock.advance(timedelta(minutes=10))
    assert (await _app(tester)).load_until == 0


async def test_minutes_are_the_bank_s_whatever_the_space_s_clock_says(tester: SandboxApp) -> None:
    await tester.advance(days=30)

    told = await tester.shown(ANNOUNCE, ASKED)

    assert told["until"] == "2026-03-02T02:10:00.000Z"


@pytest.mark.parametrize(
    "change", [{"minutes": 0}, {"minutes": 31}, {"rate_per_second": 2_001}, {"rate_per_second": 0}]
)
async def test_what_is_too_much_is_refused(tester: SandboxApp, change: dict[str, int]) -> None:
    with pytest.raises(InputInvalid):
        await tester.call(ANNOUNCE, ASKED | change)

    assert (await _app(tester)).load_until == 0


async def test_only_an_app_with_its_own_space_tests_its_load(bank: LittleBank) -> None:
    shared = await a_tester(bank)
    live = replace(shared, environment="live")

    with pytest.raises(SpaceUnknown):
        await shared.call(ANNOUNCE, ASKED)
    with pytest.raises(SandboxOnly):
        await live.call(ANNOUNCE, ASKED)


def _granted(app: App, *, calls: int, now: float) -> int:
    stage = rights.partner_rate(LocalLimits())
    x: Any = SimpleNamespace(app=app, now=now)
    return sum(stage(x, SimpleNamespace()) is None for _ in range(calls))  # type: ignore[arg-type]


def test_the_edge_grants_the_announced_rate_until_its_end_and_then_the_app_s_own() -> None:
    app = App("app", "sbx_1", rate_per_second=10, burst=20, load_rate=100, load_until=1_000)

    assert _granted(app, calls=500, now=999.0) == 200 + 20
    assert _granted(app, calls=500, now=1_000.0) == 20


def test_beyond_the_quota_the_app_s_own_rate_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rights, "QUOTA_CALLS", 50)
    app = App("app", "sbx_1", rate_per_second=10, burst=20, load_rate=100, load_until=1_000)

    assert _granted(app, calls=500, now=999.0) == 50 + 20
