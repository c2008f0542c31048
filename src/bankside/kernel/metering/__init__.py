"""Call records: one row for every call the edge answered, counted once and by nobody a second time.

Always true: the record of an answered money call is on disk before its answer leaves; at most
100 ms of read calls are lost with a power failure, nothing with the death of a process; every
record that reached a segment file lands in ``kernel.call_records`` exactly once.

Public: CallRecord, CallRow, Outcome; for the edge SegmentWriter (``append``, ``flushed``); for the
worker Shipper, Shipped; for readers calls_by_request_id, recent_calls, count_by, Dimension,
calls_of_products, ProductCalls, durations.
"""

from bankside.kernel.metering.reads import (
    Dimension,
    ProductCalls,
    calls_by_request_id,
    calls_of_products,
    count_by,
    durations,
    recent_calls,
)
from bankside.kernel.metering.record import CallRecord, CallRow, Outcome
from bankside.kernel.metering.shipper import Shipped, Shipper
from bankside.kernel.metering.writer import SegmentWriter

__all__ = [
    "CallRecord",
    "CallRow",
    "Dimension",
    "Outcome",
    "ProductCalls",
    "SegmentWriter",
    "Shipped",
    "Shipper",
    "calls_by_request_id",
    "calls_of_products",
    "count_by",
    "durations",
    "recent_calls",
]
