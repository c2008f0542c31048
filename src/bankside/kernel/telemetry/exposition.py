"""The numbers in the Prometheus text format: of all processes that share them."""

from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from bankside.kernel.telemetry.calls import BUCKETS_US, FIRST_BUCKET, OUTCOMES, SUM
from bankside.kernel.telemetry.shared import Numbers, total

EXPOSITION_TYPE = CONTENT_TYPE_LATEST

_PAIR = ("partner", "operation")
_ENDS = [f"{microseconds / 1_000_000:g}" for microseconds in BUCKETS_US] + ["+Inf"]


def exposition() -> bytes:
    """What `/metrics` answers."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(total()))
    return generate_latest(registry)


class _Collector(Collector):
    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def collect(self) -> Iterator[Metric]:
        yield from _calls(self._numbers)
        for name, series in sorted(self._numbers.counters.items()):
            family = CounterMetricFamily(name, series.help_text, labels=series.labels)
            for values, number in sorted(series.values.items()):
                family.add_metric(values, number)
            yield family


def _calls(numbers: Numbers) -> Iterator[Metric]:
    counts = CounterMetricFamily(
        "bankside_calls_total", "Calls of known apps, by how they ended", labels=(*_PAIR, "outcome")
    )
    seconds = HistogramMetricFamily(
        "bankside_call_seconds", "Time until the answer was made", labels=_PAIR
    )
    for pair, cells in sorted(numbers.pairs.items()):
        for outcome, count in zip(OUTCOMES, cells[:SUM], strict=True):
            if count:
                counts.add_metric((*pair, outcome), count)
        running, buckets = 0, []
        for end, count in zip(_ENDS, cells[FIRST_BUCKET:], strict=True):
            running += count
            buckets.append((end, running))
        seconds.add_metric(pair, buckets, cells[SUM] / 1_000_000)
    yield counts
    yield seconds
