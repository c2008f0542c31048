"""The runtime of product definitions: what the edge calls, and what workers and clocks wake.

One function a use case; each change is one transaction (``Desk.commit``).
"""

from collections.abc import Awaitable, Mapping
from datetime import date
from typing import Any

from bankside.bank.ledger import Books
from bankside.catalog import Catalogue, Product, ProductOperation
from bankside.kernel.call import Answer, Call
from bankside.kernel.clock import Clock
from bankside.kernel.db import Pool
from bankside.kernel.errors import NotBuilt
from bankside.orders import consented, workflow
from bankside.orders.desk import Desk, Ticket
from bankside.orders.families import ECHO, Handler, handler
from bankside.orders.families.platform import echo
from bankside.orders.openbanking import HANDLERS


class Orders:
    """Executes product operations and wakes waiting orders."""

    def __init__(
        self,
        pool: Pool,
        books: Books,
        clock: Clock,
        catalogue: Catalogue,
        *,
        address: str = "http://127.0.0.1:8080",
    ) -> None:
        """``address`` is where callers reach the edge, for answers that link to themselves."""
        self._desk = Desk(pool, books, clock, catalogue)
        self._desk.address = address
        self._catalogue = catalogue
        self._handlers: dict[str, tuple[Handler, Product, ProductOperation]] = {}
        everything = (*catalogue.products.values(), catalogue.platform, catalogue.open_banking)
        for product in everything:
            for operation in product.all_operations:
                found = HANDLERS.get(operation.id) or handler(product, operation)
                if found is not None:
                    self._handlers[operation.id] = (found, product, operation)

    @staticmethod
    def runnable(product: Product, operation: ProductOperation) -> bool:
        """Whether the operation does what the catalogue says; False answers NotBuilt."""
        if operation.id == ECHO or operation.id in HANDLERS:
            return True
        return handler(product, operation) is not None

    def handle(self, call: Call) -> Answer | Awaitable[Answer]:
        """Carry out one proven call: the edge's ``Handle`` port.

        The echo answers at once; everything else is awaited. Raises NotBuilt and every refusal of
        the operation's family.
        """
        if call.operation.id == ECHO:
            return echo(call)
        return self._carried_out(call)

    async def _carried_out(self, call: Call) -> Answer:
        found = self._handlers.get(call.operation.id)
        if found is None:
            raise NotBuilt(f"{call.operation.id} is described, and nothing executes it yet")
        handle, product, operation = found
        ticket = Ticket(call, operation, product, self._desk.clock.now())
        if operation.access == "either" and consented.is_under_consent(call.caller):
            ticket = await consented.under_consent(self._desk, ticket)
        return await self._desk.once(ticket, lambda keyed: handle(self._desk, keyed))

    async def resume(self, order_id: str, *, partner: str) -> None:
        """Run whatever the order waits for that a worker does; nothing when it waits for others."""
        await workflow.resume(self._desk, partner, order_id)

    async def resume_job(self, payload: Mapping[str, Any]) -> None:
        """``resume`` as the handler of the job ``orders.resume``."""
        await self.resume(payload["order"], partner=payload["partner"])

    async def expire(self) -> int:
        """Wake every order whose time has come; how many were woken.

        Unpaid orders close, holds are released, shares that nobody took are freed to the merchant,
        bulk orders that no worker took up are settled, and old keys are forgotten.
        """
        return await workflow.sweep(self._desk)

    async def end_of_day(self, day: date) -> int:
        """Settle everything paid up to a business date; how many orders. Again changes nothing."""
        return await workflow.end_of_day(self._desk, day)
