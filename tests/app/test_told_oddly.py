"""A sandbox order that asked for it is told of twice, in the wrong order, or late; no other is."""

from datetime import timedelta
from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny, operation

from bankside.app.told_oddly import LostOnce, oddly
from bankside.bank.ledger import Books
from bankside.catalog import load
from bankside.kernel.call import Answer, Call
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool
from bankside.kernel.events import Event
from bankside.kernel.outbox import Consumer, Relay
from bankside.orders import Orders

CREATE = "merchant.collection-codes.create"


class Listener:
    """A recipient of facts of orders that keeps what it is told."""

    def __init__(self, pool: Pool, clock: FixedClock) -> None:
        self.heard: list[tuple[str, str]] = []
        consumer = Consumer(
            name="listener", deliver=self.hear, types=("orders.order.",), retry=(5,), jitter=0
        )
        self.relay = Relay(pool, [oddly(consumer, pool, wait_seconds=0)], clock)

    async def hear(self, event: Event, _: str) -> None:
        self.heard.append((event.type.rpartition(".")[2], event.id))

    @property
    def facts(self) -> list[str]:
        return [fact for fact, _ in self.heard]


async def _order(bank: LittleBank, outcome: str) -> dict[str, Any]:
    merchant = await bank.merchant()
    answer = bank.orders.handle(
        Call(
            operation=operation(CREATE),
            caller=bank.caller(),
            body={"merchant": merchant.id, "order_no": "C1", "amount": cny("10.00")},
            idempotency_key="k",
            outcome=outcome,
        )
    )
    assert not isinstance(answer, Answer)
    return dict((await answer).body)  # type: ignore[arg-type]


async def _pays(bank: LittleBank, order: dict[str, Any]) -> None:
    token = await bank.token(await bank.account("100.00"))
    body = {"order": order["id"], "payer_token": token}
    await bank.call("platform.payer-confirmations.create", body)


@pytest.fixture
async def listener(fresh_pool: Pool, clock: FixedClock) -> Listener:
    return Listener(fresh_pool, clock)


async def _bank(pool: Pool, clock: FixedClock, books: Books) -> LittleBank:
    return LittleBank(pool, books, clock, Orders(pool, books, clock, load()), "prt_oddly")


async def test_each_fact_is_told_twice_with_one_id(
    fresh_pool: Pool, clock: FixedClock, listener: Listener
) -> None:
    async with Books(fresh_pool, clock) as books:
        bank = await _bank(fresh_pool, clock, books)
        await _pays(bank, await _order(bank, "latency=5; callbacks=twice"))
        await listener.relay.drain()

    assert listener.facts == ["created", "created", "paid", "paid"]
    assert len(set(listener.heard)) == 2


async def test_a_fact_is_overtaken_by_the_next_which_is_told_again(
    fresh_pool: Pool, clock: FixedClock, listener: Listener
) -> None:
    async with Books(fresh_pool, clock) as books:
        bank = await _bank(fresh_pool, clock, books)
        await listener.relay.register()
        await _pays(bank, await _order(bank, "callbacks=reversed"))
        await listener.relay.drain()

    assert listener.facts == ["paid", "created", "paid"]
    assert len(set(listener.heard)) == 2


async def test_a_fact_that_nothing_follows_is_told_alone(
    fresh_pool: Pool, clock: FixedClock, listener: Listener
) -> None:
    async with Books(fresh_pool, clock) as books:
        bank = await _bank(fresh_pool, clock, books)
        await _order(bank, "callbacks=reversed")
        await listener.relay.drain()

    assert listener.facts == ["created"]


async def test_the_first_attempt_is_lost_and_the_next_follows_the_schedule(
    fresh_pool: Pool, clock: FixedClock, listener: Listener
) -> None:
    async with Books(fresh_pool, clock) as books:
        bank = await _bank(fresh_pool, clock, books)
        await _order(bank, "callbacks=lost-once")
        await listener.relay.drain()
        assert listener.facts == []
        clock.advance(timedelta(seconds=5))
        await listener.relay.drain()

    assert listener.facts == ["created"]
    assert LostOnce.__doc__


async def test_an_order_that_asked_for_nothing_is_told_as_always(
    fresh_pool: Pool, clock: FixedClock, listener: Listener
) -> None:
    async with Books(fresh_pool, clock) as books:
        bank = await _bank(fresh_pool, clock, books)
        await _pays(bank, await _order(bank, ""))
        await listener.relay.drain()

    assert listener.facts == ["created", "paid"]
