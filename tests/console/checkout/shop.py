"""A shop with orders to pay, and its customers at browsers without script: two web processes."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from httpx import ASGITransport, AsyncClient
from litestar import Litestar
from tests.console.customer_world import Customer, Person, a_customer
from tests.identity.fapi.rig import ISSUER, VAULT, World
from tests.orders.little_bank import LittleBank, cny

from bankside.app.page_calls import PageCalls
from bankside.app.returns import Returns
from bankside.bank.ledger import Books
from bankside.catalog import load
from bankside.console import checkout
from bankside.console import customer as customer_face
from bankside.console.entry import RealmPages
from bankside.identity.http import AuthorizationServer, routes
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool
from bankside.kernel.metering import CallRecord, SegmentWriter
from bankside.kernel.metering.blocks import unpack
from bankside.kernel.money import Money
from bankside.orders import Orders

DESK = "payment.payment-desks.create"
BACK = "https://shop.example/back?cart=7"


@dataclass
class Shop:
    """One partner's merchant; ``applications`` are web processes on the same database."""

    bank: LittleBank
    merchant: str
    applications: list[Litestar]
    world: World
    folder: Path
    writers: list[SegmentWriter]
    _numbers: list[int] = field(default_factory=list)

    async def order(self, amount: str = "38.50", **more: Any) -> dict[str, Any]:
        """A payment desk as the API answers it."""
        self._numbers.append(1)
        body = {
            "merchant": self.merchant,
            "order_no": f"书-{len(self._numbers)}",
            "amount": cny(amount),
            "subject": "《银行》两本 & <b>",
            "return_url": BACK,
        }
        return await self.bank.shown(DESK, body | more)

    def records(self) -> list[CallRecord]:
        """The call records of payments, in no order."""
        found: list[CallRecord] = []
        for path in self.folder.glob("*.seg"):
            worker, _, number = path.stem.rpartition("-")
            for block in unpack(worker, int(number), 0, path.read_bytes()):
                found += block.records
        return found

    async def customer(self, *balances: str, partner: str = "") -> Customer:
        """A customer of the shop's data space with money in its CNY accounts."""
        made = await a_customer(self.world.pool, self.world.clock, partner or self.bank.partner)
        for account, balance in zip(made.accounts, balances, strict=False):
            await self.bank.pay_in(account.ledger_account, Money.parse(balance, "CNY"))
        return made

    def browser(self, process: int = 0) -> AsyncClient:
        """A browser at one of the web processes."""
        source = f"198.51.100.{secrets.randbelow(250)}"
        transport = ASGITransport(app=self.applications[process], client=(source, 50_000))  # type: ignore[arg-type]
        headers = {"accept-language": "en", "user-agent": "Testbrowser/1.0"}
        return AsyncClient(transport=transport, base_url=ISSUER, headers=headers)

    def person(self, customer: Customer, process: int = 0) -> Person:
        """The customer at a browser."""
        return Person(self.world, self.browser(process), customer)


def path(order: dict[str, Any]) -> str:
    """The page of an order, without the origin."""
    return str(order["pay_url"]).removeprefix(ISSUER)


@asynccontextmanager
async def a_shop(pool: Pool, clock: FixedClock, folder: Path) -> AsyncIterator[Shop]:
    """A shop of a fresh partner; its web processes have ledger collectors of their own.

    ``folder`` is where they write call records.
    """
    async with AsyncExitStack() as open_things:
        runtimes = []
        for _ in range(2):
            books = await open_things.enter_async_context(Books(pool, clock))
            runtimes.append((books, Orders(pool, books, clock, load(), pages=ISSUER)))
        server = AuthorizationServer(pool, clock, VAULT, ISSUER)
        pages = RealmPages(pool, clock, VAULT, ISSUER)
        way_back = Returns(pool, clock, VAULT, ISSUER)
        writers = [SegmentWriter(folder, f"web-{number}", clock) for number in range(2)]
        for writer in writers:
            open_things.push_async_callback(writer.close)
        applications = [
            Litestar(
                [
                    *routes(server, refused_page=lambda *_: None),  # type: ignore[arg-type, return-value]
                    customer_face.routes(pages),
                    checkout.routes(
                        checkout.Checkout(
                            pages,
                            orders.payment_pages,
                            way_back,
                            PageCalls(pool, clock, orders.payment_pages, writer),
                        )
                    ),
                ],
                openapi_config=None,
            )
            for (_, orders), writer in zip(runtimes, writers, strict=True)
        ]
        books, orders = runtimes[0]
        bank = LittleBank(pool, books, clock, orders, f"prt_{secrets.token_hex(8)}")
        await bank.registered()
        merchant = await bank.merchant()
        world = World(server, pool, clock, [])
        yield Shop(bank, merchant.id, applications, world, folder, writers)
