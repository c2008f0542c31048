"""How a proof makes requests and judges answers: by the document, and by nothing else."""

import json
from datetime import date
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bankside.app.proving.client import Asked, Heard, has_wire
from bankside.app.proving.judging import Contract, is_common
from bankside.app.proving.making import Bad, Cast, Maker
from bankside.app.proving.report import FAULTS_KEPT_MAX, Check
from bankside.catalog import load, openapi
from bankside.catalog.apis import selected
from bankside.catalog.apis.schemas import input_schema
from bankside.orders import Orders

SCAN = "merchant.scan-payments"
CREATE = load().operations[f"{SCAN}.create"]
CAST = Cast(
    payer="acc_1",
    payee="acc_2",
    holder="cus_1",
    document_no="110199199206149921",
    company="cus_2",
    merchant="mch_1",
    payer_token="280000000000000001",
    today=date(2026, 3, 2),
)
PROBLEM = {
    "type": "urn:bankside:problem:request.invalid",
    "title": "x",
    "status": 422,
    "detail": "x",
    "code": "request.invalid",
    "request_id": "r1",
}


@pytest.fixture(scope="module")
def contract() -> Contract:
    document = openapi(load(), Orders.runnable, Orders.refusals)
    return Contract(selected(document, {SCAN}, title=SCAN))


def refused(code: str, status: int = 422, media: str = "application/problem+json") -> Heard:
    return Heard(status, code, {**PROBLEM, "code": code, "status": status}, "r1", media, code)


def test_a_documented_refusal_and_one_of_the_edge_are_right(contract: Contract) -> None:
    for heard in (
        refused("request.invalid"),
        refused("payment.funds_insufficient", 409),
        refused("signature.invalid", 401),
    ):
        assert contract.fault_of(CREATE, heard) == ""


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        (refused("pension.cap_exceeded", 409), "does not document"),
        (refused("no.such_code"), "does not document"),
        (refused("request.invalid", media="application/json"), "without problem details"),
        (
            Heard(422, "request.invalid", {"code": "request.invalid"}, "r1", PROBLEM["type"]),  # type: ignore[arg-type]
            "without problem details",
        ),
        (Heard(500, "?", {}, "r1", "application/problem+json"), "answered 500"),
        (Heard(418, "?", {}, "r1", "text/plain"), "without problem details"),
        (Heard(204, "", b"", "r1"), "204, which the operation does not document"),
        (Heard(201, "", b"x", "r1", "text/csv"), "text/csv in place of application/json"),
        (Heard(201, "", {"id": 1}, "r1", "application/json"), "another shape"),
    ],
)
def test_an_answer_that_the_document_does_not_say_is_wrong(
    contract: Contract, heard: Heard, said: str
) -> None:
    assert said in contract.fault_of(CREATE, heard)


def test_a_code_of_some_other_room_is_not_the_edges() -> None:
    assert is_common("signature.invalid") and is_common("request.invalid")
    assert not is_common("pension.cap_exceeded")
    assert not is_common("no.such_code")


@pytest.mark.parametrize("product_id", sorted(load().products))
def test_every_request_that_is_made_is_what_its_schema_says(product_id: str) -> None:
    """Valid ones are taken, whatever the seed; each field left out that is needed is not."""
    product = load().products[product_id]
    for operation in product.all_operations:
        if operation.writes and operation.inputs:
            schema = Draft202012Validator(input_schema(product, operation))
            for seed in (1, 2):
                maker = Maker(CAST, seed)
                assert schema.is_valid(maker.valid(operation)), maker.valid(operation)
                bad = list(maker.bad(operation))
                assert len(bad) > len(operation.inputs)
                assert not [each for each in bad if _is_bad(each) and schema.is_valid(each.body)]


def _is_bad(each: Bad) -> bool:
    """Whether no schema could take it; others lie beyond rules that no schema says."""
    return each.how.startswith(("without", "an unknown field")) or "another type" in each.how


def test_the_same_seed_makes_the_same_requests() -> None:
    def made(seed: int) -> list[Any]:
        maker = Maker(CAST, seed)
        return [maker.valid(CREATE), maker.whole(CREATE), *maker.bad(CREATE)]

    assert made(5) == made(5)
    assert made(5) != made(6)


def test_a_fault_says_how_to_make_the_call_again() -> None:
    check = Check("contract-fuzz")
    asked = Asked(operation=CREATE, body={"amount": {"amount": "1.00", "currency": "CNY"}})
    check.wrong("native", asked, refused("x"), "refused and changed the books")

    (fault,) = check.faults

    words = fault.repeat.split(" ", 5)
    assert words[:4] == ["bankside", "call", "POST", "/v1/scan-payments"]
    assert json.loads(words[5].strip("'")) == asked.body
    assert fault.request_id == "r1"
    assert not check.passed


def test_a_check_that_asked_nothing_has_not_passed() -> None:
    check = Check("magic-values")

    assert not check.passed
    check.counts["calls"] += 1
    assert check.passed


def test_all_faults_are_counted_and_the_first_are_kept() -> None:
    check = Check("docs-samples")
    for _ in range(FAULTS_KEPT_MAX + 5):
        check.wrong("native", Asked(operation=CREATE), refused("x"), "y" * 5_000)

    assert check.counts["faults"] == FAULTS_KEPT_MAX + 5
    assert len(check.faults) == FAULTS_KEPT_MAX
    assert len(check.faults[0].said) == 1_000


def test_only_names_with_digits_are_not_asked_on_the_alipay_style_wires() -> None:
    operations = load().operations.values()
    without = [each for each in operations if not has_wire(each, "alipay3")]

    assert all(has_wire(each, "icbc") for each in operations)
    assert all(any(sign.isdigit() for sign in each.icbc_path[4:-3]) for each in without)
