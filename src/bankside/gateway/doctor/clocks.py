"""What a wrong time in a request tells about the sender's clock."""

from collections.abc import Iterator

from bankside.gateway.doctor.reading import Finding

# Zones differ by half hours; a clock this near to such a step is set to another zone.
_STEP = 1_800
_NEAR = 120
_ZONE_SECONDS_MAX = 15 * 3_600


def clock_findings(timestamp: float, now: float, *, behind: int, ahead: int) -> Iterator[Finding]:
    """Nothing when the time lies in the window (seconds behind and ahead of ``now``).

    ``now`` is when the request arrived, if that is known, else the moment of the check.
    """
    age = now - timestamp
    if -ahead <= age <= behind:
        return
    for factor, unit in ((1_000, "milliseconds"), (0.001, "seconds")):
        if abs(now - timestamp / factor) <= 86_400:
            yield Finding("time.unit", True, f"the time is written in {unit}")
            return
    steps = round(age / _STEP)
    if steps and abs(age - steps * _STEP) <= _NEAR and abs(age) <= _ZONE_SECONDS_MAX:
        hours = steps / 2
        yield Finding("time.zone", True, f"the time is {hours:+g} hours behind our clock")
        return
    yield Finding("time.stale", True, f"the time is {age:+.0f} seconds behind this check")
