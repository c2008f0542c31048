"""Messages no honest client sends, signed by npm jose, against the running web processes.

Each is refused with the error its RFC names; the same message with nothing wrong is accepted, so a
server that refuses everything would fail too. Source: FAPI 2.0 Security Profile section 5.3.2,
RFC 7523, 9126, 9396, 9449, 6749.
"""

import json
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

import httpx
import pytest
from tests.clients.bad_messages import (
    ASSERTIONS,
    PROOFS,
    REQUESTS,
    SELF,
    by_assertion,
    by_proof,
    by_request,
    refusal,
)
from tests.clients.customer import Customer
from tests.clients.handmade import HandMade
from tests.clients.oauth import ACCOUNTS, Library, payment
from tests.platform import Platform

pytestmark = [pytest.mark.xdist_group("journeys"), pytest.mark.sdk, pytest.mark.timeout(600)]


@pytest.fixture
def client(platform: Platform, library: Library) -> HandMade:
    made = HandMade(library, platform.web, platform.demo["oauth_clients"][0])
    made.ask_nonce()
    return made


@pytest.mark.parametrize("case", ASSERTIONS)
def test_a_client_with_a_wrong_assertion_is_not_known(client: HandMade, case: str) -> None:
    assert refusal(by_assertion(client, case)) == (401, "invalid_client")


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_a_clock_eight_seconds_ahead_is_forgiven(client: HandMade, claim: str) -> None:
    assertion = client.assertion(**{claim: int(time.time()) + 8})
    form = client.form(**client.request(ACCOUNTS)[0], client_assertion=assertion)

    assert client.post("/oauth/par", form).status_code == 201


@pytest.mark.parametrize("case", PROOFS)
def test_a_wrong_proof_gets_no_token(client: HandMade, case: str) -> None:
    assert refusal(by_proof(client, case)) == (400, "invalid_dpop_proof")


def test_a_proof_without_our_nonce_is_given_one(client: HandMade) -> None:
    for nonce in (None, "", "made-up"):
        proof = client.proof("POST", f"{client.web}/oauth/token", nonce=nonce)
        answer = client.post(
            "/oauth/token", client.form(grant_type="client_credentials"), proof=proof
        )

        assert refusal(answer) == (400, "use_dpop_nonce")
        assert answer.headers["dpop-nonce"]


def test_a_call_carries_one_proof_and_no_more(client: HandMade) -> None:
    url = f"{client.web}/oauth/token"
    proofs = [("dpop", client.proof("POST", url)) for _ in range(2)]
    form = client.form(grant_type="client_credentials")

    two = httpx.post(url, data=form, headers=proofs)
    none = client.post("/oauth/token", client.form(grant_type="client_credentials"), proof="")

    assert refusal(two) == (400, "invalid_dpop_proof")
    assert refusal(none) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize("case", REQUESTS)
def test_a_wrong_request_is_not_taken(client: HandMade, case: str) -> None:
    error = REQUESTS[case][1]

    assert refusal(by_request(client, case)) == (401 if error == "invalid_client" else 400, error)


DETAILS: Mapping[str, str] = {
    "an unknown type": json.dumps([{"type": "everything"}]),
    "no type": json.dumps([{"actions": ["list_accounts"]}]),
    "an unknown field": json.dumps([{**ACCOUNTS, "also": "this"}]),
    "accounts chosen by the client": json.dumps([{**ACCOUNTS, "accounts": ["acc_1"]}]),
    "an object": json.dumps(ACCOUNTS),
    "no entry": "[]",
    "no JSON": "[{",
    "a member twice": '[{"type":"account_information","type":"payment_initiation"}]',
    "a negative amount": json.dumps([payment("-1.00")]),
    "a zero amount": json.dumps([payment("0.00")]),
    "an exponent": json.dumps([payment("1e3")]),
    "three decimals": json.dumps([payment("1.001")]),
    "a number for an amount": json.dumps(
        [{**payment("1.00"), "instructedAmount": {"currency": "CNY", "amount": 1}}]
    ),
    "an unknown currency": json.dumps(
        [{**payment("1.00"), "instructedAmount": {"currency": "XQQ", "amount": "1.00"}}]
    ),
}


@pytest.mark.parametrize("case", DETAILS)
def test_wrong_authorization_details_are_not_taken(client: HandMade, case: str) -> None:
    asked, _ = client.request(scope="openid accounts payments")
    form = client.form(**asked, authorization_details=DETAILS[case])

    answer = client.post("/oauth/par", form)

    assert refusal(answer) == (400, "invalid_authorization_details")


def test_a_parameter_that_comes_twice_is_refused(client: HandMade) -> None:
    form = client.form(**client.request(ACCOUNTS)[0])
    twice = f"{urlencode(form)}&{urlencode({'state': 'other'})}"
    kind = {"content-type": "application/x-www-form-urlencoded"}

    answer = httpx.post(f"{client.web}/oauth/par", content=twice, headers=kind)

    assert refusal(answer) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"{}", 400),
        ("application/x-www-form-urlencoded", b"", 401),
        ("application/x-www-form-urlencoded", b"\xff\xfe=%ff", 400),
        ("application/x-www-form-urlencoded", b"a=" + b"a" * 70_000, 413),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(500)), 400),
    ],
    ids=["json", "empty", "no utf-8", "too large", "too many"],
)
@pytest.mark.parametrize("path", ["/oauth/par", "/oauth/token", "/oauth/introspect"])
def test_a_body_that_is_no_form_is_refused(
    client: HandMade, path: str, kind: str, body: bytes, status: int
) -> None:
    answer = httpx.post(client.web + path, content=body, headers={"content-type": kind})

    assert answer.status_code in {status, 400, 401, 413}
    assert answer.json()["error"] in {"invalid_request", "invalid_client"}


def test_a_long_state_and_nonce_come_back_as_they_were(
    client: HandMade, customer_of: Callable[[str], Customer]
) -> None:
    state, nonce = "s" * 1_200, "n" * 64
    link, verifier = client.link(ACCOUNTS, state=state, nonce=nonce)

    back = customer_of("lin.xiaoyu").approve(link)

    assert f"state={state}" in back
    assert client.tokens(back, verifier)["id_token"]


@pytest.mark.parametrize(
    "query",
    [
        {"response_type": "code", "redirect_uri": SELF, "scope": "openid", "state": "1"},
        {"request_uri": "urn:ietf:params:oauth:request_uri:made-up"},
        {"request_uri": "https://evil.example/request.jwt"},
    ],
    ids=["nothing pushed", "made up", "fetched"],
)
def test_a_link_that_was_not_pushed_shows_a_page_and_leads_nowhere(
    client: HandMade, query: dict[str, str]
) -> None:
    url = f"{client.web}/oauth/authorize"
    answer = httpx.get(url, params={"client_id": client.id, **query})

    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")
    assert "location" not in answer.headers
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_another_client_s_link_shows_a_page_and_leads_nowhere(
    client: HandMade, platform: Platform
) -> None:
    link, _ = client.link(ACCOUNTS)
    other = platform.demo["oauth_clients"][1]["client_id"]

    answer = httpx.get(link.replace(client.id, other))

    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_pages_of_other_origins_may_not_ask_the_server_for_an_answer(client: HandMade) -> None:
    link, _ = client.link(ACCOUNTS)
    origin = {"origin": "https://evil.example"}

    asked = httpx.get(link, headers=origin)
    preflight = httpx.options(link, headers={**origin, "access-control-request-method": "GET"})

    assert asked.status_code == 303
    for answer in (asked, preflight):
        assert "access-control-allow-origin" not in answer.headers
