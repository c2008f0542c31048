"""The method table walks along the catalogue, and every method crosses both ways."""

from typing import Any

import pytest
from tests.gateway.wires.form_edge import FormEdge

from bankside import catalog
from bankside.gateway.exchange import Refusal
from bankside.gateway.wires.alipay import method_table
from bankside.gateway.wires.alipay.mapping import (
    FieldInvalid,
    code_of,
    explained,
    from_native,
    to_native,
)
from bankside.gateway.wires.alipay.methods import (
    Choice,
    Method,
    RequestField,
    TableInvalid,
    read_table,
)
from bankside.kernel.call import Answer
from bankside.orders import errors as order_errors

TABLE = method_table()


def operations() -> dict[str, catalog.ProductOperation]:
    catalogue = catalog.load()
    return {
        operation.id: operation
        for product in (*catalogue.products.values(), catalogue.platform)
        for operation in product.all_operations
    }


@pytest.mark.parametrize("name", sorted(TABLE.methods))
def test_every_method_is_an_operation_of_the_catalogue(name: str) -> None:
    method = TABLE.methods[name]

    for choice in method.choices:
        operation = operations()[choice.operation]
        fields = {each.name: each for each in operation.inputs}
        for each in method.request:
            if not _sent_with(each, choice, method):
                continue
            if each.place == "path":
                assert f"{{{each.name}}}" in operation.path, each
            elif each.place:
                assert each.name in fields, f"{each.name} is no input of {operation.id}"
                assert _same_kind(each, fields[each.name].type), each
        assert operation.method == "GET" or method.key, "a write needs its own key"


@pytest.mark.parametrize("name", sorted(TABLE.methods))
def test_served_names_have_no_digits(name: str) -> None:
    # One public SDK finds the answer's node by a pattern without them.
    assert name.replace(".", "").isalpha()


def test_every_refusal_of_the_orders_room_has_a_code() -> None:
    codes = {
        error.code
        for error in vars(order_errors).values()
        if isinstance(error, type) and hasattr(error, "code") and error.status != 500
    }

    for code in sorted(codes):
        found = code_of(TABLE, None, Refusal(code=code, status=409, title=""))
        assert found.code in TABLE.texts


def test_refusals_without_a_row_go_by_their_status() -> None:
    def of(status: int) -> str:
        return code_of(TABLE, None, Refusal(code="new.one", status=status, title="")).sub_code

    assert of(404) == "ACQ.TRADE_NOT_EXIST"
    assert of(418) == of(400) == "isv.invalid-parameter"
    assert of(500) == "isp.unknow-error"
    assert of(503) == of(504) == "ACQ.SYSTEM_ERROR", "worth repeating, unlike our own fault"


def test_a_refusal_names_the_fields_it_is_about() -> None:
    refusal = Refusal(
        code="request.invalid", status=422, title="t", detail="d", errors=({"pointer": "/amount"},)
    )

    assert explained(code_of(TABLE, None, refusal), refusal) == (
        "参数无效 (request.invalid: d: /amount)"
    )


def test_a_query_uses_the_first_number_it_is_given() -> None:
    query = TABLE.methods["alipay.trade.query"]

    assert to_native(query, {"trade_no": "ord_1", "out_trade_no": "T1"}).query == {"order": "ord_1"}
    assert to_native(query, {"trade_no": "", "out_trade_no": "T1"}).query == {"order_no": "T1"}
    with pytest.raises(FieldInvalid):
        to_native(query, {})


def test_a_transfer_is_found_by_either_number() -> None:
    query = TABLE.methods["alipay.fund.trans.common.query"]

    by_id = to_native(query, {"order_id": "ord_1"})
    by_number = to_native(query, {"out_biz_no": "B1"})

    assert (by_id.choice.operation, by_id.path) == (
        "payment.internal-transfers.query",
        {"internalTransferId": "ord_1"},
    )
    assert (by_number.choice.operation, by_number.query) == (
        "payment.internal-transfers.list",
        {"end_to_end_id": "B1"},
    )


def test_a_refund_without_a_number_of_its_own_is_the_orders_only_one() -> None:
    refund = TABLE.methods["alipay.trade.refund"]

    whole = to_native(refund, {"out_trade_no": "T1", "refund_amount": 5})
    part = to_native(refund, {"out_trade_no": "T1", "refund_amount": "1", "out_request_no": "R1"})

    assert (whole.body["refund_no"], whole.idempotency_key) == ("T1", "T1/T1")
    assert (part.body["refund_no"], part.idempotency_key) == ("R1", "T1/R1")
    assert whole.body["amount"] == {"amount": "5", "currency": "CNY"}


def test_numbers_that_fit_no_key_become_their_digest() -> None:
    pay = TABLE.methods["alipay.trade.pay"]
    order = {"total_amount": "1", "auth_code": "p"}

    for number in ("订单", "a b", "n" * 129):
        key = to_native(pay, order | {"out_trade_no": number}).idempotency_key
        assert key is not None
        assert key.startswith("sha256:")


def test_receivers_cross_as_a_list_and_their_kind_is_checked() -> None:
    settle = TABLE.methods["alipay.trade.order.settle"]
    share: dict[str, Any] = {"trans_in": "acc_1", "amount": "0.5", "trans_in_type": "userId"}
    order: dict[str, Any] = {"trade_no": "ord_1", "out_request_no": "S1"}

    native = to_native(settle, order | {"royalty_parameters": [share]})

    assert native.path == {"splitOrderId": "ord_1"}
    assert native.body["receivers"][0]["account"] == "acc_1"
    for wrong in (
        [],
        {},
        [1],
        [{"trans_in": "acc_1"}],
        [share | {"trans_in_type": "bank"}],
        [share] * 51,
    ):
        with pytest.raises(FieldInvalid):
            to_native(settle, order | {"royalty_parameters": wrong})


@pytest.mark.parametrize(
    ("text", "seconds"), [("90m", 5_400), ("2h", 7_200), ("1d", 86_400), ("1c", 0), ("0m", 0)]
)
def test_a_timeout_becomes_seconds(text: str, seconds: int) -> None:
    pay = TABLE.methods["alipay.trade.pay"]
    order = {"out_trade_no": "T", "total_amount": "1", "auth_code": "p", "timeout_express": text}

    if seconds:
        assert to_native(pay, order).body["expires_in_seconds"] == seconds
    else:
        with pytest.raises(FieldInvalid):
            to_native(pay, order)


def test_a_repeated_refund_says_that_nothing_changed() -> None:
    refund = TABLE.methods["alipay.trade.refund"]
    body = {"id": "ord_9", "order_refunded": {"amount": "3.00", "currency": "CNY"}, "status": "x"}

    first = _answered(refund, Answer(201, body))
    again = _answered(refund, Answer(200, body, hit=True))

    assert (first["fund_change"], again["fund_change"]) == ("Y", "N")
    assert first["refund_fee"] == again["refund_fee"] == "3.00"


def test_a_list_without_the_object_is_not_found() -> None:
    edge = FormEdge()
    edge.answers["merchant.merchant-refunds.list"] = Answer(200, {"items": [], "next_cursor": None})

    node = edge.v2(
        "alipay.trade.fastpay.refund.query", {"out_trade_no": "T1", "out_request_no": "R1"}
    )

    assert (node["code"], node["sub_code"]) == ("40004", "ACQ.TRADE_NOT_EXIST")


@pytest.mark.parametrize(
    "method",
    [
        {"operations": ["a.b.create", "c.d.create"], "request": {}, "answer": {}},
        {"operations": [{"operation": "a.b.create", "when": "x"}], "request": {}, "answer": {}},
        {"operations": ["a.b.create"], "request": {"x": "cookie.y"}, "answer": {}},
        {"operations": ["a.b.create"], "key": ["x"], "request": {}, "answer": {}},
        {"operations": ["a.b.create"], "request": {}},
    ],
)
def test_a_table_that_contradicts_itself_is_not_served(method: dict[str, Any]) -> None:
    rest = {"codes": {}, "by_status": {}, "states": {}, "texts": {}, "later": {}}

    with pytest.raises(TableInvalid):
        read_table({"methods": {"m": method}, **rest})


def _answered(method: Method, answer: Answer) -> dict[str, Any]:
    fields = from_native(TABLE, method, {}, answer, base=method.choices[0].base)
    assert fields is not None
    return fields


def _sent_with(each: RequestField, choice: Choice, method: Method) -> bool:
    """Whether the field goes along when this operation is chosen (see ``one_of``)."""
    if each.field not in method.one_of:
        return True
    choosing = {other.when for other in method.choices if other.when}
    return each.field == choice.when if choice.when else each.field not in choosing


def _same_kind(each: RequestField, native: str) -> bool:
    kinds = {"money": {"money"}, "duration": {"int"}, "list": {"list"}}
    return native in kinds.get(each.kind, {"text", "token", "merchant", "account"})
