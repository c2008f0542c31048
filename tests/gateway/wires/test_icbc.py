"""The ICBC-style wire: what a partner with the bank's public SDKs sends, and what it gets."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.edge import TENANT_TOKEN, private_key, vault
from tests.gateway.wires.form_edge import (
    MUTATION,
    RSA1,
    FormEdge,
    Mutation,
    b64_aes_key,
    mutated,
    snapshot,
)
from tests.sdks.icbc_client import AnswerRejected, php_json

from bankside.gateway.serving import Serving
from bankside.gateway.wires.icbc import content
from bankside.kernel.call import Answer
from bankside.kernel.errors import NotFound, Refused, Throttled, Unavailable
from bankside.kernel.signing import Signer, icbc, public_der, signer

# fault(content text, the bank's signer) -> the whole answer, spoiled
Fault = Callable[[str, Signer], str]
PAY = "/api/merchant/scan-payments/create/V1"
ASK = "/api/merchant/scan-payments/query/V1"
LIST = "/api/merchant/scan-payments/list/V1"
ORDER = {
    "merchant": "mch_1",
    "order_no": "T1",
    "subject": '书 &=+%/"\\ \\u6d4b',
    "amount": {"amount": "10.00", "currency": "CNY"},
}


@pytest.fixture(scope="module")
def edge() -> FormEdge:
    return FormEdge()


@pytest.fixture(autouse=True)
def _clean(edge: FormEdge) -> Iterator[None]:
    edge.calls.clear()
    edge.answers.clear()
    yield


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("aes", [False, True])
@pytest.mark.parametrize("charset", ["UTF-8", "GBK"])
def test_a_signed_payment_arrives_as_it_was_written(
    edge: FormEdge, method: str, aes: bool, charset: str
) -> None:
    client = edge.icbc(aes_key=b64_aes_key() if aes else "", charset=charset)

    answer = client.call(PAY, ORDER, method=method)

    assert answer["return_code"] == 0
    assert answer["seen"] == ORDER
    assert edge.calls[0].operation.id == "merchant.scan-payments.create"
    assert edge.calls[0].caller.wire == "icbc"


def test_an_app_registered_with_sha1_signs_with_rsa(edge: FormEdge) -> None:
    client = edge.icbc(app_id=RSA1, private_key=private_key("rsa-sha1", "old"), sign_type="RSA")

    assert client.call(PAY, ORDER)["return_code"] == 0
    without_name = {k: v for k, v in client.parameters(ORDER).items() if k != "sign_type"}
    assert client.deliver(PAY, client.signed(PAY, without_name))["return_code"] == 0


def test_a_message_cannot_choose_its_algorithm(edge: FormEdge) -> None:
    client = edge.icbc(sign_type="RSA")

    assert client.call(PAY, ORDER)["return_code"] == 400017
    assert edge.calls == []


@pytest.mark.parametrize("sign_type", ["SM2", "SM", "EM", "EM-SM", "CA", "MD5"])
def test_algorithms_that_are_not_served_are_named(edge: FormEdge, sign_type: str) -> None:
    client = edge.icbc()

    answer = client.deliver(PAY, client.signed(PAY, client.parameters(ORDER, sign_type=sign_type)))

    assert answer["return_code"] == 400011
    assert sign_type in answer["return_msg"] or "RSA2" in answer["return_msg"]


def test_empty_parameters_may_be_sent_and_are_not_signed(edge: FormEdge) -> None:
    client = edge.icbc()
    form = client.signed(PAY, client.parameters(ORDER))

    assert client.deliver(PAY, form | {"ca": "", "app_auth_token": ""})["return_code"] == 0


def test_path_parameters_and_queries_are_keys_of_the_content(edge: FormEdge) -> None:
    client = edge.icbc()

    assert client.call(ASK, {"scan_payment_id": "ord_7"})["return_code"] == 0
    assert edge.calls[-1].path == {"scanPaymentId": "ord_7"}
    assert client.call(LIST, {"order_no": "T1", "limit": 5}, method="GET")["return_code"] == 0
    assert edge.calls[-1].query == {"order_no": "T1", "limit": "5"}
    assert client.call(ASK, {})["return_code"] == 400011
    assert client.call(LIST, {"order_no": ["T1"]})["return_code"] == 400011


def test_the_message_id_is_the_idempotency_key_unless_the_content_has_one(edge: FormEdge) -> None:
    client = edge.icbc()

    client.call(PAY, ORDER, msg_id="m-1")
    client.call(PAY, ORDER | {"idempotency_key": "k-9"}, msg_id="m-2")

    assert [call.idempotency_key for call in edge.calls] == ["m-1", "k-9"]
    assert "idempotency_key" not in edge.calls[1].body
    assert client.call(PAY, ORDER | {"idempotency_key": 7})["return_code"] == 400011


def test_a_repeated_message_is_refused_and_executed_once(edge: FormEdge) -> None:
    client = edge.icbc()
    form = client.signed(PAY, client.parameters(ORDER))

    assert client.deliver(PAY, form)["return_code"] == 0
    assert client.deliver(PAY, form)["return_code"] == 500020
    assert len(edge.calls) == 1


def test_a_forged_message_burns_no_message_id(edge: FormEdge) -> None:
    client = edge.icbc()
    form = client.signed(PAY, client.parameters(ORDER))

    assert client.deliver(PAY, form | {"biz_content": "{}"})["return_code"] == 400017
    assert client.deliver(PAY, form)["return_code"] == 0


def test_a_stranger_and_a_wrong_key_are_answered_under_the_default_key(edge: FormEdge) -> None:
    stranger = edge.icbc(app_id="app_nobody")
    wrong_key = edge.icbc(private_key=private_key("rsa-sha256", "other"))

    assert stranger.call(PAY, ORDER)["return_code"] == 400016
    assert wrong_key.call(PAY, ORDER)["return_code"] == 400017
    assert edge.calls == []


def test_a_client_that_trusts_another_gateway_key_rejects_us(edge: FormEdge) -> None:
    other = public_der(private_key("rsa-sha256", "other"))

    with pytest.raises(AnswerRejected):
        edge.icbc(bank_public_key=other).call(PAY, ORDER)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"app_id": ""}, 400011),
        ({"msg_id": ""}, 400011),
        ({"msg_id": "m" * 129}, 400011),
        ({"timestamp": ""}, 400011),
        ({"timestamp": "2026-03-02T10:00:00Z"}, 400011),
        ({"timestamp": "2026-02-30 10:00:00"}, 400011),
        ({"timestamp": "2026-03-02 02:00:00"}, 400011),  # UTC instead of GMT+8
        ({"format": "xml"}, 400011),
        ({"charset": "latin-1"}, 400011),
        ({"encrypt_type": "SM4"}, 400011),
        ({"biz_content": "[]"}, 400011),
        ({"biz_content": "{"}, 400011),
        ({"biz_content": '{"a":' * 40 + "1" + "}" * 40}, 400011),
        ({"biz_content": '{"remark":"\\u0000"}'}, 400011),
        ({"sign_type": "RSA2", "app_auth_token": "nobody's"}, 400019),
        ({"app_auth_token": "商户"}, 400019),
    ],
)
def test_a_faulty_parameter_is_refused(edge: FormEdge, change: dict[str, str], code: int) -> None:
    client = edge.icbc()

    answer = client.deliver(PAY, client.signed(PAY, client.parameters(ORDER, **change)))

    assert answer["return_code"] == code
    assert edge.calls == []


def test_ten_minutes_of_clock_drift_are_allowed_and_no_second_more(edge: FormEdge) -> None:
    client = edge.icbc()
    early = client.parameters(ORDER, timestamp="2026-03-02 09:50:01")
    stale = client.parameters(ORDER, timestamp="2026-03-02 09:49:59")

    assert client.deliver(PAY, client.signed(PAY, early))["return_code"] == 0
    assert client.deliver(PAY, client.signed(PAY, stale))["return_code"] == 400011


def test_a_tenant_token_names_the_tenant(edge: FormEdge) -> None:
    assert edge.icbc().call(PAY, ORDER, app_auth_token=TENANT_TOKEN)["return_code"] == 0
    assert edge.calls[0].caller.tenant == "tnt_noodles"


def test_an_unsigned_and_an_unknown_call_are_refused(edge: FormEdge) -> None:
    client = edge.icbc()
    unknown = "/api/merchant/scan-payments/explode/V1"

    assert client.deliver(PAY, client.parameters(ORDER))["return_code"] == 400017
    assert client.call(unknown, ORDER)["return_code"] == 500018
    assert client.call("/api/account/account-balances/list/V1", {})["return_code"] == 400019


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFound("no such order"), 600404),
        (Refused("not enough money"), 600409),
        (Throttled(retry_after=3), 500031),
        (Unavailable(), -500041),
    ],
)
def test_what_the_bank_refuses_has_a_return_code_and_our_own(
    edge: FormEdge, error: Refused, code: int
) -> None:
    edge.answers["merchant.scan-payments.create"] = error

    answer = edge.icbc().call(PAY, ORDER)

    assert (answer["return_code"], answer["error_code"]) == (code, error.code)
    assert answer["request_id"]


def test_encrypted_requests_get_encrypted_refusals(edge: FormEdge) -> None:
    client = edge.icbc(aes_key=b64_aes_key())
    edge.answers["merchant.scan-payments.create"] = NotFound("没有")

    form = client.signed(PAY, client.parameters(ORDER))
    reply = edge.send("POST", PAY, {}, _encoded(form))

    assert reply.body.startswith(b'{"response_biz_content":"')
    assert client.read(reply.body.decode())["return_code"] == 600404


def test_content_under_another_content_key_is_refused(edge: FormEdge) -> None:
    client = edge.icbc(aes_key="AAAAAAAAAAAAAAAAAAAAAA==")
    form = client.signed(PAY, client.parameters(ORDER))
    reader = edge.icbc(aes_key=b64_aes_key())

    answer = reader.read(edge.send("POST", PAY, {}, _encoded(form)).body.decode())

    assert answer["return_code"] == 400011


def test_awkward_answers_survive_every_public_sdk(edge: FormEdge) -> None:
    edge.answers["merchant.scan-payments.create"] = Answer(
        200,
        {
            "empty": {},
            "nested": [{"none": None, "more": {}}],
            "big": 10**15,
            "small": 7,
            "slash": "a/b",
            "line": "\u2028\u2029",
            "quotes": '"},"sign":"x',
            "yes": True,
        },
    )

    answer = edge.icbc().call(PAY, ORDER)

    assert answer["big"] == "1000000000000000"
    assert answer["small"] == 7
    assert answer["empty"] is None


def test_a_file_answer_travels_as_base64(edge: FormEdge) -> None:
    edge.answers["merchant.scan-payments.create"] = Answer(200, b"a,b\n", "text/csv")

    answer = edge.icbc().call(PAY, ORDER)

    assert (answer["content"], answer["content_type"]) == ("YSxiCg==", "text/csv")


def test_an_answer_that_cannot_be_signed_says_so() -> None:
    nobody = replace(snapshot(), default_answer_keys={"native": "gw-ec"})
    edge = FormEdge(Serving.of(nobody, vault()))
    client = edge.icbc()

    reply = edge.send("POST", PAY, {}, _encoded(client.signed(PAY, client.parameters(ORDER))))

    assert json.loads(reply.body)["response_biz_content"]["return_code"] == -500044


def test_other_methods_and_bodies_are_refused_in_the_dialect(edge: FormEdge) -> None:
    read = edge.icbc().read
    form = _encoded(edge.icbc().parameters(ORDER))

    for method, headers, body in (
        ("PUT", {}, form),
        ("GET", {}, form),
        ("POST", {"content-type": "application/json"}, b"{}"),
        ("POST", {}, b"app_id=a&app_id=b"),
        ("POST", {}, b"app_id=%00"),
        ("POST", {}, b"app_id=%ff"),
        ("POST", {}, b"app_id=%zz"),
        ("POST", {}, b"&".join(b"p%d=1" % i for i in range(65))),
        ("POST", {}, b""),
    ):
        reply = edge.send(method, PAY, headers, body)
        assert reply.status == 200
        assert read(reply.body.decode())["return_code"] in {400011, 500018}


@pytest.mark.parametrize(
    "fault",
    [
        lambda text, sign: icbc.answer_text(text, bank_signer("rsa-sha256")),
        lambda text, sign: icbc.answer_text(text + " ", sign),
        lambda text, sign: icbc.answer_text(text.replace("书", "\\u4e66"), sign),
        lambda text, sign: icbc.answer_text(text[:-1] + ',"more":{}}', sign),
        lambda text, sign: icbc.answer_text(text, sign)[:-1] + ',"sign_type":"RSA"}',
        lambda text, sign: " " + icbc.answer_text(text, sign),
        lambda text, sign: icbc.answer_text(text, sign).replace(":0", ":1"),
    ],
    ids=["RSA2", "blank", "escaped", "empty object", "after sign", "before node", "changed"],
)
def test_a_seeded_fault_in_an_answer_is_rejected(edge: FormEdge, fault: Fault) -> None:
    sign = bank_signer("rsa-sha1")
    text = content.compact({"subject": "书", "return_code": 0})
    client = edge.icbc()
    assert client.read(icbc.answer_text(text, sign))["return_code"] == 0

    with pytest.raises(AnswerRejected):
        client.read(fault(text, sign))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abc", min_size=1), _JSON, max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_content_survives_decoding_and_encoding_again(value: dict[str, object]) -> None:
    text = content.compact(value | {"return_code": 0})

    assert php_json(json.loads(text)) == text


@given(st.lists(MUTATION, min_size=1, max_size=3))
@settings(max_examples=200, deadline=None)
def test_mutated_requests_are_answered_signed_and_never_executed(
    edge: FormEdge, mutations: list[Mutation]
) -> None:
    client = edge.icbc()
    raw = mutated(_encoded(client.signed(PAY, client.parameters(ORDER))), mutations)
    before = len(edge.calls)

    reply = edge.send("POST", PAY, {}, raw)

    charset = dict(reply.headers)["content-type"].rpartition("=")[2]
    answer = edge.icbc(charset=charset).read(reply.body.decode(charset))
    # A mutation may leave the form's meaning as it was (upper and lower case of an escape).
    assert answer["return_code"] > 0 or len(edge.calls) == before + 1


def _encoded(form: dict[str, str]) -> bytes:
    return urlencode(form).encode()


def bank_signer(alg: str) -> Signer:
    return signer(alg, private_key("rsa-sha256", "bank"))
