"""The call record of an answered call, from what the edge knows of it.

Always true: a call of a known app is recorded once, whatever its end; a call that belongs to no app
has nobody to bill or to show it to and is counted in the metrics only. Nothing of a body, no amount
and no name enters a record.
"""

import re
from collections.abc import Awaitable
from typing import Protocol

import msgspec

from bankside.gateway.exchange import Exchange, Refusal, Reply
from bankside.kernel.metering import CallRecord, CallRow, Outcome
from bankside.kernel.snapshot import Operation

# W3C Trace Context, version 00; anything else is no trace we could link to.
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_NO_FACTS: dict[str, str] = {}
# What is recorded of a call that named no operation of ours.
_NO_OPERATION = Operation(
    "", "", "", product="", purpose="", icbc_path="", version=0, risk_tier="", data_class=""
)


class Records(Protocol):
    """Where call records go: `kernel.metering.SegmentWriter`."""

    failing: bool

    def append(self, record: CallRow) -> None:
        """Keep a record; on disk within 100 ms."""

    def flushed(self) -> Awaitable[None]:
        """Resolves when all records so far are on disk; raises OSError."""


class RecordMeter:
    """The pipeline's Meter over a record writer."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.flushed = records.flushed

    @property
    def failing(self) -> bool:
        """Whether the last write of records failed."""
        return self._records.failing

    def record(self, x: Exchange, reply: Reply, *, seconds: float) -> None:
        """Append the record of an answered call."""
        if x.app is not None:
            self._records.append(call_row(x, reply, seconds))


def call_record(x: Exchange, reply: Reply, seconds: float) -> CallRecord:
    """The record of one call of a known app, with names."""
    return msgspec.convert(call_row(x, reply, seconds), CallRecord)


def call_row(x: Exchange, reply: Reply, seconds: float) -> CallRow:
    """The values of that record; what this edge does not know yet is said as ``""``."""
    app, answer, refusal, headers = x.app, x.answer, x.refusal, x.headers
    assert app is not None
    operation = x.operation or _NO_OPERATION
    facts = answer.facts if answer is not None else _NO_FACTS
    status = reply.status if refusal is None else refusal.status
    return (
        x.request_id,
        int(x.now * 1_000_000),  # started_at
        int(seconds * 1_000_000),  # duration_us
        app.partner,
        x.tenant or "",
        "",  # psu
        app.id,
        x.key.id if x.key is not None else "",
        x.wire.name,
        operation.id,
        operation.product,
        facts.get("solution", ""),
        facts.get("branch", ""),
        operation.version,
        "",  # arm
        facts.get("order", ""),
        _linked_trace(headers["traceparent"]) if "traceparent" in headers else "",
        status,
        refusal.code if refusal is not None else "",
        "ok" if refusal is None and status < 400 else _outcome(refusal, status),
        x.stage,
        len(x.body),  # bytes_in
        len(reply.body),  # bytes_out
        operation.risk_tier,
        operation.data_class,
        app.environment,
    )


def _outcome(refusal: Refusal | None, status: int) -> Outcome:
    if refusal is not None and refusal.extra and refusal.extra.get("outcome") == "unknown":
        return "unknown"
    return "failed" if refusal is not None and status >= 500 and status != 501 else "refused"


def _linked_trace(given: str) -> str:
    """The partner's trace, kept as a link; a malformed one is no trace."""
    return given if _TRACEPARENT.fullmatch(given) else ""
