"""Callbacks of the form dialects: asked for in a request, told in a form that SDKs believe."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.edge import private_key
from tests.gateway.wires.form_edge import (
    AES_KEY,
    RSA1,
    RSA2,
    FormEdge,
    app_signer,
    b64_aes_key,
    bank_public_key,
    bank_verifier,
)
from tests.sdks.icbc_client import IcbcClient

from bankside.gateway import callbacks
from bankside.kernel.call import Callback
from bankside.kernel.signing import alipay, icbc, public_der, signer, verifier
from bankside.kernel.signing.content import decrypt

PAY = "/api/merchant/scan-payments/create/V1"
ASK = "/api/merchant/scan-payments/query/V1"
ORDER = {"merchant": "mch_1", "order_no": "T1", "amount": {"amount": "10.00", "currency": "CNY"}}
TRADE = {"out_trade_no": "T1", "total_amount": "10.00", "auth_code": "28", "seller_id": "mch_1"}
OURS = "https://shop.example/told?of=us"
BAD = [
    "http://shop.example/told",
    "https://shop.example:8443/told",
    "https://user@shop.example/told",
    "https://shop.example/told#part",
    "ftp://shop.example/told",
    "http://127.0.0.1:8080/v1/scan-payments",
    "javascript:alert(1)",
    "https://shop.example/" + "a" * 500,
    "https://店.example/",
    "not an address",
]
TOLD: dict[str, Any] = {
    "order": "ord_1",
    "product": "merchant.scan-payments",
    "tenant": None,
    "app": RSA2,
    "state": "waiting",
    "status": "paid",
    "reference": "T&1=书",
    "parent": None,
    "currency": "CNY",
    **{"amount": "10.00", "paid": "10.00", "refunded": "3.00", "split": "0.00", "held": "0.00"},
    **{"settled": "0.00", "fee": "0.06", "code": None},
    "at": "2026-03-02T02:00:05.000Z",
    "merchant": "mch_1",
    "created_at": "2026-03-02T02:00:00.000Z",
    "paid_at": "2026-03-02T02:00:01.000Z",
}
AT = datetime(2026, 3, 2, 2, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def edge() -> FormEdge:
    return FormEdge()


@pytest.fixture(autouse=True)
def _clean(edge: FormEdge) -> Iterator[None]:
    edge.calls.clear()
    yield


def fact(name: str = "paid", **changes: Any) -> callbacks.Fact:
    return callbacks.Fact(id="evt_1", name=name, app=RSA2, order=TOLD | changes, at=AT)


def read(body: bytes) -> dict[str, str]:
    pairs = parse_qsl(body.decode("ascii"), strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("aes", [False, True])
def test_an_icbc_payment_says_where_to_tell_of_it(edge: FormEdge, method: str, aes: bool) -> None:
    client = edge.icbc(aes_key=b64_aes_key() if aes else "")

    answer = client.call(PAY, ORDER, method=method, notify_url=OURS)

    assert answer["return_code"] == 0
    repeats = {"api": PAY} | ({"encrypt_type": "AES"} if aes else {})
    assert edge.calls[0].callback == Callback("icbc", OURS, repeats)


@pytest.mark.parametrize("method", ["trade.pay", "trade.precreate", "trade.create"])
def test_an_alipay_trade_says_where_to_tell_of_it(edge: FormEdge, method: str) -> None:
    edge.v2(f"alipay.{method}", TRADE, notify_url=OURS)
    edge.v3("POST", f"/v3/alipay/{method.replace('.', '/')}", TRADE | {"notify_url": OURS})

    assert [each.callback for each in edge.calls] == [
        Callback("alipay", OURS, {"sign_type": "RSA2"}),
        Callback("alipay3", OURS, {"sign_type": "RSA2"}),
    ]


@pytest.mark.parametrize("url", BAD)
def test_an_address_we_do_not_call_is_refused_in_the_dialect_and_nothing_is_paid(
    edge: FormEdge, url: str
) -> None:
    refused = edge.icbc().call(PAY, ORDER, notify_url=url)
    node = edge.v2("alipay.trade.pay", TRADE, notify_url=url)
    reply, body = edge.v3("POST", "/v3/alipay/trade/pay", TRADE | {"notify_url": url})

    assert refused["return_code"] == 400011
    assert refused["error_code"] == "callback.address_refused"
    assert refused["errors"][0]["pointer"] == "/notify_url"
    assert (node["code"], node["sub_code"]) == ("40002", "isv.invalid-parameter")
    assert "callback.address_refused" in node["sub_msg"]
    assert reply.status == 400
    assert "callback.address_refused" in body["message"]
    assert edge.calls == []


def test_an_address_that_is_no_text_is_refused_on_v3(edge: FormEdge) -> None:
    reply, _ = edge.v3("POST", "/v3/alipay/trade/pay", TRADE | {"notify_url": ["a"]})

    assert reply.status == 400
    assert edge.calls == []


def test_what_makes_no_order_asks_for_no_callback(edge: FormEdge) -> None:
    edge.icbc().call(ASK, {"scan_payment_id": "ord_1"}, notify_url="http://ignored.example/")
    edge.v2("alipay.trade.query", {"out_trade_no": "T1"}, notify_url="http://ignored.example/")
    edge.icbc().call(PAY, ORDER)

    assert [each.callback for each in edge.calls] == [None, None, None]


@pytest.mark.parametrize("sign_type", ["RSA", "RSA2"])
def test_an_alipay_callback_is_the_trade_under_the_partners_own_sign_type(sign_type: str) -> None:
    alg = alipay.SIGN_TYPES[sign_type]
    sign = signer(alg, private_key("rsa-sha256", "bank"))

    form = read(callbacks.alipay_form(fact(), sign, sign_type=sign_type))

    assert alipay.callback_verifies(form, verifier(alg, bank_public_key()))
    assert not alipay.callback_verifies(form | {"total_amount": "9"}, bank_verifier(alg))
    del form["sign"]
    assert form == {
        "notify_id": "evt_1",
        "notify_type": "trade_status_sync",
        "notify_time": "2026-03-02 10:04:00",
        "app_id": RSA2,
        "charset": "utf-8",
        "version": "1.0",
        "sign_type": sign_type,
        "trade_no": "ord_1",
        "out_trade_no": "T&1=书",
        "seller_id": "mch_1",
        "trade_status": "TRADE_SUCCESS",
        "total_amount": "10.00",
        "receipt_amount": "10.00",
        "buyer_pay_amount": "10.00",
        "gmt_create": "2026-03-02 10:00:00",
        "gmt_payment": "2026-03-02 10:00:01",
    }


@pytest.mark.parametrize(
    ("name", "status", "state", "more"),
    [
        ("refunded", "paid", "TRADE_SUCCESS", {"refund_fee": "3.00", "gmt_refund": True}),
        ("refunded", "refunded", "TRADE_CLOSED", {"refund_fee": "3.00", "gmt_refund": True}),
        ("settled", "settled", "TRADE_FINISHED", {"gmt_close": True}),
        ("closed", "closed", "TRADE_CLOSED", {"gmt_close": True}),
    ],
)
def test_later_facts_say_the_trade_state_and_when(
    name: str, status: str, state: str, more: dict[str, Any]
) -> None:
    sign = signer("rsa-sha256", private_key("rsa-sha256", "bank"))

    form = read(callbacks.alipay_form(fact(name, status=status), sign, sign_type="RSA2"))

    assert form["trade_status"] == state
    for field, wanted in more.items():
        assert form[field] == ("2026-03-02 10:00:05" if wanted is True else wanted)


@pytest.mark.parametrize(
    ("status", "answer", "taken"),
    [
        (200, b"success", True),
        (200, b"success\n", True),
        (200, b"SUCCESS", False),
        (200, b'"success"', False),
        (200, b"fail", False),
        (200, b"", False),
        (302, b"success", False),
        (500, b"success", False),
        (200, b"\xff", False),
    ],
)
def test_only_the_text_success_takes_an_alipay_callback(
    status: int, answer: bytes, taken: bool
) -> None:
    assert callbacks.alipay_accepted(status, answer) is taken


ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=64)


@settings(max_examples=40, deadline=None)
@given(reference=ANY_TEXT, merchant=ANY_TEXT)
def test_whatever_the_partner_wrote_arrives_as_written_and_verifies(
    reference: str, merchant: str
) -> None:
    told = fact(reference=reference, merchant=merchant)
    bank = private_key("rsa-sha256", "bank")

    trade = read(callbacks.alipay_form(told, signer("rsa-sha256", bank), sign_type="RSA2"))
    order = read(callbacks.icbc_form(told, Callback("icbc", OURS), signer("rsa-sha1", bank)))

    assert alipay.callback_verifies(trade, bank_verifier())
    assert trade.get("out_trade_no", "") == reference
    assert icbc.form_verifies("/told", order, bank_verifier("rsa-sha1"))
    content = json.loads(order["biz_content"])
    assert (content["order_no"], content["merchant"]) == (reference, merchant)


def partner(**changes: Any) -> IcbcClient:
    return FormEdge().icbc(**changes)


@pytest.mark.parametrize("url", [OURS, "https://shop.example", "https://shop.example/a/b"])
@pytest.mark.parametrize("aes", [None, AES_KEY])
def test_an_icbc_callback_is_signed_over_the_path_of_the_partners_address(
    url: str, aes: bytes | None
) -> None:
    sign = signer("rsa-sha1", private_key("rsa-sha256", "bank"))
    path = {OURS: "/told", "https://shop.example": "/"}.get(url, "/a/b")

    form = read(
        callbacks.icbc_form(fact("refunded"), Callback("icbc", url, {"api": PAY}), sign, aes=aes)
    )

    assert partner().believes(path, form)
    assert not partner().believes("/other", form)
    assert not partner().believes(path, form | {"timestamp": "2026-03-02 10:04:01"})
    text = decrypt(form["biz_content"], aes) if aes else form["biz_content"]
    content = json.loads(text)
    assert (content["return_code"], content["msg_id"]) == (0, "evt_1")
    assert (content["event"], content["id"]) == ("order.refunded", "ord_1")
    assert content["order_no"] == "T&1=书"
    assert content["refunded"] == {"amount": "3.00", "currency": "CNY"}
    wanted = {"from", "api", "app_id", "charset", "format", "timestamp", "biz_content", "sign_type"}
    assert set(form) == wanted | {"sign"} | ({"encrypt_type"} if aes else set())
    assert (form["sign_type"], form["api"], form["app_id"]) == ("RSA", PAY, RSA2)


@pytest.mark.parametrize("sign_type", ["RSA", "RSA2"])
def test_an_icbc_callback_is_taken_by_the_partners_own_signature_only(sign_type: str) -> None:
    alg = icbc.SIGN_TYPES[sign_type]
    key = private_key(alg)
    mine = [verifier("rsa-sha256", public_der(private_key("rsa-sha256", "old"))),
            verifier(alg, public_der(key))]  # fmt: skip
    good = partner(private_key=key, sign_type=sign_type).callback_answer("evt_1")
    forged = partner(private_key=private_key(alg, "other"), sign_type=sign_type)

    assert callbacks.icbc_accepted(200, good.encode(), "evt_1", mine)
    refused = [
        (500, good.encode(), "evt_1"),
        (302, good.encode(), "evt_1"),
        (200, good.encode(), "evt_2"),
        (200, forged.callback_answer("evt_1").encode(), "evt_1"),
        (200, good.replace('"return_code":0', '"return_code":1').encode(), "evt_1"),
        (200, good.replace("success", "Success").encode(), "evt_1"),
        (200, good[: good.rindex(',"sign"')].encode() + b"}", "evt_1"),
        (200, b"success", "evt_1"),
        (200, b"", "evt_1"),
        (200, b"[" * 100_000, "evt_1"),
        (200, b"\xff\xfe", "evt_1"),
        (200, b'{"response_biz_content":[],"sign":""}', "evt_1"),
    ]
    assert not any(callbacks.icbc_accepted(*each, mine) for each in refused)
    assert not callbacks.icbc_accepted(200, good.encode(), "evt_1", [])


def test_an_app_of_the_older_digest_is_told_under_it(edge: FormEdge) -> None:
    old = app_signer("rsa-sha1", "old")
    params = edge.v2_params("alipay.trade.pay", TRADE, app_id=RSA1, sign_type="RSA")
    form = alipay.signed_form(params | {"notify_url": OURS}, old)

    edge.v2_send(form)

    assert edge.calls[0].callback == Callback("alipay", OURS, {"sign_type": "RSA"})
    assert base64.b64decode(form["sign"])
