"""Amounts that move later are limited when they are asked for, and count once."""

from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny
from tests.orders.requests import begins, stand_up, valid

from bankside.catalog import load
from bankside.kernel.errors import BanksideError
from bankside.kernel.money import Money

LATER = {
    "engage.points-accounts",
    "engage.points-payments",
    "forex.export-rebates",
    "forex.inward-remittances",
    "pension.pension-payouts",
}
# Nobody asks again: the clock or the network moves it. Points are counted when they are used.
COUNTED_AT_ONCE = {
    "forex.export-rebates",
    "forex.inward-remittances",
    "pension.pension-payouts",
}


@pytest.mark.parametrize("product_id", sorted(LATER))
async def test_one_cent_above_the_limit_is_refused_and_counts_nothing(
    bank: LittleBank, product_id: str
) -> None:
    product = load().products[product_id]
    operation = begins(product)
    assert operation is not None and product.limits is not None
    body: dict[str, Any] = dict(valid(product, operation, await stand_up(bank)))
    currency = body["amount"]["currency"]
    over = Money(product.limits.per_transaction_minor + 1, currency).to_json()

    with pytest.raises(BanksideError) as refused:
        await bank.call(operation.id, body | {"amount": over})
    counted_before = await bank.counted(product_id)
    await bank.call(operation.id, body)

    assert refused.value.code == "limit.per_transaction_exceeded"
    assert counted_before == 0
    asked = Money.parse(**body["amount"]).minor
    expected = asked if product_id in COUNTED_AT_ONCE else 0
    assert await bank.counted(product_id) == expected


async def test_points_count_against_the_day_they_are_used_on(bank: LittleBank) -> None:
    product = load().products["engage.points-payments"]
    operation = begins(product)
    assert operation is not None
    body: dict[str, Any] = dict(valid(product, operation, await stand_up(bank)))
    order = await bank.shown(operation.id, body)
    code = {"code": order["result"]["ticket"]["code"]}

    used = await bank.shown(f"{product.id}.redemptions", code, path=order["id"])

    assert used["paid"] == body["amount"] == cny("10.00")
    assert await bank.counted(product.id) == 1_000
