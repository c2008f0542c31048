"""The native dialect: REST and JSON, signed by RFC 9421 in both directions.

Public: NativeWire.
"""

from bankside.gateway.wires.native.wire import NativeWire

__all__ = ["NativeWire"]
