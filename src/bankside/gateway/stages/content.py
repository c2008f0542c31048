"""Stages 10 and 11: the business content is readable and the operation can be executed."""

from bankside.gateway.errors import (
    HeaderMalformed,
    IdempotencyKeyMissing,
    ReadsOnly,
    RecordImpossible,
)
from bankside.gateway.exchange import Exchange, Refusal
from bankside.gateway.ports import Meter
from bankside.gateway.serving import Serving
from bankside.gateway.stages import Stage
from bankside.kernel.errors import NotBuilt


def decode(x: Exchange, s: Serving) -> Refusal | None:
    """The wire turns the content into the native body and query."""
    refusal: Refusal | None = x.wire.decode(x, s)
    return refusal


def available(x: Exchange, s: Serving) -> Refusal | None:
    """Every part of the operation is built, and we may write when it writes."""
    operation = x.operation
    assert operation is not None
    if not operation.available:
        return Refusal.of(NotBuilt(f"{operation.id} is described, but not built yet"))
    if s.reads_only and operation.writes:
        return Refusal.of(ReadsOnly(retry_after=30))
    return None


def idempotency(x: Exchange, s: Serving) -> Refusal | None:
    """An operation that moves money has the caller's own key."""
    operation = x.operation
    assert operation is not None
    if operation.moves_money and operation.writes and x.idempotency_key is None:
        return Refusal.of(IdempotencyKeyMissing())
    return None


def recordable(meter: Meter) -> Stage:
    """Nothing moves money while its call record could not be kept."""

    def stage(x: Exchange, s: Serving) -> Refusal | None:
        operation = x.operation
        assert operation is not None
        if operation.moves_money and operation.writes and meter.failing:
            return Refusal.of(RecordImpossible(retry_after=1))
        return None

    return stage


def deadline_ms(x: Exchange) -> int:
    """How long the caller waits: the operation's time, or the caller's own shorter one.

    Raises HeaderMalformed.
    """
    assert x.operation is not None
    asked = x.headers.get("x-timeout-ms")
    if asked is None:
        return x.operation.deadline_ms
    if not (asked.isascii() and asked.isdigit() and len(asked) <= 9 and int(asked)):
        raise HeaderMalformed("x-timeout-ms is a number of milliseconds from 1")
    return min(int(asked), x.operation.deadline_ms)
