"""Every product of papers, checks, messages and scores: called once well and once badly.

The ledger is balanced after each, and each answer has the shape its document gives it.
"""

import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.orders.little_bank import LittleBank
from tests.orders.requests import begins, preceding
from tests.orders.requests.papers import ARCHETYPES, paper
from tests.orders.requests.world import World, stand_up

from bankside.bank.ledger import verify
from bankside.catalog import Product, ProductOperation, load
from bankside.catalog.apis.answers import answer_schema, answer_schemas
from bankside.catalog.apis.schemas import MONEY
from bankside.kernel.errors import BanksideError
from bankside.orders import Orders

PRODUCTS = sorted(each.id for each in load().products.values() if each.archetype in ARCHETYPES)


def _as_documented(product: Product, operation: ProductOperation, body: Any) -> None:
    """The answer has the shape that the OpenAPI document gives it."""
    known = {"components": {"schemas": {**answer_schemas(), "Money": MONEY}}}
    Draft202012Validator({**answer_schema(product, operation), **known}).validate(body)


async def _prepared(bank: LittleBank, product: Product) -> World:
    """The world, with what has to stand before the product's own request."""
    world = await stand_up(bank)
    for each in preceding(product):
        shown = await bank.shown(each.operation, each.body(world), path=each.path(world))
        world[each.kept_as] = each.found(shown)
    return world


@pytest.mark.parametrize("product_id", PRODUCTS)
async def test_a_product_answers_a_good_request_and_refuses_a_bad_one(
    bank: LittleBank, product_id: str
) -> None:
    product = load().products[product_id]
    operation = begins(product)
    assert operation is not None and Orders.runnable(product, operation)
    body = paper(product, operation, await _prepared(bank, product))

    with pytest.raises(BanksideError) as unknown:
        await bank.call(operation.id, {**body, "no_such_field": 1})
    required = next(each for each in operation.inputs if each.required or each.instead_of)
    needed = {required.name, required.instead_of}
    with pytest.raises(BanksideError) as missing:
        await bank.call(operation.id, {k: v for k, v in body.items() if k not in needed})
    answer = await bank.call(operation.id, body)

    assert (unknown.value.status, missing.value.status) == (422, 422)
    assert unknown.value.errors[0]["pointer"] == "/no_such_field"
    assert answer.status in {201, 202}
    read = next(
        (each for each in product.operations if each.method == "GET" and each.path.endswith("}")),
        None,
    )
    assert read is not None and isinstance(answer.body, dict)
    if product.archetype == "mandate_debit":
        read = next(each for each in product.operations if each.word == "mandates-query")
    shown = await bank.shown(read.id, path=answer.body["id"])
    assert shown["id"] == answer.body["id"]
    _as_documented(product, operation, answer.body)
    _as_documented(product, read, shown)
    assert not re.search(r"\d{17}[\dX]", str(shown)) or "document_no" not in body
    async with bank.pool.acquire() as db:
        assert (await verify(db)).fault is None


async def test_what_is_secret_is_never_shown_or_kept(bank: LittleBank) -> None:
    product = load().products["identity.identity-verifications"]
    operation = begins(product)
    assert operation is not None
    body = paper(product, operation, await stand_up(bank))

    shown = await bank.shown(operation.id, body)

    async with bank.pool.acquire() as db:
        kept = await db.fetchval(
            "select o::text from orders.orders o where order_id = $1", shown["id"]
        )
    assert shown["status"] == "passed"
    assert body["document_no"] not in str(shown) and body["document_no"] not in kept
