"""The signature doctor: why a signature does not verify, found by trying the usual mistakes.

Always true: it is pure (no clock, no database, no network), tries at most 64 verifications a check,
tries keys of the asking partner and the platform only, and masks credentials in whatever it shows.
It never runs on the data path: there a refusal says no more than its dialect does.
Each wire adds its way of reading a request in `readings.py`; the mistakes themselves are data.

Public: diagnose (from a snapshot), examine (from keys), Examined, Keys, KnownKey, RawRequest,
read_raw, RawUnreadable.
"""

from bankside.gateway.doctor.examination import Examined, examine
from bankside.gateway.doctor.keys import Keys, KnownKey, keys_of
from bankside.gateway.doctor.raw import RawRequest, RawUnreadable, read_raw
from bankside.gateway.doctor.readings import claimed_app, wire_of
from bankside.gateway.serving import Serving

__all__ = [
    "Examined",
    "Keys",
    "KnownKey",
    "RawRequest",
    "RawUnreadable",
    "diagnose",
    "examine",
    "read_raw",
]


def diagnose(
    s: Serving,
    request: RawRequest,
    *,
    now: float,
    wire: str = "",
    theirs: str | None = None,
    origin: str = "",
) -> Examined:
    """Examine a request with the keys a snapshot holds for the app that it names.

    ``wire`` is found by the path when it is not given; ``theirs`` is the partner's own string to
    sign; ``origin`` is the edge's address as partners see it; ``now`` in epoch seconds. The caller
    has made sure that whoever asks may see this app.
    """
    wire = wire or wire_of(request)
    keys = keys_of(s, wire, claimed_app(s, wire, request))
    return examine(wire, request, keys, now=now, theirs=theirs, origin=origin)
