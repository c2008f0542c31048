"""The runtime of product definitions: what the edge calls, and what workers and clocks wake.

One function a use case; each change is one transaction (``Desk.commit``).
"""

from collections.abc import Awaitable, Mapping
from datetime import date
from typing import Any

from bankside.bank.clearing import Batch
from bankside.bank.ledger import Books
from bankside.catalog import Catalogue, Product, ProductOperation
from bankside.catalog.lifecycle import VersionUnknown
from bankside.kernel.call import Answer, Call
from bankside.kernel.clock import Clock
from bankside.kernel.db import Pool
from bankside.kernel.errors import NotBuilt
from bankside.kernel.secrets import Vault
from bankside.kernel.snapshot import Operation
from bankside.orders import clearing, consented, workflow
from bankside.orders.desk import Desk, Ticket
from bankside.orders.families import ECHO, Handler, handler
from bankside.orders.families.desk_payment import PaymentPages
from bankside.orders.families.platform import echo
from bankside.orders.openbanking import HANDLERS
from bankside.orders.refusals import codes
from bankside.orders.sandbox import jump
from bankside.orders.solutions import waking as runs
from bankside.partners.webhooks import Webhooks


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
        pages: str = "http://127.0.0.1:8000",
    ) -> None:
        """``address`` is where callers reach the edge, for answers that link to themselves;
        ``pages`` where payers reach the hosted pages.
        """
        self._desk = Desk(pool, books, clock, catalogue)
        self._desk.address = address
        self._desk.pages = pages
        self._desk.perform = self._carried_out
        self._desk.runnable = self.runnable
        self.payment_pages = PaymentPages(self._desk)
        self._catalogue = catalogue
        self._handlers: dict[tuple[str, int], tuple[Handler, Product, ProductOperation]] = {}
        everything = (*catalogue.products.values(), catalogue.platform, catalogue.open_banking)
        for product in everything:
            for operation in product.all_operations:
                found = HANDLERS.get(operation.id) or handler(product, operation)
                if found is not None:
                    self._handlers[operation.id, product.version] = (found, product, operation)

    def keep_webhooks(self, webhooks: Webhooks) -> None:
        """Partners may keep their webhook endpoints here: this process can seal their keys."""
        self._desk.webhooks = webhooks

    def keep_secrets_in(self, vault: Vault) -> None:
        """Test people of sandbox spaces get a second factor, sealed there."""
        self._desk.vault = vault

    @staticmethod
    def runnable(product: Product, operation: ProductOperation) -> bool:
        """Whether the operation does what the catalogue says; False answers NotBuilt."""
        if operation.id == ECHO or operation.id in HANDLERS:
            return True
        if product.tier == "imported":
            return True  # The edge forwards it to the service behind; nothing of it comes here.
        return handler(product, operation) is not None

    @staticmethod
    def refusals(product: Product, operation: ProductOperation) -> tuple[str, ...]:
        """The codes that the operation can answer with, for its description."""
        return codes(product, operation)

    def handle(self, call: Call) -> Answer | Awaitable[Answer]:
        """Carry out one proven call: the edge's ``Handle`` port.

        The echo answers at once; everything else is awaited. Raises NotBuilt and every refusal of
        the operation's family.
        """
        if call.operation.id == ECHO:
            return echo(call)
        return self._carried_out(call)

    async def _carried_out(self, call: Call) -> Answer:
        found = self._handlers.get((call.operation.id, call.operation.version))
        handle, product, operation = found or await self._drafted(call.operation)
        # By the clock of the caller's data space, which a sandbox may have moved.
        desk = self._desk.moved(self._desk.clocks.ahead(call.caller))
        ticket = Ticket(call, operation, product, desk.clock.now())
        if operation.access == "either" and consented.is_under_consent(call.caller):
            ticket = await consented.under_consent(desk, ticket)
        return await desk.once(ticket, lambda keyed: handle(desk, keyed))

    async def _drafted(self, asked: Operation) -> tuple[Handler, Product, ProductOperation]:
        """What carries out an operation of a version that the bank's staff drafted."""
        nothing = NotBuilt(f"{asked.id} is described, and nothing executes it yet")
        product = self._desk.editions.known(asked.product, asked.version)
        if product is None:
            try:
                async with self._desk.reading() as db:
                    product = await self._desk.editions.of(db, asked.product, asked.version)
            except VersionUnknown as error:
                raise nothing from error
        for operation in product.all_operations:
            found = handler(product, operation) if operation.id == asked.id else None
            if found is not None:
                made = self._handlers[asked.id, asked.version] = (found, product, operation)
                return made
        raise nothing

    async def resume(self, order_id: str, *, partner: str) -> None:
        """Run whatever the order waits for that a worker does; nothing when it waits for others."""
        await workflow.resume(self._desk, partner, order_id)

    async def resume_job(self, payload: Mapping[str, Any]) -> None:
        """``resume`` as the handler of the job ``orders.resume``."""
        await self.resume(payload["order"], partner=payload["partner"])

    async def wake_runs(self, partner: str, order_id: str) -> None:
        """Drive the solution runs that an order belongs to: something became of it."""
        await runs.wake_parents(self._desk, partner, order_id)

    async def expire(self) -> int:
        """Wake every order whose time has come; how many were woken.

        Unpaid orders close, holds are released, shares that nobody took are freed to the merchant,
        bulk orders that no worker took up are settled, and old keys are forgotten; in sandbox
        spaces whose clocks were moved, by those, and their days end as well.
        """
        woken = await workflow.sweep(self._desk) + await jump.tend(self._desk)
        return woken + await runs.sweep(self._desk)

    async def end_of_day(self, day: date) -> int:
        """Settle everything paid up to a business date; how many orders. Again changes nothing."""
        return await workflow.end_of_day(self._desk, day)

    async def clear(self, day: date) -> Batch:
        """Settle, seal, net and pay out a closed business date as far as today allows."""
        return await clearing.clear(self._desk, day)

    async def clear_due(self, day: date) -> int:
        """``clear`` for the date and all earlier ones that are not reconciled; how many dates."""
        return await clearing.clear_due(self._desk, day)
