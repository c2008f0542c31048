"""The call record of an answered call, from what the edge knows of it.

Always true: a call of a known app is recorded once, whatever its end; a call that belongs to no app
has nobody to bill or to show it to and is counted in the metrics only. Nothing of a body, no amount
and no name enters a record.
"""

import re
from collections.abc import Awaitable
from typing import Protocol

from bankside.gateway.exchange import Exchange, Reply
from bankside.kernel.metering import CallRecord, Outcome

# W3C Trace Context, version 00; anything else is no trace we could link to.
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_NO_FACTS: dict[str, str] = {}


class Records(Protocol):
    """Where call records go: `kernel.metering.SegmentWriter`."""

    failing: bool

    def append(self, record: CallRecord) -> None:
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
            self._records.append(call_record(x, reply, seconds))


def call_record(x: Exchange, reply: Reply, seconds: float) -> CallRecord:
    """The record of one call of a known app."""
    app, operation = x.app, x.operation
    assert app is not None
    facts = x.answer.facts if x.answer is not None else _NO_FACTS
    status = x.refusal.status if x.refusal is not None else reply.status
    return CallRecord(
        request_id=x.request_id,
        started_at=int(x.now * 1_000_000),
        duration_us=int(seconds * 1_000_000),
        partner=app.partner,
        tenant=x.tenant or "",
        app=app.id,
        key=x.key.id if x.key is not None else "",
        wire=x.wire.name,
        operation=operation.id if operation is not None else "",
        product=operation.product if operation is not None else "",
        branch=facts.get("branch", ""),
        version=operation.version if operation is not None else 0,
        order=facts.get("order", ""),
        trace=_linked_trace(x),
        status=status,
        code=x.refusal.code if x.refusal is not None else "",
        outcome=_outcome(x, status),
        stage=x.stage,
        bytes_in=len(x.body),
        bytes_out=len(reply.body),
        risk_tier=operation.risk_tier if operation is not None else "",
        data_class=operation.data_class if operation is not None else "",
        environment=app.environment,
    )


def _outcome(x: Exchange, status: int) -> Outcome:
    if x.refusal is None:
        return "ok" if status < 400 else "refused"
    if x.refusal.extra and x.refusal.extra.get("outcome") == "unknown":
        return "unknown"
    return "failed" if status >= 500 and status != 501 else "refused"


def _linked_trace(x: Exchange) -> str:
    """The partner's trace, kept as a link; a malformed one is no trace."""
    given = x.headers.get("traceparent")
    return given if given is not None and _TRACEPARENT.fullmatch(given) else ""
