"""3. State order: one way only; a refund at every point has a defined funding order."""

import pytest
from tests.bank.clearing.clearing_world import MONDAY, TUESDAY, Platform
from tests.guarantees.checks import Seen, state_order
from tests.orders.little_bank import cny

from bankside.bank.clearing import BatchState, BatchTransitionRefused, model
from bankside.bank.clearing.model import PayoutState, payout_moved
from bankside.bank.clearing.rules import funded
from bankside.orders.errors import RefundFundsInsufficient, RefundNeedsSplitReturn


def test_a_batch_goes_from_open_to_reconciled_one_step_at_a_time() -> None:
    states = list(BatchState)
    for state in states:
        for to in states:
            if states.index(to) == states.index(state) + 1:
                assert model.moved(state, to) is to
            else:
                with pytest.raises(BatchTransitionRefused):
                    model.moved(state, to)


def test_an_unknown_payout_becomes_known_and_a_failed_one_is_only_released() -> None:
    assert payout_moved(PayoutState.UNKNOWN, PayoutState.CONFIRMED) is PayoutState.CONFIRMED
    for state, to in (
        (PayoutState.UNKNOWN, PayoutState.PREPARED),
        (PayoutState.FAILED, PayoutState.SUBMITTED),
        (PayoutState.CONFIRMED, PayoutState.FAILED),
        (PayoutState.RELEASED, PayoutState.PREPARED),
    ):
        with pytest.raises(model.PayoutTransitionRefused):
            payout_moved(state, to)


async def test_a_refund_is_funded_by_what_comes_first_at_each_point(platform: Platform) -> None:
    merchant = await platform.merchant(reserve=1_000)
    rider = await platform.bank.receiver(merchant)
    order = await platform.bank.pay(merchant, "100.00")

    await platform.refund(order, "10.00")  # Out of the unsplit money.
    assert await platform.balance(merchant, "pending") == 9_000
    share = {"receivers": [{"account": rider.id, "amount": cny("30.00")}]}
    await platform.bank.call("merchant.split-orders.splits", share, path=order)
    with pytest.raises(RefundNeedsSplitReturn):
        await platform.refund(order, "70.00")  # What is split comes back first.
    back = {"account": rider.id, "amount": cny("30.00")}
    await platform.bank.call("merchant.split-orders.returns", back, path=order)
    await platform.finish(order)
    await platform.refund(order, "20.00")  # Settled: out of what is available.
    assert await platform.balance(merchant, "available") == 6_910
    await platform.close(MONDAY)
    platform.until(TUESDAY, 9)
    await platform.bank.orders.clear(MONDAY)
    await platform.refund(order, "10.00")  # Paid out: out of the merchant's reserve.
    assert await platform.balance(merchant, "reserved") == 0
    with pytest.raises(RefundFundsInsufficient):
        await platform.refund(order, "0.01")  # Nothing is left, and no advance was agreed.
    await state_order(platform, Seen())


def test_what_no_source_covers_is_asked_of_the_first_and_so_refused() -> None:
    sources = [("available", 5), ("reserved", 0), ("platform", 7), ("owed", 2)]

    assert funded(12, sources) == [("available", 5), ("platform", 7)]
    assert funded(14, sources) == [("available", 5), ("platform", 7), ("owed", 2)]
    assert funded(15, sources) == [("available", 15)]
