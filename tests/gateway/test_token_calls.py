"""Calls by access token at the edge: each line of the security guide's S4 and S8, both ways."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from tests.gateway.edge import ask, pay, problem
from tests.gateway.holder import ORIGIN, Holder
from tests.gateway.token_edge import (
    CLIENT,
    TokenEdge,
    challenge,
    error,
    subscribed,
)
from tests.identity.fapi.rig import b64, private_jwk, private_key, public_jwk

from bankside.gateway import Tokens, TokenWire
from bankside.kernel.signing.rfc9421 import Request

ACCOUNTS = "/open-banking/v3.1/aisp/accounts"
PAYMENTS = "/open-banking/v3.1/pisp/domestic-payments"
CONSENTS = "/open-banking/v3.1/aisp/account-access-consents"


@cache
def certificate(name: str) -> bytes:
    """A self-signed certificate (DER)."""
    key = private_key("ES256", name)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    began = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(began)
        .not_valid_after(began + timedelta(days=900))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA"])
async def test_a_customers_token_with_a_proof_of_its_key_is_served(alg: str) -> None:
    edge = TokenEdge()

    reply = await edge.by_token(edge.holder(alg=alg), "GET", ACCOUNTS)

    assert reply.status == 200
    caller = edge.calls[0].caller
    assert (caller.app, caller.psu, caller.grant) == (CLIENT, "cus_1", "grt_1")
    assert caller.scopes == {"accounts", "payments"}
    assert caller.wire == "token"
    assert caller.proof


async def test_a_token_is_looked_up_once_until_it_expires() -> None:
    edge = TokenEdge()
    holder = edge.holder()

    for _ in range(5):
        assert (await edge.by_token(holder, "GET", ACCOUNTS)).status == 200
    edge.now += 301
    holder.at = edge.now
    late = await edge.by_token(holder, "GET", ACCOUNTS)

    assert error(late) == (401, "invalid_token")
    assert len(edge.asked) == 2


async def test_an_unknown_token_is_asked_for_once_a_second() -> None:
    edge = TokenEdge()
    holder = edge.holder()
    edge.good.clear()

    for _ in range(3):
        assert error(await edge.by_token(holder, "GET", ACCOUNTS)) == (401, "invalid_token")
    edge.now += 1.5
    await edge.by_token(holder, "GET", ACCOUNTS)

    assert len(edge.asked) == 2
    assert edge.calls == []


async def test_the_scheme_is_not_case_sensitive() -> None:
    edge = TokenEdge()
    holder = edge.holder()

    for scheme in ("dpop", "DPOP", "DPoP"):
        reply = await edge.by_token(
            holder, "GET", ACCOUNTS, authorization=f"{scheme} {holder.token}"
        )
        assert reply.status == 200


async def test_a_token_sent_as_bearer_is_refused_and_told_which_scheme_counts() -> None:
    edge = TokenEdge()
    holder = edge.holder()

    reply = await edge.by_token(holder, "GET", ACCOUNTS, authorization=f"Bearer {holder.token}")

    assert error(reply) == (401, "invalid_token")
    assert challenge(reply).startswith("DPoP ")
    assert 'algs="ES256 PS256 EdDSA"' in challenge(reply)


async def test_a_call_without_a_token_is_told_the_scheme_and_no_error() -> None:
    edge = TokenEdge()

    reply = await edge.by_token(edge.holder(), "GET", ACCOUNTS, authorization=None, dpop=None)

    assert error(reply) == (401, "")
    assert challenge(reply).startswith("DPoP ")


@pytest.mark.parametrize("query", ["access_token=at-good", "a=1&access_token=x"])
async def test_a_token_in_the_query_is_refused(query: str) -> None:
    edge = TokenEdge()
    headers = edge.holder().headers("GET", ACCOUNTS)

    reply = await edge.send(Request("GET", ACCOUNTS, query, headers))

    assert error(reply) == (400, "invalid_request")


async def test_a_token_in_a_form_body_is_not_looked_at() -> None:
    edge = TokenEdge()
    holder = edge.holder()
    headers = holder.headers("POST", PAYMENTS) | {
        "content-type": "application/x-www-form-urlencoded",
    }
    without = {name: value for name, value in headers.items() if name != "authorization"}

    refused = await edge.send(Request("POST", PAYMENTS, "", headers, b"access_token=at-good"))
    nobody = await edge.send(Request("POST", PAYMENTS, "", without, b"access_token=at-good"))

    assert refused.status == 415
    assert nobody.status == 401


@pytest.mark.parametrize("value", ["DPoP", "DPoP ", "DPoP a b", "DPoP é"])
async def test_an_odd_authorization_header_is_refused(value: str) -> None:
    edge = TokenEdge()

    reply = await edge.by_token(edge.holder(), "GET", ACCOUNTS, authorization=value)

    assert error(reply) == (401, "invalid_token")


WRONG_CLAIMS: list[dict[str, Any]] = [
    {"htm": "POST"},
    {"htm": "get"},
    {"htm": None},
    {"htu": ORIGIN},
    {"htu": ORIGIN + "/open-banking/v3.1/aisp/Accounts"},
    {"htu": ORIGIN + ACCOUNTS + "/"},
    {"htu": "http://edge.example" + ACCOUNTS},
    {"htu": "https://edge.example:444" + ACCOUNTS},
    {"htu": "https://bank.example" + ACCOUNTS},
    {"htu": "https://user@edge.example" + ACCOUNTS},
    {"htu": 7},
    {"htu": None},
    {"iat": None},
    {"iat": "now"},
    {"iat": True},
    {"iat": 1e300},
    {"jti": None},
    {"jti": ""},
    {"jti": "x" * 129},
    {"jti": 7},
    {"exp": 1},
    {"nbf": 2_000_000_000},
    {"ath": None},
    {"ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"},
    {"nonce": 5},
]


@pytest.mark.parametrize("change", WRONG_CLAIMS, ids=range(len(WRONG_CLAIMS)))
async def test_a_proof_with_a_wrong_claim_is_refused(change: dict[str, Any]) -> None:
    edge = TokenEdge()
    holder = edge.holder()

    reply = await edge.by_token(
        holder, "GET", ACCOUNTS, dpop=holder.proof("GET", ACCOUNTS, **change)
    )

    assert error(reply) == (401, "invalid_dpop_proof")
    assert edge.asked == [], "a wrong proof costs no look-up"
    assert edge.calls == []


WRONG_HEADERS: list[tuple[dict[str, Any], str]] = [
    ({"typ": "JWT"}, ""),
    ({"typ": None}, ""),
    ({"alg": "none"}, "none"),
    ({"alg": "HS256"}, "HS256"),
    ({"alg": "RS256", "jwk": public_jwk("PS256", "holder")}, "RS256"),
    ({"alg": "ES384", "jwk": public_jwk("ES384", "holder")}, ""),
    ({"alg": "PS256"}, ""),
    ({"jwk": private_jwk("ES256", "holder")}, ""),
    ({"jwk": None}, ""),
    ({"jwk": []}, ""),
    ({"jwk": {"kty": "oct", "k": "c2VjcmV0"}}, ""),
    ({"jwk": public_jwk("ES256", "holder") | {"use": "enc"}}, ""),
    ({"jwk": public_jwk("ES256", "holder") | {"x": "AAAA"}}, ""),
    ({"jwk": public_jwk("ES256", "holder") | {"y": "A" * 43}}, ""),
    ({"jwk": public_jwk("ES256", "somebody-else")}, ""),
    ({"crit": ["exp"]}, ""),
]


# Numbered: the keys in them differ in each of the processes the tests run in.
@pytest.mark.parametrize(("header", "signed_as"), WRONG_HEADERS, ids=range(len(WRONG_HEADERS)))
async def test_a_proof_with_a_wrong_header_is_refused(
    header: dict[str, Any], signed_as: str
) -> None:
    edge = TokenEdge()
    holder = edge.holder()
    proof = holder.proof("GET", ACCOUNTS, header=header, signed_as=signed_as)

    reply = await edge.by_token(holder, "GET", ACCOUNTS, dpop=proof)

    assert error(reply) == (401, "invalid_dpop_proof")
    assert edge.calls == []


@pytest.mark.parametrize(
    "proof", ["", "a.b", "a.b.c", "e30.e30.e30", "W10.W10.W10", "x" * 9_000, "a.b.c.d", "é.b.c"]
)
async def test_a_malformed_proof_is_refused(proof: str) -> None:
    edge = TokenEdge()

    reply = await edge.by_token(edge.holder(), "GET", ACCOUNTS, dpop=proof)

    assert error(reply) == (401, "invalid_dpop_proof")


async def test_a_proof_above_8_kb_is_not_decoded() -> None:
    edge = TokenEdge()
    holder = edge.holder()
    proof = holder.proof("GET", ACCOUNTS, padding="x" * 8_192)

    assert error(await edge.by_token(holder, "GET", ACCOUNTS, dpop=proof)) == (
        401,
        "invalid_dpop_proof",
    )


async def test_a_call_without_a_proof_is_refused() -> None:
    edge = TokenEdge()

    reply = await edge.by_token(edge.holder(), "GET", ACCOUNTS, dpop=None)

    assert error(reply) == (401, "invalid_dpop_proof")


@pytest.mark.parametrize(("age", "status"), [(59, 200), (61, 401), (-10, 200), (-61, 401)])
async def test_a_proof_is_good_for_a_minute_and_a_clocks_error(age: int, status: int) -> None:
    edge = TokenEdge()
    holder = edge.holder()
    proof = holder.proof("GET", ACCOUNTS, iat=int(edge.now) - age)

    reply = await edge.by_token(holder, "GET", ACCOUNTS, dpop=proof)

    assert reply.status == status


@pytest.mark.parametrize(
    "htu",
    [
        "HTTPS://EDGE.EXAMPLE" + ACCOUNTS,
        "https://edge.example:443" + ACCOUNTS,
        ORIGIN + ACCOUNTS + "?a=b#c",
    ],
)
async def test_an_address_written_otherwise_is_the_same_address(htu: str) -> None:
    edge = TokenEdge()
    holder = edge.holder()

    reply = await edge.by_token(
        holder, "GET", ACCOUNTS, dpop=holder.proof("GET", ACCOUNTS, htu=htu)
    )

    assert reply.status == 200


async def test_host_and_forwarded_headers_do_not_change_what_a_proof_must_say() -> None:
    edge = TokenEdge()
    holder = edge.holder()
    lying = {
        "host": "evil.example",
        "x_forwarded_host": "evil.example",
        "x_forwarded_proto": "http",
    }
    evil = holder.proof("GET", ACCOUNTS, htu="https://evil.example" + ACCOUNTS)

    honest = await edge.by_token(holder, "GET", ACCOUNTS, **lying)
    fooled = await edge.by_token(holder, "GET", ACCOUNTS, dpop=evil, **lying)

    assert honest.status == 200
    assert error(fooled) == (401, "invalid_dpop_proof")


async def test_a_proof_is_accepted_once() -> None:
    edge = TokenEdge()
    holder = edge.holder()
    proof = holder.proof("GET", ACCOUNTS)

    first = await edge.by_token(holder, "GET", ACCOUNTS, dpop=proof)
    second = await edge.by_token(holder, "GET", ACCOUNTS, dpop=proof)

    assert first.status == 200
    assert error(second) == (401, "invalid_dpop_proof")
    assert len(edge.calls) == 1


async def test_a_stranger_who_copies_a_jti_burns_nothing() -> None:
    edge = TokenEdge()
    holder, stranger = edge.holder(), edge.holder("at-stranger")
    edge.good.pop("at-stranger")
    edge.holder()
    stranger.name = "stranger"

    mine = holder.proof("GET", ACCOUNTS, jti="j" * 20)
    theirs = stranger.proof("GET", ACCOUNTS, jti="j" * 20)
    refused = await edge.by_token(stranger, "GET", ACCOUNTS, dpop=theirs)
    served = await edge.by_token(holder, "GET", ACCOUNTS, dpop=mine)

    assert refused.status == 401
    assert served.status == 200


async def test_a_token_with_a_proof_of_another_key_is_refused() -> None:
    edge = TokenEdge()
    holder = edge.holder()
    holder.name = "thief"

    assert error(await edge.by_token(holder, "GET", ACCOUNTS)) == (401, "invalid_token")
    assert edge.replay.used == set(), "and burns no id"


async def test_a_proof_made_for_another_token_is_refused() -> None:
    edge = TokenEdge()
    one, other = edge.holder("at-one"), edge.holder("at-other")

    reply = await edge.by_token(one, "GET", ACCOUNTS, dpop=other.proof("GET", ACCOUNTS))

    assert error(reply) == (401, "invalid_dpop_proof")


async def test_a_token_of_an_app_that_is_not_ours_any_more_is_refused() -> None:
    edge = TokenEdge()
    foreign = edge.holder("at-foreign", client="app_gone")
    moved = edge.holder("at-moved", partner="prt_other")

    assert error(await edge.by_token(foreign, "GET", ACCOUNTS)) == (401, "invalid_token")
    assert error(await edge.by_token(moved, "GET", ACCOUNTS)) == (401, "invalid_token")


async def test_a_blocked_apps_token_reaches_nothing() -> None:
    edge = TokenEdge(subscribed(active=False))

    reply = await edge.by_token(edge.holder(), "GET", ACCOUNTS)

    assert reply.status == 403
    assert edge.calls == []


async def test_a_missing_scope_is_named() -> None:
    edge = TokenEdge()
    holder = edge.holder(scopes=frozenset({"payments"}))

    reply = await edge.by_token(holder, "GET", ACCOUNTS)

    assert error(reply) == (403, "insufficient_scope")
    assert 'scope="accounts"' in challenge(reply)


async def test_a_clients_own_token_reaches_no_customers_data() -> None:
    edge = TokenEdge()

    reply = await edge.by_token(edge.clients_own(), "GET", ACCOUNTS)

    assert error(reply) == (403, "insufficient_scope")
    assert edge.calls == []


async def test_a_consent_is_asked_for_with_the_clients_own_token() -> None:
    edge = TokenEdge()

    own = await edge.by_token(edge.clients_own(), "POST", CONSENTS, body={})
    customers = await edge.by_token(edge.holder(), "POST", CONSENTS, body={})

    assert own.status == 201
    assert edge.calls[0].caller.psu is None
    assert error(customers) == (403, "insufficient_scope")


async def test_an_operation_for_signatures_takes_no_token() -> None:
    edge = TokenEdge()

    reply = await edge.by_token(edge.holder(), "POST", "/v1/platform/echoes", body={})

    assert (reply.status, problem(reply)["code"]) == (403, "access.signature_needed")


async def test_an_operation_for_tokens_takes_no_signature() -> None:
    edge = TokenEdge()
    signed = edge.signed(Request("GET", ACCOUNTS, "", {"host": "bank.example"}))

    reply = await edge.send(signed)

    assert error(reply) == (401, "")
    assert edge.calls == []


async def test_an_operation_for_either_takes_both() -> None:
    edge = TokenEdge()
    path = "/v1/account-balances/acc_1"

    by_token = await edge.by_token(edge.holder(), "GET", path)
    signed = await edge.call(Request("GET", path, "", {"host": "bank.example"}))

    assert (by_token.status, signed.status) == (200, 200)
    assert [each.caller.psu for each in edge.calls] == ["cus_1", None]


async def test_a_consent_named_by_a_signed_call_is_carried_and_must_be_signed() -> None:
    edge = TokenEdge()
    request = Request(
        "GET", "/v1/account-balances/acc_1", "", {"host": "b.example", "x-consent-id": "cns_1"}
    )
    unsigned = edge.signed(Request("GET", request.path, "", {"host": "b.example"}))
    unsigned.headers["x-consent-id"] = "cns_1"

    carried = await edge.call(request)
    smuggled = await edge.send(unsigned)

    assert carried.status == 200
    assert edge.calls[0].caller.consent == "cns_1"
    assert problem(smuggled)["code"] == "signature.component_missing"


async def test_a_consent_where_none_counts_is_refused() -> None:
    edge = TokenEdge()
    request = Request(
        "POST", "/v1/platform/echoes", "", {"host": "b.example", "x-consent-id": "cns_1"}, b"{}"
    )

    reply = await edge.call(request)

    assert (reply.status, problem(reply)["code"]) == (400, "consent.not_taken")


async def test_a_payment_needs_the_key_that_uk_callers_send() -> None:
    edge = TokenEdge()
    holder = edge.holder()

    without = await edge.by_token(holder, "POST", PAYMENTS, body={"Data": {}})
    given = await edge.by_token(holder, "POST", PAYMENTS, body={}, x_idempotency_key="k-1")

    assert without.status == 400
    assert given.status == 201
    assert edge.calls[0].idempotency_key == "k-1"


async def test_refusals_on_uk_paths_have_the_uk_body() -> None:
    edge = TokenEdge()

    reply = await edge.by_token(edge.holder(), "GET", "/open-banking/v3.1/aisp/nothing")

    body = json.loads(reply.body)
    assert reply.status == 404
    assert set(body) == {"Code", "Id", "Message", "Errors"}
    assert body["Code"] == "404 Not Found"
    assert body["Errors"][0]["ErrorCode"] == "UK.OBIE.Resource.NotFound"


async def test_answers_carry_the_callers_interaction_id_and_are_stored_by_nobody() -> None:
    edge = TokenEdge()
    holder = edge.holder()
    given = "93bac548-d2de-4546-b106-880a5018460d"

    echoed = await edge.by_token(holder, "GET", ACCOUNTS, x_fapi_interaction_id=given)
    made = await edge.by_token(holder, "GET", ACCOUNTS, x_fapi_interaction_id="no uuid")

    assert dict(echoed.headers)["x-fapi-interaction-id"] == given
    assert len(dict(made.headers)["x-fapi-interaction-id"]) == 36
    assert dict(echoed.headers)["cache-control"] == "no-store"
    assert dict(echoed.headers)["x-request-id"]


async def test_signed_calls_are_answered_as_before_beside_the_token_wire() -> None:
    edge = TokenEdge()

    assert (await edge.call(Request("GET", "/v1/nothing", "", {"host": "b.example"}))).status == 404
    refused = await edge.send(ask())
    assert problem(refused)["code"] == "route.not_found"
    assert (await edge.send(pay())).status == 404


# -- tokens bound to a certificate (RFC 8705) ------------------------------------------------------

CERTIFICATE = base64.b64encode(certificate("client")).decode()
OTHER = base64.b64encode(certificate("other")).decode()


def certified(**options: Any) -> tuple[TokenEdge, Holder]:
    """An edge behind a proxy that sees certificates, and a token bound to one."""
    edge = TokenEdge(certificate_header="client-cert", **options)
    x5t = b64(hashlib.sha256(certificate("client")).digest())
    return edge, edge.holder(jkt="", x5t=x5t)


async def test_a_token_bound_to_a_certificate_is_served_over_its_connection() -> None:
    edge, holder = certified()

    reply = await edge.by_token(
        holder, "GET", ACCOUNTS,
        authorization=f"Bearer {holder.token}", dpop=None, client_cert=f":{CERTIFICATE}:",
    )  # fmt: skip

    assert reply.status == 200
    assert (edge.calls[0].caller.psu, edge.calls[0].caller.proof) == ("cus_1", "")


@pytest.mark.parametrize("header", [None, f":{OTHER}:", ":no base64:", "x", ""])
async def test_another_or_no_certificate_is_refused(header: str | None) -> None:
    edge, holder = certified()

    reply = await edge.by_token(
        holder, "GET", ACCOUNTS,
        authorization=f"Bearer {holder.token}", dpop=None, client_cert=header,
    )  # fmt: skip

    assert error(reply) == (401, "invalid_token")
    assert edge.calls == []


async def test_neither_kind_of_binding_stands_in_for_the_other() -> None:
    edge, by_certificate = certified()
    by_key = edge.holder("at-key")
    bearer = {"authorization": f"Bearer {by_key.token}", "dpop": None}

    key_as_certificate = await edge.by_token(
        by_key, "GET", ACCOUNTS, client_cert=f":{CERTIFICATE}:", **bearer
    )
    certificate_as_key = await edge.by_token(
        by_certificate, "GET", ACCOUNTS, client_cert=f":{CERTIFICATE}:"
    )

    assert error(key_as_certificate) == (401, "invalid_token")
    assert error(certificate_as_key) == (401, "invalid_token")


async def test_where_no_proxy_is_trusted_with_certificates_a_header_proves_nothing() -> None:
    edge = TokenEdge()
    x5t = b64(hashlib.sha256(certificate("client")).digest())
    holder = edge.holder(jkt="", x5t=x5t)

    reply = await edge.by_token(
        holder, "GET", ACCOUNTS,
        authorization=f"Bearer {holder.token}", dpop=None, client_cert=f":{CERTIFICATE}:",
    )  # fmt: skip

    assert error(reply) == (401, "invalid_token")


def test_a_certificate_header_that_strangers_could_send_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="client-cert"):
        TokenWire(ORIGIN, Tokens(None), certificate_header="x-own")  # type: ignore[arg-type]
