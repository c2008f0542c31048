"""Orders and product versions: a drafted version runs, and an order keeps the one it began with."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from tests.catalog.lifecycle.world import a_new_product, definition
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.ledger import Books
from bankside.catalog import load, route_of
from bankside.catalog.kinds import product_of
from bankside.catalog.lifecycle import Draft, register
from bankside.kernel.call import Answer, Call
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, transaction
from bankside.kernel.errors import BanksideError
from bankside.kernel.snapshot import Operation
from bankside.orders import Orders, in_flight

CODES = "merchant.collection-codes"


@pytest.fixture
async def bank(fresh_pool: Pool, clock: FixedClock) -> AsyncIterator[LittleBank]:
    """A little bank on a database of its own: versions stay for all tests of a database."""
    async with Books(fresh_pool, clock) as books:
        orders = Orders(fresh_pool, books, clock, load())
        yield LittleBank(fresh_pool, books, clock, orders, f"prt_{secrets.token_hex(8)}")


async def _kept(bank: LittleBank, what: dict[str, Any]) -> int:
    """A version with this definition; its number."""
    draft = Draft(product=what["id"], kind="orders", definition=what, author="usr_1")
    async with transaction(bank.pool) as db:
        return (await register(db, bank.clock, load(), draft)).version


def _asked(what: dict[str, Any], word: str, version: int) -> Operation:
    product = product_of(what, version)
    found = next(each for each in product.all_operations if each.word == word)
    return replace(route_of(product, found, available=True), version=version)


async def _call(bank: LittleBank, asked: Operation, body: Any, **more: Any) -> Answer:
    answer = bank.orders.handle(Call(operation=asked, caller=bank.caller(), body=body, **more))
    return answer if isinstance(answer, Answer) else await answer


async def test_a_product_made_of_data_alone_moves_money(bank: LittleBank) -> None:
    what = a_new_product()
    version = await _kept(bank, what)
    payer, payee = await bank.account("10.00"), await bank.account()
    body = {"payer_account": payer.id, "payee_account": payee.id, "amount": cny("3.00")}

    answer = await _call(bank, _asked(what, "create", version), body, idempotency_key="k1")

    assert answer.status == 201
    assert isinstance(answer.body, dict)
    assert answer.body["product"] == what["id"]
    assert await bank.balance(payee) == "3.00"


async def test_a_new_version_has_its_own_fee_and_limit_and_old_orders_keep_theirs(
    bank: LittleBank,
) -> None:
    dear = definition(
        CODES,
        fees={"payer": "merchant", "rate_bps": 1_000, "currency": "CNY"},
        limits={"per_transaction_cents": 500, "per_day_cents": 2_000},
    )
    version = await _kept(bank, dear)
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    old = load().operations[f"{CODES}.create"]
    first = await bank.shown(
        old.id, {"merchant": merchant.id, "order_no": "O1", "amount": cny("10.00")}
    )
    create = _asked(dear, "create", version)
    body = {"merchant": merchant.id, "order_no": "N1", "amount": cny("5.00")}
    second = await _call(bank, create, body, idempotency_key="n1")
    body = {"merchant": merchant.id, "order_no": "N2", "amount": cny("5.01")}
    third = await _call(bank, create, body, idempotency_key="n2")

    assert isinstance(third.body, dict)
    assert isinstance(second.body, dict)
    async with bank.pool.acquire() as db:
        rows = await db.fetch(
            "select order_id, product_version, terms::text from orders.orders"
            " where partner_id = $1 order by product_version",
            bank.partner,
        )
    assert {row["order_id"]: row["product_version"] for row in rows} == {
        first["id"]: 1,
        second.body["id"]: version,
        third.body["id"]: version,
    }
    assert '"fee_rate_bp": 1000' in rows[1]["terms"]
    assert '"fee_rate_bp": 1000' not in rows[0]["terms"]
    # The old order is paid under the limit it began with, though the new version allows 5.00 only.
    token = await bank.token(payer)
    paid = await bank.shown(
        "platform.payer-confirmations.create", {"order": first["id"], "payer_token": token}
    )
    assert paid["paid"] == cny("10.00")
    # And the new ones under their own.
    with pytest.raises(BanksideError) as too_much:
        await bank.call(
            "platform.payer-confirmations.create",
            {"order": third.body["id"], "payer_token": token},
        )
    assert too_much.value.code == "limit.per_transaction_exceeded"
    paid = await bank.shown(
        "platform.payer-confirmations.create",
        {"order": second.body["id"], "payer_token": token},
    )
    assert paid["paid"] == cny("5.00")


async def test_a_version_that_nobody_drafted_is_not_available(bank: LittleBank) -> None:
    asked = replace(_asked(definition(), "create", 1), version=99)

    with pytest.raises(BanksideError) as refused:
        await _call(bank, asked, {}, idempotency_key="k")

    assert refused.value.code == "product.not_available"


async def test_orders_in_flight_are_counted_by_product_and_version(bank: LittleBank) -> None:
    merchant = await bank.merchant()
    async with bank.pool.acquire() as db:
        before = await in_flight(db, [CODES])
        await bank.call(
            f"{CODES}.create",
            {"merchant": merchant.id, "order_no": "W1", "amount": cny("1.00")},
        )
        after = await in_flight(db, [CODES])
        first, second = await in_flight(db, [CODES], 1), await in_flight(db, [CODES], 2)

    assert (after - before, first - before, second) == (1, 1, 0)


def test_what_a_draft_defines_can_be_asked_whether_it_runs() -> None:
    product = product_of(a_new_product(), 1)

    assert all(Orders.runnable(product, each) for each in product.all_operations)
