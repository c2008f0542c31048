"""The Alipay-style v2 wire: what partners with public SDKs send, and what those SDKs get back."""

import base64
import json
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlencode

import pytest
from alipay.aop.api.AlipayClientConfig import AlipayClientConfig
from alipay.aop.api.DefaultAlipayClient import THREAD_LOCAL, DefaultAlipayClient
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.edge import TENANT_TOKEN, private_key
from tests.gateway.wires.form_edge import (
    AES_KEY,
    MUTATION,
    RSA1,
    FormEdge,
    Mutation,
    app_signer,
    bank_public_key,
    bank_verifier,
    braces_cut,
    mutated,
)

from bankside.gateway.wires.alipay.node import balanced, node_text
from bankside.kernel.call import Answer
from bankside.kernel.errors import BanksideError, NotFound, Throttled, Unavailable
from bankside.kernel.signing import alipay, signer
from bankside.kernel.signing.content import decrypt, encrypt
from bankside.orders.errors import FundsInsufficient, KeyReused, OrderNotFound, RefundExceedsPaid

PAY = "alipay.trade.pay"
QUERY = "alipay.trade.query"
ORDER = {
    "out_trade_no": "T1",
    "total_amount": "10.00",
    "auth_code": "ptk_123",
    "subject": '书 &=+%/"\\ \\u6d4b',
    "seller_id": "mch_1",
}
PAID = Answer(
    201,
    {
        "id": "ord_1",
        "status": "paid",
        "order_no": "T1",
        "amount": {"amount": "10.00", "currency": "CNY"},
        "paid": {"amount": "10.00", "currency": "CNY"},
        "created_at": "2026-03-02T02:00:00.000Z",
    },
)


@pytest.fixture(scope="module")
def edge() -> FormEdge:
    return FormEdge()


@pytest.fixture(autouse=True)
def _clean(edge: FormEdge) -> Iterator[None]:
    edge.calls.clear()
    edge.answers = {"merchant.scan-payments.create": PAID}
    yield


def test_a_payment_becomes_the_native_operation_and_its_own_node(edge: FormEdge) -> None:
    node = edge.v2(PAY, ORDER)

    assert (node["code"], node["trade_status"]) == ("10000", "TRADE_SUCCESS")
    assert (node["trade_no"], node["out_trade_no"]) == ("ord_1", "T1")
    assert node["total_amount"] == "10.00"
    call = edge.calls[0]
    assert call.operation.id == "merchant.scan-payments.create"
    assert call.idempotency_key == "T1"
    assert call.body == {
        "order_no": "T1",
        "amount": {"amount": "10.00", "currency": "CNY"},
        "payer_token": "ptk_123",
        "merchant": "mch_1",
        "subject": ORDER["subject"],
    }


def test_an_unpaid_order_answers_that_the_payer_is_awaited(edge: FormEdge) -> None:
    waiting = {**PAID.body, "status": "waiting"}  # type: ignore[dict-item]
    edge.answers["merchant.scan-payments.create"] = Answer(202, waiting)

    node = edge.v2(PAY, ORDER)

    assert (node["code"], node["trade_status"]) == ("10003", "WAIT_BUYER_PAY")


@pytest.mark.parametrize("where", ["query", "body", "split"])
def test_query_and_body_are_one_form(edge: FormEdge, where: str) -> None:
    form = alipay.signed_form(edge.v2_params(PAY, ORDER), app_signer())
    if where == "query":
        reply = edge.send("GET", "/gateway.do?" + urlencode(form))
    elif where == "body":
        reply = edge.v2_send(form)
    else:
        biz = {"biz_content": form.pop("biz_content")}
        reply = edge.send("POST", "/gateway.do?" + urlencode(form), {}, urlencode(biz).encode())

    assert edge.v2_node(reply, PAY)["code"] == "10000"


def test_one_name_in_query_and_body_is_refused(edge: FormEdge) -> None:
    form = alipay.signed_form(edge.v2_params(PAY, ORDER), app_signer())

    reply = edge.send("POST", f"/gateway.do?method={PAY}", {}, urlencode(form).encode())

    assert b"isv.invalid-parameter" in reply.body
    assert edge.calls == []


def test_amounts_sent_as_numbers_stay_exact(edge: FormEdge) -> None:
    edge.v2(PAY, '{"out_trade_no":17,"total_amount":0.10,"auth_code":"p"}')

    assert edge.calls[0].body["amount"] == {"amount": "0.10", "currency": "CNY"}
    assert edge.calls[0].body["order_no"] == "17"


def test_gbk_forms_are_verified_and_answered_in_gbk(edge: FormEdge) -> None:
    content = json.dumps(ORDER, ensure_ascii=False)
    params = edge.v2_params(PAY, content, charset="GBK")
    form = alipay.signed_form(params, app_signer(), charset="gbk")
    edge.answers["merchant.scan-payments.create"] = NotFound("没有 😀")

    reply = edge.v2_send(form, charset="gbk")

    node = edge.v2_node(reply, PAY, charset="gbk")
    assert edge.calls[0].body["subject"] == ORDER["subject"]
    assert "没有 😀" in node["sub_msg"]


def test_an_app_registered_with_sha1_signs_and_is_answered_with_rsa(edge: FormEdge) -> None:
    params = edge.v2_params(PAY, ORDER, app_id=RSA1, sign_type="RSA")

    reply = edge.v2_send(alipay.signed_form(params, app_signer("rsa-sha1", "old")))

    text, root = reply.body.decode(), "alipay_trade_pay_response"
    assert alipay.answer_verifies(text, root, bank_verifier("rsa-sha1"))
    assert json.loads(text)[root]["code"] == "10000"


@pytest.mark.parametrize(
    ("app", "name", "sign_type", "alg"),
    [
        ("app_food", "partner", "RSA", "rsa-sha1"),
        (RSA1, "old", "RSA2", "rsa-sha256"),
    ],
)
def test_a_message_cannot_choose_its_algorithm(
    edge: FormEdge, app: str, name: str, sign_type: str, alg: str
) -> None:
    params = edge.v2_params(PAY, ORDER, app_id=app, sign_type=sign_type)

    reply = edge.v2_send(alipay.signed_form(params, app_signer(alg, name)))

    assert b"isv.invalid-signature" in reply.body
    assert edge.calls == []


def test_empty_values_signed_along_pass_and_are_noted(edge: FormEdge) -> None:
    params = edge.v2_params(PAY, ORDER, notify_url="")
    message = alipay.string_to_sign(params, keep_empty=True)
    form = params | {"sign": _b64(app_signer()(message.encode()))}

    assert edge.v2_node(edge.v2_send(form), PAY)["code"] == "10000"
    assert edge.meter.records[-1][0].wire_state.note == "signed_with_empty_values"


def test_content_is_encrypted_then_signed_both_ways(edge: FormEdge) -> None:
    sealed = encrypt(json.dumps(ORDER).encode(), AES_KEY)

    answer = edge.v2(PAY, sealed, encrypt_type="AES")["encrypted"]

    node = json.loads(decrypt(answer, AES_KEY))
    assert (node["code"], node["trade_no"]) == ("10000", "ord_1")
    assert edge.calls[0].body["order_no"] == "T1"


def test_content_that_does_not_open_is_refused(edge: FormEdge) -> None:
    other = encrypt(json.dumps(ORDER).encode(), bytes(16))

    node = edge.v2(PAY, other, encrypt_type="AES")

    assert node["sub_code"] in {"isv.decryption-error-unknown", "isv.invalid-parameter"}
    assert edge.calls == []
    params = edge.v2_params(PAY, other, encrypt_type="AES", app_id=RSA1, sign_type="RSA")
    reply = edge.v2_send(alipay.signed_form(params, app_signer("rsa-sha1", "old")))
    assert b"isv.decryption-error-missing-encrypt-key" in reply.body


def test_text_fields_of_a_multipart_form_are_signed_and_files_refused(edge: FormEdge) -> None:
    form = alipay.signed_form(edge.v2_params(PAY, ORDER), app_signer())
    plain = _multipart(form)
    with_file = _multipart(form, file=b"\x00\xff")
    head = {"content-type": 'multipart/form-data; boundary="ALIPAY_SDK_PYTHON_BOUNDARY"'}

    paid = edge.v2_node(edge.send("POST", "/gateway.do", head, plain), PAY)
    refused = edge.v2_node(edge.send("POST", "/gateway.do", head, with_file), PAY)

    assert paid["code"] == "10000"
    assert refused["sub_code"] == "isv.upload-fail"


def test_a_repeated_request_reaches_the_bank_under_the_same_key(edge: FormEdge) -> None:
    form = alipay.signed_form(edge.v2_params(PAY, ORDER), app_signer())

    edge.v2_send(form)
    edge.v2_send(form)

    assert [call.idempotency_key for call in edge.calls] == ["T1", "T1"]


def test_a_wrong_signature_is_shown_our_string_without_secrets(edge: FormEdge) -> None:
    params = edge.v2_params(PAY, ORDER, app_auth_token=TENANT_TOKEN)
    form = alipay.signed_form(params, app_signer()) | {"timestamp": params["timestamp"][:-2] + "59"}

    node = edge.v2_node(edge.v2_send(form), PAY)

    assert (node["code"], node["sub_code"]) == ("40002", "isv.invalid-signature")
    assert "app_id=app_food&" in node["sub_msg"]
    assert form["timestamp"] in node["sub_msg"]
    assert "ptk_123" not in node["sub_msg"]
    assert TENANT_TOKEN not in node["sub_msg"]


def test_a_blank_in_the_signature_is_refused(edge: FormEdge) -> None:
    forms = (
        alipay.signed_form(edge.v2_params(PAY, ORDER | {"subject": str(n)}), app_signer())
        for n in range(100)
    )
    form = next(each for each in forms if "+" in each["sign"])

    reply = edge.v2_send(form | {"sign": form["sign"].replace("+", " ")})

    assert edge.v2_node(reply, PAY)["sub_code"] == "isv.invalid-signature"


@pytest.mark.parametrize(
    ("change", "code", "sub_code"),
    [
        ({"app_id": ""}, "40001", "isv.missing-app-id"),
        ({"app_id": "2021000000000000"}, "40002", "isv.invalid-app-id"),
        ({"timestamp": ""}, "40001", "isv.missing-timestamp"),
        ({"timestamp": "2026/03/02 10:00:00"}, "40002", "isv.invalid-timestamp"),
        ({"timestamp": "2026-03-02 02:00:00"}, "40002", "isv.invalid-timestamp"),
        ({"sign_type": ""}, "40001", "isv.missing-signature-type"),
        ({"sign_type": "SM2"}, "40002", "isv.invalid-signature-type"),
        ({"format": "XML"}, "40002", "isv.invalid-parameter"),
        ({"version": "2.0"}, "40002", "isv.invalid-parameter"),
        ({"encrypt_type": "SM4"}, "40002", "isv.invalid-encrypt-type"),
        ({"app_auth_token": "nobody's"}, "20001", "aop.invalid-app-auth-token"),
        ({"app_auth_token": "商户"}, "20001", "aop.invalid-app-auth-token"),
        ({"biz_content": "{"}, "40002", "isv.invalid-parameter"),
        ({"biz_content": "[1]"}, "40002", "isv.invalid-parameter"),
        ({"biz_content": "{}"}, "40004", "ACQ.INVALID_PARAMETER"),
        ({"biz_content": '{"out_trade_no":{}}'}, "40004", "ACQ.INVALID_PARAMETER"),
        (
            {"biz_content": json.dumps(ORDER | {"trans_currency": "USD"})},
            "40004",
            "ACQ.INVALID_PARAMETER",
        ),
    ],
)
def test_a_faulty_parameter_has_its_own_sub_code(
    edge: FormEdge, change: dict[str, str], code: str, sub_code: str
) -> None:
    node = edge.v2(PAY, **({"content": ORDER} | change if "biz_content" not in change else change))

    assert (node["code"], node["sub_code"]) == (code, sub_code)
    assert edge.calls == []


@pytest.mark.parametrize(
    ("method", "sub_code"),
    [
        ("alipay.trade.explode", "isv.invalid-method"),
        ("alipay.trade.refund.query", "isv.invalid-method"),
    ],
)
def test_an_unknown_method_is_refused_in_its_own_node(
    edge: FormEdge, method: str, sub_code: str
) -> None:
    assert edge.v2(method, ORDER)["sub_code"] == sub_code


def test_a_missing_or_unspeakable_method_gets_an_error_response(edge: FormEdge) -> None:
    for method in ("", 'x"},"sign":"', "方法"):
        params = edge.v2_params(method, ORDER)
        reply = edge.v2_send(alipay.signed_form(params, app_signer()))
        text = reply.body.decode()
        assert alipay.answer_verifies(text, "error_response", bank_verifier())
        assert "sub_code" in json.loads(text)["error_response"]


@pytest.mark.parametrize(
    ("error", "code", "sub_code"),
    [
        (OrderNotFound(), "40004", "ACQ.TRADE_NOT_EXIST"),
        (KeyReused(), "40004", "ACQ.CONTEXT_INCONSISTENT"),
        (RefundExceedsPaid(), "40004", "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"),
        (FundsInsufficient(), "40004", "ACQ.BUYER_BALANCE_NOT_ENOUGH"),
        (Throttled(retry_after=1), "40004", "isv.call-limited"),
        (Unavailable(), "20000", "ACQ.SYSTEM_ERROR"),
    ],
)
def test_what_the_bank_refuses_has_the_public_code(
    edge: FormEdge, error: BanksideError, code: str, sub_code: str
) -> None:
    edge.answers["merchant.scan-payments.create"] = error

    node = edge.v2(PAY, ORDER)

    assert (node["code"], node["sub_code"]) == (code, sub_code)
    assert error.code in node["sub_msg"]


def test_unsigned_forged_and_foreign_requests_move_nothing(edge: FormEdge) -> None:
    params = edge.v2_params(PAY, ORDER)
    foreign = signer("rsa-sha256", private_key("rsa-sha256", "other"))

    unsigned = edge.v2_node(edge.v2_send(params), PAY)
    forged = edge.v2_node(edge.v2_send(alipay.signed_form(params, foreign)), PAY)

    assert unsigned["sub_code"] == "isv.missing-signature"
    assert forged["sub_code"] == "isv.invalid-signature"
    assert edge.calls == []


def test_a_tenant_token_names_the_tenant(edge: FormEdge) -> None:
    assert edge.v2(PAY, ORDER, app_auth_token=TENANT_TOKEN)["code"] == "10000"
    assert edge.calls[0].caller.tenant == "tnt_noodles"


def test_the_status_is_200_for_everything(edge: FormEdge) -> None:
    for method, headers, body in (
        ("PUT", {}, b""),
        ("GET", {}, b"x=1"),
        ("POST", {"content-type": "application/json"}, b"{}"),
        ("POST", {"content-type": "multipart/form-data"}, b"--x"),
        ("POST", {}, b"app_id=a&app_id=b"),
        ("POST", {}, b"app_id=%ff"),
        ("POST", {}, b""),
    ):
        reply = edge.send(method, "/gateway.do", headers, body)
        assert reply.status == 200
        assert alipay.answer_verifies(reply.body.decode(), "error_response", bank_verifier())


@given(st.text('{}[]a"\\,:sign', max_size=40))
@settings(max_examples=300, deadline=None)
def test_no_text_confuses_a_client_that_only_counts_braces(text: str) -> None:
    node = node_text({"code": "40004", "sub_msg": text, "qr_code": text[::-1]})
    whole = alipay.answer_text("alipay_trade_pay_response", node, lambda _: b"s")

    assert braces_cut(whole, "alipay_trade_pay_response") == node
    assert json.loads(node)["code"] == "40004"
    assert balanced(balanced(text)) == balanced(text)


@given(st.lists(MUTATION, min_size=1, max_size=3))
@settings(max_examples=200, deadline=None)
def test_mutated_requests_are_answered_signed_and_never_executed(
    edge: FormEdge, mutations: list[Mutation]
) -> None:
    form = alipay.signed_form(edge.v2_params(PAY, ORDER), app_signer())
    before = len(edge.calls)

    reply = edge.send("POST", "/gateway.do", {}, mutated(urlencode(form).encode(), mutations))

    assert reply.status == 200
    charset = dict(reply.headers)["content-type"].rpartition("=")[2]
    text = reply.body.decode(charset)
    [(root, node), (name, _)] = json.loads(text).items()
    assert (
        json.loads(official_sdk(charset)._DefaultAlipayClient__parse_response(reply.body)) == node
    )
    assert name == "sign"
    assert alipay.answer_verifies(text, root, bank_verifier(), charset=charset)
    assert node["code"] != "10000" or len(edge.calls) == before + 1


@cache
def official_sdk(charset: str) -> DefaultAlipayClient:
    """The official Python SDK's own reader of answers, trusting our key."""
    THREAD_LOCAL.uuid, THREAD_LOCAL.logger = "test", None
    config = AlipayClientConfig()
    config.charset = charset
    config.alipay_public_key = base64.b64encode(bank_public_key()).decode()
    return DefaultAlipayClient(config)


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _multipart(form: dict[str, Any], file: bytes = b"") -> bytes:
    """A form as the official Python SDK writes one with files."""
    mark = b"--ALIPAY_SDK_PYTHON_BOUNDARY"
    parts = [
        b'%s\r\nContent-Disposition: form-data; name="%s"\r\n'
        b"Content-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n"
        % (mark, name.encode(), value.encode())
        for name, value in form.items()
    ]
    if file:
        parts.append(
            b'%s\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n'
            b"Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n%s\r\n"
            % (mark, file)
        )
    return b"".join(parts) + mark + b"--\r\n"
