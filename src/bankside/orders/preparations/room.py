"""What a preparation works with, and what it hands to the pure steps.

Always true: a preparation reads and never writes money; whatever a step decides on was read here,
in the same turn of the order, and comes to it as ``ask`` under the step's own noun.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bankside.kernel.db import Connection, Write
from bankside.orders.desk import Desk, Ticket
from bankside.orders.model import Order, PlanStep

# The typed fields of the request, secrets included: those are used and never kept.
Form = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Room:
    """The desk, one connection for reads, and the call that is carried out (None: by the clock)."""

    desk: Desk
    db: Connection
    ticket: Ticket | None = None

    @property
    def environment(self) -> str:
        """``sandbox`` or ``live``; what runs by the clock runs for the sandbox bank."""
        return self.ticket.environment if self.ticket else "sandbox"


@dataclass(frozen=True, slots=True)
class Prepared:
    """The order with the roles its steps need, what they ask for, and rows that ride along.

    ``ahead`` is written just before the change, once nothing refuses it any more.
    """

    order: Order
    ask: Mapping[str, Any] = field(default_factory=dict)
    writes: tuple[Write, ...] = ()
    ahead: tuple[Write, ...] = ()


Prepare = Callable[[Room, Order, PlanStep, Form], Awaitable[Prepared]]
