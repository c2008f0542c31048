"""Calls by access token: DPoP-bound, REST and JSON, answers unsigned.

Public: TokenWire, Presented.
"""

from bankside.gateway.wires.token.wire import Presented, TokenWire

__all__ = ["Presented", "TokenWire"]
