"""Markets: exchange rates the bank deals at, behind a port with a sandbox table.

Always true: a rate names its source and whether it is simulated; buying is dearer than selling, so
that no round trip gains. Fund and metal prices stand with their terms in ``bank.shelf``.

Public: Market (the port), Rate, SandboxMarket, PairUnknown.
"""

from bankside.bank.markets.rates import Market, PairUnknown, Rate, SandboxMarket

__all__ = ["Market", "PairUnknown", "Rate", "SandboxMarket"]
