"""OpenAPI documents: of the platform, of each product, of what a partner holds; and their examples.

``openapi31/schema.json`` is the OpenAPI Initiative's JSON Schema of OpenAPI 3.1 (2022-10-07,
Apache-2.0), as published at spec.openapis.org.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.validators import validator_for
from tests.catalog.lifecycle.conftest import desk
from tests.catalog.lifecycle.world import SCAN, Desk, a_new_product

from bankside import catalog
from bankside.catalog import Input, input_schema, load
from bankside.catalog.apis import example, selected
from bankside.catalog.apis.examples import PATTERNS
from bankside.console.documents import Documents
from bankside.kernel.db import Pool, transaction
from bankside.orders import Orders

__all__ = ["desk"]
METHODS = {"get", "post", "put", "patch", "delete"}
OAS = json.loads((Path(__file__).parent / "openapi31" / "schema.json").read_text("utf-8"))
PRODUCTS = sorted(load().products)


@cache
def whole() -> dict[str, Any]:
    """The platform's document, as a program that reads JSON gets it."""
    made = catalog.openapi(load(), Orders.runnable, Orders.refusals)
    return json.loads(json.dumps(made))  # type: ignore[no-any-return]


@cache
def checker() -> Any:
    return validator_for(OAS)(OAS)


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in document["paths"].values():
        yield from (node for name, node in item.items() if name in METHODS)


def dangling(document: dict[str, Any]) -> list[str]:
    """References that lead nowhere."""
    missing = []
    for reference in set(re.findall(r'"\$ref": "(#/[^"]+)"', json.dumps(document))):
        node: Any = document
        for part in reference.removeprefix("#/").split("/"):
            node = node.get(part.replace("~1", "/")) if isinstance(node, dict) else None
        if node is None:
            missing.append(reference)
    return missing


def test_the_platforms_document_is_openapi_31() -> None:
    assert [error.message for error in checker().iter_errors(whole())] == []
    assert dangling(whole()) == []
    ids = [node["operationId"] for node in operations(whole())]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("product", PRODUCTS)
def test_each_products_document_is_whole_and_holds_nothing_else(product: str) -> None:
    document = selected(whole(), {product}, title=product)

    assert not list(checker().iter_errors(document))
    assert dangling(document) == []
    assert {node["operationId"] for node in operations(document)} == {
        each.id for each in load().products[product].all_operations
    }
    assert document["info"]["title"] == product
    text = json.dumps(document["paths"]) + json.dumps(document["components"])
    for name in document["components"].get("schemas", {}):
        assert f"#/components/schemas/{name}" in text, f"nothing uses {name}"


def _media(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from node.get("requestBody", {}).get("content", {}).values()


def test_every_example_of_a_request_fits_its_schema() -> None:
    document, seen = whole(), 0
    registry = {"$defs": {}, "components": document["components"]}
    for node in operations(document):
        for media in _media(node):
            if "example" in media:
                schema = {**registry, **media["schema"]}
                found = Draft202012Validator(
                    schema, format_checker=FormatChecker(formats=["date"])
                ).iter_errors(media["example"])
                assert not [error.message for error in found], node["operationId"]
                seen += 1
        for parameter in node.get("parameters", ()):
            if "example" in parameter:
                schema = {**registry, **parameter["schema"]}
                assert Draft202012Validator(schema).is_valid(parameter["example"])
                seen += 1
    assert seen > 400


def test_every_operation_has_a_json_schema_that_takes_its_example() -> None:
    for product in load().products.values():
        for operation in product.all_operations:
            schema = input_schema(product, operation)
            Draft202012Validator.check_schema(schema)
            given = example(operation.inputs)
            assert Draft202012Validator(schema).is_valid(given), operation.id


def _patterns(inputs: tuple[Input, ...]) -> Iterator[str]:
    for each in inputs:
        if each.pattern is not None and not each.choices:
            yield each.pattern
        yield from _patterns(each.fields)


def test_each_pattern_of_the_catalogue_has_an_example_that_matches_it() -> None:
    used = {
        pattern
        for product in (load().platform, *load().products.values())
        for operation in product.all_operations
        for pattern in _patterns(operation.inputs)
    }

    assert used <= PATTERNS.keys()
    for pattern, value in PATTERNS.items():
        assert re.search(pattern, value), pattern


async def test_a_product_that_staff_drafted_has_a_document_of_its_own(desk: Desk) -> None:
    new = a_new_product()
    await desk.to_sandbox(new)
    standing = await catalog.standing_now(desk.db, load())
    document = catalog.openapi(standing.catalogue(load()), Orders.runnable, Orders.refusals)

    found = selected(json.loads(json.dumps(document)), {new["id"]}, title=new["id"])

    assert not list(checker().iter_errors(found))
    assert set(found["paths"]) == {
        "/v1/tip-payments",
        "/v1/tip-payments/{tipPaymentId}",
        "/v1/tip-payments/{tipPaymentId}/cancellations",
    }


async def test_a_partners_document_holds_what_its_apps_hold_and_the_platforms_own(
    fresh_pool: Pool, clock: Any
) -> None:
    async with transaction(fresh_pool) as db:
        food = await Desk(db, clock).partner(SCAN, "wallet.wallets")
    documents = Documents(
        fresh_pool, load(), lambda shown: catalog.openapi(shown, Orders.runnable, Orders.refusals)
    )

    found = json.loads(json.dumps(await documents.of_partner(food)))

    assert not list(checker().iter_errors(found))
    assert {node["x-bankside-product"] for node in operations(found)} == {
        SCAN,
        "wallet.wallets",
        "platform",
        "open-banking",
    }
    with pytest.raises(catalog.ProductUnknown):
        await documents.of_product("no.such")
