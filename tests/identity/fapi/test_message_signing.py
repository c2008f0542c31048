"""Signed requests, signed answers, signed introspection. Source: FAPI 2.0 Message Signing.

Named after the modules of the message signing plan. Each refused case has its accepted neighbour.
"""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from tests.identity.fapi.rig import (
    ACCOUNTS,
    ISSUER,
    FAPIClient,
    Pushed,
    World,
    claims_of,
    jws,
    private_key,
    public_jwk,
    refused_as,
)

VERIFIER = "v" * 43
HOUR = 3600
SIGNING = {
    "request_object_signing_alg": "ES256",
    "authorization_signed_response_alg": "ES256",
}
REFUSED = (400, "invalid_request_object")


@pytest.fixture
async def signing(world: World) -> FAPIClient:
    """A client registered as signing its requests and taking signed answers."""
    return await world.client(**SIGNING)


async def pushed(client: FAPIClient, **change: Any) -> Pushed:
    """A signed request that asks for a signed answer, accepted."""
    request = client.request_object(VERIFIER, response_mode="jwt", **change)
    answer = await client.push_signed(request)
    assert answer.status_code == 201, answer.text
    return Pushed(answer.json()["request_uri"], VERIFIER, "af0ifjsldkj")


async def verified(world: World, token: str) -> Any:
    """A JWT of the server under its published keys, by the honest client's library."""
    keys = KeySet.import_key_set((await world.web.get("/oauth/jwks")).json())
    return jwt.decode(token, keys, algorithms=["ES256"])


async def test_happy_path_signed_request_and_signed_answer(signing: FAPIClient) -> None:
    request = await pushed(signing, authorization_details=[ACCOUNTS], max_age=300)
    found = await signing.interaction(request)
    _, address = await signing.say_yes(found)
    outside = dict(parse_qsl(urlsplit(address).query))
    answer = await verified(signing.world, outside["response"])

    exchanged = await signing.exchange(answer.claims["code"], request)

    assert found.authorization_details == (ACCOUNTS,)
    assert set(outside) == {"response"}
    assert answer.claims["iss"] == ISSUER
    assert answer.claims["aud"] == signing.client_id
    assert answer.claims["state"] == "af0ifjsldkj"
    assert 0 < answer.claims["exp"] - signing.world.seconds <= 600
    assert exchanged.status_code == 200, exchanged.text


async def test_user_rejects_authentication_is_answered_signed(signing: FAPIClient) -> None:
    address = await signing.say_no(await signing.interaction(await pushed(signing)))
    outside = dict(parse_qsl(urlsplit(address).query))

    answer = await verified(signing.world, outside["response"])

    assert set(outside) == {"response"}
    assert answer.claims["error"] == "access_denied"
    assert answer.claims["iss"] == ISSUER


@pytest.mark.parametrize("change", [{}, {"state": None}, {"iss": None}, {"nonce": "n" * 64}])
async def test_request_object_variants_that_are_good(
    signing: FAPIClient, change: dict[str, Any]
) -> None:
    await pushed(signing, **change)


@pytest.mark.parametrize("audience", [[ISSUER], ["https://other.example", ISSUER]])
async def test_ensure_request_object_with_multiple_aud_succeeds(
    signing: FAPIClient, audience: list[str]
) -> None:
    await pushed(signing, aud=audience)


@pytest.mark.parametrize("typ", ["oauth-authz-req+jwt", "application/oauth-authz-req+jwt", "JWT"])
async def test_ensure_request_object_type_is_a_request(signing: FAPIClient, typ: str) -> None:
    await pushed(signing, header={"typ": typ})


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"exp": None}, "EnsureRequestObjectWithoutExpFails"),
        ({"nbf": None}, "EnsureRequestObjectWithoutNbfFails"),
        ({"exp": -1}, "EnsureExpiredRequestObjectFails"),
        ({"exp": 0}, "EnsureExpiredRequestObjectFails"),
        ({"exp": HOUR + 1}, "EnsureRequestObjectWithExpOver60Fails"),
        ({"nbf": -HOUR - 1}, "EnsureRequestObjectWithNbfOver60Fails"),
        ({"nbf": 61}, "EnsureRequestObjectWithNbfInTheFutureFails"),
        ({"iat": 61}, "EnsureRequestObjectWithIatInTheFutureFails"),
    ],
)
async def test_ensure_request_object_times(
    signing: FAPIClient, change: dict[str, int | None], names: str
) -> None:
    now = signing.world.seconds
    moved = {name: None if away is None else now + away for name, away in change.items()}
    request = signing.request_object(VERIFIER, response_mode="jwt", **moved)

    assert refused_as(await signing.push_signed(request)) == REFUSED, names


@pytest.mark.parametrize(
    "change",
    [
        {"nbf": -HOUR + 1, "exp": 1},
        {"nbf": 0, "exp": HOUR},
        {"nbf": 8, "exp": 300},
        {"iat": 8, "nbf": 8},
    ],
)
async def test_request_object_with_iat_nbf_8_seconds_in_the_future_is_accepted(
    signing: FAPIClient, change: dict[str, int]
) -> None:
    now = signing.world.seconds
    await pushed(signing, **{name: now + away for name, away in change.items()})


@pytest.mark.parametrize(
    "change",
    [
        {"aud": None},
        {"aud": "https://other.example"},
        {"aud": ISSUER + "/"},
        {"aud": ISSUER + "/oauth/par"},
        {"aud": []},
        {"aud": {"iss": ISSUER}},
        {"iss": "app_somebody"},
        {"client_id": "app_somebody"},
        {"client_id": None},
        {"sub": "app_somebody"},
        {"request": "x"},
        {"request_uri": "urn:ietf:params:oauth:request_uri:x"},
        {"exp": "soon"},
        {"nbf": True},
        {"exp": 10**30},
        {"state": "a\0b"},
        {"scope": "\ud800"},
        {"authorization_details": "[\ud800]"},
    ],
)
async def test_ensure_request_object_speaks_of_this_call(
    signing: FAPIClient, change: dict[str, Any]
) -> None:
    request = signing.request_object(VERIFIER, response_mode="jwt", **change)

    assert refused_as(await signing.push_signed(request)) == REFUSED


@pytest.mark.parametrize("alg", ["none", "RS256", "HS256", "PS256", "EdDSA", "ES384"])
async def test_ensure_request_object_signature_algorithm_is_as_registered(
    signing: FAPIClient, alg: str
) -> None:
    header = {"alg": alg, "kid": f"client-{alg}"}
    claims = claims_of(signing.request_object(VERIFIER, response_mode="jwt"))
    signed_as = alg if alg != "ES384" else "ES256"
    secret = json.dumps(public_jwk("ES256", "client")).encode()
    request = jws(header, claims, signed_as, "client", secret=secret)

    assert refused_as(await signing.push_signed(request)) == REFUSED


async def test_ensure_matching_key_in_request_object(signing: FAPIClient) -> None:
    claims = claims_of(signing.request_object(VERIFIER, response_mode="jwt"))
    for header in ({"kid": "client-ES256"}, {"kid": "unknown"}, {}):
        stranger = {"alg": "ES256", "jwk": public_jwk("ES256", "stranger")} | header
        request = jws(stranger, claims, "ES256", "stranger")
        assert refused_as(await signing.push_signed(request)) == REFUSED
    good = signing.request_object(VERIFIER, response_mode="jwt")
    head, body, signature = good.split(".")
    other = signing.request_object(VERIFIER, response_mode="jwt", scope="openid").split(".")
    for forged in (f"{head}.{other[1]}.{signature}", f"{head}.{body}.", f"{head}.{body}", "x"):
        assert refused_as(await signing.push_signed(forged)) == REFUSED
    assert private_key("ES256", "stranger") is not private_key("ES256", "client")


async def test_ensure_client_assertion_is_no_request_object(signing: FAPIClient) -> None:
    """Neither passes for the other: no sub in a request, no request without its claims."""
    assert refused_as(await signing.push_signed(signing.assertion())) == REFUSED
    now = signing.world.seconds
    request = signing.request_object(
        VERIFIER, sub=signing.client_id, jti="one", exp=now + 60, response_mode="jwt"
    )
    assert refused_as(await signing.push_signed(request)) == REFUSED


async def test_ensure_unsigned_request_at_par_endpoint_fails(signing: FAPIClient) -> None:
    form = signing.request_form(VERIFIER, response_mode="jwt")

    answer = await signing.post("/oauth/par", form, proof=None)

    assert refused_as(answer) == (400, "invalid_request")


async def test_ensure_a_client_of_signed_answers_takes_no_others(signing: FAPIClient) -> None:
    for mode in (None, "query", "fragment", "form_post.jwt"):
        request = signing.request_object(VERIFIER, response_mode=mode)
        answer = await signing.push_signed(request)
        assert refused_as(answer) == (400, "invalid_request"), mode


async def test_parameters_beside_the_request_object_count_for_nothing(
    signing: FAPIClient,
) -> None:
    request = signing.request_object(VERIFIER, response_mode="jwt", scope="openid")
    answer = await signing.push_signed(
        request, scope="openid payments", redirect_uri="https://evil.example/", state="other"
    )
    opened = Pushed(answer.json()["request_uri"], VERIFIER, "")

    found = await signing.interaction(opened)

    assert found.scopes == ("openid",)
    assert found.request.state == "af0ifjsldkj"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"authorization_details": [{"type": "all"}]}, "invalid_authorization_details"),
        ({"authorization_details": {"type": "all"}}, "invalid_authorization_details"),
        ({"dpop_jkt": 7}, "invalid_request"),
    ],
)
async def test_a_signature_excuses_nothing(
    signing: FAPIClient, change: dict[str, Any], error: str
) -> None:
    request = signing.request_object(VERIFIER, response_mode="jwt", **change)

    assert refused_as(await signing.push_signed(request)) == (400, error)


async def test_a_repeated_claim_is_refused(signing: FAPIClient) -> None:
    whole = json.dumps(claims_of(signing.request_object(VERIFIER, response_mode="jwt")))
    twice = f'{whole[:-1]},"scope":"payments"}}'.encode()
    head = {"alg": "ES256", "kid": "client-ES256"}

    once, repeated = [jws(head, each, "ES256", "client") for each in (whole.encode(), twice)]

    assert refused_as(await signing.push_signed(repeated)) == REFUSED
    assert (await signing.push_signed(once)).status_code == 201


async def test_a_client_without_settings_may_sign_and_ask_for_signed_answers(
    client: FAPIClient,
) -> None:
    client.alg = "PS256"
    found = await client.interaction(await pushed(client))

    _, address = await client.say_yes(found)

    assert "response=" in address


async def test_signed_introspection_response(client: FAPIClient, world: World) -> None:
    stranger = await world.client(key="stranger")
    token = (await client.tokens())["access_token"]
    accept = {"accept": "application/token-introspection+jwt"}

    mine, theirs = [
        await world.web.post("/oauth/introspect", data=each.signed_in(token=token), headers=accept)
        for each in (client, stranger)
    ]
    said, told = [await verified(world, each.text) for each in (mine, theirs)]

    assert mine.headers["content-type"].split(";")[0] == "application/token-introspection+jwt"
    assert mine.headers["cache-control"] == "no-store"
    assert said.header["typ"] == "token-introspection+jwt"
    assert said.claims["iss"] == ISSUER and said.claims["aud"] == client.client_id
    assert said.claims["token_introspection"] == await client.introspect(token)
    assert not {"sub", "exp"} & said.claims.keys()
    assert told.claims["token_introspection"] == {"active": False}


async def test_discovery_lists_signed_messages(world: World) -> None:
    document = (await world.web.get("/.well-known/openid-configuration")).json()

    assert document["request_parameter_supported"] is True
    assert set(document["request_object_signing_alg_values_supported"]) == {
        *("ES256", "PS256", "EdDSA")
    }
    assert document["authorization_signing_alg_values_supported"] == ["ES256"]
    assert document["introspection_signing_alg_values_supported"] == ["ES256"]
    assert set(document["response_modes_supported"]) == {"query", "jwt", "query.jwt"}
