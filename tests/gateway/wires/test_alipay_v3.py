"""The Alipay-style v3 wire: signed headers, JSON both ways, real statuses."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.edge import TENANT_TOKEN
from tests.gateway.wires.form_edge import (
    AES_KEY,
    MUTATION,
    FormEdge,
    Mutation,
    bank_verifier,
    mutated,
)

from bankside.gateway.errors import DeadlinePassed
from bankside.kernel.call import Answer
from bankside.kernel.errors import BanksideError, Refused, Throttled, Unavailable
from bankside.kernel.signing import alipay
from bankside.kernel.signing.content import decrypt, encrypt
from bankside.orders.errors import OrderNotFound

PAY = "/v3/alipay/trade/pay"
QUERY = "/v3/alipay/trade/query"
ORDER = {"out_trade_no": "T1", "total_amount": "10.00", "auth_code": "p", "subject": "书"}
FOUND = {"product": "merchant.scan-payments", "order": {"id": "ord_1", "status": "settled"}}


@pytest.fixture(scope="module")
def edge() -> FormEdge:
    return FormEdge()


@pytest.fixture(autouse=True)
def _clean(edge: FormEdge) -> Iterator[None]:
    edge.calls.clear()
    edge.answers = {
        "merchant.scan-payments.create": Answer(201, {"id": "ord_1", "status": "paid"}),
        "platform.order-lookups.query": Answer(200, FOUND),
    }
    yield


def test_a_payment_is_posted_as_json_and_answered_signed(edge: FormEdge) -> None:
    reply, body = edge.v3("POST", PAY, ORDER)

    assert reply.status == 200
    assert body == {"trade_no": "ord_1", "out_trade_no": "T1", "trade_status": "TRADE_SUCCESS"}
    assert dict(reply.headers)["alipay-trace-id"]
    assert (edge.calls[0].caller.wire, edge.calls[0].idempotency_key) == ("alipay3", "T1")


def test_what_only_reads_may_be_asked_by_get_with_a_raw_query(edge: FormEdge) -> None:
    reply, body = edge.v3("GET", QUERY + "?out_trade_no=T%2F1&x=%E4%B9%A6")

    assert (reply.status, body["trade_status"]) == (200, "TRADE_FINISHED")
    assert edge.calls[0].query == {"order_no": "T/1"}
    assert edge.v3("GET", PAY + "?out_trade_no=T1")[0].status == 404


def test_a_tenant_token_is_signed_along(edge: FormEdge) -> None:
    reply, _ = edge.v3("POST", PAY, ORDER, token=TENANT_TOKEN)
    assert reply.status == 200
    assert edge.calls[0].caller.tenant == "tnt_noodles"

    method, target, headers, body = edge.v3_request("POST", PAY, ORDER)
    added = edge.send(method, target, headers | {"alipay-app-auth-token": TENANT_TOKEN}, body)
    assert added.status == 401

    reply, answer = edge.v3("POST", PAY, ORDER, token="nobody's")
    assert (reply.status, answer["code"]) == (401, "invalid-app-auth-token")


def test_content_is_encrypted_both_ways_and_refusals_stay_plain(edge: FormEdge) -> None:
    sealed = encrypt(json.dumps(ORDER).encode(), AES_KEY).encode()
    head = {"content-type": "text/plain", "alipay-encrypt-type": "AES"}

    reply = edge.send(*edge.v3_request("POST", PAY, body=sealed, headers=head))

    assert alipay.answer_verifies_v3(dict(reply.headers), reply.body, bank_verifier())
    assert json.loads(decrypt(reply.body.decode(), AES_KEY))["trade_no"] == "ord_1"
    edge.answers["merchant.scan-payments.create"] = OrderNotFound()
    refused, body = edge.v3("POST", PAY, body=sealed, headers=head)
    assert (refused.status, body["code"]) == (404, "TRADE_NOT_EXIST")
    garbled, body = edge.v3("POST", PAY, body=b"AAAA", headers=head)
    assert (garbled.status, body["code"]) == (400, "decryption-error-unknown")


def test_the_data_field_of_a_multipart_body_is_what_is_signed(edge: FormEdge) -> None:
    data = json.dumps(ORDER, ensure_ascii=False).encode()
    body = (
        b'--xyz\r\nContent-Disposition: form-data; name="data"\r\n'
        b"Content-Type: application/json\r\n\r\n" + data + b"\r\n--xyz--\r\n"
    )
    method, target, headers, _ = edge.v3_request("POST", PAY, body=data)

    reply = edge.send(
        method, target, headers | {"content-type": "multipart/form-data; boundary=xyz"}, body
    )

    assert reply.status == 200
    assert edge.calls[0].body["subject"] == "书"


def test_a_nonce_is_accepted_once(edge: FormEdge) -> None:
    assert edge.v3("POST", PAY, ORDER, nonce="once-only")[0].status == 200

    reply, body = edge.v3("POST", PAY, ORDER, nonce="once-only")

    assert (reply.status, body["code"]) == (401, "repeated-nonce")
    assert len(edge.calls) == 1


def test_the_clock_may_be_five_minutes_behind_and_one_ahead(edge: FormEdge) -> None:
    for drift, status in ((-299, 200), (-301, 401), (59, 200), (61, 401)):
        request = _at(edge, drift)
        assert edge.send(*request).status == status


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        ("", 401, "missing-signature"),
        ("Bearer abc", 401, "invalid-signature"),
        ("ALIPAY-SHA256withRSA app_id=app_food,nonce=n,timestamp=1", 401, "invalid-signature"),
        ("ALIPAY-SHA256withRSA nonce=n,timestamp=1,sign=x", 401, "invalid-signature"),
        ("ALIPAY-SHA256withRSA app_id=a,app_id=b,nonce=n,timestamp=1,sign=x", 401, None),
        ("ALIPAY-SHA256withRSA app_id=app_food,nonce=n,timestamp=x,sign=x", 400, None),
        ("ALIPAY-SHA256withRSA app_id=a,nonce=n,timestamp=9999999999999999,sign=x", 400, None),
        (f"ALIPAY-SHA256withRSA app_id=a,nonce={'n' * 129},timestamp=1,sign=x", 401, None),
        ("ALIPAY-SHA256withRSA app_id=nobody,nonce=n,timestamp=1772416800000,sign=AA==", 401,
         "invalid-app-id"),
        ("ALIPAY-SHA256withRSA app_id=app_food,nonce=n,timestamp=1772416800000,sign=AA==", 401,
         "invalid-signature"),
    ],
)  # fmt: skip
def test_a_faulty_authorization_is_refused_in_json(
    edge: FormEdge, header: str, status: int, code: str | None
) -> None:
    reply = edge.send("POST", PAY, {"authorization": header} if header else {}, b"{}")

    body = json.loads(reply.body)
    assert reply.status == status
    assert (code is None) or body["code"] == code
    assert set(body) == {"code", "message", "links"}
    assert alipay.answer_verifies_v3(dict(reply.headers), reply.body, bank_verifier())
    assert edge.calls == []


@pytest.mark.parametrize("target", ["/v3/alipay/trade/explode", "/v3/alipay/", "/v3/alipay/a//b"])
def test_an_unknown_path_is_not_found(edge: FormEdge, target: str) -> None:
    reply, body = edge.v3("POST", target, ORDER)

    assert (reply.status, body["code"]) == (404, "invalid-method")


def test_a_tampered_body_query_or_path_is_refused(edge: FormEdge) -> None:
    method, target, headers, body = edge.v3_request("POST", PAY, ORDER)

    for changed in (
        (method, target, headers, body.replace(b"10.00", b"1.000")),
        (method, target + "?x=1", headers, body),
        (method, "/v3/alipay/trade/precreate", headers, body),
    ):
        assert edge.send(*changed).status == 401
    assert edge.calls == []


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Refused(), 400),
        (Throttled(retry_after=2), 429),
        (Unavailable(retry_after=1), 503),
        (DeadlinePassed(retry_after=1), 504),
    ],
)
def test_refusals_have_a_status_of_the_dialect(
    edge: FormEdge, error: BanksideError, status: int
) -> None:
    edge.answers["merchant.scan-payments.create"] = error

    reply, body = edge.v3("POST", PAY, ORDER)

    assert reply.status == status
    assert error.code in body["message"]
    if status >= 500:
        assert body["code"] == "SYSTEM_ERROR", "the dialect's word for: repeat the same request"
        assert dict(reply.headers)["retry-after"] == "1"


@given(st.lists(MUTATION, min_size=1, max_size=3), st.sampled_from(["body", "authorization"]))
@settings(max_examples=200, deadline=None)
def test_mutated_requests_are_answered_in_signed_json(
    edge: FormEdge, mutations: list[Mutation], where: str
) -> None:
    method, target, headers, body = edge.v3_request("POST", PAY, ORDER)
    if where == "body":
        body = mutated(body, mutations)
    else:
        changed = mutated(headers[where].encode(), mutations).decode("latin-1")
        headers[where] = changed
    before = len(edge.calls)

    reply = edge.send(method, target, headers, body)

    assert isinstance(json.loads(reply.body), dict)
    assert reply.status < 500
    assert alipay.answer_verifies_v3(dict(reply.headers), reply.body, bank_verifier())
    assert reply.status >= 400 or len(edge.calls) == before + 1


def _at(edge: FormEdge, drift: int) -> tuple[str, str, dict[str, str], bytes]:
    """A request signed ``drift`` seconds away from the edge's clock."""
    now = edge.now
    edge.now += drift
    try:
        return edge.v3_request("POST", PAY, ORDER)
    finally:
        edge.now = now
