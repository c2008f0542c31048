"""The data plane: receives partner calls, checks, limits, executes or forwards, signs, records.

Imports the kernel only; whatever executes an operation comes in through a port (`ports.py`).
The stages of a call are listed once, in `pipeline.py`; bytes are read and written in `server.py`
and `http/`; each dialect is one folder in `wires/`.

Public: Server, RouteFacts, TrustedProxies, open_listeners, parse_addresses, ListenInvalid;
Pipeline, Ports, Reply; SnapshotHolder, Serving, NoSnapshot, follow; ReplayStore, SharedLimits,
RecordMeter; NativeWire, IcbcWire, AlipayWire, Alipay3Wire.
"""

from bankside.gateway.exchange import Reply
from bankside.gateway.limits import SharedLimits
from bankside.gateway.listen import ListenInvalid, open_listeners, parse_addresses
from bankside.gateway.meter import RecordMeter
from bankside.gateway.pipeline import Pipeline, Ports
from bankside.gateway.replay import ReplayStore
from bankside.gateway.server import RouteFacts, Server, TrustedProxies
from bankside.gateway.serving import Serving
from bankside.gateway.snapshots import NoSnapshot, SnapshotHolder, follow
from bankside.gateway.wires.alipay import Alipay3Wire, AlipayWire
from bankside.gateway.wires.icbc import IcbcWire
from bankside.gateway.wires.native import NativeWire

__all__ = [
    "Alipay3Wire",
    "AlipayWire",
    "IcbcWire",
    "ListenInvalid",
    "NativeWire",
    "NoSnapshot",
    "Pipeline",
    "Ports",
    "RecordMeter",
    "ReplayStore",
    "Reply",
    "RouteFacts",
    "Server",
    "Serving",
    "SharedLimits",
    "SnapshotHolder",
    "TrustedProxies",
    "follow",
    "open_listeners",
    "parse_addresses",
]
