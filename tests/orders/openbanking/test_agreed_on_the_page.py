"""Consents made beforehand: our page shows their stored terms, and the yes is about just those."""

import html
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import Response
from tests.console.customer_world import Person, a_customer, application, forms_of
from tests.identity.fapi.conftest import client, world
from tests.identity.fapi.rig import FAPIClient, World
from tests.orders.little_bank import LittleBank
from tests.orders.openbanking.open_bank import (
    READS,
    OpenBank,
    a_payment,
    account_of,
    consent_body,
    limits_body,
    payment_body,
    recurring_body,
)

from bankside.bank.ledger import Books
from bankside.catalog import load
from bankside.identity.consents import ConsentStatus
from bankside.orders import Orders

__all__ = ["client", "world"]


@pytest.fixture
async def asking(world: World) -> FAPIClient:
    """A client with every scope."""
    scopes = ["openid", "offline_access", "accounts", "payments", "fundsconfirmations"]
    return await world.client(scopes=scopes)


@pytest.fixture
async def known(asking: FAPIClient, world: World) -> AsyncIterator[Person]:
    """A customer of the client's data space, logged in."""
    customer = await a_customer(world.pool, world.clock, asking.partner)
    async with application(world) as browser:
        person = Person(world, browser, customer)
        await person.be_logged_in()
        yield person


@pytest.fixture
async def ob(asking: FAPIClient, known: Person, world: World) -> AsyncIterator[OpenBank]:
    """The bank behind the edge, called by the same client."""
    async with Books(world.pool, world.clock) as books:
        orders = Orders(world.pool, books, world.clock, load(), address="https://edge.example")
        bank = LittleBank(world.pool, books, world.clock, orders, asking.partner)
        bank.customer = known.customer.id
        yield OpenBank(bank, asking.client_id, "app_other")


def naming(kind: str, consent_id: str, scope: str) -> dict[str, str]:
    """The parameters of a pushed request for a consent made beforehand."""
    entry = {"type": kind, "consent_id": consent_id}
    return {"scope": f"openid {scope}", "authorization_details": json.dumps([entry])}


def plain(page: Response) -> str:
    """The text a reader sees."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


async def made(ob: OpenBank, name: str, body: dict[str, Any]) -> str:
    found: str = (await ob.data(f"{name}.create", body))["ConsentId"]
    return found


async def test_access_is_given_to_the_stored_permissions_and_chosen_account(
    ob: OpenBank, known: Person, asking: FAPIClient
) -> None:
    data = {"Permissions": READS, "TransactionFromDateTime": "2026-01-01T00:00:00+08:00"}
    consent = await made(ob, "account-access-consents", {"Data": data, "Risk": {}})
    page = await known.asked(asking, **naming("account_information", consent, "accounts"))
    mine = known.customer.accounts[0]

    answer = await known.submit(page, "approve", **{"account-0": mine.id})

    assert answer.status_code == 303, answer.text
    assert "how much money is in them" in plain(page)
    assert "only transactions from 2026-01-01 00:00 on" in plain(page)
    stored = await ob.consent(consent)
    assert stored.status is ConsentStatus.AUTHORISED
    seen = await ob.data("accounts.list", grant=stored.grant)
    assert [each["AccountId"] for each in seen["Account"]] == [mine.id]


async def test_a_payment_is_shown_as_stored_and_paid_as_shown(
    ob: OpenBank, known: Person, asking: FAPIClient
) -> None:
    payer, payee = await ob.bank.account("100.00"), await ob.bank.account()
    initiation = a_payment(payee)
    consent = await made(ob, "domestic-payment-consents", consent_body(initiation))
    page = await known.asked(asking, **naming("payment_initiation", consent, "payments"))

    answer = await known.submit(page, "approve", **{"account-0": payer.id})

    assert answer.status_code == 303, answer.text
    for words in ("CNY 10.50", "To Begonia Kitchen", "Order 7", "R7", "E-1"):
        assert words in plain(page)
    grant = (await ob.consent(consent)).grant
    paid = await ob.data("domestic-payments.create", payment_body(consent, initiation), grant=grant)
    assert paid["Status"] == "AcceptedSettlementCompleted"
    assert await ob.bank.balance(payer) == "89.50"


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_every_limit_stands_on_the_page_in_plain_words(
    ob: OpenBank, known: Person, asking: FAPIClient, lang: str
) -> None:
    payer, payee = await ob.bank.account("100.00"), await ob.bank.account()
    body = limits_body(payee, ("Day", "Calendar", "20.00"), ("Month", "Consent", "60.00"))
    consent = await made(ob, "domestic-vrp-consents", body)
    known.browser.headers["accept-language"] = lang
    page = await known.asked(asking, **naming("payment_initiation", consent, "payments"))

    answer = await known.submit(page, "approve", **{"account-0": payer.id})

    assert answer.status_code == 303, answer.text
    said = {
        "en": [
            "at most CNY 50.00 in one payment",
            "at most CNY 20.00 a day",
            "at most CNY 60.00 a month",
            "not asked again before each payment",
        ],
        "zh": [
            "单笔最多 CNY 50.00",
            "每天最多 CNY 20.00",
            "自首日起每月最多 CNY 60.00",
            "不再另行征求",
        ],
    }
    for words in said[lang]:
        assert words in plain(page)
    grant = (await ob.consent(consent)).grant
    payment = recurring_body(consent, payee, "5.00")
    paid = await ob.data("domestic-vrps.create", payment, grant=grant)
    assert paid["Status"] == "AcceptedSettlementCompleted"
    assert "at most" in plain(await known.get("/my/consents")) or lang == "zh"


async def test_the_one_account_that_was_named_is_offered(
    ob: OpenBank, known: Person, asking: FAPIClient
) -> None:
    mine = known.customer.accounts[1]
    body = {"Data": {"DebtorAccount": account_of(mine)}}
    consent = await made(ob, "funds-confirmation-consents", body)
    asked = naming("funds_confirmation", consent, "fundsconfirmations")

    page = await known.asked(asking, **asked)
    answer = await known.submit(page, "approve", **{"account-0": mine.id})

    assert forms_of(page)[0].choices["account-0"] == [mine.id]
    assert answer.status_code == 303, answer.text
    assert (await ob.consent(consent)).status is ConsentStatus.AUTHORISED


async def test_a_refusal_is_about_the_stored_consent(
    ob: OpenBank, known: Person, asking: FAPIClient
) -> None:
    payee = await ob.bank.account()
    consent = await made(ob, "domestic-payment-consents", consent_body(a_payment(payee)))
    page = await known.asked(asking, **naming("payment_initiation", consent, "payments"))

    answer = await known.submit(page, "refuse")

    assert "error=access_denied" in answer.headers["location"]
    assert (await ob.consent(consent)).status is ConsentStatus.REJECTED
    left = await ob.data("domestic-payment-consents.query", path=consent)
    assert left["Status"] == "Rejected"


async def test_a_consent_of_another_kind_client_or_time_is_refused_when_it_is_asked_for(
    ob: OpenBank, known: Person, asking: FAPIClient, world: World
) -> None:
    mine = known.customer.accounts[0]
    reading = {"Data": {"Permissions": READS}, "Risk": {}}
    consent = await made(ob, "account-access-consents", reading)
    used = await made(ob, "account-access-consents", reading)
    await ob.say_yes(used, mine)
    scopes = ["openid", "accounts"]
    another = await world.client(scopes=scopes)

    for client_, kind, named, scope in (
        (asking, "payment_initiation", consent, "payments"),
        (asking, "account_information", used, "accounts"),
        (asking, "account_information", "cns_00000000000000000000000000", "accounts"),
        (another, "account_information", consent, "accounts"),
    ):
        form = client_.request_form("v" * 43, **naming(kind, named, scope))
        answer = await client_.post("/oauth/par", form, proof=None)
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"] == "invalid_authorization_details"

    assert (await ob.consent(consent)).status is ConsentStatus.AWAITING_AUTHORISATION


async def test_a_consent_named_twice_in_one_request_is_refused(
    ob: OpenBank, asking: FAPIClient
) -> None:
    reading = {"Data": {"Permissions": READS}, "Risk": {}}
    consent = await made(ob, "account-access-consents", reading)
    entry = {"type": "account_information", "consent_id": consent}
    form = asking.request_form("v" * 43, authorization_details=json.dumps([entry, entry]))

    answer = await asking.post("/oauth/par", form, proof=None)

    assert answer.json()["error"] == "invalid_authorization_details"


async def test_a_consent_that_was_answered_since_it_was_asked_for_cannot_be_agreed_to(
    ob: OpenBank, known: Person, asking: FAPIClient
) -> None:
    reading = {"Data": {"Permissions": READS}, "Risk": {}}
    consent = await made(ob, "account-access-consents", reading)
    page = await known.asked(asking, **naming("account_information", consent, "accounts"))
    mine = known.customer.accounts[0]
    await ob.say_yes(consent, mine)

    answer = await known.submit(page, "approve", **{"account-0": mine.id})

    assert answer.status_code == 422
    assert "approve" not in forms_of(answer)[0].buttons if forms_of(answer) else True


@pytest.mark.parametrize(
    "beside",
    [
        {"purpose": "More than that"},
        {"actions": ["read_balances"]},
        {"validUntil": "2026-12-31"},
        {"instructedAmount": {"currency": "CNY", "amount": "1.00"}},
    ],
)
async def test_a_request_adds_nothing_to_a_consent_it_names(
    asking: FAPIClient, beside: dict[str, Any]
) -> None:
    entry = {"type": "account_information", "consent_id": "cns_x", **beside}
    form = asking.request_form("v" * 43, authorization_details=json.dumps([entry]))

    answer = await asking.post("/oauth/par", form, proof=None)

    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_authorization_details"
