"""Each core product has a rule of its own: a request that just keeps it is taken, others not."""

from collections import defaultdict
from types import FunctionType
from typing import Any

import pytest
from tests.orders.core_rules import RULES, Change
from tests.orders.little_bank import LittleBank
from tests.orders.requests import World, begins, preceding, stand_up, valid

from bankside.catalog import Product, ProductOperation, load
from bankside.catalog.apis.schemas import fields_schema
from bankside.kernel.errors import BanksideError
from bankside.orders.primitives import PRIMITIVES
from bankside.orders.rules import fee_on

CORE = sorted(each.id for each in load().products.values() if each.tier == "core")
# Products of one archetype that ask for the same, and why that is right.
ALIKE: dict[frozenset[str], str] = {}


def test_every_core_product_has_a_rule_of_its_own() -> None:
    assert sorted(RULES) == CORE


def test_no_two_core_products_of_an_archetype_ask_for_the_same() -> None:
    by_shape: dict[str, set[str]] = defaultdict(set)
    for name in CORE:
        product = load().products[name]
        operation = _asked_first(product)
        shape = fields_schema(operation.inputs, money_ref="#")
        by_shape[f"{product.archetype} {shape}"].add(name)

    alike = {frozenset(names) for names in by_shape.values() if len(names) > 1}

    assert alike == set(ALIKE)


def test_a_price_of_any_product_is_charged_by_a_step() -> None:
    idle = [
        product.id
        for product in load().products.values()
        if product.fees is not None and (product.fees.rate_bps or product.fees.min_minor)
        if not any(_charges(step.use) for step in product.steps)
    ]

    assert idle == []


@pytest.mark.parametrize("name", CORE)
async def test_a_request_that_just_keeps_the_rule_is_taken(bank: LittleBank, name: str) -> None:
    product, rule = load().products[name], RULES[name]
    operation = _operation(product, rule.operation)
    world = await _world(bank, product)

    answer = await bank.call(operation.id, _changed(product, operation, world, rule.kept))

    assert answer.status in (200, 201, 202)


@pytest.mark.parametrize("name", CORE)
async def test_a_request_that_just_breaks_the_rule_is_refused(bank: LittleBank, name: str) -> None:
    product, rule = load().products[name], RULES[name]
    operation = _operation(product, rule.operation)
    world = await _world(bank, product)
    before = await _books(bank)

    with pytest.raises(BanksideError) as refused:
        await bank.call(operation.id, _changed(product, operation, world, rule.broken))

    error = refused.value
    assert rule.code in {error.code, *(each["code"] for each in error.errors)}
    assert await _books(bank) == before


def _charges(use: str) -> bool:
    """Whether carrying out the step comes to the one place where a fee is worked out."""
    primitive = PRIMITIVES.get(use)
    waiting, seen = [primitive.run] if primitive else [], set[object]()
    while waiting:
        each = waiting.pop()
        if not isinstance(each, FunctionType) or each in seen:
            continue
        if each is fee_on or "fee_on" in each.__code__.co_names:
            return True
        seen.add(each)
        waiting += [each.__globals__.get(name) for name in each.__code__.co_names]
    return False


def _asked_first(product: Product) -> ProductOperation:
    return begins(product) or next(each for each in product.all_operations if each.inputs)


def _operation(product: Product, word: str | None) -> ProductOperation:
    if word is None:
        return _asked_first(product)
    return next(each for each in product.all_operations if each.word == word)


async def _world(bank: LittleBank, product: Product) -> World:
    world = await stand_up(bank)
    for each in preceding(product):
        shown = await bank.shown(each.operation, each.body(world), path=each.path(world))
        world[each.kept_as] = each.found(shown)
    own = bank.customer
    bank.customer = None
    world["stranger"] = (await bank.account("10.00")).id
    bank.customer = own
    if product.id == "account.sub-accounts":
        opened = await bank.shown(
            "account.sub-accounts.create", {"master_account": world["payer"], "name": "一号"}
        )
        world["sub"] = opened["result"]["account"]["id"]
    return world


def _changed(
    product: Product, operation: ProductOperation, world: World, change: Change
) -> dict[str, Any]:
    made = change(world) if callable(change) else change
    if begins(product) is operation:
        return {**valid(product, operation, world), **made}
    names = {each.name for each in operation.inputs}
    return {**({"subject": world["payer"]} if "subject" in names else {}), **made}


async def _books(bank: LittleBank) -> list[int]:
    return await bank.money(*(each.ledger_account for each in bank.accounts))
