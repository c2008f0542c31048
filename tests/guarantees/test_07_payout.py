"""7. Payout: totals checked, every line committed before it is sent, unknown never swept again."""

from datetime import timedelta
from typing import Any

import pytest
from tests.bank.clearing.clearing_world import ELSEWHERE, MONDAY, TUESDAY, Platform
from tests.guarantees.checks import Seen, payout

from bankside.bank import clearing
from bankside.bank.clearing import BatchState, BatchUnbalanced, Outside, PayoutState, workflow
from bankside.bank.networks import Outcome, Outgoing, SandboxNetwork


class Watching(SandboxNetwork):
    """The sandbox's network, which looks at the bank's own rows at the moment it is asked."""

    def __init__(self, platform: Platform, *, answers: bool = True) -> None:
        self.platform, self.answers = platform, answers
        self.asked: list[tuple[str, str, int]] = []

    async def send(self, key: str, payment: Outgoing) -> Outcome:
        row: Any = await self.platform.bank.pool.fetchrow(
            "select state, amount from bank.clearing_payouts where key = $1", key
        )
        self.asked.append((key, row["state"], payment.amount.minor))
        if not self.answers:
            raise ConnectionError("the line went dead")
        return await super().send(key, payment)


async def test_a_line_is_committed_before_it_is_sent(platform: Platform) -> None:
    merchant = await platform.merchant(payout_to=ELSEWHERE)
    await platform.sold(merchant, "100.00")
    await platform.close(MONDAY)
    network = Watching(platform)
    platform.bank.orders._desk.network = network
    platform.until(TUESDAY, 9)

    await platform.bank.orders.clear(MONDAY)

    ((key, state, minor),) = network.asked
    (line,) = await platform.payouts(MONDAY)
    assert (state, minor) == ("submitted", 9_900)
    assert (line.key, line.state) == (key, PayoutState.CONFIRMED)


async def test_an_answer_that_never_came_is_asked_for_under_the_same_key(
    platform: Platform,
) -> None:
    merchant = await platform.merchant(payout_to=ELSEWHERE)
    await platform.sold(merchant, "100.00")
    await platform.close(MONDAY)
    dead = Watching(platform, answers=False)
    platform.bank.orders._desk.network = dead
    platform.until(TUESDAY, 9)
    with pytest.raises(ConnectionError):
        await platform.bank.orders.clear(MONDAY)
    await payout(platform, Seen())

    platform.bank.orders._desk.network = alive = Watching(platform)
    batch = await platform.bank.orders.clear(MONDAY)

    assert batch.state is BatchState.RECONCILED
    assert {each[0] for each in alive.asked} == {each[0] for each in dead.asked}
    await payout(platform, Seen())


async def test_unknown_for_ever_is_neither_failed_nor_paid_by_a_later_date(
    platform: Platform,
) -> None:
    to = Outside("102100099996", "6222020200119103", "海棠小馆")
    merchant = await platform.merchant(payout_to=to)
    await platform.sold(merchant, "100.00")
    await platform.close(MONDAY)
    platform.until(TUESDAY, 9)
    for _ in range(12):
        await platform.bank.orders.clear(MONDAY)
        platform.bank.clock.advance(timedelta(hours=1))
    await platform.close(TUESDAY)

    (line,) = await platform.payouts(MONDAY)
    assert line.state is PayoutState.UNKNOWN and line.attempts > 5
    assert await platform.payouts(TUESDAY) == []
    await payout(platform, Seen())


async def test_a_total_that_is_not_what_was_claimed_stops_the_batch(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant = await platform.merchant()
    await platform.sold(merchant, "100.00")
    platform.until(MONDAY, 23, 5)
    check = workflow._check

    async def tampered(db: Any, *about: Any) -> None:
        await db.execute("update bank.clearing_payouts set amount = amount + 1")
        await check(db, *about)

    monkeypatch.setattr(workflow, "_check", tampered)
    with pytest.raises(BatchUnbalanced):
        await platform.bank.orders.clear(MONDAY)

    async with platform.bank.pool.acquire() as db:
        assert (await clearing.read_batch(db, MONDAY)).state is BatchState.COMPUTED
