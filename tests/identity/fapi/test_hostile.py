"""Whatever comes, no endpoint breaks: bodies and headers with bytes changed answer 4xx (or 2xx)."""

import json
import os
import random
from urllib.parse import urlencode

import pytest
from tests.identity.fapi.rig import ACCOUNTS, FAPIClient, World, claims_of, jws

# `make test` runs some thousand cases in all; BANKSIDE_FUZZ_CASES says how many each test runs.
CASES = int(os.environ.get("BANKSIDE_FUZZ_CASES", "125"))
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


PATHS = ("par", "token", "introspect", "revoke", "backchannel-authentication")


def honest(client: FAPIClient) -> dict[str, str]:
    """A form that every endpoint finds something in, with an assertion nobody has used."""
    form = client.request_form(
        "v" * 43,
        authorization_details=json.dumps([ACCOUNTS]),
        grant_type="authorization_code",
        login_hint="alice",
        binding_message="7731",
    )
    return {**form, "code": "ac0" + "A" * 43, "token": "at0" + "A" * 43}


@pytest.mark.parametrize("path", [f"/oauth/{each}" for each in PATHS])
async def test_mutated_bodies_never_break_an_endpoint(world: World, path: str) -> None:
    """Half of the bodies are changed anywhere; the other half only behind good credentials."""
    dice = random.Random(path)
    client = await world.client(backchannel=True)
    await world.customer(client)
    credentials = ("client_id", "client_assertion", "client_assertion_type")

    for case in range(CASES):
        form = honest(client)
        if case % 4 == 2:
            token = client.request_object("v" * 43, authorization_details=[ACCOUNTS])
            form = {name: form[name] for name in credentials} | {"request": token}
        behind = urlencode({name: form.pop(name) for name in credentials}).encode()
        body = mutated(dice, urlencode(form).encode())
        body = mutated(dice, behind + b"&" + body) if case % 2 else behind + b"&" + body
        headers = {"content-type": FORM, "dpop": client.proof(path)}
        answer = await client.world.web.post(path, content=body, headers=headers)
        assert answer.status_code < 500, body


async def test_mutated_request_objects_never_break_par(client: FAPIClient) -> None:
    """The claims are signed after they were changed, so they are read to the end."""
    dice = random.Random(9101)
    claims = json.dumps(
        claims_of(client.request_object("v" * 43, authorization_details=[ACCOUNTS]))
    )
    head = {"alg": "ES256", "kid": "client-ES256"}

    for _ in range(CASES):
        request = jws(head, mutated(dice, claims.encode()), "ES256", "client")
        answer = await client.push_signed(request)
        assert answer.status_code < 500, request


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
