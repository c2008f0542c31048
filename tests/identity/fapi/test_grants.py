"""A client looks at a grant it holds and gives it back. Source: OAuth Grant Management draft."""

import json
from typing import Any

import pytest
from httpx import Response
from tests.identity.fapi.rig import ACCOUNTS, FAPIClient, World, refused_as

EVERYTHING = "openid offline_access accounts"
SCOPES = [
    *("openid", "offline_access", "accounts", "payments"),
    *("grant_management_query", "grant_management_revoke"),
]


@pytest.fixture
async def holder(world: World) -> FAPIClient:
    """A client that may look at its grants and end them."""
    return await world.client(scopes=SCOPES)


async def own_token(client: FAPIClient, scope: str) -> str:
    form = client.signed_in(grant_type="client_credentials", scope=scope)
    token: str = (await client.post("/oauth/token", form)).json()["access_token"]
    return token


async def at_grant(
    client: FAPIClient, method: str, grant: str, *, token: str | None = None
) -> Response:
    """One call at a grant's address, with the right token where none is given."""
    scope = {"GET": "grant_management_query", "DELETE": "grant_management_revoke"}[method]
    token = token or await own_token(client, scope)
    path = f"/oauth/grants/{grant}"
    proof = client.proof(path, method=method, token=token, nonce=None)
    headers = {"authorization": f"DPoP {token}", "dpop": proof}
    return await client.world.web.request(method, path, headers=headers)


async def test_a_grant_is_named_shown_and_given_back(holder: FAPIClient) -> None:
    body = await holder.tokens(scope=EVERYTHING, authorization_details=json.dumps([ACCOUNTS]))
    shown = await at_grant(holder, "GET", body["grant_id"])

    ended = await at_grant(holder, "DELETE", body["grant_id"])

    assert {each["scope"] for each in shown.json()["scopes"]} == set(EVERYTHING.split())
    assert shown.json()["authorization_details"] == [ACCOUNTS]
    assert shown.headers["cache-control"] == "no-store"
    assert (ended.status_code, ended.content) == (204, b"")
    assert (await holder.userinfo(body["access_token"])).status_code == 401
    assert refused_as(await holder.refresh(body["refresh_token"])) == (400, "invalid_grant")
    assert await holder.introspect(body["access_token"]) == {"active": False}


async def test_a_refresh_names_the_same_grant(holder: FAPIClient) -> None:
    body = await holder.tokens(scope=EVERYTHING)

    again = (await holder.refresh(body["refresh_token"])).json()

    assert again["grant_id"] == body["grant_id"]
    assert (
        "grant_id"
        not in (
            await holder.post("/oauth/token", holder.signed_in(grant_type="client_credentials"))
        ).json()
    )


async def test_unknown_ended_and_foreign_grants_answer_alike(
    holder: FAPIClient, world: World
) -> None:
    stranger = await world.client(key="stranger", scopes=SCOPES)
    grant = (await holder.tokens(scope=EVERYTHING))["grant_id"]
    ended = (await holder.tokens(scope=EVERYTHING))["grant_id"]
    await at_grant(holder, "DELETE", ended)

    for client, name in (
        *((stranger, grant), (holder, ended), (holder, "grt_unknown")),
        *((holder, "%00"), (holder, "%ED%A0%80"), (holder, "x" * 500)),
    ):
        for method in ("GET", "DELETE"):
            answer = await at_grant(client, method, name)
            # A name that is no id of ours need not be a good target of a proof.
            assert answer.status_code in {404} | ({401} if "%" in name else set()), name
    assert refused_as(await at_grant(stranger, "DELETE", grant)) == (404, "invalid_grant_id")
    assert (await at_grant(holder, "GET", grant)).status_code == 200


async def test_only_a_token_of_the_client_itself_with_the_acts_scope_opens_a_grant(
    holder: FAPIClient,
) -> None:
    body = await holder.tokens(scope=EVERYTHING)
    grant = body["grant_id"]
    query, revoke = [
        await own_token(holder, f"grant_management_{act}") for act in ("query", "revoke")
    ]

    statuses = [
        (await at_grant(holder, method, grant, token=token)).status_code
        for method, token in (
            *(("GET", body["access_token"]), ("DELETE", body["access_token"])),
            *(("GET", revoke), ("DELETE", query), ("GET", "at0" + "A" * 43)),
        )
    ]
    bare = await holder.world.web.get(f"/oauth/grants/{grant}")

    assert statuses == [403, 403, 403, 403, 401]
    assert bare.status_code == 401
    assert (await at_grant(holder, "GET", grant)).status_code == 200


async def test_no_customer_is_asked_for_grant_management(holder: FAPIClient) -> None:
    form = holder.request_form("v" * 43, scope="openid grant_management_revoke")

    assert refused_as(await holder.post("/oauth/par", form, proof=None)) == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"grant_management_action": "create"}, 201),
        ({"grant_management_action": "replace", "grant_id": "grt_x"}, 400),
        ({"grant_management_action": "merge"}, 400),
        ({"grant_management_action": "create", "grant_id": "grt_x"}, 400),
        ({"grant_id": "grt_x"}, 400),
    ],
)
async def test_a_standing_grant_is_never_changed(
    holder: FAPIClient, change: dict[str, Any], status: int
) -> None:
    answer = await holder.post("/oauth/par", holder.request_form("v" * 43, **change), proof=None)

    assert answer.status_code == status, answer.text
