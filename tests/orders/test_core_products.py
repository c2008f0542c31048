"""The core products, one row each: steps that say what they work with, limits and fees to the cent.

Made from the definitions: whoever adds a core product, or changes a figure, is tested by it.
"""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, declared
from tests.orders.requests import REFUSED_FIRST, World, begins, preceding, stand_up, valid

from bankside.bank.accounts import House, house_account
from bankside.bank.ledger import Group, Leg, group_id
from bankside.catalog import Product, ProductOperation, load
from bankside.kernel.errors import BanksideError
from bankside.kernel.money import Money
from bankside.orders import Orders
from bankside.orders.pricing import terms
from bankside.orders.rules import fee_on

CORE = sorted(each.id for each in load().products.values() if each.tier == "core")
CATALOGUE = load()
LIMIT, DAY = "limit.per_transaction_exceeded", "limit.per_day_exceeded"
_FIELDS = ("amount", "total")


def _limited(product_id: str) -> tuple[Product, ProductOperation] | None:
    """The product and the operation that begins it, where an amount is asked for and limited."""
    product = CATALOGUE.products[product_id]
    operation = begins(product)
    if product.limits is None or operation is None:
        return None
    names = {each.name for each in operation.inputs}
    return (product, operation) if names & set(_FIELDS) and "lines" not in names else None


LIMITED = [each for each in CORE if _limited(each) is not None]


@pytest.mark.parametrize("product_id", CORE)
def test_a_core_product_is_whole(product_id: str) -> None:
    product = CATALOGUE.products[product_id]

    assert all(step.roles for step in product.steps)
    assert product.inputs and product.name.zh and product.name.en
    assert all(Orders.runnable(product, each) for each in product.all_operations)
    # Whatever moves money is limited, and says what it may be refused with.
    for each in product.all_operations:
        known = declared(each.id)
        assert "request.invalid" in known
        if each.moves_money:
            assert {LIMIT, DAY, "idempotency.key_reused"} <= known
    # The price of an account is no payment that somebody asks for.
    uses = [step.use for step in product.steps if step.use != "account.charge"]
    posts = [CATALOGUE.primitive(use) for use in uses]
    assert product.limits is not None or not any(each and each.posts for each in posts)


@pytest.mark.parametrize("product_id", LIMITED)
async def test_an_amount_is_limited_to_the_cent(bank: LittleBank, product_id: str) -> None:
    found = _limited(product_id)
    assert found is not None and found[0].limits is not None
    product, operation = found
    world = await _rich(bank, product)
    most = product.limits.per_transaction_minor

    at_most = await _asked(bank, operation, _body(product, operation, world, most))
    above = await _asked(bank, operation, _body(product, operation, world, most + 1))

    assert at_most is None or at_most in REFUSED_FIRST
    assert above == LIMIT or above in REFUSED_FIRST


@pytest.mark.parametrize("product_id", LIMITED)
async def test_a_day_is_limited_to_the_cent(bank: LittleBank, product_id: str) -> None:
    found = _limited(product_id)
    assert found is not None and found[0].limits is not None
    product, operation = found
    world = await _rich(bank, product)
    body = _body(product, operation, world, None)
    asked = next(Money.parse(**body[name]) for name in _FIELDS if name in body)
    if not await _counts(bank, product, operation, body):
        return  # What a paper promises is counted when it is paid.

    await _spend_until(bank, product, product.limits.per_day_minor - asked.minor)
    whole = await _asked(bank, operation, _body(product, operation, world, None))
    more = await _asked(bank, operation, _body(product, operation, world, None))

    assert whole is None or whole in REFUSED_FIRST
    assert more == DAY or more in REFUSED_FIRST


@pytest.mark.parametrize(
    "product_id", [each for each in CORE if (CATALOGUE.products[each].fees or 0)]
)
def test_a_fee_keeps_its_bounds_to_the_cent(product_id: str) -> None:
    product = CATALOGUE.products[product_id]
    assert product.fees is not None
    currency = product.fees.currency
    price = terms(product, currency)
    rate, least, most = product.fees.rate_bps, product.fees.min_minor, product.fees.max_minor

    for base in (1, 99, 12_345, 10**6, 10**9):
        fee = fee_on(Money(base, currency), price).minor
        exact = base * rate / 10_000
        bounded = min(max(exact, least or 0), most if most is not None else exact)
        assert abs(fee - min(bounded, base)) <= 0.5
    if most is not None and rate:
        reached = most * 10_000 // rate
        assert fee_on(Money(reached, currency), price).minor == most
        assert fee_on(Money(reached * 10, currency), price).minor == most
        assert fee_on(Money(reached - 10_000, currency), price).minor < most
    for bound in (0, 7):
        bounded_price = replace(price, fee_min=bound, fee_max=bound)
        assert fee_on(Money(10**6, currency), bounded_price).minor == bound


async def _rich(bank: LittleBank, product: Product) -> World:
    """People who can pay whatever a limit allows, and what has to stand before the request."""
    world = await stand_up(bank)
    for name in ("payer", "payee"):
        leg = Leg(house_account(House.OPENING, "CNY"), world[name], Money(10**12, "CNY"))
        group = Group(group_id("rich", world[name]), (leg,), kind="opening")
        await bank.books.commit(group)
    dollars = Leg(house_account(House.OPENING, "USD"), world["dollars"], Money(10**12, "USD"))
    await bank.books.commit(Group(group_id("rich", world["dollars"]), (dollars,), kind="opening"))
    for each in preceding(product):
        shown = await bank.shown(each.operation, each.body(world), path=each.path(world))
        world[each.kept_as] = each.found(shown)
    return world


def _body(
    product: Product, operation: ProductOperation, world: World, minor: int | None
) -> dict[str, Any]:
    """A valid request with numbers of its own, about ``minor`` if that is given."""
    world["no"] = f"N{secrets.token_hex(5)}"
    body: dict[str, Any] = dict(valid(product, operation, world))
    names = {each.name for each in operation.inputs}
    for name in (each for each in _FIELDS if each in names):
        given = body.get(name, Money(100, "CNY").to_json())
        currency = given["currency"]
        body[name] = given if minor is None else Money(minor, currency).to_json()
        if currency == "USD":  # What is sold is what is limited.
            body["payer_account"] = world["dollars"]
    return body


async def _asked(
    bank: LittleBank, operation: ProductOperation, body: Mapping[str, Any]
) -> str | None:
    """The code of the refusal, or None."""
    try:
        await bank.call(operation.id, body)
    except BanksideError as refused:
        return refused.code
    return None


async def _counts(
    bank: LittleBank, product: Product, operation: ProductOperation, body: Mapping[str, Any]
) -> bool:
    """Whether a request counts against a day of somebody at once."""
    assert await _asked(bank, operation, body) is None
    async with bank.pool.acquire() as db:
        rows = await db.fetchval(
            "select count(*) from orders.usage where partner_id = $1 and product = $2",
            bank.partner,
            product.id,
        )
    return bool(rows)


async def _spend_until(bank: LittleBank, product: Product, minor: int) -> None:
    """The rest of the day's limit was used by others, so to say."""
    async with bank.pool.acquire() as db:
        await db.execute(
            "update orders.usage set spent = $3 where partner_id = $1 and product = $2",
            bank.partner,
            product.id,
            minor,
        )
