"""Documents of imported products: their own bodies, answers and refusals, as callers meet them."""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from tests.catalog.imports.descriptions import TIPS, raw
from tests.catalog.imports.test_describing import SHARED
from tests.catalog.imports.test_importing import in_sandbox, proposal
from tests.catalog.lifecycle.world import AUTHOR, WORLD, Desk
from tests.catalog.test_openapi_documents import checker, dangling, operations

from bankside import catalog
from bankside.catalog import imports
from bankside.catalog.apis import forwarded, selected
from bankside.catalog.apis.forwarded import with_forwards
from bankside.catalog.imports.binding import bind
from bankside.catalog.imports.definition import definition_of, product_of
from bankside.catalog.imports.naming import set_name
from bankside.catalog.imports.review import confirmed
from bankside.gateway.upstream import errors
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Connection
from bankside.kernel.errors import BanksideError
from bankside.kernel.snapshot import Upstream
from bankside.orders import Orders

MONEY = {"amount": "12.34", "currency": "CNY"}


@pytest.fixture
def desk(db: Connection, clock: FixedClock) -> Desk:
    return Desk(db, clock)


async def document(desk: Desk, review: dict[str, Any] | None = None) -> dict[str, Any]:
    """The set's own document, in the sandbox, as a program reads it."""
    if review is None:
        await in_sandbox(desk)
    else:
        for each in review["operations"]:
            each["confirmed"] = True
        await imports.take_description(desk.db, desk.clock, raw(TIPS), review, by=AUTHOR.id)
        await desk.move(AUTHOR, "review", "imported.tips")
        await desk.both("sandbox", "imported.tips", confirmed=("R3", "C2"))
    shown = await catalog.display(desk.db, WORLD.catalogue)
    whole = catalog.openapi(
        shown.standing.catalogue(WORLD.catalogue), Orders.runnable, Orders.refusals
    )
    part = selected(shown.told(dict(whole)), {"imported.tips"}, title="tips")
    made: dict[str, Any] = json.loads(json.dumps(part))
    return made


def takes(document: dict[str, Any], schema: dict[str, Any], value: Any) -> bool:
    """Whether a schema of the document takes a value."""
    held = {"components": document["components"], **schema}
    return bool(Draft202012Validator(held).is_valid(value))


def body_of(document: dict[str, Any], path: str, method: str) -> dict[str, Any]:
    content = document["paths"][path][method]["requestBody"]["content"]
    schema: dict[str, Any] = content["application/json"]["schema"]
    return schema


def answer_of(document: dict[str, Any], path: str, method: str, status: str) -> dict[str, Any]:
    content = document["paths"][path][method]["responses"][status]["content"]
    schema: dict[str, Any] = content["application/json"]["schema"]
    return schema


async def test_bodies_and_answers_are_those_of_the_service_in_our_writing(desk: Desk) -> None:
    found = await document(desk)

    assert [error.message for error in checker().iter_errors(found)] == []
    assert dangling(found) == []
    body = body_of(found, "/v1/tips", "post")
    assert takes(found, body, {"amount": MONEY, "phone": None})
    assert not takes(found, body, {"amount": 1234, "currency": "CNY"})
    assert not takes(found, body, {"phone": None}), "the amount is required"
    assert not takes(found, body, {"amount": MONEY, "phone": 1})
    listed = answer_of(found, "/v1/tips", "get", "200")
    assert takes(found, listed, {"items": []})
    assert not takes(found, listed, [])
    assert "204" in found["paths"]["/v1/tips/{id}"]["delete"]["responses"]
    (limit,) = [each for each in found["paths"]["/v1/tips"]["get"]["parameters"] if "name" in each]
    assert (limit["name"], limit["in"], limit["required"]) == ("limit", "query", False)
    assert takes(found, limit["schema"], 50)
    assert not takes(found, limit["schema"], 51)


async def test_renamed_members_and_named_refusals_are_told_as_ours(desk: Desk) -> None:
    review = proposal()
    create = next(each for each in review["operations"] if each["word"] == "create")
    create["map_request"] = [
        {"source": "/tip/sum", "target": "/amount", "unit": "minor", "currency": "/currency"},
        {"source": "/colour", "target": "/phone", "words": {"red": "1"}},
    ]
    create["map_answer"] = [
        {"source": "/amount", "target": "/tip/sum", "unit": "minor", "currency": "/currency"}
    ]
    create["refusals"] = [{"status": 402, "code": "tips.poor", "answers": 409, "title": "No money"}]
    found = await document(desk, review)

    assert [error.message for error in checker().iter_errors(found)] == []
    body = body_of(found, "/v1/tips", "post")
    assert takes(found, body, {"tip": {"sum": MONEY}, "colour": "red"})
    assert not takes(found, body, {"tip": {}})
    assert not takes(found, body, {"amount": 1, "currency": "CNY"})
    answer = answer_of(found, "/v1/tips", "post", "201")
    assert takes(found, answer, {"tip": {"sum": MONEY}, "currency": "CNY", "id": "tip1"})
    assert not takes(found, answer, {"amount": 1, "currency": "CNY", "id": "tip1"})
    node = found["paths"]["/v1/tips"]["post"]
    assert "tips.poor" in node["x-bankside-errors"]


def example_of(document: dict[str, Any], path: str, method: str) -> Any:
    return document["paths"][path][method]["requestBody"]["content"]["application/json"]["example"]


async def test_a_request_has_an_example_that_its_schema_takes(desk: Desk) -> None:
    found = await document(desk)

    assert example_of(found, "/v1/tips", "post") == {"amount": MONEY}


async def test_a_renamed_member_stands_in_the_example_where_our_callers_write_it(
    desk: Desk,
) -> None:
    review = proposal()
    create = next(each for each in review["operations"] if each["word"] == "create")
    create["map_request"] = [
        {"source": "/tip/sum", "target": "/amount", "unit": "minor", "currency": "/currency"},
    ]
    found = await document(desk, review)

    assert example_of(found, "/v1/tips", "post") == {"tip": {"sum": MONEY}}


async def test_a_forwarded_operation_names_what_it_can_end_in(desk: Desk) -> None:
    found = await document(desk)

    for node in operations(found):
        assert "product.not_available" not in node["x-bankside-errors"]
        assert node["x-bankside-availability"] == "available"
    read = found["paths"]["/v1/tips"]["get"]["x-bankside-errors"]
    write = found["paths"]["/v1/tips"]["post"]["x-bankside-errors"]
    assert "upstream.timed_out" in read
    assert "upstream.outcome_unknown" not in read
    assert {"upstream.outcome_unknown", "idempotency.key_reused"} <= set(write)


def test_the_documented_codes_are_those_of_the_forwarder() -> None:
    raised = {
        each.code
        for each in vars(errors).values()
        if isinstance(each, type) and each.__module__ == errors.__name__
        and issubclass(each, BanksideError)
    }  # fmt: skip

    ours = forwarded.ALWAYS | forwarded.READS | forwarded.WRITES | forwarded.KEYED
    # A missing key is told by the edge, before anything is forwarded.
    assert ours - {"idempotency.key_missing"} == raised


def _alone(file: Path) -> tuple[dict[str, Any], Upstream]:
    """The document of a described set alone, as if it were confirmed as proposed."""
    described = imports.describe(gzip.decompress(file.read_bytes()))
    product = f"imported.{set_name(described.title)}"
    review = confirmed(imports.propose(described, product=product, url="https://core.bank.example"))
    upstream = bind(described, review)
    made = product_of(definition_of(msgspec.to_builtins(review), upstream), 1)
    operations = {each.id: each for each in made.all_operations}
    shown = replace(WORLD.catalogue, products={product: made}, clouds={}, operations=operations)
    whole = with_forwards(catalog.openapi(shown, Orders.runnable, Orders.refusals), [upstream])
    part = selected(whole, {product}, title=product)
    return json.loads(json.dumps(part)), upstream


@pytest.mark.shared
def test_real_descriptions_give_documents_that_are_whole() -> None:
    """Of the smaller public ones; the larger take a checker minutes."""
    files = sorted(SHARED.rglob("*.json.gz"), key=lambda each: each.stat().st_size)[:14]
    if not files:
        pytest.skip("the shared data folder is not beside the checkout")
    seen = 0
    for file in files:
        found, upstream = _alone(file)
        if not upstream.forwards:
            continue
        assert [error.message for error in checker().iter_errors(found)] == [], file.name
        assert dangling(found) == [], file.name
        assert {each["operationId"] for each in operations(found)} == set(upstream.forwards)
        for schema in found["components"]["schemas"].values():
            Draft202012Validator.check_schema(schema)
        seen += 1
    assert seen >= 7
