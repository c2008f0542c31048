"""What a payment network is asked, and what it can answer."""

from dataclasses import dataclass
from typing import Literal, Protocol

from bankside.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A payment to somebody at another bank; ``bank`` is its CNAPS code or BIC."""

    amount: Money
    account: str
    name: str
    bank: str
    remittance: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The network's word. ``reason`` is an ISO 20022 status reason when it refused.

    ``simulated`` is true when no network was asked.
    """

    state: Literal["done", "refused", "unknown"]
    reference: str | None = None
    reason: str | None = None
    source: str = "network"
    simulated: bool = False


class Network(Protocol):
    """A way to other banks. Both calls are safe to repeat with the same key.

    ``real`` is false for the sandbox's: it answers sandbox calls only.
    """

    real: bool

    async def send(self, key: str, payment: Outgoing) -> Outcome:
        """Ask for the payment; ``unknown`` when no answer came in time."""

    async def ask(self, key: str, payment: Outgoing) -> Outcome:
        """What became of the payment with this key."""
