"""The one place time comes from: code takes a ``Clock``, tests hand in a fixed one.

Always true: an instant is timezone-aware UTC; business dates come from a named calendar zone.
"""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Protocol

# The bank's book date and the local-time wires (ICBC-style, Alipay-style v2) use Beijing time.
BANK_ZONE = timezone(timedelta(hours=8), "Asia/Shanghai")
NO_TIME = timedelta(0)


class Clock(Protocol):
    """Anything that knows the present instant."""

    def now(self) -> datetime:
        """The present instant, timezone-aware, UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until it is moved; for tests and for the sandbox's test clock."""

    def __init__(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self._at

    def advance(self, by: timedelta) -> None:
        """Move forward; time never runs backwards."""
        assert by >= timedelta(0)
        self._at += by


class ShiftedClock:
    """The clock of a data space: another clock, moved ahead by a fixed span."""

    def __init__(self, clock: Clock, ahead: timedelta) -> None:
        assert ahead >= timedelta(0)
        self._clock = clock
        self.ahead = ahead

    def now(self) -> datetime:
        return self._clock.now() + self.ahead


def booking_date(clock: Clock) -> date:
    """The bank's calendar date of the present instant (no cut-off applied)."""
    return clock.now().astimezone(BANK_ZONE).date()


def rfc3339(instant: datetime) -> str:
    """``2026-03-01T14:05:00.123Z``: the form every answer uses."""
    text = instant.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
