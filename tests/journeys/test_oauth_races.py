"""Single-use things used twenty times at once, over two web processes; and processes that die.

Guide: security.md section 3 (one statement redeems), section 0.5 (all state in the database).
"""

from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from tests.clients.customer import Customer
from tests.clients.forms import forms_of
from tests.clients.handmade import HandMade, at_once
from tests.clients.oauth import ACCOUNTS, Library
from tests.clients.processes import kill_all, servers
from tests.platform import Platform

pytestmark = [pytest.mark.xdist_group("journeys"), pytest.mark.sdk, pytest.mark.timeout(600)]

USES = 20
ACCOUNTS_PATH = "/open-banking/v3.1/aisp/accounts"


@pytest.fixture
def client(platform: Platform, library: Library) -> HandMade:
    made = HandMade(library, platform.web, platform.demo["oauth_clients"][0])
    made.ask_nonce()
    return made


@pytest.fixture
def lin(customer_of: Callable[[str], Customer]) -> Customer:
    return customer_of("lin.xiaoyu")


@pytest.fixture
def edges(platform: Platform) -> Callable[[set[int]], None]:
    """Asserts that the connections of a race reached both edge workers."""

    def check(ports: set[int]) -> None:
        assert len(servers(platform, ports, "edge")) == 2, "the race stayed in one process"

    return check


@pytest.fixture
def both(platform: Platform) -> Callable[[set[int]], None]:
    """Asserts that the connections of a race reached both web processes."""

    def check(ports: set[int]) -> None:
        assert len(servers(platform, ports)) == 2, "the race stayed in one process"

    return check


def told(answers: list[httpx.Response]) -> Counter[str]:
    """How often each outcome was answered: ``ok`` or the error."""
    assert all(answer.status_code < 500 for answer in answers), [a.text for a in answers]
    return Counter("ok" if a.status_code < 400 else a.json()["error"] for a in answers)


def test_a_code_used_twenty_times_at_once_is_redeemed_once_and_then_all_of_it_ends(
    client: HandMade, lin: Customer, both: Callable[[set[int]], None]
) -> None:
    link, verifier = client.link(ACCOUNTS)
    form = client.code_form(lin.approve(link), verifier)
    forms = [client.form(**form) for _ in range(USES)]
    proofs = [client.proof("POST", f"{client.web}/oauth/token") for _ in range(USES)]

    answers = at_once(
        client.web,
        [
            lambda c, f=f, p=p: client.sent(c, "/oauth/token", f, proof=p)  # type: ignore[misc]
            for f, p in zip(forms, proofs, strict=True)
        ],
        both,
    )

    assert told(answers) == {"ok": 1, "invalid_grant": USES - 1}
    (won,) = (answer.json() for answer in answers if answer.status_code == 200)
    assert client.introspected(won["access_token"]) == {"active": False}
    assert client.introspected(won["refresh_token"]) == {"active": False}


def test_an_assertion_used_twenty_times_at_once_proves_its_client_once(
    client: HandMade, both: Callable[[set[int]], None]
) -> None:
    form = client.form(**client.request(ACCOUNTS)[0])

    answers = at_once(
        client.web,
        [lambda c: client.sent(c, "/oauth/par", form, proof="") for _ in range(USES)],
        both,
    )

    assert told(answers) == {"ok": 1, "invalid_client": USES - 1}


def test_an_assertion_is_good_at_one_endpoint_only(client: HandMade) -> None:
    assertion = client.assertion()

    pushed = client.post(
        "/oauth/par", client.form(**client.request(ACCOUNTS)[0], client_assertion=assertion)
    )
    asked = client.post(
        "/oauth/introspect", client.form(token="x", client_assertion=assertion), proof=""
    )

    assert pushed.status_code == 201
    assert (asked.status_code, asked.json()["error"]) == (401, "invalid_client")


def test_a_proof_used_twenty_times_at_once_is_taken_once(
    client: HandMade, both: Callable[[set[int]], None]
) -> None:
    proof = client.proof("POST", f"{client.web}/oauth/token")
    asked = {"grant_type": "client_credentials", "scope": "accounts"}
    forms = [client.form(**asked) for _ in range(USES)]

    answers = at_once(
        client.web,
        [
            lambda c, f=f: client.sent(c, "/oauth/token", f, proof=proof)  # type: ignore[misc]
            for f in forms
        ],
        both,
    )

    assert told(answers) == {"ok": 1, "invalid_dpop_proof": USES - 1}


def test_twenty_refreshes_at_once_all_succeed_and_the_refresh_token_stays(
    client: HandMade, lin: Customer, both: Callable[[set[int]], None]
) -> None:
    link, verifier = client.link(ACCOUNTS)
    tokens = client.tokens(lin.approve(link), verifier)
    asked = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    forms = [client.form(**asked) for _ in range(USES)]
    proofs = [client.proof("POST", f"{client.web}/oauth/token") for _ in range(USES)]

    answers = at_once(
        client.web,
        [
            lambda c, f=f, p=p: client.sent(c, "/oauth/token", f, proof=p)  # type: ignore[misc]
            for f, p in zip(forms, proofs, strict=True)
        ],
        both,
    )

    assert told(answers) == {"ok": USES}
    made = {answer.json()["access_token"] for answer in answers}
    assert len(made) == USES
    assert client.introspected(made.pop())["active"] is True
    assert client.introspected(tokens["refresh_token"])["active"] is True


def test_a_customer_who_presses_yes_twenty_times_at_once_gives_one_code(
    client: HandMade, lin: Customer, both: Callable[[set[int]], None]
) -> None:
    link, verifier = client.link(ACCOUNTS)
    page = lin.open(link)
    form = next(each for each in forms_of(page.text) if "approve" in each.buttons)
    data = {**form.fields, "account-0": [lin.accounts[0]], "decision": "approve"}
    cookie = "; ".join(f"{name}={value}" for name, value in lin.browser.cookies.items())
    action = urljoin(str(page.url), form.action)

    answers = at_once(
        client.web,
        [lambda c: c.post(action, data=data, headers={"cookie": cookie}) for _ in range(USES)],
        both,
    )

    assert {answer.status_code for answer in answers} == {303}
    (address,) = {answer.headers["location"] for answer in answers}
    assert client.tokens(address, verifier)["access_token"]


def test_a_link_opened_by_two_customers_is_finished_by_the_first_alone(
    client: HandMade, lin: Customer, customer_of: Callable[[str], Customer]
) -> None:
    chen = customer_of("chen.zhiyuan")
    link, verifier = client.link(ACCOUNTS)
    page = chen.open(link)

    back = lin.approve(link)
    form = next(each for each in forms_of(page.text) if "refuse" in each.buttons)
    answer = chen.submit(page, form, decision="refuse")

    assert answer.status_code in {403, 404, 409, 410}
    assert "location" not in answer.headers
    assert client.tokens(back, verifier)["access_token"]


def test_a_code_of_another_client_is_refused_and_not_burnt(
    client: HandMade, platform: Platform, library: Library, lin: Customer
) -> None:
    other = HandMade(library, platform.web, platform.demo["oauth_clients"][1])
    other.ask_nonce()
    link, verifier = client.link(ACCOUNTS)
    back = lin.approve(link)

    stolen = other.post("/oauth/token", other.form(**client.code_form(back, verifier)))

    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    assert client.tokens(back, verifier)["access_token"]


def test_a_code_bound_to_one_dpop_key_is_refused_with_another(
    client: HandMade, platform: Platform, library: Library, lin: Customer
) -> None:
    thief = HandMade(library, platform.web, client.facts)
    thief.ask_nonce()
    link, verifier = client.link(ACCOUNTS)
    back = lin.approve(link)

    stolen = thief.post("/oauth/token", thief.form(**client.code_form(back, verifier)))

    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    assert client.tokens(back, verifier)["access_token"]


def test_a_proof_used_twenty_times_at_once_over_two_edges_opens_once(
    client: HandMade, platform: Platform, lin: Customer, edges: Callable[[set[int]], None]
) -> None:
    link, verifier = client.link(ACCOUNTS)
    token = client.tokens(lin.approve(link), verifier)["access_token"]
    url = f"{platform.edge}{ACCOUNTS_PATH}"
    headers = client.bearing(token, "GET", url)

    answers = at_once(
        platform.edge, [lambda c: c.get(url, headers=headers) for _ in range(USES)], edges
    )

    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: USES - 1}


def test_twenty_payments_at_once_under_one_consent_move_the_money_once(
    client: HandMade, platform: Platform, lin: Customer, edges: Callable[[set[int]], None]
) -> None:
    payee = next(each for each in platform.demo["customers"] if each["login"] == "chen.zhiyuan")
    initiation = {
        "InstructionIdentification": "I-1",
        "EndToEndIdentification": "E-1",
        "InstructedAmount": {"Amount": "2.00", "Currency": "CNY"},
        "CreditorAccount": {
            "SchemeName": "BANKSIDE.AccountNumber",
            "Identification": payee["accounts"][0]["number"],
            "Name": "陈志远",
        },
    }
    own = client.post(
        "/oauth/token", client.form(grant_type="client_credentials", scope="payments")
    ).json()["access_token"]
    url = f"{platform.edge}/open-banking/v3.1/pisp/domestic-payment-consents"
    body: dict[str, Any] = {"Data": {"Initiation": initiation}, "Risk": {}}
    headers = client.bearing(own, "POST", url, x_idempotency_key="consent")
    made = httpx.post(url, json=body, headers=headers)
    assert made.status_code == 201, made.text
    body["Data"]["ConsentId"] = consent = made.json()["Data"]["ConsentId"]
    link, verifier = client.link(
        {"type": "payment_initiation", "consent_id": consent}, scope="openid payments"
    )
    token = client.tokens(lin.approve(link, lin.accounts[0]), verifier)["access_token"]
    url = f"{platform.edge}/open-banking/v3.1/pisp/domestic-payments"
    each_its_own = [
        client.bearing(token, "POST", url, x_idempotency_key=f"{consent}-{number}")
        for number in range(USES)
    ]

    answers = at_once(
        platform.edge,
        [
            lambda c, h=headers: c.post(url, json=body, headers=h)  # type: ignore[misc]
            for headers in each_its_own
        ],
        edges,
    )

    statuses = Counter(answer.status_code for answer in answers)
    assert statuses[201] == 1, statuses
    assert all(400 <= status < 500 for status in statuses if status != 201), statuses


def test_a_token_is_of_no_use_with_another_key_or_as_a_bearer_token(
    client: HandMade, platform: Platform, library: Library, lin: Customer
) -> None:
    thief = HandMade(library, platform.web, client.facts)
    link, verifier = client.link(ACCOUNTS)
    token = client.tokens(lin.approve(link), verifier)["access_token"]
    url = f"{client.web}/oauth/userinfo"

    with_other_key = thief.userinfo(token)
    as_bearer = httpx.get(url, headers={"authorization": f"Bearer {token}"})
    in_the_query = httpx.get(url, params={"access_token": token})
    in_the_body = httpx.post(url, data={"access_token": token})

    for answer in (with_other_key, as_bearer, in_the_query, in_the_body):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("DPoP ")
    assert client.userinfo(token).status_code == 200


def test_a_flow_goes_on_although_every_web_process_dies_in_the_middle(
    platform: Platform, library: Library, lin: Customer
) -> None:
    client = library.client("openid-client", platform.demo["oauth_clients"][0])
    asked = str(lin.open(client.begin(ACCOUNTS)).url)
    lin.seen.clear()

    kill_all(platform, "web")
    tokens = client.finish(lin.approve(asked))
    kill_all(platform, "web")
    newer = client.refresh(tokens["refresh_token"])

    assert tokens["authorization_details"] == [{**ACCOUNTS, "accounts": [lin.accounts[0]]}]
    assert client.userinfo(newer["access_token"], lin.facts["id"])["sub"] == lin.facts["id"]
    assert not any("/login" in str(page.url) for page in lin.seen), "logged out by a restart"
