"""What npm openid-client can do beyond the basic flow: signed messages, and a customer elsewhere.

Source: RFC 9101 (signed requests), JARM (signed answers), RFC 9701 (signed introspection), OpenID
CIBA Core 1.0 (poll mode).
"""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.clients.customer import Customer
from tests.clients.forms import links_of
from tests.clients.oauth import ACCOUNTS, Client, Library, registered
from tests.platform import Platform
from tests.sdks.harness import SdkFailed

pytestmark = [pytest.mark.xdist_group("journeys"), pytest.mark.sdk, pytest.mark.timeout(600)]

CALLBACK = "https://window.example/callback"
SIGNED = ("--signed-requests", "ES256", "--signed-answers")


@pytest.fixture
def chen(customer_of: Callable[[str], Customer]) -> Customer:
    return customer_of("chen.zhiyuan")


def test_a_client_whose_messages_are_all_signed_goes_through_the_flow(
    platform: Platform, library: Library, chen: Customer, tmp_path: Path
) -> None:
    scopes = ("openid", "offline_access", "accounts")
    facts = registered(platform, tmp_path, CALLBACK, *scopes, options=SIGNED)
    client = library.client("openid-client", facts, signed=True)

    back = chen.approve(client.begin(ACCOUNTS))
    told = parse_qs(urlsplit(back).query)
    tokens = client.finish(back)
    known = client.introspect(tokens["access_token"])

    assert set(told) == {"response"}, "code, state and iss stand inside the JWT only"
    assert tokens["claims"]["sub"] == chen.facts["id"]
    assert known["active"] is True


def test_a_client_registered_as_signing_may_not_ask_without_a_signature(
    platform: Platform, library: Library, tmp_path: Path
) -> None:
    facts = registered(platform, tmp_path, CALLBACK, "openid", "accounts", options=SIGNED)
    unsigned = library.client("openid-client", facts)

    with pytest.raises(SdkFailed) as failed:
        unsigned.begin(ACCOUNTS, scope="openid accounts")

    assert failed.value.error["error"] in {"invalid_request", "invalid_request_object"}


def test_a_refusal_is_signed_too(
    platform: Platform, library: Library, chen: Customer, tmp_path: Path
) -> None:
    facts = registered(platform, tmp_path, CALLBACK, "openid", "accounts", options=SIGNED)
    client = library.client("openid-client", facts, signed=True)

    back = chen.refuse(client.begin(ACCOUNTS, scope="openid accounts"))
    with pytest.raises(SdkFailed) as failed:
        client.finish(back)

    assert set(parse_qs(urlsplit(back).query)) == {"response"}
    assert failed.value.error["error"] == "access_denied"


@pytest.fixture
def caller(platform: Platform, library: Library, tmp_path: Path) -> Client:
    """A client that may ask customers who are elsewhere."""
    facts = registered(
        platform, tmp_path, CALLBACK, "openid", "accounts", options=("--backchannel",)
    )
    return library.client("openid-client", facts)


def test_a_customer_says_yes_at_its_own_pages_to_a_client_elsewhere(
    caller: Client, chen: Customer
) -> None:
    asked = caller.ask_elsewhere(
        chen.facts["login"], "Table 7", scope="openid accounts", requested_expiry="200"
    )

    chen.approve(chen.web + _waiting(chen))
    tokens = caller.answered_elsewhere()

    assert asked["expires_in"] <= 200
    assert any("Table 7" in page.text for page in chen.seen)
    assert caller.userinfo(tokens["access_token"], chen.facts["id"])["sub"] == chen.facts["id"]


def test_a_customer_who_says_no_elsewhere_gives_no_token(caller: Client, chen: Customer) -> None:
    caller.ask_elsewhere(chen.facts["login"], "Table 8", scope="openid accounts")

    chen.refuse(chen.web + _waiting(chen))

    with pytest.raises(SdkFailed) as failed:
        caller.answered_elsewhere()
    assert failed.value.error["error"] == "access_denied"


def _waiting(customer: Customer) -> str:
    """The page of the request that waits for the customer."""
    page = customer.open("/my/approvals")
    return next(each for each in links_of(page.text) if each.startswith("/my/approvals/"))
