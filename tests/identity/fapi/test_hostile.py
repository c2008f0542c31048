"""Whatever comes, no endpoint breaks: bodies and headers with bytes changed answer 4xx (or 2xx)."""

import json
import random
from urllib.parse import urlencode

import pytest
from tests.identity.fapi.rig import ACCOUNTS, FAPIClient

CASES = 150
FORM = "application/x-www-form-urlencoded"


def mutated(dice: random.Random, raw: bytes) -> bytes:
    """The bytes with up to four of them changed, cut, doubled or swapped for hostile ones."""
    made = bytearray(raw)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(made))
        match dice.randrange(5):
            case 0:
                made[at] = dice.randrange(256)
            case 1:
                del made[at : at + dice.randint(1, 40)]
            case 2:
                made[at:at] = dice.choice([b"%00", b"%ff", b"%ED%A0%80", b"&", b"=", b"%", b"."])
            case 3:
                made[at:at] = made[at : at + dice.randint(1, 60)]
            case 4:
                made = made[: max(1, at)]
        if not made:
            made = bytearray(b"x")
    return bytes(made)


@pytest.mark.parametrize("path", ["/oauth/par", "/oauth/token", "/oauth/introspect"])
async def test_mutated_bodies_never_break_an_endpoint(client: FAPIClient, path: str) -> None:
    dice = random.Random(path)
    honest = client.request_form(
        "v" * 43, authorization_details=json.dumps([ACCOUNTS]), grant_type="authorization_code"
    )
    raw = urlencode({**honest, "code": "ac0" + "A" * 43, "token": "at0" + "A" * 43}).encode()

    for _ in range(CASES):
        body = mutated(dice, raw)
        answer = await client.world.web.post(
            path,
            content=body,
            headers={"content-type": FORM, "dpop": client.proof(path)},
        )
        assert answer.status_code < 500, body


async def test_mutated_proofs_and_tokens_never_break_a_resource(client: FAPIClient) -> None:
    dice = random.Random(9449)
    token = (await client.tokens())["access_token"]

    for _ in range(CASES):
        proof = client.proof("/oauth/userinfo", method="GET", token=token).encode()
        headers = {"authorization": f"DPoP {token}".encode(), "dpop": proof}
        name = dice.choice(list(headers))
        headers[name] = mutated(dice, headers[name]).replace(b"\n", b"").replace(b"\r", b"")
        answer = await client.world.web.get("/oauth/userinfo", headers=headers)
        assert answer.status_code < 500, headers


async def test_mutated_links_never_break_the_authorization_page(client: FAPIClient) -> None:
    dice = random.Random(9126)
    pushed = await client.push()
    raw = urlencode({"client_id": client.client_id, "request_uri": pushed.request_uri}).encode()

    for _ in range(CASES):
        query = mutated(dice, raw).decode("latin-1")
        answer = await client.browser.get("/oauth/authorize", params=query)
        assert answer.status_code in {303, 400}, query


async def test_a_hostile_cookie_is_replaced(client: FAPIClient) -> None:
    for value in ("x", "a" * 43 + "b", "'", "%00" * 20):
        pushed = await client.push()
        answer = await client.world.webs[1].get(
            "/oauth/authorize",
            params={"client_id": client.client_id, "request_uri": pushed.request_uri},
            headers={"cookie": f"__Host-bankside-browser={value}"},
        )
        assert answer.status_code == 303
        assert f"={value};" not in answer.headers["set-cookie"]
