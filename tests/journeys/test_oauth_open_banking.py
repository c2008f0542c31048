"""From the customer's yes to money moved, with public OAuth clients on the edge's account APIs.

A token of the authorization server, a DPoP proof for each call, UK Open Banking resources; and the
moment the customer takes the consent back nothing more comes out.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.clients.customer import Customer
from tests.clients.oauth import HERE, KINDS, Client, Library, packages
from tests.platform import Platform
from tests.sdks.harness import ROOT

pytestmark = [pytest.mark.xdist_group("journeys"), pytest.mark.sdk, pytest.mark.timeout(600)]

READS = ["ReadAccountsDetail", "ReadBalances", "ReadTransactionsDetail"]
READS += ["ReadTransactionsCredits", "ReadTransactionsDebits"]
RISK = {"PaymentContextCode": "EcommerceGoods", "MerchantCategoryCode": "5967"}


@pytest.fixture(params=KINDS)
def client(request: pytest.FixtureRequest, platform: Platform, library: Library) -> Client:
    return library.client(request.param, platform.demo["oauth_clients"][0])


@pytest.fixture
def lin(customer_of: Callable[[str], Customer]) -> Customer:
    return customer_of("lin.xiaoyu")


class Bank:
    """The edge's account APIs as one client calls them."""

    def __init__(self, edge: str, client: Client) -> None:
        self._base = f"{edge}/open-banking/v3.1"
        self._client = client

    def get(self, token: str, path: str) -> tuple[int, Any]:
        return self._client.resource(token, self._base + path)

    def post(self, token: str, path: str, body: Any, key: str = "") -> tuple[int, Any]:
        return self._client.resource(
            token,
            self._base + path,
            "POST",
            body=body,
            x_idempotency_key=key or uuid4().hex,
            x_fapi_interaction_id=str(uuid4()),
        )


@pytest.fixture
def bank(platform: Platform, client: Client) -> Bank:
    return Bank(platform.edge, client)


def read_consent(client: Client, bank: Bank) -> str:
    """A consent made beforehand, with a token of the client itself."""
    own = client.own("accounts")["access_token"]
    body = {"Data": {"Permissions": READS}, "Risk": {}}
    status, answer = bank.post(own, "/aisp/account-access-consents", body)
    assert (status, answer["Data"]["Status"]) == (201, "AwaitingAuthorisation"), answer
    return str(answer["Data"]["ConsentId"])


def test_a_customer_s_accounts_are_read_until_the_consent_is_taken_back(
    client: Client, bank: Bank, lin: Customer
) -> None:
    consent = read_consent(client, bank)
    chosen, other = lin.accounts[:2]
    tokens = client.finish(
        lin.approve(client.begin({"type": "account_information", "consent_id": consent}), chosen)
    )
    token = tokens["access_token"]

    _, accounts = bank.get(token, "/aisp/accounts")
    _, balances = bank.get(token, f"/aisp/accounts/{chosen}/balances")
    elsewhere = bank.get(token, f"/aisp/accounts/{other}/balances")
    unknown = bank.get(token, "/aisp/accounts/acc_0000000000000000000000000/balances")
    lin.revoke(client.facts["name"])
    acknowledged = time.monotonic()
    after = bank.get(token, "/aisp/accounts")

    assert [each["AccountId"] for each in accounts["Data"]["Account"]] == [chosen]
    assert balances["Data"]["Balance"][0]["AccountId"] == chosen
    assert elsewhere[0] == unknown[0]
    assert elsewhere[0] in {400, 403, 404}
    assert after[0] in {401, 403}, f"{time.monotonic() - acknowledged:.3f} s after the yes: {after}"


def test_a_payment_is_made_once_and_is_exactly_what_the_customer_saw(
    client: Client, bank: Bank, platform: Platform, lin: Customer
) -> None:
    payee = next(each for each in platform.demo["customers"] if each["login"] == "chen.zhiyuan")
    initiation = {
        "InstructionIdentification": "I-1",
        "EndToEndIdentification": uuid4().hex[:20],
        "InstructedAmount": {"Amount": "1.23", "Currency": "CNY"},
        "CreditorAccount": {
            "SchemeName": "BANKSIDE.AccountNumber",
            "Identification": payee["accounts"][0]["number"],
            "Name": "陈志远",
        },
        "RemittanceInformation": {"Unstructured": "书费 & 餐费", "Reference": "R7"},
    }
    own = client.own("payments")["access_token"]
    body = {"Data": {"Initiation": initiation}, "Risk": RISK}
    status, made = bank.post(own, "/pisp/domestic-payment-consents", body)
    assert status == 201, made
    consent = made["Data"]["ConsentId"]
    link = client.begin(
        {"type": "payment_initiation", "consent_id": consent}, scope="openid payments"
    )
    token = client.finish(lin.approve(link, lin.accounts[0]))["access_token"]
    paying = {"Data": {"ConsentId": consent, "Initiation": initiation}, "Risk": RISK}
    dearer = {**initiation, "InstructedAmount": {"Amount": "1.24", "Currency": "CNY"}}

    other = bank.post(
        token,
        "/pisp/domestic-payments",
        {"Data": {"ConsentId": consent, "Initiation": dearer}, "Risk": RISK},
    )
    first = bank.post(token, "/pisp/domestic-payments", paying, key="pay-" + consent)
    again = bank.post(token, "/pisp/domestic-payments", paying, key="pay-" + consent)
    second = bank.post(token, "/pisp/domestic-payments", paying)

    assert any("CNY 1.23" in page.text and "书费 &amp; 餐费" in page.text for page in lin.seen)
    assert 400 <= other[0] < 500
    assert first[0] == 201, first
    assert first[1]["Data"]["Status"] == "AcceptedSettlementCompleted"
    assert again == first
    assert 400 <= second[0] < 500
    number = first[1]["Data"]["DomesticPaymentId"]
    status, read = bank.get(own, f"/pisp/domestic-payments/{number}")
    assert (status, read["Data"]["DomesticPaymentId"]) == (200, number)


def test_the_sample_of_the_partner_s_page_reads_the_customer_s_accounts(
    platform: Platform, library: Library, lin: Customer
) -> None:
    facts = platform.demo["oauth_clients"][0]
    given = {
        "issuer": platform.web,
        "edge": platform.edge,
        "clientId": facts["client_id"],
        "redirect_uri": facts["redirect_uris"][0],
        "jwk": json.loads(Path(facts["private_jwk_file"]).read_text()),
        "page": str(ROOT / "docs" / "partner" / "oauth-clients.md"),
    }
    sample = subprocess.Popen(
        ["node", str(HERE / "node" / "sample.mjs")],
        env={
            **os.environ,
            "SDK_FOLDER": packages(HERE / "node"),
            "GIVEN": json.dumps(given),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert sample.stdin is not None
    assert sample.stdout is not None

    address = sample.stdout.readline().strip()
    said, _ = sample.communicate(lin.approve(address) + "\n", timeout=60)

    assert sample.returncode == 0
    assert said.startswith("200 ")
    assert lin.accounts[0] in said


def test_a_token_opens_nothing_it_was_not_given_for(
    client: Client, bank: Bank, lin: Customer
) -> None:
    own = client.own("accounts")["access_token"]

    status, answer = bank.get(own, "/aisp/accounts")

    assert status in {401, 403}
    assert answer
