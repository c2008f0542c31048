"""Public OAuth clients, unmodified, walk the whole flow over two web processes.

Each journey runs with npm openid-client, npm oauth4webapi and Authlib. The customer's part is a
browser without script. Source: FAPI 2.0 Security Profile, RFC 9126, 9207, 9396, 9449, 7009, 7662.
"""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

import pytest
from tests.clients.customer import Customer
from tests.clients.oauth import ACCOUNTS, KINDS, Client, Library, payment
from tests.platform import Platform
from tests.sdks.harness import SdkFailed

pytestmark = [pytest.mark.xdist_group("journeys"), pytest.mark.sdk, pytest.mark.timeout(600)]


@pytest.fixture(params=KINDS)
def client(request: pytest.FixtureRequest, platform: Platform, library: Library) -> Client:
    """The demo's first client, spoken for by each public library in turn."""
    return library.client(request.param, platform.demo["oauth_clients"][0])


@pytest.fixture
def lin(customer_of: Callable[[str], Customer]) -> Iterator[Customer]:
    customer = customer_of("lin.xiaoyu")
    yield customer
    customer.seen.clear()


def changed(address: str, **changes: str | None) -> str:
    """An address with query parameters changed, or taken away by None."""
    parts = urlsplit(address)
    told = {name: values[0] for name, values in parse_qs(parts.query).items()} | changes
    query = "&".join(f"{name}={value}" for name, value in told.items() if value is not None)
    return urlunsplit(parts._replace(query=query))


def paths(client: Client) -> list[str]:
    """The paths a client called since the last time."""
    return [path for _, path, _ in client.calls()]


def refused(work: Callable[[], Any]) -> str:
    """What the client says it was refused with."""
    with pytest.raises(SdkFailed) as failed:
        work()
    error = failed.value.error
    for challenge in error.get("challenges", []):
        return str(challenge["parameters"]["error"])
    return str(error.get("error") or error["message"])


def test_a_consent_to_read_accounts_gives_tokens_for_just_those_accounts(
    client: Client, lin: Customer
) -> None:
    chosen = sorted(lin.accounts[:2])

    tokens = client.finish(lin.approve(client.begin(ACCOUNTS), *chosen))
    told = client.introspect(tokens["access_token"])

    (given,) = tokens["authorization_details"]
    assert sorted(given.pop("accounts")) == chosen
    assert given == ACCOUNTS
    assert told["authorization_details"] == [{**ACCOUNTS, "accounts": told_accounts(told)}]
    assert sorted(told_accounts(told)) == chosen
    assert told["active"] is True
    assert told["cnf"]["jkt"]
    assert tokens["claims"]["sub"] == lin.facts["id"]
    assert set(tokens["claims"]["amr"]) >= {"pwd", "otp"}
    assert client.userinfo(tokens["access_token"], lin.facts["id"])["sub"] == lin.facts["id"]


def told_accounts(told: dict[str, Any]) -> list[str]:
    accounts: list[str] = told["authorization_details"][0]["accounts"]
    return accounts


def test_a_client_without_a_nonce_is_given_one_and_repeats_its_call_once(client: Client) -> None:
    client.calls()

    client.begin(ACCOUNTS)
    first = client.calls()
    client.begin(ACCOUNTS)

    assert [call[1:] for call in first if call[0] == "POST"] == [
        ("/oauth/par", 400),
        ("/oauth/par", 201),
    ]
    assert [call[1:] for call in client.calls()] == [("/oauth/par", 201)]


def test_the_customer_sees_the_payment_before_and_after_login_as_the_client_asked(
    client: Client, lin: Customer
) -> None:
    asked = payment("1234.50", endToEndId="E2E-7")

    tokens = client.finish(
        lin.approve(client.begin(asked, scope="openid payments"), lin.accounts[0])
    )

    asking = [page.text for page in lin.seen if "CNY 1,234.50" in page.text]
    assert asking
    assert all("海棠书店" in page and "订单 7 &amp; Co." in page for page in asking)
    assert tokens["authorization_details"] == [{**asked, "debtorAccount": {"id": lin.accounts[0]}}]
    assert "refresh_token" not in tokens


def test_a_refresh_gives_a_new_access_token_and_keeps_the_refresh_token(
    client: Client, lin: Customer
) -> None:
    tokens = client.finish(lin.approve(client.begin(ACCOUNTS)))

    first = client.refresh(tokens["refresh_token"])
    second = client.refresh(tokens["refresh_token"])

    for new in (first, second):
        assert new.get("refresh_token", tokens["refresh_token"]) == tokens["refresh_token"]
        assert new["authorization_details"] == tokens["authorization_details"]
        assert client.introspect(new["access_token"])["active"] is True
    assert len({tokens["access_token"], first["access_token"], second["access_token"]}) == 3


def test_a_revoked_access_token_is_dead_and_the_refresh_token_is_not(
    client: Client, lin: Customer
) -> None:
    tokens = client.finish(lin.approve(client.begin(ACCOUNTS)))

    client.revoke(tokens["access_token"])

    assert client.introspect(tokens["access_token"]) == {"active": False}
    assert refused(lambda: client.userinfo(tokens["access_token"], lin.facts["id"])) == (
        "invalid_token"
    )
    assert client.refresh(tokens["refresh_token"])["access_token"]


def test_a_revoked_refresh_token_takes_its_access_tokens_along(
    client: Client, lin: Customer
) -> None:
    tokens = client.finish(lin.approve(client.begin(ACCOUNTS)))
    newer = client.refresh(tokens["refresh_token"])

    client.revoke(tokens["refresh_token"])

    assert refused(lambda: client.refresh(tokens["refresh_token"])) == "invalid_grant"
    for token in (tokens["access_token"], newer["access_token"], tokens["refresh_token"]):
        assert client.introspect(token) == {"active": False}


def test_a_consent_the_customer_takes_back_ends_every_token_of_it(
    client: Client, lin: Customer
) -> None:
    tokens = client.finish(lin.approve(client.begin(ACCOUNTS)))

    lin.revoke(client.facts["name"])

    assert client.introspect(tokens["access_token"]) == {"active": False}
    assert refused(lambda: client.refresh(tokens["refresh_token"])) == "invalid_grant"
    assert refused(lambda: client.userinfo(tokens["access_token"], lin.facts["id"])) == (
        "invalid_token"
    )


def test_a_customer_who_refuses_sends_the_client_away_without_a_code(
    client: Client, lin: Customer
) -> None:
    back = lin.refuse(client.begin(ACCOUNTS))
    told = parse_qs(urlsplit(back).query)
    client.calls()

    said = refused(lambda: client.finish(back))

    assert told["error"] == ["access_denied"]
    assert told["iss"] == [lin.web]
    assert "code" not in told
    assert "access_denied" in said
    assert "/oauth/token" not in paths(client)


@pytest.mark.parametrize("iss", ["https://other-bank.example", None], ids=["foreign", "missing"])
def test_an_answer_of_another_server_stops_the_client_before_it_sends_the_code(
    client: Client, lin: Customer, iss: str | None
) -> None:
    back = lin.approve(client.begin(ACCOUNTS))
    client.calls()

    refused(lambda: client.finish(changed(back, iss=iss)))

    assert "/oauth/token" not in paths(client)
    assert client.finish(back)["access_token"], "the code was never sent, so it is still good"


def test_an_answer_to_another_request_stops_the_client_before_it_sends_the_code(
    client: Client, lin: Customer
) -> None:
    back = lin.approve(client.begin(ACCOUNTS))
    client.calls()

    refused(lambda: client.finish(changed(back, state="not-mine")))

    assert "/oauth/token" not in paths(client)


def test_a_token_of_the_client_itself_reaches_no_customer(client: Client, lin: Customer) -> None:
    own = client.own("accounts")

    told = client.introspect(own["access_token"])

    assert told["active"] is True
    assert "sub" not in told
    assert "refresh_token" not in own
    assert refused(lambda: client.userinfo(own["access_token"], lin.facts["id"])) in {
        "invalid_token",
        "insufficient_scope",
    }


def test_two_clients_of_one_bank_never_see_each_other_s_tokens(
    client: Client, platform: Platform, library: Library, lin: Customer
) -> None:
    other = library.client("openid-client", platform.demo["oauth_clients"][1])
    tokens = client.finish(lin.approve(client.begin(ACCOUNTS)))

    other.revoke(tokens["access_token"])
    other.revoke(tokens["refresh_token"])

    assert other.introspect(tokens["access_token"]) == {"active": False}
    assert other.introspect(tokens["refresh_token"]) == {"active": False}
    assert refused(lambda: other.refresh(tokens["refresh_token"])) == "invalid_grant"
    assert client.introspect(tokens["access_token"])["active"] is True
