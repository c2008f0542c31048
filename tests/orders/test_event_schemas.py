"""Every event that orders publish has a described name and a body that its schema takes."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from tests.orders.little_bank import LittleBank, cny
from tests.orders.primitive_samples import lived, time_passes
from tools.event_docs import DOCUMENT, document

import bankside.orders
from bankside.catalog import load
from bankside.orders.event_schemas import FACTS, SCHEMAS

SOURCE = Path(bankside.orders.__file__).parent
PRODUCTS = [
    "merchant.split-orders",
    "payment.bulk-transfers",
    "card.credit-cards",
    "supplychain.credit-vouchers",
    "payment.interbank-transfers",
    "engage.coupons",
    "wealth.fund-subscriptions",
    "forex.spot-exchanges",
]


def _published() -> Iterator[str]:
    """The names of facts in the code: ``event=...`` of effects and the facts of changes."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "event":
                yield from _texts(node.value)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Change":
                facts = [each for each in node.args[3:4] if isinstance(each, ast.Tuple | ast.IfExp)]
                for each in facts:
                    yield from _texts(each)


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.Tuple):
        for each in node.elts:
            yield from _texts(each)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def test_the_described_facts_are_those_the_code_publishes() -> None:
    assert set(_published()) == set(FACTS)


def test_the_partners_page_is_the_made_one() -> None:
    # Made by `python -m tools.event_docs`; when this fails, run it and review the difference.
    assert DOCUMENT.read_text(encoding="utf-8") == document()


@pytest.mark.parametrize("product_id", PRODUCTS)
async def test_what_is_published_is_what_the_schema_says(bank: LittleBank, product_id: str) -> None:
    await lived(bank, load().products[product_id])
    await time_passes(bank)

    published = await _outbox(bank)
    assert published
    for kind, body in published:
        _fits(kind, body)


async def test_told_entries_are_what_their_schema_says(bank: LittleBank) -> None:
    payer, payee = await bank.account("10.00"), await bank.account()
    await bank.call("account.account-subscriptions.create", {"account": payee.id})
    asked = {"payer_account": payer.id, "payee_account": payee.id, "amount": cny("1.00")}
    await bank.call("payment.internal-transfers.create", asked)
    await bank.orders.expire()

    published = await _outbox(bank)
    assert "orders.entry.booked" in {kind for kind, _ in published}
    for kind, body in published:
        _fits(kind, body)


async def _outbox(bank: LittleBank) -> list[tuple[str, Any]]:
    async with bank.pool.acquire() as db:
        rows = await db.fetch(
            "select type, body from kernel.outbox where partner_id = $1", bank.partner
        )
    return [(each["type"], json.loads(each["body"])) for each in rows]


def _fits(kind: str, body: Any) -> None:
    room, _, name = kind.partition(".")
    assert room == "orders"
    if name.startswith("order."):
        assert name.removeprefix("order.") in FACTS
    schema = next(each for prefix, each in SCHEMAS.items() if name.startswith(prefix))
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(body)
    assert set(body) == set(schema["properties"])
