"""DPoP proofs, refused cases in the order of the checks. Source: RFC 9449 section 4.3."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from tests.identity.fapi.rig import (
    ISSUER,
    FAPIClient,
    b64,
    jws,
    private_jwk,
    public_jwk,
    refused_as,
)

REFUSED = (400, "invalid_dpop_proof")
FORM = {"grant_type": "client_credentials"}


async def ask(client: FAPIClient, proof: Any) -> Any:
    return await client.post("/oauth/token", client.signed_in(**FORM), proof=proof)


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA"])
async def test_a_proof_in_each_algorithm_binds_the_token(client: FAPIClient, alg: str) -> None:
    client.proof_alg = alg

    answer = await ask(client, True)

    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    assert (await client.introspect(token))["cnf"] == {"jkt": client.jkt}


async def test_ensure_token_request_without_dpop_fails(client: FAPIClient) -> None:
    assert refused_as(await ask(client, None)) == REFUSED


async def test_two_proofs_are_refused(client: FAPIClient) -> None:
    one, two = client.proof("/oauth/token"), client.proof("/oauth/token")

    assert refused_as(await ask(client, [one, two])) == REFUSED
    assert refused_as(await ask(client, f"{one}, {two}")) == REFUSED


@pytest.mark.parametrize(
    "change",
    [
        {"htm": "GET"},
        {"htm": "post"},
        {"htm": None},
        {"htu": ISSUER + "/oauth/par"},
        {"htu": ISSUER},
        {"htu": "http://bank.example/oauth/token"},
        {"htu": "https://bank.example:8443/oauth/token"},
        {"htu": "https://evil.example/oauth/token"},
        {"htu": "https://user@bank.example/oauth/token"},
        {"htu": "https://[bank/oauth/token"},
        {"htu": "https://bank.example:x/oauth/token"},
        {"htu": 7},
        {"htu": None},
        {"iat": None},
        {"iat": "now"},
        {"iat": 0},
        {"jti": None},
        {"jti": ""},
        {"jti": "x" * 129},
        {"exp": 1},
    ],
)
async def test_a_proof_with_a_wrong_claim_is_refused(
    client: FAPIClient, change: dict[str, Any]
) -> None:
    assert refused_as(await ask(client, client.proof("/oauth/token", **change))) == REFUSED


@pytest.mark.parametrize(
    "htu",
    [
        "HTTPS://BANK.example/oauth/token",
        "https://bank.example:443/oauth/token",
        "https://bank.example/oauth/token?a=b#c",
    ],
)
async def test_the_address_of_a_proof_is_compared_in_normal_form(
    client: FAPIClient, htu: str
) -> None:
    assert (await ask(client, client.proof("/oauth/token", htu=htu))).status_code == 200


async def test_the_address_of_a_proof_is_ours_whatever_the_request_says(
    client: FAPIClient,
) -> None:
    lying = {"host": "evil.example", "x-forwarded-host": "evil.example"}
    proof = client.proof("/oauth/token", htu="https://evil.example/oauth/token")
    sent = client.signed_in(**FORM)

    answer = await client.world.web.post(
        "/oauth/token", data=sent, headers={**lying, "dpop": proof}
    )

    assert refused_as(answer) == REFUSED


@pytest.mark.parametrize(
    ("away", "accepted"),
    [(-60, True), (-61, False), (10, True), (30, True), (31, False), (61, False)],
)
async def test_dpop_proof_clock_tolerance(client: FAPIClient, away: int, accepted: bool) -> None:
    proof = client.proof("/oauth/token", iat=client.world.seconds + away)

    assert ((await ask(client, proof)).status_code == 200) is accepted


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "jwt"},
        {"typ": "DPOP+JWT"},
        {"typ": None},
        {"alg": "RS256"},
        {"alg": "none"},
        {"alg": "EdDSA"},
        {"jwk": None},
        {"jwk": "text"},
        {"jwk": {}},
        {"jwk": {"kty": "EC"}},
        {"jwk": {"kty": "oct", "k": "c2VjcmV0"}},
        {"jwk": private_jwk("ES256", "proof")},
        {"jwk": public_jwk("ES256", "other")},
        {"jwk": public_jwk("PS256", "proof")},
        {"jwk": {**public_jwk("ES256", "proof"), "use": "enc"}},
        {"jwk": {**public_jwk("ES256", "proof"), "x": "AAAA"}},
        {"jwk": {**public_jwk("ES256", "proof"), "x": 7}},
        {"jwk": {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}},
        {"jwk": {"kty": "OKP", "crv": "Ed448", "x": "AA"}},
        {"jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}},
    ],
)
async def test_a_proof_with_a_wrong_header_is_refused(
    client: FAPIClient, header: dict[str, Any]
) -> None:
    assert refused_as(await ask(client, client.proof("/oauth/token", header=header))) == REFUSED


async def test_a_proof_signed_with_pkcs1_is_refused(client: FAPIClient) -> None:
    claims = {
        "htm": "POST",
        "htu": ISSUER + "/oauth/token",
        "iat": client.world.seconds,
        "jti": "1",
        "nonce": client.world.server.nonce(),
    }
    header = {"typ": "dpop+jwt", "alg": "PS256", "jwk": public_jwk("PS256", "proof")}

    assert refused_as(await ask(client, jws(header, claims, "RS256", "proof"))) == REFUSED


@pytest.mark.parametrize("proof", ["", "x", "a.b.c", "x" * 8193, f"{b64(b'[' * 3000)}.e30.x"])
async def test_hostile_bytes_are_refused(client: FAPIClient, proof: str) -> None:
    assert refused_as(await ask(client, proof)) == REFUSED


async def test_dpop_negative_replay(client: FAPIClient) -> None:
    proof = client.proof("/oauth/token")

    assert (await ask(client, proof)).status_code == 200
    assert refused_as(await ask(client, proof)) == REFUSED


async def test_a_proof_needs_our_nonce(client: FAPIClient) -> None:
    for nonce in (None, "made-up", "", "中"):
        answer = await ask(client, client.proof("/oauth/token", nonce=nonce))
        assert refused_as(answer) == (400, "use_dpop_nonce")

    client.nonce = answer.headers["dpop-nonce"]
    assert (await ask(client, True)).status_code == 200


async def test_a_client_may_repeat_its_assertion_with_the_nonce(client: FAPIClient) -> None:
    form = client.signed_in(**FORM)
    asked = await client.post("/oauth/token", form, proof=client.proof("/oauth/token", nonce="x"))
    client.nonce = asked.headers["dpop-nonce"]

    assert (await client.post("/oauth/token", form)).status_code == 200


async def test_a_nonce_lives_for_two_minutes_at_most(client: FAPIClient) -> None:
    client.nonce = client.world.server.nonce()
    client.world.clock.advance(timedelta(seconds=60))
    assert (await ask(client, True)).status_code == 200

    client.world.clock.advance(timedelta(seconds=60))
    assert refused_as(await ask(client, True)) == (400, "use_dpop_nonce")


async def test_the_jti_is_single_use_on_both_sides_of_an_hour(client: FAPIClient) -> None:
    clock = client.world.clock
    left = 3600 - client.world.seconds % 3600
    clock.advance(timedelta(seconds=left - 5))
    proof = client.proof("/oauth/token")
    assertion = client.assertion()
    form = client.signed_in(client_assertion=assertion, **FORM)
    assert (await client.post("/oauth/token", form, proof=proof)).status_code == 200
    clock.advance(timedelta(seconds=10))

    again = await client.post("/oauth/token", form, proof=client.proof("/oauth/token"))

    assert refused_as(again) == (401, "invalid_client")
    assert refused_as(await ask(client, proof)) == REFUSED


async def test_ensure_mismatched_dpop_jkt_fails(client: FAPIClient) -> None:
    other = b64(hashlib.sha256(b"other key").digest())

    answer = await client.post("/oauth/par", client.request_form("v" * 43, dpop_jkt=other))

    assert refused_as(answer) == (400, "invalid_request")


async def test_ensure_token_endpoint_fails_with_mismatched_dpop_jkt(client: FAPIClient) -> None:
    code, pushed = await client.code(dpop_jkt=b64(hashlib.sha256(b"other key").digest()))

    assert refused_as(await client.exchange(code, pushed)) == (400, "invalid_grant")


async def test_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt(
    client: FAPIClient,
) -> None:
    answer = await client.post("/oauth/par", client.request_form("v" * 43, scope="openid"))
    assert answer.status_code == 201, answer.text
    code, pushed = await client.code(dpop_jkt=client.jkt)
    client.proof_key = "another"
    mismatched = await client.exchange(code, pushed)
    client.proof_key = "proof"

    assert refused_as(mismatched) == (400, "invalid_grant")
    assert (await client.exchange(code, pushed)).status_code == 200


async def test_par_with_dpop_binds_the_code_to_the_proof(client: FAPIClient) -> None:
    verifier = "v" * 43
    answer = await client.post("/oauth/par", client.request_form(verifier))
    code, pushed = await client.code()
    pushed.request_uri, pushed.verifier = answer.json()["request_uri"], verifier
    found = await client.interaction(pushed)

    assert found.request.dpop_jkt == client.jkt
    assert code
