"""private_key_jwt, refused cases. Source: RFC 7523, FAPI 2.0 SP 5.3.2.1 and 5.4."""

from typing import Any

import pytest
from tests.identity.fapi.rig import (
    ISSUER,
    FAPIClient,
    World,
    b64,
    jws,
    public_jwk,
    refused_as,
    unb64,
)

REFUSED = (401, "invalid_client")


async def par(client: FAPIClient, assertion: str) -> Any:
    form = client.request_form("v" * 43, client_assertion=assertion)
    return await client.post("/oauth/par", form, proof=None)


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA"])
async def test_ensure_signed_client_assertion_with_each_algorithm_succeeds(
    client: FAPIClient, alg: str
) -> None:
    client.alg = alg

    assert (await par(client, client.assertion())).status_code == 201


@pytest.mark.parametrize(
    "change",
    [
        {"aud": [ISSUER]},
        {"aud": ISSUER + "/oauth/par"},
        {"aud": ISSUER + "/oauth/token"},
        {"aud": ISSUER + "/"},
        {"aud": "https://other.example"},
        {"aud": None},
        {"iss": "app_00000000000000000000000000"},
        {"iss": None},
        {"sub": "app_00000000000000000000000000"},
        {"sub": None},
        {"sub": ["x"]},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"exp": -1},
        {"exp": 10**30},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"jti": "x" * 129},
        {"jti": "\ud800"},
    ],
)
async def test_an_assertion_with_a_wrong_claim_is_refused(
    client: FAPIClient, change: dict[str, Any]
) -> None:
    assert refused_as(await par(client, client.assertion(**change))) == REFUSED


@pytest.mark.parametrize(
    ("name", "ahead", "accepted"),
    [
        ("iat", 8, True),
        ("nbf", 8, True),
        ("iat", 10, True),
        ("iat", 30, True),
        ("iat", 31, False),
        ("iat", 61, False),
        ("nbf", 61, False),
        ("exp", 300, True),
        ("exp", 400, False),
        ("exp", 0, False),
        ("exp", -1, False),
    ],
)
async def test_par_ensure_jwt_client_assertion_clock_tolerance(
    client: FAPIClient, name: str, ahead: int, accepted: bool
) -> None:
    answer = await par(client, client.assertion(**{name: client.world.seconds + ahead}))

    assert (answer.status_code == 201) is accepted, answer.text


async def test_ensure_client_assertion_in_pars_and_token_is_used_once(
    client: FAPIClient,
) -> None:
    assertion = client.assertion()
    await par(client, assertion)

    again = await par(client, assertion)
    elsewhere = await client.post(
        "/oauth/introspect", client.signed_in(client_assertion=assertion, token="x"), proof=None
    )

    assert refused_as(again) == REFUSED
    assert refused_as(elsewhere) == REFUSED


async def test_a_jti_belongs_to_its_client(client: FAPIClient, world: World) -> None:
    other = await world.client(key="other")

    first = await par(client, client.assertion(jti="the-same"))
    second = await par(other, other.assertion(jti="the-same"))

    assert (first.status_code, second.status_code) == (201, 201)


async def test_a_foreign_key_is_refused(client: FAPIClient) -> None:
    client.key, kid = "thief", "client-ES256"

    assert refused_as(await par(client, client.assertion(header={"kid": kid}))) == REFUSED


@pytest.mark.parametrize("alg", ["none", "RS256", "HS256", "ES384", "", 7, None, ["ES256"]])
async def test_a_closed_algorithm_is_refused(client: FAPIClient, alg: Any) -> None:
    now = client.world.seconds
    claims = {"iss": client.client_id, "sub": client.client_id, "aud": ISSUER, "jti": "1"}
    header = {"alg": alg, "kid": "client-PS256"}
    made_as = alg if alg in ("none", "RS256", "HS256") else "ES256"
    secret = unb64(public_jwk("PS256", "client")["n"])
    token = jws(header, {**claims, "exp": now + 60}, made_as, "client", secret=secret)

    assert refused_as(await par(client, token)) == REFUSED


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": public_jwk("ES256", "thief")},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MIIB"]},
    ],
)
async def test_a_key_in_the_header_is_not_looked_at(
    client: FAPIClient, header: dict[str, Any]
) -> None:
    honest = await par(client, client.assertion(header=header))
    client.key = "thief"
    forged = await par(client, client.assertion(header={"kid": "client-ES256", **header}))

    assert honest.status_code == 201, honest.text
    assert refused_as(forged) == REFUSED


@pytest.mark.parametrize(
    "header", [{"kid": "unknown"}, {"kid": 7}, {"crit": ["b64"], "b64": False}]
)
async def test_a_header_that_leads_to_no_key_is_refused(
    client: FAPIClient, header: dict[str, Any]
) -> None:
    assert refused_as(await par(client, client.assertion(header=header))) == REFUSED


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "..",
        "a.b.c.d",
        "e30.e30.",
        f"{b64(b'[]')}.{b64(b'[]')}.x",
        f"{b64(b'[' * 3000)}.{b64(b'{}')}.x",
        f"{b64(b'{}')}.{b64(b'[' * 3000)}.x",
        "x" * 8193,
        "中.文.字",
        "e30." + "\0" + ".x",
    ],
)
async def test_hostile_bytes_are_refused(client: FAPIClient, token: str) -> None:
    answer = await par(client, token)

    assert answer.status_code in {400, 401}, answer.text


async def test_a_refused_assertion_can_be_repaired(client: FAPIClient) -> None:
    """A message that never proved its client burns nobody's jti."""
    await par(client, client.assertion(jti="kept", header={"kid": "unknown"}))

    assert (await par(client, client.assertion(jti="kept"))).status_code == 201


async def test_another_clients_assertion_is_refused(client: FAPIClient, world: World) -> None:
    other = await world.client(key="other")
    form = client.request_form("v" * 43, client_assertion=other.assertion())

    answer = await client.post("/oauth/par", form, proof=None)

    assert refused_as(answer) == (400, "invalid_request")
