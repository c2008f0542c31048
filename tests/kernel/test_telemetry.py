"""Log lines without secrets; numbers with few labels, summed over processes and restarts."""

import json
import subprocess
import sys
import timeit
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bankside.kernel.telemetry import EXPOSITION_TYPE, Counter, counting, exposition
from bankside.kernel.telemetry import calls as counted_calls
from bankside.kernel.telemetry import counters as counters_module
from bankside.kernel.telemetry.calls import PAIRS_PER_PARTNER, count_call

LOG = """
import logging, structlog
from bankside.kernel import telemetry
telemetry.configure(level="info", process="edge")
log = structlog.get_logger("x")
log.debug("unseen")
"""


def logged(code: str) -> list[dict[str, Any]]:
    run = subprocess.run(
        [sys.executable, "-c", LOG + code], capture_output=True, text=True, check=True, timeout=30
    )
    return [json.loads(line) for line in run.stderr.splitlines()]


def test_a_line_is_one_json_object_with_level_time_and_process() -> None:
    (line,) = logged('log.warning("event_dead", event_id="evt_1", attempt=3)')

    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "event_dead",
        "level": "warning",
        "process": "edge",
        "event_id": "evt_1",
        "attempt": 3,
    }


def test_secrets_are_hidden_by_name_and_inside_addresses() -> None:
    (line,) = logged(
        'log.info("x", password="p1", app_auth_token="p2", body={"client_secret": "p3"},'
        ' url="postgresql://bankside:p4@127.0.0.1/x", headers={"Authorization": "p5"})'
    )

    text = json.dumps(line)
    assert not [secret for secret in ("p1", "p2", "p3", "p4", "p5") if secret in text]
    assert line["url"] == "postgresql://bankside:[hidden]@127.0.0.1/x"


def test_an_exception_and_a_librarys_line_have_the_same_shape() -> None:
    first, second = logged(
        """
try:
    1 / 0
except ZeroDivisionError:
    log.exception("call_failed", request_id="req_1")
logging.getLogger("asyncpg").warning("pool %s", "lost")
logging.getLogger("asyncpg").info("unseen")
"""
    )

    assert "ZeroDivisionError" in first["exception"]
    assert (second["event"], second["level"], second["process"]) == ("pool lost", "warning", "edge")


def test_no_value_makes_logging_fail() -> None:
    (line,) = logged(r'log.info("x", odd="\udc80", big=2**70, thing=object(), raw=b"\xff")')

    assert line["event"] == "x"


@dataclass
class App:
    partner: str


@dataclass
class Operation:
    id: str


@dataclass
class Refusal:
    status: int
    code: str


@dataclass
class Call:
    app: App | None = None
    operation: Operation | None = None
    refusal: Refusal | None = None
    stage: str = ""


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Numbers of this test alone."""
    monkeypatch.setattr(counted_calls, "pairs", {})
    monkeypatch.setattr(counted_calls, "_pairs_of", type(counted_calls._pairs_of)())
    before = {counter.name: dict(counter.values) for counter in counters_module.all_counters()}
    for counter in counters_module.all_counters():
        counter.values.clear()
    yield
    for counter in counters_module.all_counters():
        counter.values.clear()
        counter.values.update(before.get(counter.name, {}))


def number(name: str, **labels: str) -> float:
    """The value of one series in what `/metrics` answers; 0 when it is not there."""
    for family in text_string_to_metric_families(exposition().decode()):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return float(sample.value)
    return 0


def test_calls_are_counted_by_partner_operation_and_end() -> None:
    app, pay = App("prt_1"), Operation("payment.pay")
    count_call(Call(app, pay), 0.0004)
    count_call(Call(app, pay), 0.003)
    count_call(Call(app, pay, Refusal(409, "payment.funds_insufficient"), "execute"), 0.001)
    count_call(Call(app, pay, Refusal(500, "internal"), "execute"), 9.0)
    count_call(Call(None, None, Refusal(401, "unauthenticated"), "signature"), 0.001)

    pair = {"partner": "prt_1", "operation": "payment.pay"}
    assert number("bankside_calls_total", **pair, outcome="ok") == 2
    assert number("bankside_calls_total", **pair, outcome="refused") == 1
    assert number("bankside_calls_total", **pair, outcome="failed") == 1
    assert number("bankside_call_seconds_bucket", **pair, le="0.0005") == 1
    assert number("bankside_call_seconds_bucket", **pair, le="0.001") == 2
    assert number("bankside_call_seconds_bucket", **pair, le="5") == 3
    assert number("bankside_call_seconds_bucket", **pair, le="+Inf") == 4
    assert number("bankside_call_seconds_sum", **pair) == pytest.approx(9.0044)
    refused = {"stage": "signature", "code": "unauthenticated"}
    assert number("bankside_call_refusals_total", **refused) == 1
    assert EXPOSITION_TYPE.startswith("text/plain")


def test_a_partner_that_calls_ten_thousand_operations_gets_few_series() -> None:
    for each in range(10_000):
        count_call(Call(App("prt_1"), Operation(f"made.up.{each}")), 0.001)

    assert len(counted_calls.pairs) == PAIRS_PER_PARTNER + 1
    other = {"partner": "prt_1", "operation": "other", "outcome": "ok"}
    assert number("bankside_calls_total", **other) == 10_000 - PAIRS_PER_PARTNER
    assert number("bankside_call_pairs_folded_total", partner="prt_1") == 10_000 - PAIRS_PER_PARTNER


def test_a_counter_fed_by_strangers_stays_small() -> None:
    counter = Counter("bankside_test_strangers_total", "For this test", ("name",))
    for number in range(2_000):
        counter.add(str(number))

    assert len(counter.values) == counters_module.SERIES_MAX + 1
    assert sum(counter.values.values()) == 2_000


def test_a_counting_meter_passes_every_call_on() -> None:
    class Meter:
        def __init__(self) -> None:
            self.seen: list[tuple[Call, str, float]] = []
            self.failing = True

        def record(self, x: Call, reply: str, *, seconds: float) -> None:
            self.seen.append((x, reply, seconds))

        def flushed(self) -> Awaitable[None]:
            raise OSError

    meter, call = Meter(), Call(App("prt_1"))
    counted = counting(meter)

    counted.record(call, "reply", seconds=0.5)

    assert meter.seen == [(call, "reply", 0.5)]
    assert counted.failing
    with pytest.raises(OSError):
        counted.flushed()
    pair = {"partner": "prt_1", "operation": "none"}
    assert number("bankside_calls_total", **pair, outcome="ok") == 1


def test_counting_a_call_costs_little() -> None:
    call = Call(App("prt_1"), Operation("payment.pay"))
    count_call(call, 0.001)

    seconds = min(timeit.repeat(lambda: count_call(call, 0.001), number=20_000, repeat=5)) / 20_000

    # About half a microsecond on a quiet core; the gate leaves room for a busy one.
    assert seconds < 5e-6


PROCESS = """
import sys, time
from pathlib import Path
from bankside.kernel import telemetry
done = telemetry.Counter("bankside_test_done_total", "For this test", ("name",))
telemetry.configure(level="info", process="worker", folder=Path(sys.argv[1]))
done.add("x", by=int(sys.argv[2]))
print("counted", flush=True)
sys.stdin.readline()
sys.stdout.write(telemetry.exposition().decode())
"""


class Process:
    """A process that counts, and shows what it sees when asked."""

    def __init__(self, folder: Path, count: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(folder), str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "counted\n"

    def end(self) -> float:
        said, _ = self._process.communicate("\n", timeout=20)
        for line in said.splitlines():
            if line.startswith("bankside_test_done_total{"):
                return float(line.split()[-1])
        return 0

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def test_processes_of_a_home_show_their_sum_and_a_successor_goes_on(tmp_path: Path) -> None:
    first = Process(tmp_path, 5)
    second = Process(tmp_path, 7)
    # The second one may have saved already.
    assert first.end() in {5, 12}
    assert second.end() == 12

    third = Process(tmp_path, 1)
    third.kill()
    (tmp_path / "1.numbers").write_bytes(b"torn")
    fourth = Process(tmp_path, 10)

    # What the first one saved (5), perhaps what the killed one did (1), and its own.
    assert fourth.end() in {15, 16}
