"""Networks: payments that leave the bank or come in, behind a port with a sandbox adapter.

Always true: an outside payment is asked for under a key that names it for ever; the answer is done,
refused or unknown, and unknown is never taken for refused: it is asked again.

Public: Network (the port), Outgoing, Outcome, SandboxNetwork.
"""

from bankside.bank.networks.port import Network, Outcome, Outgoing
from bankside.bank.networks.sandbox import SandboxNetwork

__all__ = ["Network", "Outcome", "Outgoing", "SandboxNetwork"]
