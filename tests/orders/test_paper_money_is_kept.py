"""Whatever is asked of papers in whatever order, their figures are what the accounts hold.

Random sequences of sound and unsound calls on a database of their own, as in
``test_money_is_kept``; after all of them mandates, bills and coupons are compared with the money.
"""

import asyncio
import secrets
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import House, house_account
from bankside.bank.ledger import Books, verify
from bankside.catalog import load
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import open_pool
from bankside.kernel.errors import BanksideError
from bankside.kernel.money import Money
from bankside.orders import Orders

HOUSE = [house_account(kind, "CNY") for kind in House]
FLOAT = house_account(House.BENEFITS, "CNY")
_steps = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 2), st.integers(1, 3_000)), min_size=4, max_size=14
)
DEBITS, BILLS, COUPONS = "payment.direct-debits", "payment.bill-payments", "engage.coupons"


class Papers:
    """A payer with 100.00, a biller, a shop, and the papers between them."""

    def __init__(self, bank: LittleBank) -> None:
        self.bank = bank
        self.made: dict[str, list[str]] = {DEBITS: [], BILLS: [], COUPONS: []}
        self.numbers = 0

    async def open(self) -> None:
        self.merchant = await self.bank.merchant(fee_rate_bp=138)
        self.payer, self.shop = await self.bank.account("100.00"), await self.bank.account()
        self.token = await self.bank.token(self.payer)
        self.house = await self.bank.money(*HOUSE)

    async def create(self, product: str, operation: str, body: dict[str, Any]) -> None:
        shown = await self.bank.shown(f"{product}.{operation}", body)
        self.made[product].append(shown["id"])

    async def act(self, kind: int, which: int, minor: int) -> None:
        """One call; what it refuses has changed nothing."""
        amount, call = cny(str(Money(minor, "CNY"))), self.bank.call
        self.numbers += 1
        picked = {
            name: (made or ["ord_none"])[which % max(len(made), 1)]
            for name, made in self.made.items()
        }
        between = {"payer_account": self.payer.id, "payee_account": self.shop.id}
        coupon = {"holder": self.bank.customer, "account": self.payer.id, "amount": amount}
        bill = {"merchant": self.merchant.id, "order_no": f"B{self.numbers}", "amount": amount}
        match kind:
            case 0:
                terms = {**between, "limit": amount, "total": cny("40.00")}
                await self.create(DEBITS, "mandates-create", terms)
            case 1 | 2:
                await call(f"{DEBITS}.create", {"mandate": picked[DEBITS], "amount": amount})
            case 3:
                await self.create(BILLS, "create", {**bill, "payer_no": "7"})
            case 4:
                await call(f"{BILLS}.payments", {"payer_token": self.token}, path=picked[BILLS])
            case 5:
                await call(f"{BILLS}.refunds", {"amount": amount}, path=picked[BILLS])
            case 6:
                await self.create(COUPONS, "create", {**coupon, "code": "C"})
            case 7:
                use = {"code": "C", "payee_account": self.shop.id}
                await call(f"{COUPONS}.redemptions", use, path=picked[COUPONS])
            case 8:
                await call(f"{COUPONS}.refunds", {}, path=picked[COUPONS])
            case _:
                self.bank.clock.advance(timedelta(days=40))
                await self.bank.orders.expire()

    async def check(self) -> None:
        """Nothing is made or lost, and each paper's figures are the money it stands for."""
        bank = self.bank
        shown = {
            DEBITS: [await bank.shown(f"{DEBITS}.mandates-query", path=each)
                     for each in self.made[DEBITS]],
            **{name: [await bank.shown(f"{name}.query", path=each) for each in self.made[name]]
               for name in (BILLS, COUPONS)},
        }  # fmt: skip
        payer, shop, biller = await bank.money(
            self.payer.ledger_account,
            self.shop.ledger_account,
            self.merchant.settlement_ledger_account,
        )
        house = await bank.money(*HOUSE)
        grown = sum(house) - sum(self.house)
        held = house[HOUSE.index(FLOAT)] - self.house[HOUSE.index(FLOAT)]
        debited = sum(_minor(each["result"]["mandate"]["collected"]) for each in shown[DEBITS])
        used = [each for each in shown[COUPONS] if each["status"] == "redeemed"]
        open_ = [each for each in shown[COUPONS] if each["status"] == "issued"]
        billed = sum(
            _minor(each["paid"]) - _minor(each["fee"]) - _minor(each["refunded"])
            for each in shown[BILLS]
        )
        assert payer + shop + biller + grown == 10_000
        assert shop == debited + sum(_minor(each["amount"]) for each in used)
        assert held == sum(_minor(each["amount"]) for each in open_)
        assert biller == billed
        assert all(
            _minor(each["result"]["mandate"]["collected"]) <= 4_000 for each in shown[DEBITS]
        )


def _minor(amount: dict[str, str]) -> int:
    return Money.parse(amount["amount"], amount["currency"]).minor


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(steps=_steps)
def test_papers_never_make_or_lose_money(fresh_url: str, steps: list[tuple[int, int, int]]) -> None:
    asyncio.run(_run(fresh_url, steps))


async def _run(url: str, steps: list[tuple[int, int, int]]) -> None:
    pool = await open_pool(url, size=4)
    clock = FixedClock(datetime(2026, 3, 2, 2, 0, tzinfo=UTC))
    async with Books(pool, clock) as books:
        orders = Orders(pool, books, clock, load())
        papers = Papers(LittleBank(pool, books, clock, orders, f"prt_{secrets.token_hex(8)}"))
        await papers.open()
        for kind, which, minor in steps:
            with suppress(BanksideError):
                await papers.act(kind, which, minor)
        await papers.check()
        async with pool.acquire() as db:
            assert (await verify(db)).fault is None
    await pool.close()
