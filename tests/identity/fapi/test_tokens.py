"""Codes, tokens, introspection, revocation: refused cases. Source: FAPI 2.0 SP 5.3.2, RFC 7009."""

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.identity.fapi.rig import (
    ACCOUNTS,
    PAYMENT,
    SUBJECT,
    FAPIClient,
    World,
    answer_of,
    refused_as,
)

from bankside.identity import drop_expired, read_grant, revoke_grant
from bankside.identity.tokens.housekeeping import KINDS
from bankside.kernel.db import transaction

INVALID_GRANT = (400, "invalid_grant")
EVERYTHING = "openid offline_access accounts"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code": None}, "invalid_request"),
        ({"code": "ac0" + "A" * 43}, "invalid_grant"),
        ({"code": "\x7f"}, "invalid_grant"),
        ({"code": "x" * 5000}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"redirect_uri": "https://app.example/other?tenant=7"}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"code_verifier": "v" * 43}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_grant"),
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        (
            {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"},
            "unsupported_grant_type",
        ),
        ({"authorization_details": json.dumps([PAYMENT])}, "invalid_authorization_details"),
        ({"authorization_details": "{"}, "invalid_authorization_details"),
    ],
)
async def test_a_failed_exchange_burns_no_code(
    client: FAPIClient, change: dict[str, Any], error: str
) -> None:
    code, pushed = await client.code()

    answer = await client.exchange(code, pushed, **change)

    assert refused_as(answer) == (400, error), answer.text
    assert (await client.exchange(code, pushed)).status_code == 200


async def test_ensure_authorization_code_is_bound_to_client(
    client: FAPIClient, world: World
) -> None:
    stranger = await world.client(key="stranger")
    code, pushed = await client.code()

    assert refused_as(await stranger.exchange(code, pushed)) == INVALID_GRANT
    assert (await client.exchange(code, pushed)).status_code == 200


async def test_attempt_reuse_authorization_code_after_one_second(client: FAPIClient) -> None:
    code, pushed = await client.code(scope=EVERYTHING)
    body = (await client.exchange(code, pushed)).json()
    client.world.clock.advance(timedelta(seconds=1))

    assert refused_as(await client.exchange(code, pushed)) == INVALID_GRANT
    assert (await client.userinfo(body["access_token"])).status_code == 401
    assert refused_as(await client.refresh(body["refresh_token"])) == INVALID_GRANT
    assert await client.introspect(body["access_token"]) == {"active": False}


async def test_a_code_lives_for_60_seconds(client: FAPIClient) -> None:
    code, pushed = await client.code()
    client.world.clock.advance(timedelta(seconds=60))

    assert refused_as(await client.exchange(code, pushed)) == INVALID_GRANT


async def test_a_code_of_a_revoked_grant_is_worth_nothing(client: FAPIClient) -> None:
    pushed = await client.push()
    grant, address = await client.say_yes(await client.interaction(pushed))
    async with transaction(client.world.pool) as db:
        assert await revoke_grant(db, client.world.clock, client.partner, grant.id)
        assert not await revoke_grant(db, client.world.clock, client.partner, grant.id)

    answer = await client.exchange(answer_of(address)["code"], pushed)

    assert refused_as(answer) == INVALID_GRANT


async def test_each_kind_of_value_is_refused_in_the_place_of_another(client: FAPIClient) -> None:
    code, pushed = await client.code(scope=EVERYTHING)
    body = (await client.exchange(code, pushed)).json()
    access, refresh = body["access_token"], body["refresh_token"]

    for other in (code, access, pushed.request_uri, body["id_token"]):
        assert refused_as(await client.refresh(other)) == INVALID_GRANT
    for other in (access, refresh, pushed.request_uri):
        assert refused_as(await client.exchange(other, pushed)) == INVALID_GRANT
    for other in (refresh, pushed.request_uri, body["id_token"]):
        assert (await client.userinfo(other)).status_code == 401
        assert (await client.introspect(pushed.request_uri)) == {"active": False}


async def test_refresh_is_bound_to_the_client_and_not_to_the_key(
    client: FAPIClient, world: World
) -> None:
    stranger = await world.client(key="stranger")
    refresh = (await client.tokens(scope=EVERYTHING))["refresh_token"]
    client.proof_key = "a new key"

    answer = await client.refresh(refresh)

    assert refused_as(await stranger.refresh(refresh)) == INVALID_GRANT
    assert answer.status_code == 200, answer.text
    assert (await client.introspect(answer.json()["access_token"]))["cnf"]["jkt"] == client.jkt


async def test_a_refresh_can_narrow_and_never_grow(client: FAPIClient) -> None:
    both = json.dumps([ACCOUNTS, PAYMENT])
    refresh = (await client.tokens(scope=EVERYTHING, authorization_details=both))["refresh_token"]

    less = await client.refresh(
        refresh, scope="accounts", authorization_details=json.dumps([ACCOUNTS])
    )
    more_scope = await client.refresh(refresh, scope="accounts payments")
    changed = {**PAYMENT, "instructedAmount": {"currency": "CNY", "amount": "123.51"}}
    more_money = await client.refresh(refresh, authorization_details=json.dumps([changed]))

    assert less.json()["scope"] == "accounts"
    assert less.json()["authorization_details"] == [ACCOUNTS]
    assert refused_as(more_scope) == (400, "invalid_scope")
    assert refused_as(more_money) == (400, "invalid_authorization_details")
    assert (await client.refresh(refresh)).json()["scope"] == EVERYTHING


async def test_tokens_end_with_what_was_granted(client: FAPIClient) -> None:
    pushed = await client.push(scope=EVERYTHING)
    until = client.world.clock.now() + timedelta(seconds=100)
    _, address = await client.say_yes(await client.interaction(pushed), until=until)
    body = (await client.exchange(answer_of(address)["code"], pushed)).json()
    assert body["expires_in"] == 100

    client.world.clock.advance(timedelta(seconds=100))

    assert (await client.userinfo(body["access_token"])).status_code == 401
    assert refused_as(await client.refresh(body["refresh_token"])) == INVALID_GRANT


async def test_without_offline_access_there_is_no_refresh_token(client: FAPIClient) -> None:
    assert "refresh_token" not in await client.tokens(scope="openid accounts")


async def test_client_credentials_reach_no_customer(client: FAPIClient) -> None:
    form = {"grant_type": "client_credentials"}
    answer = await client.post("/oauth/token", client.signed_in(**form))
    body = answer.json()

    assert body["scope"] == "accounts payments"
    assert not {"refresh_token", "id_token"} & body.keys()
    assert (await client.userinfo(body["access_token"])).status_code == 403
    assert "sub" not in await client.introspect(body["access_token"])
    for scope in ("openid", "offline_access", "admin"):
        refused = await client.post("/oauth/token", client.signed_in(scope=scope, **form))
        assert refused_as(refused) == (400, "invalid_scope")
    details = client.signed_in(authorization_details=json.dumps([ACCOUNTS]), **form)
    refused = await client.post("/oauth/token", details)
    assert refused_as(refused) == (400, "invalid_authorization_details")


async def test_introspection_tells_of_own_tokens_only(client: FAPIClient, world: World) -> None:
    stranger = await world.client(key="stranger")
    body = await client.tokens(scope=EVERYTHING)

    for value in (body["access_token"], body["refresh_token"]):
        mine = await client.introspect(value)
        assert mine["active"] and mine["sub"] == SUBJECT and mine["client_id"] == client.client_id
        assert await stranger.introspect(value) == {"active": False}
    for garbage in ("x", "at0" + "A" * 43, "中", body["id_token"]):
        assert await client.introspect(garbage) == {"active": False}
    world.clock.advance(timedelta(seconds=300))
    assert await client.introspect(body["access_token"]) == {"active": False}
    unproven = await world.web.post("/oauth/introspect", data={"token": body["access_token"]})
    assert refused_as(unproven) == (401, "invalid_client")


async def test_revoking_an_access_token_leaves_the_grant(client: FAPIClient) -> None:
    body = await client.tokens(scope=EVERYTHING)

    answer = await client.revoke(body["access_token"])

    assert answer.status_code == 200
    assert (await client.userinfo(body["access_token"])).status_code == 401
    assert (await client.refresh(body["refresh_token"])).status_code == 200


async def test_revoking_a_refresh_token_kills_its_access_tokens(client: FAPIClient) -> None:
    body = await client.tokens(scope=EVERYTHING)
    second = (await client.refresh(body["refresh_token"])).json()

    await client.revoke(body["refresh_token"])

    for token in (body["access_token"], second["access_token"]):
        assert (await client.userinfo(token)).status_code == 401
    assert refused_as(await client.refresh(body["refresh_token"])) == INVALID_GRANT


async def test_a_strangers_revocation_changes_nothing(client: FAPIClient, world: World) -> None:
    stranger = await world.client(key="stranger")
    body = await client.tokens(scope=EVERYTHING)

    for value in (body["access_token"], body["refresh_token"], "unknown", "中"):
        assert (await stranger.revoke(value)).status_code == 200

    assert (await client.userinfo(body["access_token"])).status_code == 200
    assert (await client.refresh(body["refresh_token"])).status_code == 200
    missing = await client.post("/oauth/revoke", client.signed_in(), proof=None)
    assert refused_as(missing) == (400, "invalid_request")


@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP"])
async def test_access_token_type_header_case_sensitivity(client: FAPIClient, scheme: str) -> None:
    token = (await client.tokens())["access_token"]

    assert (await client.userinfo(token, scheme=scheme)).status_code == 200


async def test_a_resource_takes_the_token_in_the_header_only(client: FAPIClient) -> None:
    token = (await client.tokens())["access_token"]
    web, path = client.world.web, "/oauth/userinfo"

    def proof(method: str = "GET") -> dict[str, str]:
        return {"dpop": client.proof(path, method=method, token=token)}

    answers = [
        await client.userinfo(token, scheme="Bearer"),
        await web.get(path, params={"access_token": token}, headers=proof()),
        await web.post(path, data={"access_token": token}, headers=proof("POST")),
        await web.get(path, headers=proof()),
        await web.get(path, headers={"authorization": f"DPoP {token}"}),
        await web.get(path, headers={"authorization": "DPoP ", **proof()}),
    ]

    assert [answer.status_code for answer in answers] == [401] * 6
    assert all(each.headers["www-authenticate"].startswith("DPoP ") for each in answers)


async def test_a_resource_checks_the_proof_every_time(client: FAPIClient) -> None:
    token = (await client.tokens())["access_token"]
    other = (await client.tokens())["access_token"]
    path = "/oauth/userinfo"
    good = client.proof(path, method="GET", token=token)
    wrong = [
        client.proof(path, method="GET", token=other),
        client.proof(path, method="GET"),
        client.proof(path, method="POST", token=token),
        client.proof("/oauth/token", method="GET", token=token),
    ]
    client.proof_key = "thief"
    wrong.append(client.proof(path, method="GET", token=token))
    client.proof_key = "proof"

    assert [(await client.userinfo(token, proof=each)).status_code for each in wrong] == [401] * 5
    assert (await client.userinfo(token, proof=good)).status_code == 200
    assert (await client.userinfo(token, proof=good)).status_code == 401


async def test_userinfo_needs_openid(client: FAPIClient) -> None:
    token = (await client.tokens(scope="accounts"))["access_token"]

    assert (await client.userinfo(token)).status_code == 403


async def test_only_hashes_of_secret_values_are_stored(client: FAPIClient) -> None:
    code, pushed = await client.code(scope=EVERYTHING)
    body = (await client.exchange(code, pushed)).json()
    secret = [code, pushed.request_uri, body["access_token"], body["refresh_token"]]

    async with transaction(client.world.pool) as db:
        for table in (*KINDS, "refresh_tokens", "grants", "clients"):
            rows = await db.fetch(f"select t::text as row from identity.{table} t")
            assert not [row for row in rows for value in secret if value[3:] in row["row"]]


async def test_expired_state_leaves_by_whole_partitions(fresh_world: World) -> None:
    client = await fresh_world.client(backchannel=True)
    await fresh_world.customer(client)
    body = await client.tokens(scope=EVERYTHING)
    await client.ask()
    clock = fresh_world.clock
    async with fresh_world.pool.acquire() as db:
        assert await drop_expired(db, clock) == 0
        clock.advance(timedelta(hours=2))
        assert await drop_expired(db, clock) == 0
        clock.advance(timedelta(hours=1))
        assert await drop_expired(db, clock) == len(KINDS)
        left = [await db.fetchval(f"select count(*) from identity.{each}") for each in KINDS]

    assert left == [0] * len(KINDS)
    assert (await client.refresh(body["refresh_token"])).status_code == 200


async def test_a_grant_belongs_to_its_partner(client: FAPIClient, world: World) -> None:
    pushed = await client.push()
    grant, _ = await client.say_yes(await client.interaction(pushed))
    stranger = await world.client(key="stranger")

    async with transaction(world.pool) as db:
        assert await read_grant(db, stranger.partner, grant.id) is None
        assert not await revoke_grant(db, world.clock, stranger.partner, grant.id)
