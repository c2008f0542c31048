"""2. Idempotency by (partner, key, request): one effect, one answer, another body is refused."""

import asyncio
from datetime import timedelta

import pytest
from tests.bank.clearing.clearing_world import MONDAY, TUESDAY, Platform
from tests.guarantees.checks import Seen, idempotency
from tests.orders.little_bank import cny

from bankside.bank.clearing import paying
from bankside.kernel.errors import BanksideError
from bankside.orders import outside
from bankside.orders.errors import KeyReused
from bankside.orders.store_keys import KEYS_KEPT_DAYS


async def test_fifty_equal_refunds_are_one_and_another_body_is_refused(platform: Platform) -> None:
    merchant = await platform.merchant()
    order = await platform.sold(merchant, "100.00")
    body = {"order": order, "amount": cny("10.00")}
    operation = "merchant.merchant-refunds.create"

    answers = await asyncio.gather(
        *(platform.bank.call(operation, body, key="same") for _ in range(50)),
        return_exceptions=True,
    )

    bodies = {str(each.body) for each in answers if not isinstance(each, BaseException)}
    assert len(bodies) == 1
    assert all(isinstance(e, BanksideError) for e in answers if isinstance(e, BaseException))
    assert await platform.balance(merchant, "available") == 8_900
    with pytest.raises(KeyReused):
        await platform.bank.call(operation, body | {"amount": cny("11.00")}, key="same")
    await idempotency(platform, Seen())


async def test_clearing_a_date_ten_times_at_once_pays_once(platform: Platform) -> None:
    merchant = await platform.merchant()
    await platform.sold(merchant, "100.00")
    platform.until(MONDAY, 23, 5)
    await asyncio.gather(*(platform.bank.orders.clear(MONDAY) for _ in range(3)))
    platform.until(TUESDAY, 9)

    await asyncio.gather(*(platform.bank.orders.clear(MONDAY) for _ in range(3)))

    assert await platform.bank.balance(merchant.settlement_ledger_account) == "99.00"
    await idempotency(platform, Seen())


def test_a_key_outlives_every_retry_of_ours() -> None:
    pauses = [
        min(2**attempt, outside.UNKNOWN_PAUSE_MINUTES_MAX)
        for attempt in range(outside.UNKNOWN_TRIES_MAX)
    ]
    kept = timedelta(days=KEYS_KEPT_DAYS)

    assert kept >= timedelta(days=7) > timedelta(minutes=sum(pauses))
    # A payout's key is no stored one: it follows from the date and the merchant, for ever.
    assert timedelta(minutes=paying.PAUSE_MINUTES_MAX) < kept
