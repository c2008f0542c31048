"""Whatever happens in whatever order, the ten guarantees hold after every step.

A random sequence of payments, splits, returns, refunds, finishes, repeated calls, receipts for
nobody, nights and mornings on one platform. BANKSIDE_SEQUENCES and BANKSIDE_STEPS make it longer.
"""

import asyncio
import os
from collections.abc import Awaitable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from tests.bank.clearing.clearing_world import ELSEWHERE, Platform, platform_on
from tests.guarantees.checks import Seen, all_hold
from tests.orders.little_bank import cny

from bankside.bank import clearing, reconciliation
from bankside.bank.accounts import Account
from bankside.bank.clearing import Outside
from bankside.bank.ledger import Books
from bankside.bank.reconciliation import Day, Head, Record, head_line, record_line, trailer_line
from bankside.kernel.calendar import bounds, business_date, next_business_day
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, open_pool, transaction
from bankside.kernel.errors import Refused
from bankside.kernel.money import Money
from bankside.orders import posted_records

SEQUENCES = int(os.environ.get("BANKSIDE_SEQUENCES", "4"))
STEPS = int(os.environ.get("BANKSIDE_STEPS", "20"))
AMOUNTS = st.integers(100, 20_000)
PICK = st.integers(0, 99)
# To an account here, to another bank, to one that refuses, to one whose answer is unknown at first.
TARGETS = (
    None,
    ELSEWHERE,
    Outside("102100099996", "6222020200119001", "海棠小馆"),
    Outside("102100099996", "6222020200119101", "海棠小馆"),
)


class Bench:
    """One database, one loop and one clock for all sequences: dates only go on."""

    def __init__(self, url: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = FixedClock(datetime(2026, 3, 2, 2, tzinfo=UTC))
        self.url = url

    def do(self, work: Awaitable[Any]) -> Any:
        async def step() -> Any:
            return await work

        return self.loop.run_until_complete(step())

    async def open(self) -> None:
        self.pool: Pool = await open_pool(self.url, size=4)
        self.books = Books(self.pool, self.clock)
        await self.books.__aenter__()

    async def close(self) -> None:
        await self.books.__aexit__(None, None, None)
        await self.pool.close()


@pytest.fixture
def bench(fresh_url: str) -> Iterator[Bench]:
    made = Bench(fresh_url)
    made.do(made.open())
    yield made
    made.do(made.close())
    made.loop.close()


class Sequence(RuleBasedStateMachine):
    """One platform with a merchant a way of payout, a payer and a rider."""

    bench: Bench

    @initialize()
    def begin(self) -> None:
        self.seen = Seen()
        self.orders: list[str] = []
        self.calls: list[tuple[str, dict[str, Any], str | None, str, Any]] = []
        self.receipts: dict[date, list[Record]] = {}
        self.platform: Platform = platform_on(self.bench.pool, self.bench.books, self.bench.clock)
        self.do(self._furnished())

    async def _furnished(self) -> None:
        bank = self.platform.bank
        for number, to in enumerate(TARGETS):
            await self.platform.merchant(payout_to=to, reserve=500 * number, advance_max=300)
        self.payer: Account = await bank.account("100000.00")
        self.token = await bank.token(self.payer)
        self.riders = [await bank.receiver(each) for each in self.platform.merchants]

    def do(self, work: Awaitable[Any]) -> Any:
        return self.bench.do(work)

    def call(self, operation: str, body: dict[str, Any], path: str | None = None) -> Any:
        """Make a call under a key of its own, which may be refused; it can be repeated later."""
        key = f"seq-{len(self.calls)}"
        answer = self.do(self._called(operation, body, path, key))
        self.calls.append((operation, body, path, key, answer))
        return answer

    async def _called(
        self, operation: str, body: dict[str, Any], path: str | None, key: str
    ) -> Any:
        try:
            return dict((await self.platform.bank.call(operation, body, path=path, key=key)).body)
        except Refused as refused:
            return refused.code

    @rule(pick=PICK, minor=AMOUNTS, kind=st.sampled_from(("scanned", "open", "finished")))
    def pay(self, pick: int, minor: int, kind: str) -> None:
        merchant = self.platform.merchants[pick % len(self.platform.merchants)]
        product = "scan-payments" if kind == "scanned" else "split-orders"
        body = {
            "merchant": merchant.id,
            "order_no": f"N{len(self.calls)}",
            "amount": cny(str(Money(minor, "CNY"))),
            "payer_token": self.token,
        }
        answer = self.call(f"merchant.{product}.create", body)
        if isinstance(answer, dict):
            self.orders.append(answer["id"])
            if kind == "finished":
                self.call("merchant.split-orders.finishes", {}, answer["id"])

    def order(self, pick: int) -> str:
        return self.orders[pick % len(self.orders)]

    @precondition(lambda self: self.orders)
    @rule(pick=PICK, rider=PICK, minor=AMOUNTS)
    def split(self, pick: int, rider: int, minor: int) -> None:
        account = self.riders[rider % len(self.riders)].id
        share = {"receivers": [{"account": account, "amount": cny(str(Money(minor, "CNY")))}]}
        self.call("merchant.split-orders.splits", share, self.order(pick))

    @precondition(lambda self: self.orders)
    @rule(pick=PICK, rider=PICK, minor=st.integers(1, 2_000))
    def give_back(self, pick: int, rider: int, minor: int) -> None:
        account = self.riders[rider % len(self.riders)].id
        body = {"account": account, "amount": cny(str(Money(minor, "CNY")))}
        self.call("merchant.split-orders.returns", body, self.order(pick))

    @precondition(lambda self: self.orders)
    @rule(pick=PICK, minor=st.integers(1, 5_000))
    def refund(self, pick: int, minor: int) -> None:
        body = {"order": self.order(pick), "amount": cny(str(Money(minor, "CNY")))}
        self.call("merchant.merchant-refunds.create", body | {"refund_no": f"R{len(self.calls)}"})

    @precondition(lambda self: self.orders)
    @rule(pick=PICK)
    def finish(self, pick: int) -> None:
        self.call("merchant.split-orders.finishes", {}, self.order(pick))

    @precondition(lambda self: self.calls)
    @rule(pick=PICK)
    def repeat(self, pick: int) -> None:
        """A key asked again within its time says what it said first."""
        operation, body, path, key, first = self.calls[pick % len(self.calls)]
        again = self.do(self._called(operation, body, path, key))
        if isinstance(first, dict):
            assert again == first

    @rule(minor=AMOUNTS)
    def receipt(self, minor: int) -> None:
        """The channel brought money for an account nobody knows."""
        on = business_date(self.bench.clock.now())
        name = f"net-{self.platform.bank.partner}-{minor}-{len(self.receipts.get(on, []))}"
        self.receipts.setdefault(on, []).append(
            Record(name, "no-such-account", "receipt", minor, "CNY", on)
        )

    @rule(late=st.sampled_from(("nothing", "pay", "refund")), pick=PICK)
    def night(self, late: str, pick: int) -> None:
        """The date closes and is cleared; the channel's file of it comes in, twice.

        Between the seal and the claims somebody may still sell or refund.
        """
        on = business_date(self.bench.clock.now())
        closed = bounds(on)[1] + timedelta(minutes=5)
        self.bench.clock.advance(closed - self.bench.clock.now())
        self.do(self.platform.bank.orders.end_of_day(on))
        self.do(clearing.seal(self.bench.pool, self.bench.clock, on))
        if late == "pay":
            self.pay(pick, 1_000, "finished")
        elif late == "refund" and self.orders:
            self.refund(pick, 50)
        self.do(self.platform.bank.orders.clear(on))
        lines = self.receipts.pop(on, [])
        if lines:
            for _ in range(2):
                self.do(self._received(on, lines))
            self.seen.receipts += len(lines)

    async def _received(self, on: date, lines: list[Record]) -> None:
        partner = self.platform.bank.partner
        head = Head("wallet", partner, on, next_business_day(on), frozenset({"refund"}))
        known = await self._refunds(on)
        total = sum(each.amount or 0 for each in (*known, *lines))
        text = "".join(map(record_line, (*known, *lines)))
        content = head_line(head) + text + trailer_line(len(known) + len(lines), {"CNY": total})
        file = reconciliation.read(content.encode().splitlines(keepends=True))
        async with transaction(self.bench.pool) as db:
            day = Day(partner, on, "wallet")
            await reconciliation.run(db, self.bench.clock, day, orders=posted_records, file=file)

    async def _refunds(self, on: date) -> list[Record]:
        since, until = bounds(on)
        async with transaction(self.bench.pool) as db:
            partner = self.platform.bank.partner
            found = reconciliation.books(db, partner, since, until)
            return [each async for each in found if each.kind == "refund"]

    @rule()
    def morning(self) -> None:
        """The next working day: payouts leave, and yesterday's unknowns are asked about."""
        today = business_date(self.bench.clock.now())
        nine = datetime.combine(
            next_business_day(today), datetime.min.time(), tzinfo=UTC
        ) + timedelta(hours=1)
        if nine > self.bench.clock.now():
            self.bench.clock.advance(nine - self.bench.clock.now())
        newest = business_date(self.bench.clock.now()) - timedelta(days=1)
        self.do(self.platform.bank.orders.clear_due(newest))

    @invariant()
    def the_ten_guarantees_hold(self) -> None:
        if hasattr(self, "platform"):
            self.do(all_hold(self.platform, self.seen))


# A step and its ten questions take some tenths of a second; a bound of ten times that and more.
@pytest.mark.timeout(120 + 3 * SEQUENCES * STEPS)
def test_the_ten_guarantees_hold_after_any_operation(bench: Bench) -> None:
    Sequence.bench = bench
    machine = Sequence.TestCase
    machine.settings = settings(
        max_examples=SEQUENCES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=SEQUENCES == 4,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    machine().runTest()
