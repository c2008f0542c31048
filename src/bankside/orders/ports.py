"""Everything outside the bank that orders ask, each behind a port with a labelled sandbox adapter.

Always true: an answer of a sandbox adapter says that it is simulated.
"""

from dataclasses import dataclass, field

from bankside.bank.credit import CreditDesk, SandboxCreditDesk
from bankside.bank.markets import Market, SandboxMarket
from bankside.bank.networks import Network, SandboxNetwork
from bankside.bank.registers import Authority, SandboxAuthority
from bankside.orders.messages import Channel, SandboxChannel


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Registers, markets, payment networks, credit decisions and message channels."""

    authority: Authority = field(default_factory=SandboxAuthority)
    market: Market = field(default_factory=SandboxMarket)
    network: Network = field(default_factory=SandboxNetwork)
    credit: CreditDesk = field(default_factory=SandboxCreditDesk)
    channel: Channel = field(default_factory=SandboxChannel)
