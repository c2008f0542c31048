"""Whatever is asked of orders in whatever order, money is neither made nor lost.

Random sequences of calls, sound and unsound, on a database of their own; after each one the orders'
own figures are compared with the accounts they speak of.
"""

import asyncio
import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import Account, House, close, house_account
from bankside.bank.ledger import Books, verify
from bankside.bank.merchants import Merchant
from bankside.catalog import load
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import open_pool, transaction
from bankside.kernel.errors import BanksideError
from bankside.kernel.money import Money
from bankside.orders import Orders

EXAMPLES = 12
STEPS_MAX = 14
HOUSE = [house_account(kind, "CNY") for kind in House]
# An operation, an order among those made so far, and an amount in cents.
_steps = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 3), st.integers(1, 4_000)),
    min_size=3,
    max_size=STEPS_MAX,
)
_quiet = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


class World:
    """A payer with 100.00, a merchant, two receivers, and the orders between them."""

    def __init__(self, bank: LittleBank, merchant: Merchant, people: list[Account]) -> None:
        self.bank = bank
        self.merchant = merchant
        self.payer, *self.receivers = people
        self.orders: list[tuple[str, str]] = []
        self.numbers = 0
        self.house: list[int] = []

    @classmethod
    async def made(cls, bank: LittleBank) -> "World":
        merchant = await bank.merchant(fee_rate_bp=138)
        people = [await bank.account("100.00"), await bank.receiver(merchant), await bank.account()]
        world = cls(bank, merchant, people)
        world.house = await bank.money(*HOUSE)
        return world

    async def create(self, product: str, amount: str, **more: Any) -> None:
        self.numbers += 1
        order = await self.bank.shown(
            f"merchant.{product}.create",
            {
                "merchant": self.merchant.id,
                "order_no": f"N{self.numbers}",
                "amount": cny(amount),
                **more,
            },
        )
        self.orders.append((product, order["id"]))

    async def check(self) -> None:
        """The orders' figures are the accounts' balances, and all of it is what there was."""
        shown = [
            await self.bank.shown(f"merchant.{product}.query", path=order)
            for product, order in self.orders
        ]
        pending, settlement, payer, *receivers = await self.bank.money(
            self.merchant.pending_ledger_account,
            self.merchant.settlement_ledger_account,
            self.payer.ledger_account,
            *(each.ledger_account for each in self.receivers),
        )
        house = [
            now - before
            for now, before in zip(await self.bank.money(*HOUSE), self.house, strict=True)
        ]
        figures = {name: sum(_minor(each, name) for each in shown) for name in FIGURES}
        by_kind = dict(zip(House, house, strict=True))

        assert payer + pending + settlement + sum(receivers) + sum(house) == 10_000
        assert payer == 10_000 - figures["paid"] + figures["refunded"] - figures["held"]
        assert sum(receivers) == figures["split"]
        assert by_kind[House.FEE_INCOME] == figures["fee"]
        assert by_kind[House.HOLD] == figures["held"]
        for each in shown:
            paid, refunded = _minor(each, "paid"), _minor(each, "refunded")
            kept = _minor(each, "split") + _minor(each, "settled") + _minor(each, "fee")
            assert 0 <= refunded <= paid
            assert kept <= paid
            if each["state"] == "waiting" and each["status"] == "paid":
                assert kept + refunded <= paid


FIGURES = ("paid", "refunded", "split", "held", "fee", "settled")


def _minor(shown: dict[str, Any], name: str) -> int:
    amount = shown.get(name)
    return Money.parse(amount["amount"], "CNY").minor if amount else 0


async def _collect(world: World, step: tuple[int, int, int]) -> None:
    kind, which, cents = step
    bank = world.bank
    amount = str(Money(cents, "CNY"))
    token = {"payer_token": await bank.token(world.payer)}
    if kind == 0 or not world.orders:
        await world.create("scan-payments", amount, **token)
        return
    if kind == 1:
        await world.create("collection-codes", amount)
        return
    product, order = world.orders[which % len(world.orders)]
    if kind == 2:
        await bank.call("platform.payer-confirmations.create", {"order": order} | token)
    elif kind == 3:
        await bank.call(f"merchant.{product}.closures", {}, path=order)
    elif kind in (4, 5):
        await bank.call(f"merchant.{product}.refunds", {"amount": cny(amount)}, path=order)
    elif kind == 6:
        await bank.call("platform.order-cancellations.create", {"order": order})
    elif kind == 7:
        share = [{"account": world.receivers[0].id, "amount": cny(amount)}]
        await bank.call("merchant.split-orders.splits", {"receivers": share}, path=order)
    else:
        await bank.orders.end_of_day(date(2026, 3, 2))


async def _split(world: World, step: tuple[int, int, int]) -> None:
    kind, which, cents = step
    bank = world.bank
    amount = str(Money(cents, "CNY"))
    if kind <= 1 or not world.orders:
        declared = [{"account": world.receivers[1].id}] if kind else []
        more = {"receivers": declared} if declared else {}
        await world.create(
            "split-orders", amount, payer_token=await bank.token(world.payer), **more
        )
        return
    _product, order = world.orders[which % len(world.orders)]
    receiver = world.receivers[cents % 2]
    if kind in (2, 3, 4):
        body = {"receivers": [{"account": receiver.id, "amount": cny(amount)}]}
        await bank.call("merchant.split-orders.splits", body | {"finish": kind == 4}, path=order)
    elif kind == 5:
        await bank.call(
            "merchant.split-orders.returns",
            {"account": receiver.id, "amount": cny(amount)},
            path=order,
        )
    elif kind == 6:
        await bank.call("merchant.split-orders.finishes", {}, path=order)
    elif kind == 7:
        await bank.call("merchant.split-orders.refunds", {"amount": cny(amount)}, path=order)
    else:
        await bank.call("platform.order-cancellations.create", {"order": order})


async def _hold(world: World, step: tuple[int, int, int]) -> None:
    kind, which, cents = step
    bank = world.bank
    amount = str(Money(cents, "CNY"))
    if kind <= 1 or not world.orders:
        await world.create(
            "preauthorizations",
            amount,
            payer_token=await bank.token(world.payer),
            expires_in_seconds=3600,
        )
        return
    _product, order = world.orders[which % len(world.orders)]
    if kind in (2, 3, 4):
        body = {"amount": cny(amount)}
        await bank.call("merchant.preauthorizations.captures", body, path=order)
    elif kind == 5:
        await bank.call("merchant.preauthorizations.closures", {}, path=order)
    elif kind == 6:
        body = {"amount": cny(amount)}
        await bank.call("merchant.preauthorizations.refunds", body, path=order)
    elif kind == 7:
        bank.clock.advance(timedelta(minutes=20))
        await bank.orders.expire()
    else:
        await bank.call("platform.order-cancellations.create", {"order": order})


def _played(url: str, act: Any) -> None:
    """Play random stories on the database and check the books after every call."""

    async def play(steps: list[tuple[int, int, int]]) -> None:
        pool = await open_pool(url, size=4)
        clock = FixedClock(datetime(2026, 3, 2, 2, 0, tzinfo=UTC))
        async with Books(pool, clock) as books:
            orders = Orders(pool, books, clock, load())
            bank = LittleBank(pool, books, clock, orders, f"prt_{secrets.token_hex(8)}")
            world = await World.made(bank)
            for step in steps:
                try:
                    await act(world, step)
                except BanksideError as refused:
                    assert refused.status < 500
                await world.check()
            # Nothing of this story is left for the next one's clock to wake.
            clock.advance(timedelta(days=40))
            await orders.expire()
            await orders.end_of_day(date(2026, 5, 1))
            await world.check()
        await pool.close()

    @_quiet
    @given(_steps)
    def stories(steps: list[tuple[int, int, int]]) -> None:
        asyncio.run(play(steps))

    async def proved() -> None:
        pool = await open_pool(url, size=1)
        async with pool.acquire() as db:
            assert (await verify(db)).fault is None
        await pool.close()

    stories()
    asyncio.run(proved())


_lines = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4_000)), min_size=1, max_size=8)


def test_batched_money_is_neither_made_nor_lost(fresh_url: str) -> None:
    async def play(lines: list[tuple[int, int]]) -> None:
        pool = await open_pool(url, size=4)
        clock = FixedClock(datetime(2026, 3, 2, 2, 0, tzinfo=UTC))
        async with Books(pool, clock) as books:
            orders = Orders(pool, books, clock, load())
            bank = LittleBank(pool, books, clock, orders, f"prt_{secrets.token_hex(8)}")
            payer, first, second = [await bank.account(each) for each in ("100.00", "0.00", "0.00")]
            gone = await bank.account()
            async with transaction(pool) as db:
                await close(db, clock, bank.partner, gone.id)
            house = await bank.money(*HOUSE)
            payees = [first.id, second.id, gone.id, "acc_nowhere"]
            total = sum(cents for _, cents in lines)
            body = {
                "payer_account": payer.id,
                "lines": [
                    {"line_no": number, "payee_account": payees[which], "amount": _cny(cents)}
                    for number, (which, cents) in enumerate(lines, start=1)
                ],
                "total": _cny(total),
                "count": len(lines),
            }
            order = await _tried(bank, "payment.bulk-transfers.create", body)
            if order is not None:
                await orders.resume(order["id"], partner=bank.partner)
                again = await _tried(bank, "payment.bulk-transfers.retries", {}, path=order["id"])
                if again is not None:
                    await orders.resume(again["id"], partner=bank.partner)
            moved = [
                now - before for now, before in zip(await bank.money(*HOUSE), house, strict=True)
            ]
            left = await bank.money(*(each.ledger_account for each in bank.accounts))
            good = sum(cents for which, cents in lines if which < 2) if order else 0
            by_kind = dict(zip(House, moved, strict=True))
            assert sum(left) + sum(moved) == 10_000
            assert by_kind[House.BATCH_CLEARING] == 0
            assert left[1] + left[2] == good
            assert by_kind[House.FEE_INCOME] == Money(good, "CNY").basis_points(5).minor
        await pool.close()

    url = fresh_url

    @_quiet
    @given(_lines)
    def stories(lines: list[tuple[int, int]]) -> None:
        asyncio.run(play(lines))

    stories()


async def _tried(
    bank: LittleBank, operation: str, body: dict[str, Any], **more: Any
) -> dict[str, Any] | None:
    try:
        return await bank.shown(operation, body, **more)
    except BanksideError as refused:
        assert refused.status < 500
        return None


def _cny(cents: int) -> dict[str, str]:
    return Money(cents, "CNY").to_json()


def test_collected_money_is_neither_made_nor_lost(fresh_url: str) -> None:
    _played(fresh_url, _collect)


def test_split_money_is_neither_made_nor_lost(fresh_url: str) -> None:
    _played(fresh_url, _split)


def test_held_money_is_neither_made_nor_lost(fresh_url: str) -> None:
    _played(fresh_url, _hold)
