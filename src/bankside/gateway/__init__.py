"""The data plane: receives partner calls, checks, limits, executes or forwards, signs, records.

Imports the kernel only; whatever executes an operation comes in through a port (`ports.py`).
The stages of a call are listed once, in `pipeline.py`; bytes are read and written in `server.py`
and `http/`; each dialect is one folder in `wires/`.

Public: Server, RouteFacts, TrustedProxies, open_listeners, parse_addresses, ListenInvalid;
Pipeline, Ports, Reply; SnapshotHolder, Serving, NoSnapshot, follow; ReplayStore, ReplayByWire,
slots_for, SharedLimits, RecordMeter; Wire, NativeWire, IcbcWire, AlipayWire, Alipay3Wire,
TokenWire, spelled; Tokens, Access, Ended and the names of ends: token_mark, grant_marks,
consent_mark.
"""

from bankside.gateway.exchange import Reply
from bankside.gateway.limits import SharedLimits
from bankside.gateway.listen import ListenInvalid, open_listeners, parse_addresses
from bankside.gateway.meter import RecordMeter
from bankside.gateway.pipeline import Pipeline, Ports
from bankside.gateway.ports import Wire
from bankside.gateway.replay import ReplayByWire, ReplayStore, slots_for
from bankside.gateway.server import RouteFacts, Server, TrustedProxies
from bankside.gateway.serving import Serving
from bankside.gateway.snapshots import NoSnapshot, SnapshotHolder, follow
from bankside.gateway.tokens import (
    Access,
    Ended,
    Tokens,
    consent_mark,
    grant_marks,
    token_mark,
)
from bankside.gateway.wires.alipay import Alipay3Wire, AlipayWire
from bankside.gateway.wires.icbc import IcbcWire
from bankside.gateway.wires.native import NativeWire
from bankside.gateway.wires.spelling import spelled
from bankside.gateway.wires.token import TokenWire

__all__ = [
    "Access",
    "Alipay3Wire",
    "AlipayWire",
    "Ended",
    "IcbcWire",
    "ListenInvalid",
    "NativeWire",
    "NoSnapshot",
    "Pipeline",
    "Ports",
    "RecordMeter",
    "ReplayByWire",
    "ReplayStore",
    "Reply",
    "RouteFacts",
    "Server",
    "Serving",
    "SharedLimits",
    "SnapshotHolder",
    "TokenWire",
    "Tokens",
    "TrustedProxies",
    "Wire",
    "consent_mark",
    "follow",
    "grant_marks",
    "open_listeners",
    "parse_addresses",
    "slots_for",
    "spelled",
    "token_mark",
]
