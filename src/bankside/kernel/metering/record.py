"""The call record: what is remembered of one call, whatever its wire or its end.

Metering, billing, tracing, scorecards and anomaly detection all read this record. It holds ids and
sizes only: never an amount, a name, an account number or a byte of a body.
"""

from typing import Annotated, Literal

import msgspec

# ok: 2xx and 3xx. refused: a rule or a check said no (4xx). failed: our fault (5xx).
# unknown: a write whose effect nobody knows (deadline passed, record not written).
Outcome = Literal["ok", "refused", "failed", "unknown"]

# A size or a time span that fits the database's bigint.
Whole = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
# Until the year 2200: a wrong clock's record is unreadable, not a partition of its own.
Microseconds = Annotated[int, msgspec.Meta(ge=0, le=7_258_118_400_000_000)]


class CallRecord(msgspec.Struct, frozen=True, array_like=True, kw_only=True, gc=False):
    """One call. ``""`` stands for what was not known when the call ended.

    ``request_id`` is unique. ``started_at`` is in microseconds since 1970 (UTC), ``duration_us``
    in microseconds until the answer was made. ``stage`` names where a refusal fell. ``arm`` is the
    release arm that served it. New fields go to the end, with a default: old segments stay
    readable.
    """

    request_id: str
    started_at: Microseconds
    duration_us: Whole
    partner: str = ""
    tenant: str = ""
    psu: str = ""
    app: str = ""
    key: str = ""
    wire: str = ""
    operation: str = ""
    product: str = ""
    solution: str = ""
    branch: str = ""
    version: Whole = 0
    arm: str = ""
    order: str = ""
    trace: str = ""
    status: Whole = 0
    code: str = ""
    outcome: Outcome = "ok"
    stage: str = ""
    bytes_in: Whole = 0
    bytes_out: Whole = 0
    risk_tier: str = ""
    data_class: str = ""
    environment: str = ""


# The values of a call record in the order of its fields: packed they are the same bytes, and making
# a tuple takes half the time. For whoever ends ten thousand calls a second.
CallRow = tuple[object, ...]

# A record's field -> its column in kernel.call_records; the others have one name.
COLUMNS: dict[str, str] = {name: name for name in CallRecord.__struct_fields__} | {
    name: f"{name}_id" for name in ("partner", "tenant", "psu", "app", "key", "order")
}
