"""Twenty at once, over two processes with pools of their own: exactly one wins, none breaks."""

import asyncio
from collections import Counter

from tests.identity.fapi.rig import FAPIClient

AT_ONCE = 20


async def test_twenty_redemptions_of_one_code(client: FAPIClient) -> None:
    code, pushed = await client.code()
    forms = [client.code_form(code, pushed) for _ in range(AT_ONCE)]

    answers = await asyncio.gather(
        *(client.post("/oauth/token", form, web=n % 2) for n, form in enumerate(forms))
    )

    assert Counter(each.status_code for each in answers) == {200: 1, 400: AT_ONCE - 1}
    assert {each.json()["error"] for each in answers if each.status_code == 400} == {
        "invalid_grant"
    }


async def test_twenty_requests_with_one_assertion(client: FAPIClient) -> None:
    form = client.request_form("v" * 43)

    answers = await asyncio.gather(
        *(client.post("/oauth/par", form, proof=None, web=n % 2) for n in range(AT_ONCE))
    )

    assert Counter(each.status_code for each in answers) == {201: 1, 401: AT_ONCE - 1}


async def test_twenty_calls_with_one_proof(client: FAPIClient) -> None:
    proof = client.proof("/oauth/token")
    forms = [client.signed_in(grant_type="client_credentials") for _ in range(AT_ONCE)]

    answers = await asyncio.gather(
        *(client.post("/oauth/token", form, proof=proof, web=n % 2) for n, form in enumerate(forms))
    )

    assert Counter(each.status_code for each in answers) == {200: 1, 400: AT_ONCE - 1}


async def test_twenty_userinfo_calls_with_one_proof(client: FAPIClient) -> None:
    token = (await client.tokens())["access_token"]
    proof = client.proof("/oauth/userinfo", method="GET", token=token)

    answers = await asyncio.gather(
        *(client.userinfo(token, proof=proof, web=n % 2) for n in range(AT_ONCE))
    )

    assert Counter(each.status_code for each in answers) == {200: 1, 401: AT_ONCE - 1}


async def test_twenty_parallel_refreshes_all_succeed(client: FAPIClient) -> None:
    refresh = (await client.tokens(scope="offline_access accounts"))["refresh_token"]

    answers = await asyncio.gather(*(client.refresh(refresh, web=n % 2) for n in range(AT_ONCE)))

    assert Counter(each.status_code for each in answers) == {200: AT_ONCE}


async def test_a_revocation_beside_refreshes_leaves_no_token_alive(client: FAPIClient) -> None:
    refresh = (await client.tokens(scope="openid offline_access"))["refresh_token"]

    answers = await asyncio.gather(
        *(client.refresh(refresh, web=n % 2) for n in range(AT_ONCE // 2)),
        client.revoke(refresh),
        *(client.refresh(refresh, web=n % 2) for n in range(AT_ONCE // 2)),
    )
    born = [body["access_token"] for each in answers if "access_token" in (body := each.json())]

    assert {each.status_code for each in answers} <= {200, 400}
    assert [await client.introspect(each) for each in born] == [{"active": False}] * len(born)


async def test_two_browsers_that_answer_at_once_make_one_grant(client: FAPIClient) -> None:
    pushed = await client.push()
    found = [await client.interaction(pushed) for _ in range(10)]

    results = await asyncio.gather(
        *(client.say_yes(each) for each in found), return_exceptions=True
    )

    assert len([each for each in results if not isinstance(each, Exception)]) == 1
