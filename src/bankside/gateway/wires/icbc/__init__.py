"""The ICBC-style dialect: forms signed over path and parameters, answers always HTTP 200.

Public: IcbcWire.
"""

from bankside.gateway.wires.icbc.wire import IcbcWire

__all__ = ["IcbcWire"]
