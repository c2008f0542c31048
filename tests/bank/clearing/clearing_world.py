"""A platform whose merchants are cleared net, on a database and a clock of its own."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from tests.orders.little_bank import LittleBank, cny

from bankside.bank import clearing, ledger
from bankside.bank.clearing import Batch, Form, Outside, Payout, Position, Terms, Whose, Written
from bankside.bank.ledger import Books
from bankside.bank.merchants import Merchant
from bankside.catalog import load
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, transaction
from bankside.orders import Orders

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
FRIDAY, SATURDAY = date(2026, 3, 6), date(2026, 3, 7)
ELSEWHERE = Outside("102100099996", "6222020200112230000", "海棠小馆")


@dataclass
class Platform:
    """Calls as the platform's app, and the bank's clearing beside them."""

    bank: LittleBank
    merchants: list[Merchant] = field(default_factory=list)

    async def merchant(self, **terms: Any) -> Merchant:
        """A merchant that is cleared net; ``terms``: payout_to, reserve, advance_max."""
        made = await self.bank.merchant(fee_rate_bp=100)
        await self.agree(made, **terms)
        self.merchants.append(made)
        return made

    async def agree(self, merchant: Merchant, **terms: Any) -> None:
        async with transaction(self.bank.pool) as db:
            agreed = Terms(partner=self.bank.partner, merchant=merchant.id, **terms)
            await clearing.agree(db, self.bank.clock, agreed)

    async def scanned(self, merchant: Merchant, amount: str) -> str:
        """A paid order that the end of its day settles."""
        payer = await self.bank.account(amount)
        body = {
            "merchant": merchant.id,
            "order_no": f"C{secrets.token_hex(6)}",
            "amount": cny(amount),
            "payer_token": await self.bank.token(payer),
        }
        return str((await self.bank.shown("merchant.scan-payments.create", body))["id"])

    async def sold(self, merchant: Merchant, amount: str) -> str:
        """A payment whose splitting is finished; its order."""
        order = await self.bank.pay(merchant, amount)
        await self.finish(order)
        return order

    async def finish(self, order: str) -> None:
        await self.bank.call("merchant.split-orders.finishes", {}, path=order)

    async def refund(self, order: str, amount: str) -> dict[str, Any]:
        body = {"amount": cny(amount)}
        return await self.bank.shown("merchant.split-orders.refunds", body, path=order)

    def until(self, on: date, hour: int, minute: int = 0) -> None:
        """The clock stands at this Beijing time."""
        at = datetime(on.year, on.month, on.day, hour - 8, minute, tzinfo=UTC)
        self.bank.clock.advance(at - self.bank.clock.now())

    async def close(self, on: date) -> Batch:
        """The date's cut-off has passed, and it is cleared as far as that evening allows."""
        self.until(on, 23, 5)
        return await self.bank.orders.clear(on)

    async def positions(self, on: date) -> list[Position]:
        async with transaction(self.bank.pool) as db:
            found = clearing.positions(db, on, partner=self.bank.partner)
            return [each async for each in found]

    async def payouts(self, on: date) -> list[Payout]:
        async with self.bank.pool.acquire() as db:
            return await clearing.payouts_of(db, on, self.bank.partner, after="", limit=200)

    async def balance(self, merchant: Merchant, part: str) -> int:
        """What stands on one of the merchant's sub-accounts, minor units."""
        async with self.bank.pool.acquire() as db:
            return (await ledger.balance(db, merchant.sub_account(part))).booked.minor

    async def file(self, on: date, form: Form = "csv", **whose: Any) -> tuple[bytes, Written]:
        parts: list[bytes] = []
        async with transaction(self.bank.pool) as db:
            asked = Whose(partner=self.bank.partner, on=on, **whose)
            written = await clearing.write_file(db, asked, form, parts.append)
        return b"".join(parts), written


def platform_on(
    pool: Pool, books: Books, clock: FixedClock, partner: str | None = None
) -> Platform:
    orders = Orders(pool, books, clock, load())
    named = partner or f"prt_{secrets.token_hex(8)}"
    return Platform(LittleBank(pool, books, clock, orders, named))
