"""Operations under their own names on the Alipay-style dialects: content and answer as they are."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.wires.form_edge import FormEdge, braces_cut

from bankside.gateway.wires.alipay.node import node_text
from bankside.gateway.wires.alipay.plain import as_texts, plain_answer
from bankside.kernel.call import Answer

CREATE = "bankside.merchant.scan_payments.create"
QUERY = "bankside.merchant.scan_payments.query"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def edge() -> FormEdge:
    return FormEdge()


@pytest.fixture(autouse=True)
def _clean(edge: FormEdge) -> Iterator[None]:
    edge.calls.clear()
    edge.answers = {
        "merchant.scan-payments.create": Answer(201, {"id": "ord_1", "lines": [{"n": 1}]}),
        "merchant.scan-payments.query": Answer(200, {"id": "ord_1"}),
    }
    yield


def test_the_content_is_the_native_body_and_the_key_stands_in_it(edge: FormEdge) -> None:
    body = {"order_no": "T1", "amount": {"amount": "1.00", "currency": "CNY"}}

    node = edge.v2(CREATE, body | {"idempotency_key": "k1"})

    assert node["code"] == "10000"
    assert json.loads(node["result"]) == {"id": "ord_1", "lines": [{"n": 1}]}
    (call,) = edge.calls
    assert (call.body, call.idempotency_key) == (body, "k1")


def test_path_parameters_are_members_in_snake_case(edge: FormEdge) -> None:
    node = edge.v2(QUERY, {"scan_payment_id": "ord_1", "limit": 5})

    assert node["code"] == "10000"
    (call,) = edge.calls
    assert (call.path, call.query) == ({"scanPaymentId": "ord_1"}, {"limit": "5"})


@pytest.mark.parametrize(
    ("method", "content", "code"),
    [
        (QUERY, {}, "40004"),
        (QUERY, {"scan_payment_id": ["x"]}, "40004"),
        (QUERY, {"scan_payment_id": "a\nb"}, "40004"),
        (CREATE, {"idempotency_key": "k" * 200}, "40004"),
        (CREATE, {"order_no": "T1"}, "40004"),
        ("bankside.merchant.scan_payments.explode", {}, "40004"),
        ("bankside.nothing", {}, "40004"),
    ],
)
def test_what_is_no_request_of_the_operation_is_refused_in_the_dialect(
    edge: FormEdge, method: str, content: Any, code: str
) -> None:
    node = edge.v2(method, content)

    assert node["code"] != "10000"
    assert not edge.calls


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_any_answer_survives_the_way_sdks_cut_the_node_out(body: dict[str, Any]) -> None:
    fields = as_texts(plain_answer(Answer(200, body)))

    text = node_text({"code": "10000", **fields})

    assert json.loads(json.loads(text)["result"]) == body
    assert braces_cut(f'{{"x_response":{text},"sign":"s"}}', "x_response") == text
