"""A client asks a customer who is elsewhere. Source: OpenID CIBA Core 1.0 (poll), FAPI-CIBA."""

import asyncio
import secrets
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from tests.identity.fapi.rig import ISSUER, SUBJECT, FAPIClient, World, claims_of, refused_as

from bankside.identity import Approval, ApprovalTooLarge, revoke_grant
from bankside.identity.backchannel import (
    ApprovalFinished,
    ApprovalUnknown,
    Waiting,
    approve,
    deny,
    waiting_approval,
    waiting_approvals,
)
from bankside.kernel.db import transaction
from bankside.partners import block_app

EVERYTHING = "openid offline_access accounts"
PENDING, SLOW_DOWN = (400, "authorization_pending"), (400, "slow_down")
OTHER = "cus_00000000000000000000000002"


@pytest.fixture
async def asking(world: World) -> FAPIClient:
    """A client that may ask, with one customer in its data space."""
    client = await world.client(backchannel=True)
    await world.customer(client)
    return client


async def seen(client: FAPIClient, customer: str = SUBJECT) -> list[Waiting]:
    """What the customer's page lists."""
    async with transaction(client.world.pool) as db:
        return list(await waiting_approvals(db, client.world.clock, client.partner, customer))


async def say_yes(client: FAPIClient, found: Waiting, **change: Any) -> None:
    clock = client.world.clock
    approval = Approval(
        **{
            "subject": SUBJECT,
            "scopes": frozenset(found.scopes),
            "authorization_details": found.authorization_details,
            "auth_time": clock.now(),
            "amr": ("pwd", "otp"),
            "until": clock.now() + timedelta(days=90),
        }
        | change
    )
    async with transaction(client.world.pool) as db:
        await approve(db, clock, found, approval)


async def say_no(client: FAPIClient, found: Waiting) -> None:
    async with transaction(client.world.pool) as db:
        await deny(db, client.world.clock, found)


async def asked(client: FAPIClient, **change: Any) -> str:
    answer = await client.ask(**change)
    assert answer.status_code == 200, answer.text
    value: str = answer.json()["auth_req_id"]
    return value


async def test_happy_path_poll_mode(asking: FAPIClient) -> None:
    answer = await asking.ask(scope=EVERYTHING)
    value = answer.json()["auth_req_id"]
    (found,) = await seen(asking)
    assert refused_as(await asking.poll(value)) == PENDING

    await say_yes(asking, found)
    body = (await asking.poll(value)).json()

    assert answer.json() | {"auth_req_id": ""} == {
        "auth_req_id": "",
        "expires_in": 300,
        "interval": 5,
    }
    assert answer.headers["cache-control"] == "no-store"
    assert (found.client_name, found.binding_message) == ("Budget app", "Till 4: 7731")
    assert body["token_type"] == "DPoP" and body["scope"] == EVERYTHING
    assert claims_of(body["id_token"])["sub"] == SUBJECT
    assert (await asking.userinfo(body["access_token"])).json() == {"sub": SUBJECT}
    assert (await asking.refresh(body["refresh_token"])).status_code == 200
    assert await seen(asking) == []


async def test_polling_too_quickly_costs_five_seconds_each_time(asking: FAPIClient) -> None:
    value, clock = await asked(asking), asking.world.clock

    answers = []
    for wait in (0, 4, 9, 10, 15, 14):
        clock.advance(timedelta(seconds=wait))
        answers.append(refused_as(await asking.poll(value)))

    # 5 s: too soon at 4, so 10 s: too soon at 9, so 15 s: too soon at 10, so 20 s: 15, 25 s: 14.
    assert answers == [PENDING, *[SLOW_DOWN] * 5]
    clock.advance(timedelta(seconds=30))
    assert refused_as(await asking.poll(value)) == PENDING


async def test_an_honest_pace_is_never_slowed(asking: FAPIClient) -> None:
    value = await asked(asking)

    for _ in range(4):
        assert refused_as(await asking.poll(value)) == PENDING
        asking.world.clock.advance(timedelta(seconds=5))


async def test_a_request_that_nobody_answers_expires(asking: FAPIClient) -> None:
    short, usual = await asked(asking, requested_expiry="30"), await asked(asking)

    asking.world.clock.advance(timedelta(seconds=30))

    assert refused_as(await asking.poll(short)) == (400, "expired_token")
    assert refused_as(await asking.poll(usual)) == PENDING
    assert len(await seen(asking)) == 1
    asking.world.clock.advance(timedelta(seconds=270))
    assert refused_as(await asking.poll(usual)) == (400, "expired_token")
    assert await seen(asking) == []


async def test_the_customers_no_is_told(asking: FAPIClient) -> None:
    value = await asked(asking)
    (found,) = await seen(asking)

    await say_no(asking, found)

    assert refused_as(await asking.poll(value)) == (403, "access_denied")
    for answer in (say_yes, say_no):
        with pytest.raises(ApprovalFinished):
            await answer(asking, found)


async def test_auth_req_id_is_single_use(asking: FAPIClient) -> None:
    value = await asked(asking)
    (found,) = await seen(asking)
    await say_yes(asking, found)

    first, second = await asking.poll(value), await asking.poll(value)

    assert first.status_code == 200
    assert refused_as(second) == (400, "invalid_grant")


async def test_twenty_polls_of_one_auth_req_id_give_tokens_once(asking: FAPIClient) -> None:
    value = await asked(asking)
    (found,) = await seen(asking)
    await say_yes(asking, found)

    answers = await asyncio.gather(*(asking.poll(value, web=n % 2) for n in range(20)))

    assert Counter(each.status_code for each in answers) == {200: 1, 400: 19}


async def test_auth_req_id_is_bound_to_the_client(asking: FAPIClient, world: World) -> None:
    stranger = await world.client(key="stranger", backchannel=True)
    value = await asked(asking)
    (found,) = await seen(asking)
    await say_yes(asking, found)

    assert refused_as(await stranger.poll(value)) == (400, "invalid_grant")
    assert (await asking.poll(value)).status_code == 200


async def test_each_value_is_refused_in_the_place_of_an_auth_req_id(asking: FAPIClient) -> None:
    code, pushed = await asking.code()
    body = (await asking.exchange(code, pushed)).json()
    value = await asked(asking)
    (found,) = await seen(asking)

    for other in (code, pushed.request_uri, body["access_token"], found.id, "ar0" + "A" * 43, "中"):
        assert refused_as(await asking.poll(other)) == (400, "invalid_grant")
    assert refused_as(await asking.exchange(value, pushed)) == (400, "invalid_grant")
    assert refused_as(await asking.refresh(value)) == (400, "invalid_grant")
    missing = await asking.post(
        "/oauth/token", asking.signed_in(grant_type="urn:openid:params:grant-type:ciba")
    )
    assert refused_as(missing) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"login_hint": "nobody"}, 400, "unknown_user_id"),
        ({"login_hint": "x" * 5000}, 400, "unknown_user_id"),
        ({"login_hint": "'; drop table"}, 400, "unknown_user_id"),
        ({"login_hint": None}, 400, "invalid_request"),
        ({"id_token_hint": "x"}, 400, "invalid_request"),
        ({"login_hint": None, "login_hint_token": "x"}, 400, "invalid_request"),
        ({"scope": "accounts"}, 400, "invalid_scope"),
        ({"scope": "openid admin"}, 400, "invalid_scope"),
        ({"scope": None}, 400, "invalid_request"),
        ({"authorization_details": '[{"type":"all"}]'}, 400, "invalid_authorization_details"),
        ({"binding_message": "x" * 65}, 400, "invalid_binding_message"),
        ({"binding_message": "a\nb"}, 400, "invalid_binding_message"),
        ({"binding_message": "pay \u202egnihton"}, 400, "invalid_binding_message"),
        ({"requested_expiry": "0"}, 400, "invalid_request"),
        ({"requested_expiry": "601"}, 400, "invalid_request"),
        ({"requested_expiry": "-1"}, 400, "invalid_request"),
        ({"requested_expiry": "9" * 400}, 400, "invalid_request"),
        ({"requested_expiry": "soon"}, 400, "invalid_request"),
        ({"client_assertion": None, "client_assertion_type": None}, 401, "invalid_client"),
    ],
)
async def test_a_request_that_cannot_be_asked_is_refused(
    asking: FAPIClient, change: dict[str, Any], status: int, error: str
) -> None:
    answer = await asking.ask(**change)

    assert refused_as(answer) == (status, error), answer.text
    assert await seen(asking) == []


async def test_a_customer_of_another_data_space_is_unknown(
    asking: FAPIClient, world: World
) -> None:
    stranger = await world.client(key="stranger", backchannel=True)
    await world.customer(stranger, login="bob", person=OTHER)

    assert refused_as(await asking.ask(login_hint="bob")) == (400, "unknown_user_id")
    assert (await stranger.ask(login_hint="bob")).status_code == 200


async def test_a_client_that_is_not_registered_for_it_asks_nobody(client: FAPIClient) -> None:
    await client.world.customer(client)

    assert refused_as(await client.ask()) == (400, "unauthorized_client")


async def test_a_binding_message_in_chinese_is_shown_as_it_came(asking: FAPIClient) -> None:
    await asked(asking, binding_message="收银台 4 号")

    assert [each.binding_message for each in await seen(asking)] == ["收银台 4 号"]


async def test_a_customer_is_not_worn_down(asking: FAPIClient) -> None:
    answers = await asyncio.gather(*(asking.ask() for _ in range(8)))

    assert Counter(each.status_code for each in answers) == {200: 5, 403: 3}
    assert len(await seen(asking)) == 5


async def test_only_the_customer_sees_and_answers(asking: FAPIClient) -> None:
    await asked(asking)
    (found,) = await seen(asking)
    clock = asking.world.clock

    assert await seen(asking, OTHER) == []
    for customer, name in ((OTHER, found.id), (SUBJECT, "0" + "a" * 22), (SUBJECT, "\0")):
        async with transaction(asking.world.pool) as db:
            with pytest.raises(ApprovalUnknown):
                await waiting_approval(db, clock, asking.partner, customer, name)
    with pytest.raises(ApprovalUnknown):
        await say_yes(asking, found, subject=OTHER)
    with pytest.raises(ApprovalTooLarge):
        await say_yes(asking, found, scopes=frozenset({"openid", "payments"}))


async def test_what_waited_too_long_cannot_be_answered(asking: FAPIClient) -> None:
    await asked(asking)
    (found,) = await seen(asking)
    asking.world.clock.advance(timedelta(seconds=300))

    with pytest.raises(ApprovalFinished):
        await say_yes(asking, found)


async def test_a_blocked_client_waits_for_nobody(asking: FAPIClient) -> None:
    await asked(asking)
    async with transaction(asking.world.pool) as db:
        clock = asking.world.clock
        await block_app(db, clock, asking.partner, asking.client_id, reason="test")

    assert await seen(asking) == []


async def test_a_grant_taken_back_before_the_poll_gives_nothing(asking: FAPIClient) -> None:
    value = await asked(asking)
    (found,) = await seen(asking)
    await say_yes(asking, found)
    async with transaction(asking.world.pool) as db:
        grant = await db.fetchval(
            "select grant_id from identity.ciba_requests where approval_id = $1", found.id
        )
        await revoke_grant(db, asking.world.clock, asking.partner, grant)

    assert refused_as(await asking.poll(value)) == (400, "invalid_grant")


def signed(client: FAPIClient, *, header: dict[str, Any] | None = None, **change: Any) -> str:
    """A signed authentication request (CIBA Core section 7.1.1)."""
    now = client.world.seconds
    wiped = dict.fromkeys(
        (
            *("response_type", "redirect_uri", "state", "nonce", "client_id"),
            *("code_challenge", "code_challenge_method"),
        )
    )
    claims = {"scope": "openid accounts", "login_hint": "alice", "iat": now}
    return client.request_object(
        "v" * 43,
        header={"typ": "JWT"} | (header or {}),
        **{**wiped, **claims, "jti": secrets.token_urlsafe(16), **change},
    )


ALONE = {"scope": None, "login_hint": None, "binding_message": None}


async def test_a_signed_request_is_asked(world: World) -> None:
    client = await world.client(backchannel=True, request_object_signing_alg="ES256")
    await world.customer(client)

    answer = await client.ask(request=signed(client, binding_message="7731"), **ALONE)

    assert answer.status_code == 200, answer.text
    assert [each.binding_message for each in await seen(client)] == ["7731"]
    assert refused_as(await client.ask()) == (400, "invalid_request")


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "https://other.example"},
        {"iss": None},
        {"iat": None},
        {"jti": None},
        {"exp": None},
        {"nbf": None},
        {"exp": 1},
        {"iss": "app_somebody"},
        {"header": {"alg": "none"}},
        {"header": {"alg": "PS256"}},
    ],
)
async def test_a_signed_request_that_does_not_count_is_refused(
    asking: FAPIClient, change: dict[str, Any]
) -> None:
    answer = await asking.ask(request=signed(asking, **change), **ALONE)

    assert refused_as(answer) == (400, "invalid_request_object")


async def test_a_signed_request_stands_alone(asking: FAPIClient) -> None:
    answer = await asking.ask(request=signed(asking), **{**ALONE, "scope": "openid accounts"})

    assert refused_as(answer) == (400, "invalid_request")


async def test_discovery_lists_poll_mode(world: World) -> None:
    document = (await world.web.get("/.well-known/openid-configuration")).json()

    assert document["backchannel_token_delivery_modes_supported"] == ["poll"]
    assert document["backchannel_authentication_endpoint"].startswith(ISSUER)
    assert "urn:openid:params:grant-type:ciba" in document["grant_types_supported"]
    assert document["backchannel_user_code_parameter_supported"] is False
