"""The form dialects' signature rules: vectors, and agreement with independent implementations."""

import base64
import json

import pytest
import rsa
from Crypto.Cipher import AES
from Crypto.Util.Padding import pad
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.edge import private_key
from tests.gateway.wires.form_edge import app_signer, bank_verifier
from tests.sdks.icbc_client import IcbcClient, load_private

from bankside.kernel.signing import alipay, icbc, public_der, signer, verifier
from bankside.kernel.signing.content import ContentUnreadable, decrypt, encrypt

KEY = bytes(range(16))
BANK = signer("rsa-sha256", private_key("rsa-sha256", "bank"))
BANK_SHA1 = signer("rsa-sha1", private_key("rsa-sha256", "bank"))


def test_an_icbc_string_leaves_out_the_sign_and_what_is_empty_and_sorts_by_bytes() -> None:
    params = {
        "timestamp": "2026-03-02 10:00:00",
        "sign": "x",
        "ca": "",
        "": "nameless",
        "app_id": "app_7f3a",
        "biz_content": '{"书":"a&b=c+d%2F"}',
        "a_b": "1",
        "aB": "2",
    }

    assert icbc.string_to_sign("/api/merchant/scan-payments/create/V1", params) == (
        "/api/merchant/scan-payments/create/V1?aB=2&a_b=1&app_id=app_7f3a"
        '&biz_content={"书":"a&b=c+d%2F"}&timestamp=2026-03-02 10:00:00'
    )


def test_an_alipay_string_covers_the_sign_type_and_a_callback_does_not() -> None:
    params = {"sign": "x", "sign_type": "RSA2", "method": "m", "empty": "", "app_id": "a"}

    assert alipay.string_to_sign(params) == "app_id=a&method=m&sign_type=RSA2"
    assert alipay.string_to_sign(params, keep_empty=True) == (
        "app_id=a&empty=&method=m&sign_type=RSA2"
    )
    assert alipay.string_to_sign(params, without=("sign", "sign_type")) == "app_id=a&method=m"


def test_a_v3_message_has_a_line_for_the_token_only_when_it_is_sent() -> None:
    text = alipay.authorisation_v3("app_7f3a", "n-1", 1767225600000)
    message = alipay.request_message_v3(text, "POST", "/v3/alipay/trade/pay?a=%2F", b"{}")

    assert message == (
        b"app_id=app_7f3a,nonce=n-1,timestamp=1767225600000\nPOST\n/v3/alipay/trade/pay?a=%2F\n{}\n"
    )
    with_token = alipay.request_message_v3(text, "POST", "/v3/x", b"", token="tkn")
    assert with_token.endswith(b"\n/v3/x\n\ntkn\n")
    assert alipay.answer_message_v3("1", "n", b"{}") == b"1\nn\n{}\n"


def test_aes_content_equals_what_openssl_makes() -> None:
    plain = '{"a":"书"}'.encode()

    # openssl enc -aes-128-cbc -K 000102030405060708090a0b0c0d0e0f -iv 0...0 -base64 -A
    assert encrypt(plain, KEY) == "VcyERsKYrJD2FvV2NyUSLg=="
    assert decrypt("VcyERsKYrJD2FvV2NyUSLg==", KEY) == plain


@given(st.binary(max_size=200), st.sampled_from([16, 24, 32]))
@settings(max_examples=100, deadline=None)
def test_aes_content_agrees_with_an_independent_library(plain: bytes, size: int) -> None:
    key = bytes(range(size))
    other = AES.new(key, AES.MODE_CBC, bytes(16)).encrypt(pad(plain, 16))

    assert encrypt(plain, key) == base64.b64encode(other).decode()
    assert decrypt(encrypt(plain, key), key) == plain


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_hostile_ciphertext_is_unreadable_and_nothing_else(text: str) -> None:
    try:
        decrypt(text, KEY)
    except ContentUnreadable:
        return


@pytest.mark.parametrize(("sign_type", "digest"), [("RSA", "SHA-1"), ("RSA2", "SHA-256")])
def test_signatures_equal_those_of_an_independent_library(sign_type: str, digest: str) -> None:
    private = private_key("rsa-sha256")
    other = rsa.PrivateKey.load_pkcs1(_pkcs1(private), format="DER")
    params = {"sign_type": sign_type, "app_id": "a", "biz_content": "书"}
    sign = signer(alipay.SIGN_TYPES[sign_type], private)

    by_us = alipay.signed_form(params, sign)["sign"]

    message = alipay.string_to_sign(params).encode()
    assert by_us == base64.b64encode(rsa.sign(message, other, digest)).decode()
    assert icbc.form_verifies(
        "/api/x", icbc.signed_form("/api/x", params, sign),
        verifier(icbc.SIGN_TYPES[sign_type], public_der(private)),
    )  # fmt: skip


def test_the_partners_client_and_the_platform_build_the_same_icbc_string() -> None:
    params = {"b": "2", "a": "书 &=", "sign": "x", "empty": "", "charset": "UTF-8"}

    ours = icbc.string_to_sign("/api/a/b/c/V1", params)

    assert ours == IcbcClient.string_to_sign("http://bank.example/api/a/b/c/V1?q=1", params)


def test_an_icbc_callback_is_signed_with_sha1_and_its_answer_counts_only_when_signed() -> None:
    params = {"from": "icbc-api", "api": "/x", "app_id": "a", "charset": "utf-8", "format": "json",
              "timestamp": "2026-03-02 10:00:00", "biz_content": '{"msg_id":"m-1"}',
              "sign_type": "RSA"}  # fmt: skip
    form = icbc.signed_form("/notify", params, BANK_SHA1)
    verify = verifier("rsa-sha1", public_der(private_key("rsa-sha256", "bank")))

    assert icbc.form_verifies("/notify", form, verify)
    assert not icbc.form_verifies("/other", form, verify)
    assert not icbc.form_verifies("/notify", form | {"biz_content": "{}"}, verify)
    assert not icbc.form_verifies("/notify", form | {"sign": "!"}, verify)

    partner = verifier("rsa-sha256", public_der(private_key("rsa-sha256")))
    answer = icbc.callback_answer("m-1", "RSA2", app_signer())
    assert answer.startswith('{"response_biz_content":{"return_code":0,"return_msg":"success",')
    assert icbc.callback_accepted(answer, "m-1", partner)
    for wrong in (
        answer.replace('"return_code":0', '"return_code":1'),
        answer.replace("m-1", "m-2"),
        answer[:-3] + '"}',
        '{"response_biz_content":{"return_code":0,"msg_id":"m-1"}}',
        "success",
        "[]",
    ):
        assert not icbc.callback_accepted(wrong, "m-1", partner)
    assert not icbc.callback_accepted(answer, "m-2", partner)


def test_an_alipay_callback_verifies_with_and_without_its_sign_type() -> None:
    params = {"notify_id": "n", "trade_status": "TRADE_SUCCESS", "out_trade_no": "T1", "e": ""}
    form = alipay.callback_form(params, BANK, sign_type="RSA2")

    assert alipay.callback_verifies(form, bank_verifier())
    assert not alipay.callback_verifies(form | {"trade_status": "TRADE_CLOSED"}, bank_verifier())
    assert not alipay.callback_verifies(form | {"sign": "!"}, bank_verifier())


def test_answers_are_cut_at_the_same_place_by_both_readers() -> None:
    node = json.dumps({"code": "10000", "x": '},"sign":"y'}, separators=(",", ":"))
    text = alipay.answer_text("alipay_trade_query_response", node, BANK)

    assert alipay.answer_parts(text, "alipay_trade_query_response")[0] == node
    assert alipay.answer_verifies(text, "alipay_trade_query_response", bank_verifier())
    assert not alipay.answer_verifies(text, "alipay_trade_pay_response", bank_verifier())
    assert not alipay.answer_verifies("{}", "alipay_trade_query_response", bank_verifier())
    whole = icbc.answer_text(node, BANK_SHA1)
    assert icbc.answer_verifies(whole, bank_verifier("rsa-sha1"))
    assert not icbc.answer_verifies(whole.replace("10000", "10001"), bank_verifier("rsa-sha1"))
    assert not icbc.answer_verifies("<html>", bank_verifier("rsa-sha1"))


def _pkcs1(private: bytes) -> bytes:
    return load_private(private).private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
