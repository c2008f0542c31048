"""The honest journey: pushed request, the customer's yes, code, tokens, userinfo, refresh.

Source: FAPI 2.0 Security Profile section 5; names after the conformance plan where it has one.
"""

import json

from tests.identity.fapi.rig import (
    ACCOUNTS,
    CALLBACK,
    ISSUER,
    PAYMENT,
    SUBJECT,
    FAPIClient,
    World,
    answer_of,
    claims_of,
)


async def test_happy_flow(client: FAPIClient) -> None:
    pushed = await client.push(scope="openid offline_access accounts")
    found = await client.interaction(pushed)
    _, address = await client.say_yes(found)
    answer = await client.exchange(answer_of(address)["code"], pushed)

    assert address.startswith(CALLBACK + "?")
    assert answer_of(address)["iss"] == ISSUER
    assert answer_of(address)["state"] == pushed.state
    assert found.client_name == "Budget app"
    body = answer.json()
    assert answer.status_code == 200, body
    assert answer.headers["cache-control"] == "no-store"
    assert body["token_type"] == "DPoP"
    assert body["expires_in"] == 300
    assert body["scope"] == "openid offline_access accounts"
    identity = claims_of(body["id_token"])
    assert identity["iss"] == ISSUER
    assert identity["aud"] == client.client_id
    assert identity["sub"] == SUBJECT
    assert identity["nonce"] == "n-0S6_WzA2Mj"
    assert identity["amr"] == ["pwd", "otp"]
    assert (await client.userinfo(body["access_token"])).json() == {"sub": SUBJECT}
    again = await client.refresh(body["refresh_token"])
    assert again.status_code == 200, again.text
    assert "refresh_token" not in again.json()
    assert (await client.userinfo(again.json()["access_token"])).status_code == 200


async def test_user_rejects_authentication(client: FAPIClient) -> None:
    pushed = await client.push()

    address = await client.say_no(await client.interaction(pushed))

    assert answer_of(address) == {"error": "access_denied", "state": pushed.state, "iss": ISSUER}


async def test_authorization_details_return_as_they_came(client: FAPIClient) -> None:
    asked = [PAYMENT, ACCOUNTS]

    body = await client.tokens(authorization_details=json.dumps(asked))

    assert body["authorization_details"] == asked
    assert (await client.introspect(body["access_token"]))["authorization_details"] == asked


async def test_two_processes_share_one_flow(client: FAPIClient, world: World) -> None:
    code, pushed = await client.code()

    answer = await client.post("/oauth/token", client.code_form(code, pushed), web=1)

    assert answer.status_code == 200, answer.text
