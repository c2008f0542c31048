"""The Alipay-style dialects: v2 (one address, methods by name) and v3 (paths, real statuses).

Both map their methods on the platform's operations by one table, ``alipay_methods.yaml``.

Public: AlipayWire, Alipay3Wire, method_table.
"""

from bankside.gateway.wires.alipay.methods import method_table
from bankside.gateway.wires.alipay.v2 import AlipayWire
from bankside.gateway.wires.alipay.v3 import Alipay3Wire

__all__ = ["Alipay3Wire", "AlipayWire", "method_table"]
