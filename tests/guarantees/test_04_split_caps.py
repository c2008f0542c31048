"""4. Split caps: shares and fee within paid less refunded, a declared remainder, an end date."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bank.clearing.clearing_world import Platform
from tests.guarantees.checks import Seen, split_caps
from tests.orders.little_bank import cny

from bankside.orders import rules
from bankside.orders.errors import SplitCapExceeded, SplitRequestsExceeded
from bankside.orders.inputs import InputInvalid
from bankside.orders.model import Order, PlanStep, State, Terms
from bankside.orders.primitives.collect import settle

AT = datetime(2026, 3, 2, 2, tzinfo=UTC)


def _order(paid: int, refunded: int, rate: int) -> Order:
    return Order(
        partner="p",
        id="o",
        tenant=None,
        app="a",
        product="x",
        family="collect_split",
        state=State.WAITING,
        plan=(PlanStep("s", "split.execute", "event", "compensate"),),
        waits_for="split.execute",
        scope="order",
        content_hash=b"",
        subject="m",
        currency="CNY",
        amount=paid,
        paid=paid,
        refunded=refunded,
        pending=paid - refunded,
        terms=Terms(fee_rate_bp=rate, split_share_max_bp=3_000),
        roles={"merchant_pending": "p", "merchant": "m", "fee_income": "f"},
        created_at=AT,
        updated_at=AT,
    )


@given(
    st.integers(1, 10**9),
    st.integers(0, 10_000),
    st.integers(0, 1_000),
    st.lists(st.integers(1, 10**8), max_size=6),
)
def test_whatever_is_asked_shares_and_fee_stay_within_and_the_rest_is_the_merchants(
    paid: int, refunded_bp: int, rate: int, asked: list[int]
) -> None:
    order = _order(paid, paid * refunded_bp // 10_000, rate)
    for minor in asked:
        try:
            rules.may_split(order, {"r": minor}, {"r"})
        except SplitCapExceeded:
            continue
        order = replace(
            order,
            split=order.split + minor,
            pending=order.pending - minor,
            shares={"r": order.shares.get("r", 0) + minor},
        )

    left = order.paid - order.refunded
    fee = rules.fee_on(order.money(left), order.terms).minor
    assert order.split + fee <= left
    assert order.split <= paid * 3_000 // 10_000
    # The remainder of every rounding goes to the merchant: nothing is left pending.
    done = settle(order, PlanStep("f", "split.finish", "event", "compensate"), {}, AT)
    assert done.order.pending == 0
    assert done.order.settled + done.order.fee + order.split == left


async def test_a_third_and_fifty_one_receivers_and_requests_are_refused(platform: Platform) -> None:
    merchant = await platform.merchant()
    rider = await platform.bank.receiver(merchant)
    order = await platform.bank.pay(merchant, "100.00")

    async def split(amount: str, times: int = 1) -> None:
        receiver = {"account": rider.id, "amount": cny(amount)}
        share = {"receivers": [receiver] * times}
        await platform.bank.call("merchant.split-orders.splits", share, path=order)

    with pytest.raises(SplitCapExceeded):
        await split("30.01")
    with pytest.raises(InputInvalid):
        await split("0.01", times=51)
    for _ in range(rules.SPLIT_REQUESTS_MAX):
        await split("0.10")
    with pytest.raises(SplitRequestsExceeded):
        await split("0.10")
    await split_caps(platform, Seen())


@pytest.mark.parametrize(("tenant", "days"), [(None, 30), ("tnt_shop", 180)])
async def test_frozen_money_has_an_end_date(
    platform: Platform, tenant: str | None, days: int
) -> None:
    merchant = await platform.merchant()
    platform.bank.tenant = tenant
    await platform.bank.pay(merchant, "100.00")

    platform.bank.clock.advance(timedelta(days=days) - timedelta(seconds=1))
    await platform.bank.orders.expire()
    assert await platform.balance(merchant, "pending") == 10_000
    platform.bank.clock.advance(timedelta(seconds=1))
    await platform.bank.orders.expire()

    assert await platform.balance(merchant, "pending") == 0
    assert await platform.balance(merchant, "available") == 9_900
