"""The OpenAPI document, the input schemas, the count and the shelf."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from bankside import catalog
from bankside.catalog import Product, ProductOperation


def money_only(product: Product, _: ProductOperation) -> bool:
    return product.id in ("merchant.scan-payments", "platform")


def document() -> dict[str, Any]:
    return catalog.openapi(catalog.load(), money_only)


def operations() -> dict[str, dict[str, Any]]:
    """The catalogue's; the authorization server's are held against its router elsewhere."""
    return {
        node["operationId"]: node
        for item in document()["paths"].values()
        for method, node in item.items()
        if method not in {"parameters", "servers"} and node["tags"] != ["oauth"]
    }


def schema(operation_id: str) -> dict[str, Any]:
    catalogue = catalog.load()
    operation = catalogue.operations[operation_id]
    return catalog.input_schema(catalogue.product(operation.product), operation)


def accepts(operation_id: str, body: object) -> bool:
    checker = FormatChecker(formats=["date"])
    return Draft202012Validator(schema(operation_id), format_checker=checker).is_valid(body)


def test_every_operation_of_the_platform_is_described_once() -> None:
    assert operations().keys() == catalog.load().operations.keys()


def test_the_document_says_what_runs_and_what_is_described_only() -> None:
    described = operations()

    running = described["merchant.scan-payments.create"]
    assert running["x-bankside-availability"] == "available"
    assert running["x-bankside-scopes"] == ["collections:write"]
    assert (running["x-bankside-risk-tier"], running["x-bankside-data-class"]) == ("R2", "C2")
    assert described["loan.mortgages.drawdowns"]["x-bankside-availability"] == "not_built"


def test_every_reference_leads_somewhere_and_every_path_parameter_is_declared() -> None:
    root = document()

    def walk(node: object) -> None:
        if isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str):
                found: Any = root
                for part in reference.removeprefix("#/").split("/"):
                    found = found[part]
            for each in node.values():
                walk(each)
        elif isinstance(node, list):
            for each in node:
                walk(each)

    walk(root)
    for path, item in root["paths"].items():
        declared = {each["name"] for each in item.get("parameters", ())}
        assert declared == {part[1:-1] for part in path.split("/") if part.startswith("{")}


def test_the_idempotency_key_is_asked_for_exactly_where_money_moves() -> None:
    described = operations()

    for operation in catalog.load().operations.values():
        parameters = described[operation.id].get("parameters", [])
        name = "UKIdempotencyKey" if operation.product == "open-banking" else "IdempotencyKey"
        asked = {"$ref": f"#/components/parameters/{name}"} in parameters
        needed = operation.writes and (operation.moves_money or operation.keyed)
        assert asked == needed == operation.needs_key, operation.id


def test_every_input_schema_is_a_valid_schema() -> None:
    for operation_id in catalog.load().operations:
        if not operation_id.startswith("cloud."):
            Draft202012Validator.check_schema(schema(operation_id))


@pytest.mark.parametrize(
    ("change", "accepted"),
    [
        ({}, True),
        ({"subject": "书"}, True),
        ({"amount": {"amount": "10.00001", "currency": "CNY"}}, False),
        ({"amount": {"amount": 10, "currency": "CNY"}}, False),
        ({"amount": "10.00"}, False),
        ({"amount": {"amount": "-1", "currency": "CNY"}}, False),
        ({"amount": {"amount": "1", "currency": "CNY", "note": "x"}}, False),
        ({"order_no": ""}, False),
        ({"order_no": "x" * 65}, False),
        ({"merchant": "no merchant"}, False),
        ({"surprise": 1}, False),
    ],
)
def test_the_schema_of_a_payment_takes_what_is_declared_only(
    change: dict[str, Any], accepted: bool
) -> None:
    body = {
        "merchant": "mch_1",
        "order_no": "T1",
        "amount": {"amount": "10.00", "currency": "CNY"},
        "payer_token": "ptk_1",
    }

    assert accepts("merchant.scan-payments.create", body | change) is accepted


def test_a_refund_names_the_order_one_way_or_the_other() -> None:
    refund = {"amount": {"amount": "1.00", "currency": "CNY"}}

    assert accepts("merchant.merchant-refunds.create", refund | {"order_no": "T1"})
    assert accepts("merchant.merchant-refunds.create", refund | {"order": "ord_1"})
    assert not accepts("merchant.merchant-refunds.create", refund)


def test_a_bulk_transfer_has_typed_lines() -> None:
    amount = {"amount": "1.00", "currency": "CNY"}
    line = {"line_no": 1, "payee_account": "acc_2", "amount": amount}
    bulk = {"payer_account": "acc_1", "lines": [line], "total": amount, "count": 1}

    assert accepts("payment.bulk-transfers.create", bulk)
    assert not accepts("payment.bulk-transfers.create", bulk | {"lines": []})
    assert not accepts("payment.bulk-transfers.create", bulk | {"lines": [line | {"x": 1}]})
    assert not accepts("payment.bulk-transfers.create", bulk | {"lines": [line] * 2001})


def test_a_statement_period_is_a_month_or_a_day() -> None:
    for period, accepted in (
        ("2026-03", True),
        ("2026-03-31", True),
        ("2026-13", False),
        ("2026", False),
        ("2026-03-32", False),
    ):
        body = {"subject": "acc_1", "period": period}
        assert accepts("account.account-statements.create", body) is accepted


def test_the_count_is_of_what_answers() -> None:
    figures = catalog.count(catalog.load(), money_only)

    assert figures["products"] == 222
    assert figures["available"] == 1
    assert figures["routes"] == len(catalog.load().operations)
    platform = len(catalog.load().platform.operations)
    assert figures["routes_answering"] == 5 + platform
    assert (figures["product_routes"], figures["platform_routes"]) == (5, platform)
    assert figures["cloud_routes"] == 0


def test_the_shelf_finds_a_product_by_words_of_either_language() -> None:
    shelf = catalog.shelf(catalog.load(), money_only)

    assert len(shelf.cards) == 222
    assert [each.product.id for each in shelf.search("扫码付款")] == ["merchant.scan-payments"]
    assert "merchant.split-orders" in {each.product.id for each in shelf.search("SPLIT order")}
    assert shelf.search("   ") == ()
    assert shelf.search("no such thing") == ()
    first = shelf.of("merchant")[0]
    assert (first.product.id, first.state, first.maturity) == (
        "merchant.scan-payments",
        "ready",
        "core",
    )
    assert shelf.search("payment 付款")
