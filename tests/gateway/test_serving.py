"""Routes, derived tables and the change of snapshots: what calls are served from."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.edge import (
    ECHO,
    PAY,
    Edge,
    ask,
    identity,
    partner_app,
    pay,
    private_key,
    snapshot,
    vault,
)

from bankside.gateway import snapshots
from bankside.gateway.meter import call_record
from bankside.gateway.routes import Routes
from bankside.gateway.serving import Serving
from bankside.gateway.snapshots import NoSnapshot, SnapshotHolder, follow
from bankside.kernel.clock import FixedClock
from bankside.kernel.errors import NotFound
from bankside.kernel.local_limits import BUCKETS_MAX, LocalLimits
from bankside.kernel.signing import public_der, signer, verifier
from bankside.kernel.snapshot import Operation, Snapshot, SnapshotInvalid, encode

SIGN = signer("ed25519", private_key("ed25519", "catalogue"))
VERIFY = verifier("ed25519", public_der(private_key("ed25519", "catalogue")))


def operation(method: str, path: str) -> Operation:
    name = f"{method} {path}"
    return replace(ECHO, id=name, method=method, path=path, icbc_path=name)


def routes(*paths: tuple[str, str]) -> Routes:
    made = Routes()
    for method, path in paths:
        made.add(operation(method, path))
    return made


def found(made: Routes, method: str, path: str) -> tuple[str, dict[str, str]] | None:
    hit = made.find(method, path)
    return None if hit is None else (hit[0].path, dict(hit[1]))


def test_a_literal_path_wins_over_a_template_and_more_literals_over_fewer() -> None:
    made = routes(
        ("GET", "/v1/{kind}/{id}"),
        ("GET", "/v1/orders/{id}"),
        ("GET", "/v1/orders/today"),
        ("POST", "/v1/orders/{id}"),
    )

    assert found(made, "GET", "/v1/orders/today") == ("/v1/orders/today", {})
    assert found(made, "POST", "/v1/orders/today") == ("/v1/orders/{id}", {"id": "today"})
    assert found(made, "GET", "/v1/orders/7") == ("/v1/orders/{id}", {"id": "7"})
    assert found(made, "GET", "/v1/x/7") == ("/v1/{kind}/{id}", {"kind": "x", "id": "7"})
    assert found(made, "DELETE", "/v1/orders/7") is None
    assert made.allowed("/v1/orders/7") == ("GET", "HEAD", "POST", "OPTIONS")


def test_two_operations_may_name_one_place_of_a_path_differently() -> None:
    made = routes(("GET", "/v1/orders/{orderId}"), ("PATCH", "/v1/orders/{id}"))

    assert found(made, "GET", "/v1/orders/7") == ("/v1/orders/{orderId}", {"orderId": "7"})
    assert found(made, "PATCH", "/v1/orders/7") == ("/v1/orders/{id}", {"id": "7"})


@pytest.mark.parametrize(
    "path", ["/v1/orders/", "/v1//7", "/v1/orders/7/", "v1/orders/7", "/v1/orders/%00", "/", ""]
)
def test_a_path_that_is_not_exactly_a_route_is_none(path: str) -> None:
    assert found(routes(("GET", "/v1/orders/{id}")), "GET", path) is None


@given(st.text(min_size=1, max_size=8).filter(lambda text: text.isprintable()))
def test_a_path_parameter_arrives_as_it_was_before_encoding(text: str) -> None:
    made = routes(("GET", "/v1/orders/{id}"))

    hit = found(made, "GET", f"/v1/orders/{quote(text, safe='')}")

    assert hit == ("/v1/orders/{id}", {"id": text})


def test_a_look_up_costs_the_same_with_ten_or_ten_thousand_routes() -> None:
    few, many = (
        routes(*(("GET", f"/v1/things-{n}/{{id}}/parts/{{part}}") for n in range(count)))
        for count in (10, 10_000)
    )

    def fastest(made: Routes) -> float:
        times = []
        for _ in range(30):
            begin = time.perf_counter()
            for _ in range(200):
                made.find("GET", "/v1/things-9/7/parts/8")
            times.append(time.perf_counter() - begin)
        return min(times)

    # A list of patterns would cost a thousand times as much.
    assert fastest(many) < 10 * fastest(few)


def test_a_big_snapshot_is_built_in_slices_shorter_than_a_few_milliseconds() -> None:
    app = partner_app(keys={})
    apps = {f"app_{n}": replace(app, id=f"app_{n}") for n in range(20_000)}
    big = replace(snapshot(), apps=apps)
    pauses, last = [], time.perf_counter()

    for _ in Serving.build(big, vault()):
        pauses.append(time.perf_counter() - last)
        last = time.perf_counter()

    assert len(pauses) >= 20
    assert sorted(pauses)[len(pauses) // 2] < sum(pauses) / 10


def test_keys_are_parsed_at_first_use_and_then_kept() -> None:
    serving = Serving.of(snapshot(), vault())
    key = serving.apps["app_food"].keys["native"][1]

    assert serving.verifier(key) is serving.verifier(key)
    assert serving.verifier(replace(key)) is not serving.verifier(key)
    ours = serving.answer_key("native", None)
    assert serving.signer(ours) is serving.signer(ours)


def blob(version: int = 1, built_at: int | None = None, **changes: object) -> bytes:
    base: Snapshot = replace(snapshot(), version=version, **changes)  # type: ignore[arg-type]
    return encode(base if built_at is None else replace(base, built_at=built_at), SIGN)


def holder(folder: Path, clock: FixedClock) -> SnapshotHolder:
    return SnapshotHolder(vault(), VERIFY, folder / "snapshot", clock)


def test_a_published_snapshot_is_in_force_at_once_and_survives_on_disk(
    tmp_path: Path, clock: FixedClock
) -> None:
    running = holder(tmp_path, clock)
    with pytest.raises(NoSnapshot):
        _ = running.current

    running.replace(blob(1))
    running.replace(blob(2))
    cold = holder(tmp_path, clock)
    cold.start_from_disk()

    assert running.version == cold.version == 2
    assert not cold.current.reads_only
    assert not [each for each in (tmp_path / "snapshot").iterdir() if each.name.startswith(".")]


def test_only_the_last_blobs_are_kept(tmp_path: Path, clock: FixedClock) -> None:
    running = holder(tmp_path, clock)

    for version in range(1, 7):
        running.replace(blob(version))

    kept = sorted(each.name for each in (tmp_path / "snapshot").iterdir())
    assert kept == ["000000000004.blob", "000000000005.blob", "000000000006.blob"]


def test_a_blob_of_another_signer_or_altered_changes_nothing(
    tmp_path: Path, clock: FixedClock
) -> None:
    running = holder(tmp_path, clock)
    running.replace(blob(1))
    stranger = signer("ed25519", private_key("ed25519", "stranger"))

    for bad in (encode(snapshot(), stranger), blob(2)[:-1] + b"\7", b"", b"BKSNAP01"):
        with pytest.raises(SnapshotInvalid):
            running.replace(bad)

    assert running.version == 1


def test_a_cold_start_passes_over_a_broken_blob(tmp_path: Path, clock: FixedClock) -> None:
    running = holder(tmp_path, clock)
    running.replace(blob(1))
    running.replace(blob(2))
    newest = tmp_path / "snapshot" / "000000000002.blob"
    newest.write_bytes(newest.read_bytes()[:100])

    cold = holder(tmp_path, clock)
    cold.start_from_disk()

    assert cold.version == 1


def test_versions_that_start_again_replace_older_files(tmp_path: Path, clock: FixedClock) -> None:
    """A new database counts from 1 again: what was in force last counts, not the number."""
    running = holder(tmp_path, clock)
    running.replace(blob(9))
    running.replace(blob(1, built_at=1_772_416_000))

    cold = holder(tmp_path, clock)
    cold.start_from_disk()

    assert cold.version == 1


@pytest.mark.parametrize(("age", "reads_only"), [(86_000, False), (86_500, True)])
def test_a_day_old_configuration_serves_reads_only(
    tmp_path: Path, clock: FixedClock, age: int, reads_only: bool
) -> None:
    holder(tmp_path, clock).replace(blob(1, built_at=int(clock.now().timestamp()) - age))

    cold = holder(tmp_path, clock)
    cold.start_from_disk()

    assert cold.current.reads_only is reads_only


def test_a_disk_that_takes_no_blob_does_not_stop_the_serving(
    tmp_path: Path, clock: FixedClock
) -> None:
    (tmp_path / "snapshot").write_text("a file where the folder should be")
    running = holder(tmp_path, clock)

    running.replace(blob(3))

    assert running.version == 3


async def test_following_takes_announced_snapshots_and_outlives_failures(
    tmp_path: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "CHECK_SECONDS", 0.01)
    running = holder(tmp_path, clock)
    running.replace(blob(1))
    published = {"newest": 1, "fail": 0}

    async def fetch(in_force: int) -> bytes | None:
        if published["fail"]:
            published["fail"] -= 1
            raise ConnectionResetError
        if published["newest"] == 13:
            return b"no blob at all"
        return None if in_force == published["newest"] else blob(published["newest"])

    async def until(version: int) -> None:
        async with asyncio.timeout(5):
            while running.version != version:  # noqa: ASYNC110 - there is nothing to wait on
                await asyncio.sleep(0.005)

    versions: asyncio.Queue[int] = asyncio.Queue()
    following = asyncio.ensure_future(follow(running, fetch, versions))
    published["newest"] = 2
    versions.put_nowait(2)
    await until(2)
    published.update(newest=3, fail=2)
    await until(3)
    published["newest"] = 13
    await asyncio.sleep(0.05)
    assert running.version == 3
    published["newest"] = 4
    await until(4)
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following


async def test_blocking_an_app_takes_effect_with_the_next_snapshot(
    tmp_path: Path, clock: FixedClock
) -> None:
    edge = Edge()
    running = holder(tmp_path, clock)
    running.replace(blob(1))
    edge.serving.current = running.current
    before = await edge.call(ask())
    blocked = partner_app(active=False)
    running.replace(blob(2, apps={blocked.id: blocked}))
    edge.serving.current = running.current

    after = await edge.call(ask())

    assert (before.status, after.status) == (200, 403)


def test_a_local_bucket_grants_its_burst_and_then_its_rate() -> None:
    limits = LocalLimits()

    burst = [limits.take("a", 100.0, rate=10, burst=3) for _ in range(4)]
    later = [limits.take("a", 100.1, rate=10, burst=3) for _ in range(2)]

    assert burst[:3] == [0.0] * 3
    assert burst[3] == pytest.approx(0.1)
    assert later[0] == 0.0
    assert later[1] > 0
    assert limits.take("b", 100.0, rate=0, burst=3) > 0


def test_local_buckets_stay_bounded() -> None:
    limits = LocalLimits()

    for number in range(BUCKETS_MAX + 1_000):
        limits.take(f"b{number}", 100.0, rate=1, burst=1)

    assert len(limits._empty_at) <= BUCKETS_MAX


async def test_a_call_record_says_what_happened_and_nothing_of_the_body() -> None:
    def refuse(call: object) -> object:
        raise NotFound("order ord_1")

    edge = Edge()
    refused = Edge(execute=refuse)  # type: ignore[arg-type]
    await edge.call(pay("12.34"), identity("ed25519"))
    await refused.call(ask())
    await edge.send(pay())

    ok, missing = (
        call_record(*each, 0.0015) for each in (edge.meter.records[0], refused.meter.records[0])
    )

    assert (ok.partner, ok.app, ok.key) == ("prt_food", "app_food", "k-ed25519")
    assert (ok.operation, ok.product, ok.version) == (PAY.id, PAY.product, 1)
    assert (ok.status, ok.outcome, ok.code, ok.stage) == (201, "ok", "", "")
    assert (ok.duration_us, ok.wire) == (1500, "native")
    assert ok.bytes_in > 80
    assert "12.34" not in repr(ok)
    assert (missing.status, missing.outcome, missing.code) == (404, "refused", "not_found")
    assert missing.stage == "execute"
