"""PAR and the authorization endpoint, refused cases. Source: FAPI 2.0 SP 5.3.2.2, RFC 9126."""

import re
import secrets
from datetime import timedelta
from typing import Any

import pytest
from tests.identity.fapi.rig import (
    ASSERTION_TYPE,
    CALLBACK,
    ISSUER,
    FAPIClient,
    World,
    answer_of,
    refused_as,
)

from bankside.identity import InteractionFinished, InteractionUnknown, interaction
from bankside.kernel.db import transaction
from bankside.partners import block_app

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"response_type": "token"}, 400, "unsupported_response_type"),
        ({"response_type": "code id_token"}, 400, "unsupported_response_type"),
        ({"response_type": None}, 400, "invalid_request"),
        ({"response_mode": "fragment"}, 400, "invalid_request"),
        ({"code_challenge": None}, 400, "invalid_request"),
        ({"code_challenge_method": "plain"}, 400, "invalid_request"),
        ({"code_challenge_method": None}, 400, "invalid_request"),
        ({"code_challenge": "short"}, 400, "invalid_request"),
        ({"redirect_uri": None}, 400, "invalid_request"),
        ({"redirect_uri": CALLBACK + "/"}, 400, "invalid_request"),
        ({"redirect_uri": CALLBACK[:-1]}, 400, "invalid_request"),
        ({"redirect_uri": CALLBACK + "?a=b"}, 400, "invalid_request"),
        ({"redirect_uri": CALLBACK + "#a"}, 400, "invalid_request"),
        ({"redirect_uri": "https://APP.example/callback"}, 400, "invalid_request"),
        ({"redirect_uri": "https://app.example:443/callback"}, 400, "invalid_request"),
        ({"redirect_uri": "https://user@app.example/callback"}, 400, "invalid_request"),
        ({"redirect_uri": "http://app.example/callback"}, 400, "invalid_request"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, 400, "invalid_request"),
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, 400, "invalid_request_object"),
        ({"scope": "openid admin"}, 400, "invalid_scope"),
        ({"scope": "fundsconfirmations"}, 400, "invalid_scope"),
        ({"scope": None}, 400, "invalid_request"),
        ({"prompt": "none"}, 400, "invalid_request"),
        ({"state": "a\nb"}, 400, "invalid_request"),
        ({"state": "x" * 5000}, 400, "invalid_request"),
        ({"nonce": "中文"}, 400, "invalid_request"),
        ({"dpop_jkt": "short"}, 400, "invalid_request"),
        ({"client_id": "app_00000000000000000000000000"}, 400, "invalid_request"),
        ({"state": "a\0b"}, 400, "invalid_request"),
    ],
)
async def test_a_request_outside_the_profile_is_refused(
    client: FAPIClient, change: dict[str, Any], status: int, error: str
) -> None:
    answer = await client.post("/oauth/par", client.request_form("v" * 43, **change), proof=None)

    assert refused_as(answer) == (status, error), answer.text


async def test_par_endpoint_without_client_authentication_fails(client: FAPIClient) -> None:
    form = client.request_form("v" * 43, client_assertion=None, client_assertion_type=None)

    assert refused_as(await client.post("/oauth/par", form)) == (401, "invalid_client")


async def test_par_without_duplicate_parameters(client: FAPIClient) -> None:
    form = client.request_form("v" * 43)
    body = "&".join(f"{name}={value}" for name, value in form.items()) + "&scope=openid"

    answer = await client.world.web.post(
        "/oauth/par",
        content=body,
        headers={"content-type": "application/x-www-form-urlencoded"},
    )

    assert refused_as(answer) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"{}", "application/json", 400),
        (b"", "application/x-www-form-urlencoded", 401),
        (b"a=%ff%fe", "application/x-www-form-urlencoded", 400),
        (b"\xff\xfe=1", "application/x-www-form-urlencoded", 400),
        (b"a=1&" * 50_000, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"a%d=1" % n for n in range(200)), "application/x-www-form-urlencoded", 400),
        (b"a=1", "text/plain", 400),
    ],
)
@pytest.mark.parametrize("path", ["/oauth/par", "/oauth/token", "/oauth/introspect"])
async def test_a_body_that_is_no_form_is_refused(
    world: World, path: str, content: bytes, media_type: str, status: int
) -> None:
    answer = await world.web.post(path, content=content, headers={"content-type": media_type})

    assert answer.status_code == status, answer.text
    assert answer.json()["error"] in {"invalid_request", "invalid_client"}


@pytest.mark.parametrize("path", ["/oauth/par", "/oauth/token", "/oauth/revoke"])
async def test_ensure_request_uri_and_tokens_are_asked_for_by_post(world: World, path: str) -> None:
    assert (await world.web.get(path)).status_code == 405


async def test_ensure_long_nonce_and_state_are_accepted(client: FAPIClient) -> None:
    pushed = await client.push(state="s" * 1200, nonce="n" * 64)

    _, address = await client.say_yes(await client.interaction(pushed))

    assert answer_of(address)["state"] == "s" * 1200


async def test_request_uri_lives_for_less_than_600_seconds(client: FAPIClient) -> None:
    answer = await client.post("/oauth/par", client.request_form("v" * 43), proof=None)

    assert 5 <= answer.json()["expires_in"] < 600
    assert re.fullmatch(
        r"urn:ietf:params:oauth:request_uri:[0-7][A-Za-z0-9_-]{43}", answer.json()["request_uri"]
    )


async def test_ensure_authorization_request_without_par_fails(client: FAPIClient) -> None:
    answer = await client.browser.get(
        "/oauth/authorize",
        params={
            "client_id": client.client_id,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "scope": "openid",
        },
    )

    assert answer.status_code == 400
    assert "location" not in answer.headers


async def test_ensure_server_accepts_reused_request_uri_before_authentication_completion(
    client: FAPIClient,
) -> None:
    pushed = await client.push()
    await client.open(pushed)

    _, address = await client.say_yes(await client.interaction(pushed))

    assert "code" in answer_of(address)


async def test_par_attempt_reuse_request_uri(client: FAPIClient) -> None:
    pushed = await client.push()
    await client.say_yes(await client.interaction(pushed))

    answer = await client.open(pushed)

    assert answer.status_code == 400
    assert "location" not in answer.headers


async def test_par_attempt_to_use_expired_request_uri(client: FAPIClient) -> None:
    pushed = await client.push()
    client.world.clock.advance(timedelta(seconds=61))

    assert (await client.open(pushed)).status_code == 400


async def test_the_interaction_carries_on_after_the_request_uri_has_expired(
    client: FAPIClient,
) -> None:
    found = await client.interaction(await client.push())
    client.world.clock.advance(timedelta(seconds=590))

    _, address = await client.say_yes(found)

    assert "code" in answer_of(address)


async def test_an_interaction_ends_after_600_seconds(client: FAPIClient) -> None:
    answer = await client.open(await client.push())
    found = await client.shown(answer.headers["location"])
    client.world.clock.advance(timedelta(seconds=601))

    with pytest.raises(InteractionUnknown):
        await client.shown(answer.headers["location"])
    with pytest.raises(InteractionFinished):
        await client.say_yes(found)


async def test_par_ensure_request_uri_is_bound_to_client(client: FAPIClient, world: World) -> None:
    stranger = await world.client(key="stranger")
    pushed = await client.push()

    assert (await stranger.open(pushed)).status_code == 400
    assert (await client.open(pushed)).status_code == 303


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "urn:ietf:params:oauth:request_uri:0" + "A" * 43,
        "urn:ietf:params:oauth:request_uri:9" + "A" * 43,
        "https://evil.example/request",
        "0" + "A" * 43,
        "\0",
        "中",
    ],
)
async def test_a_made_up_request_uri_is_a_page_and_no_redirect(
    client: FAPIClient, uri: str
) -> None:
    answer = await client.browser.get(
        "/oauth/authorize", params={"client_id": client.client_id, "request_uri": uri}
    )

    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize("name", ["", "app_x", "\0", "'; drop table", "中", "a" * 4000])
async def test_an_unknown_client_is_a_page_and_no_redirect(client: FAPIClient, name: str) -> None:
    pushed = await client.push()

    answer = await client.browser.get(
        "/oauth/authorize", params={"client_id": name, "request_uri": pushed.request_uri}
    )

    assert answer.status_code == 400
    assert "location" not in answer.headers


async def test_parameters_beside_the_pushed_request_never_override_it(
    client: FAPIClient,
) -> None:
    pushed = await client.push(scope="openid")

    answer = await client.browser.get(
        "/oauth/authorize",
        params={
            "client_id": client.client_id,
            "request_uri": pushed.request_uri,
            "scope": "openid payments",
            "state": "other",
            "redirect_uri": "https://evil.example/",
        },
    )
    found = await client.shown(answer.headers["location"])
    _, address = await client.say_yes(found)

    assert found.scopes == ("openid",)
    assert address.startswith(CALLBACK)
    assert answer_of(address)["state"] == "af0ifjsldkj"


async def test_authorization_answers_with_303_and_nothing_is_open_to_other_origins(
    client: FAPIClient,
) -> None:
    pushed = await client.push()

    answer = await client.browser.get(
        "/oauth/authorize",
        params={"client_id": client.client_id, "request_uri": pushed.request_uri},
        headers={"origin": "https://evil.example"},
    )

    assert answer.status_code == 303
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["cache-control"] == "no-store"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-bankside-browser=")
    assert all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"))


async def test_another_browser_cannot_reach_an_interaction(client: FAPIClient) -> None:
    answer = await client.open(await client.push())
    name = answer.headers["location"].rpartition("/")[2]

    for given in (name, "0" + "a" * 22, "\0", "x"):
        async with transaction(client.world.pool) as db:
            with pytest.raises(InteractionUnknown):
                await interaction(db, client.world.clock, given, browser=secrets.token_urlsafe(32))


async def test_one_browser_answers_two_requests_side_by_side(client: FAPIClient) -> None:
    first, second = [await client.interaction(await client.push(state=s)) for s in ("1", "2")]

    _, late = await client.say_yes(second)
    _, early = await client.say_yes(first)

    assert (answer_of(early)["state"], answer_of(late)["state"]) == ("1", "2")


async def test_a_request_is_answered_once(client: FAPIClient) -> None:
    pushed = await client.push()
    first, second = [await client.interaction(pushed) for _ in range(2)]
    await client.say_yes(first)

    for again in (first, second):
        with pytest.raises(InteractionFinished):
            await client.say_yes(again)
        with pytest.raises(InteractionFinished):
            await client.say_no(again)


async def test_a_link_opens_a_limited_number_of_interactions(client: FAPIClient) -> None:
    pushed = await client.push()

    statuses = [(await client.open(pushed)).status_code for _ in range(31)]

    assert statuses == [303] * 30 + [400]


async def test_a_blocked_client_opens_nothing(client: FAPIClient, world: World) -> None:

    pushed = await client.push()
    async with transaction(world.pool) as db:
        await block_app(db, world.clock, client.partner, client.client_id, reason="test")

    assert (await client.open(pushed)).status_code == 400
    answer = await client.post("/oauth/par", client.request_form("v" * 43), proof=None)
    assert refused_as(answer) == (401, "invalid_client")


async def test_a_redirect_uri_with_a_query_keeps_it(client: FAPIClient) -> None:
    client.redirect_uri = "https://app.example/other?tenant=7"

    _, address = await client.say_yes(await client.interaction(await client.push()))

    assert answer_of(address)["tenant"] == "7"
    assert answer_of(address)["iss"] == ISSUER


async def test_an_assertion_beside_another_credential_is_refused(client: FAPIClient) -> None:
    form = client.request_form("v" * 43)

    with_secret = await client.post("/oauth/par", {**form, "client_secret": "x"}, proof=None)
    with_header = await client.world.web.post(
        "/oauth/par", data=form, headers={"authorization": "Basic YTpi"}
    )

    assert refused_as(with_secret) == (401, "invalid_client")
    assert refused_as(with_header) == (401, "invalid_client")
    assert form["client_assertion_type"] == ASSERTION_TYPE
