"""A client asks from elsewhere; the customer answers on its own pages (OpenID CIBA, poll mode)."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from tests.console.customer_world import Person, a_customer, application, forms_of, links_of
from tests.identity.fapi.rig import ACCOUNTS, PAYMENT, FAPIClient, World, refused_as

from bankside.identity.sessions.rules import FRESH_TTL
from bankside.kernel.db import transaction

READ = {"authorization_details": json.dumps([ACCOUNTS])}
PAY = {"authorization_details": json.dumps([PAYMENT]), "scope": "openid payments"}
MESSAGE = "Till 4: 7731"


@pytest.fixture
async def asking(world: World) -> FAPIClient:
    return await world.client(backchannel=True)


@pytest.fixture
async def known(world: World, asking: FAPIClient) -> AsyncIterator[Person]:
    """A customer of the client's data space, logged in."""
    customer = await a_customer(world.pool, world.clock, asking.partner)
    async with application(world) as browser:
        person = Person(world, browser, customer)
        await person.be_logged_in()
        yield person


async def asked(client: FAPIClient, person: Person, **change: str) -> str:
    answer = await client.ask(
        **{"scope": "openid", "login_hint": person.customer.login, "binding_message": MESSAGE}
        | change
    )
    assert answer.status_code == 200, answer.text
    value: str = answer.json()["auth_req_id"]
    return value


async def link_of(person: Person) -> str:
    """The address of the one request that waits."""
    page = await person.get("/my/approvals")
    (link,) = [each for each in links_of(page) if each.startswith("/my/approvals/")]
    return link


async def test_the_customer_sees_the_binding_message_and_agrees(
    asking: FAPIClient, known: Person
) -> None:
    value = await asked(asking, known, **READ)
    listed = await known.get("/my/approvals")
    page = await known.get(await link_of(known))
    assert refused_as(await asking.poll(value)) == (400, "authorization_pending")

    chosen = forms_of(page)[0].choices["account-0"][0]
    answer = await known.submit(page, press="approve", **{"account-0": chosen})

    body = (await asking.poll(value)).json()
    assert MESSAGE in listed.text and MESSAGE in page.text
    assert answer.status_code == 303
    assert body["authorization_details"] == [{**ACCOUNTS, "accounts": [chosen]}]
    assert "Budget app" in (await known.get("/my/consents")).text
    assert MESSAGE not in (await known.get("/my/approvals")).text


async def test_refusing_is_as_easy_as_agreeing(asking: FAPIClient, known: Person) -> None:
    value = await asked(asking, known, **READ)

    answer = await known.submit(await known.get(await link_of(known)), press="refuse")

    assert answer.status_code == 303
    assert refused_as(await asking.poll(value)) == (403, "access_denied")
    assert "Budget app" in (await known.get("/my/consents/ended")).text


async def test_an_answer_is_given_once(asking: FAPIClient, known: Person) -> None:
    value = await asked(asking, known)
    page = await known.get(await link_of(known))
    await known.submit(page, press="approve")

    again = await known.submit(page, press="refuse")

    assert again.status_code == 409
    assert (await asking.poll(value)).status_code == 200


async def test_a_payment_from_elsewhere_asks_for_a_fresh_factor(
    asking: FAPIClient, known: Person
) -> None:
    await asked(asking, known, **PAY)
    link = await link_of(known)
    fresh = await known.get(link)
    known.world.clock.advance(FRESH_TTL + timedelta(seconds=1))
    await asked(asking, known, **PAY)
    stale = await known.get(await link_of(known))

    assert "CNY 123.50" in fresh.text and "Merchant A" in fresh.text
    assert stale.status_code == 303
    assert stale.headers["location"] == "/my/approvals/second-factor"


async def test_a_changed_form_agrees_to_nothing(asking: FAPIClient, known: Person) -> None:
    value = await asked(asking, known, **PAY)
    page = await known.get(await link_of(known))
    chosen = forms_of(page)[0].choices["account-0"][0]

    for terms in ("00" * 32, "zz", ""):
        answer = await known.submit(page, press="approve", terms=terms, **{"account-0": chosen})
        assert answer.status_code == 422, terms
    nothing = await known.submit(page, press="approve")

    assert nothing.status_code == 422
    assert refused_as(await asking.poll(value)) == (400, "authorization_pending")


async def test_another_customers_request_is_unknown(asking: FAPIClient, known: Person) -> None:
    await asked(asking, known)
    link = await link_of(known)
    other = await a_customer(known.world.pool, known.world.clock, asking.partner)
    async with application(known.world) as browser:
        stranger = Person(known.world, browser, other)
        await stranger.be_logged_in()
        assert (await stranger.get(link)).status_code == 404
        assert (await stranger.get("/my/approvals/unknown")).status_code == 404
        assert MESSAGE not in (await stranger.get("/my/approvals")).text


async def test_whoever_is_not_logged_in_is_asked_to(asking: FAPIClient, known: Person) -> None:
    await asked(asking, known)
    link = await link_of(known)
    async with application(known.world) as browser:
        for address in ("/my/approvals", link):
            answer = await browser.get(address)
            assert answer.status_code == 303
            assert answer.headers["location"] == "/my/approvals/login"
        assert (await browser.get("/my/approvals/login")).status_code == 200


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_the_pages_are_light_strict_and_in_both_languages(
    asking: FAPIClient, known: Person, lang: str
) -> None:
    empty = await known.get(f"/my/approvals?lang={lang}")
    await asked(asking, known, **READ, binding_message="<b>收银台 4 号</b>")
    listed = await known.get(f"/my/approvals?lang={lang}")
    page = await known.get(f"{await link_of(known)}?lang={lang}")

    for each in (empty, listed, page):
        assert each.status_code == 200
        assert len(each.content) < 50_000
        assert "<script" not in each.text and "<b>" not in each.text
        assert "default-src 'none'" in each.headers["content-security-policy"]
        assert f'lang="{lang}"' in each.text or f'lang="{lang}-' in each.text
    async with transaction(known.world.pool) as db:
        kept = await db.fetchval("select count(*) from identity.ciba_requests")
    assert kept >= 1
