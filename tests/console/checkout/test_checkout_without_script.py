"""The hosted checkout in front of a browser without script: pay, go back, click twice, give up."""

import asyncio
import html
import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from httpx import Response
from joserfc import jwt
from joserfc.jwk import KeySet
from tests.console.checkout.shop import BACK, DESK, Shop, path
from tests.console.customer_world import Person, forms_of, links_of
from tests.identity.fapi.rig import ISSUER

from bankside.bank.accounts import freeze
from bankside.console.texts import LANGUAGES, catalogue
from bankside.identity.sessions.rules import FRESH_TTL
from bankside.identity.signing_keys import published_keys
from bankside.kernel.db import transaction

PAGE_BYTES_MAX = 50_000


async def ready(shop: Shop, order: dict[str, Any], *balances: str) -> tuple[Person, Response]:
    """A logged-in customer in front of the order's choice of accounts."""
    person = shop.person(await shop.customer(*(balances or ("100.00",))))
    await person.be_logged_in()
    return person, await person.get(path(order))


def said(page: Response) -> str:
    """What the page says, as text."""
    return html.unescape(re.sub(r"<[^>]+>", " ", page.text))


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_the_first_screen_shows_payee_amount_and_order_before_anybody_logs_in(
    shop: Shop, lang: str
) -> None:
    order = await shop.order()
    browser = shop.browser()

    page = await browser.get(f"{path(order)}?lang={lang}")

    assert page.status_code == 200
    for shown in ("CNY 38.50", order["order_no"], "《银行》两本 & <b>"):
        assert shown in said(page)
    assert {"zh": "海棠小馆", "en": "Begonia Kitchen"}[lang] in said(page)
    assert "2026-03-02 12:00" in said(page)
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert f"{path(order)}/login" in links_of(page)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert len(page.content) < PAGE_BYTES_MAX / 4


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_every_page_of_an_order_is_light_strict_and_without_script(
    shop: Shop, lang: str
) -> None:
    order, late, given_up = [await shop.order(expires_in_seconds=60) for _ in range(3)]
    person, choice = await ready(shop, order)
    tails = ("", "/cancel", "/code")
    pages = [choice, *[await shop.browser().get(f"{path(order)}{each}") for each in tails]]
    await person.submit(choice, "approve", account=person.customer.accounts[0].id)
    await person.submit(await person.get(f"{path(given_up)}/cancel"))
    shop.bank.clock.advance(timedelta(seconds=60))

    for each in (order, given_up, late):
        pages += [await person.get(f"{path(each)}{tail}?lang={lang}") for tail in ("", "/code")]

    for page in pages:
        assert page.status_code == 200, page.url
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.findall(r'<script|style=|(?:src|href|action)="https?:', page.text), page.url
        assert len(page.content) < PAGE_BYTES_MAX / 4


async def test_a_customer_logs_in_chooses_an_account_and_pays(shop: Shop) -> None:
    order = await shop.order()
    person = shop.person(await shop.customer("100.00", "5.00"))
    current, savings, dollars = person.customer.accounts

    first = await person.get(path(order))
    login = next(each for each in links_of(first) if each.endswith("/login"))
    page = await person.log_in(await person.get(login))
    offered = forms_of(page)[0].choices["account"]
    answer = await person.submit(page, "approve", account=current.id)
    paid = await person.get(answer.headers["location"])

    assert page.request.url.path == path(order)
    assert sorted(offered) == sorted([current.id, savings.id])
    assert forms_of(page)[0].preselected == []
    assert dollars.id not in page.text
    assert current.number not in page.text
    assert answer.status_code == 303
    assert "Paid" in said(paid)
    assert f"**** {current.number[-4:]}" in said(paid)
    assert await shop.bank.balance(current) == "61.50"
    assert (await shop.bank.shown("payment.payment-desks.query", path=order["id"]))[
        "status"
    ] == "paid"


async def test_an_only_account_is_chosen_already(shop: Shop) -> None:
    order = await shop.order()
    person = shop.person(await shop.customer("100.00"))
    async with transaction(shop.world.pool) as db:
        await freeze(db, shop.bank.partner, person.customer.accounts[1].id, reason="test")
    await person.be_logged_in()

    page = await person.get(path(order))

    assert forms_of(page)[0].preselected == [person.customer.accounts[0].id]


async def test_twenty_clicks_over_two_processes_pay_once_and_all_see_it_paid(shop: Shop) -> None:
    order = await shop.order()
    person, page = await ready(shop, order, "1000.00")
    form = forms_of(page)[0]
    account = person.customer.accounts[0]
    data = {**form.fields, "account": account.id, "decision": "approve"}
    other = shop.browser(1)
    other.cookies.update(person.browser.cookies)

    answers = await asyncio.gather(
        *((person.browser, other)[n % 2].post(form.action, data=data) for n in range(20))
    )

    assert {each.status_code for each in answers} == {303}
    assert {each.headers["location"] for each in answers} == {path(order)}
    assert await shop.bank.balance(account) == "961.50"


async def test_going_back_and_sending_the_form_again_pays_nothing_more(shop: Shop) -> None:
    order = await shop.order()
    person, page = await ready(shop, order)
    account = person.customer.accounts[0]

    await person.submit(page, "approve", account=account.id)
    again = await person.submit(page, "approve", account=account.id)
    back = await person.get(path(order))
    stale_cancel = await person.get(f"{path(order)}/cancel")

    assert (again.status_code, again.headers["location"]) == (303, path(order))
    assert "Paid" in said(back)
    assert stale_cancel.status_code == 303
    assert await shop.bank.balance(account) == "61.50"


async def test_a_payment_asks_for_a_factor_from_just_now(shop: Shop) -> None:
    order = await shop.order()
    person, page = await ready(shop, order)
    account = person.customer.accounts[0]
    shop.bank.clock.advance(FRESH_TTL)

    late = await person.submit(page, "approve", account=account.id)
    first = await person.get(path(order))
    confirm = next(each for each in links_of(first) if each.endswith("/second-factor"))
    answer = await person.submit(await person.get(confirm), code=person.code())
    fresh = await person.get(answer.headers["location"])

    assert late.status_code == 303
    assert "CNY 38.50" in said(first)
    assert await shop.bank.balance(account) == "100.00"
    await person.submit(fresh, "approve", account=account.id)
    assert await shop.bank.balance(account) == "61.50"


async def test_a_customer_of_another_data_space_is_nobody_here(shop: Shop) -> None:
    order = await shop.order()
    stranger = shop.person(await shop.customer("100.00", partner="prt_elsewhere"))
    await stranger.be_logged_in()
    _, page = await ready(shop, order)

    seen = await stranger.get(path(order))
    form = forms_of(page)[0]
    token = forms_of(await stranger.get(f"{path(order)}/cancel"))[0].fields["token"]
    account = stranger.customer.accounts[0]
    answer = await stranger.browser.post(
        form.action, data={**form.fields, "token": token, "account": account.id}
    )

    assert f"{path(order)}/login" in links_of(seen)
    assert account.id not in seen.text
    assert answer.headers["location"] == path(order)
    assert await shop.bank.balance(account) == "100.00"


async def test_who_did_not_pay_sees_that_it_is_paid_and_not_from_where(shop: Shop) -> None:
    order = await shop.order()
    person, page = await ready(shop, order)
    await person.submit(page, "approve", account=person.customer.accounts[0].id)

    seen = await shop.browser().get(path(order))

    assert "Paid" in said(seen)
    assert person.customer.accounts[0].number[-4:] not in said(seen)


async def test_a_refusal_keeps_the_page_and_the_choice(shop: Shop) -> None:
    order = await shop.order()
    person, page = await ready(shop, order, "38.49", "100.00")
    poor, rich, _ = person.customer.accounts

    refused = await person.submit(page, "approve", account=poor.id)
    unchosen = await person.submit(page, "approve")
    bent = await person.submit(page, "approve", account=rich.id, terms="00")
    foreign = await person.submit(page, "approve", account="acc_of_somebody_else")

    assert refused.status_code == 409
    assert "does not hold enough" in said(refused)
    assert forms_of(refused)[0].preselected == [poor.id]
    assert "Choose the account" in said(unchosen)
    assert "has changed" in said(bent)
    assert "Choose the account" in said(foreign)
    assert await shop.bank.balance(rich) == "100.00"
    await person.submit(refused, "approve", account=rich.id)
    assert await shop.bank.balance(rich) == "61.50"


async def test_a_form_of_another_browser_pays_nothing(shop: Shop) -> None:
    order = await shop.order()
    person, page = await ready(shop, order)
    form = forms_of(page)[0]
    thief = shop.browser()
    data = {**form.fields, "account": person.customer.accounts[0].id}

    assert (await thief.post(form.action, data=data)).status_code == 403
    assert (await thief.post(f"{form.action}/cancel", data=data)).status_code == 403
    assert "Begonia Kitchen" in said(await person.get(path(order)))
    assert await shop.bank.balance(person.customer.accounts[0]) == "100.00"


async def test_the_page_is_open_to_the_last_second_and_over_at_the_next(shop: Shop) -> None:
    order = await shop.order(expires_in_seconds=60)
    person, page = await ready(shop, order)
    shop.bank.clock.advance(timedelta(seconds=59, microseconds=999_999))
    assert "Pay CNY 38.50" in said(await person.get(path(order)))
    shop.bank.clock.advance(timedelta(microseconds=1))

    late = await person.submit(page, "approve", account=person.customer.accounts[0].id)
    seen = await person.get(path(order))

    assert late.status_code == 303
    assert "Too late" in said(seen)
    assert forms_of(seen) == []
    assert await shop.bank.balance(person.customer.accounts[0]) == "100.00"


async def test_not_paying_closes_the_order_after_a_question_and_needs_no_login(shop: Shop) -> None:
    order = await shop.order()
    person = shop.person(await shop.customer())

    asked = await person.get(f"{path(order)}/cancel")
    answer = await person.submit(asked)
    seen = await person.get(answer.headers["location"])

    assert "Do you not want to pay?" in said(asked)
    assert "Closed" in said(seen)
    shown = await shop.bank.shown("payment.payment-desks.query", path=order["id"])
    assert (shown["state"], shown["status"]) == ("expired", "closed")


async def test_the_way_back_is_the_shops_own_address_with_a_signed_answer(shop: Shop) -> None:
    order = await shop.order()
    person, page = await ready(shop, order)
    await person.submit(page, "approve", account=person.customer.accounts[0].id)

    seen = await person.get(path(order))
    link = next(each for each in links_of(seen) if each.endswith("/return"))
    answer = await person.get(link)
    tried = await person.get(f"{link}?return_url=https://evil.example/")

    assert answer.status_code == 303
    address = urlsplit(answer.headers["location"])
    query = dict(parse_qsl(address.query))
    assert f"{address.scheme}://{address.netloc}{address.path}" == BACK.partition("?")[0]
    assert (query["cart"], query["order"], query["order_no"]) == (
        "7",
        order["id"],
        order["order_no"],
    )
    assert urlsplit(tried.headers["location"]).netloc == "shop.example"
    async with transaction(shop.world.pool) as db:
        keys = await published_keys(db, shop.world.clock, shop.world.server.vault)
    claims = claims_of(query["response"], keys)
    assert claims["iss"] == ISSUER
    assert claims["aud"] == shop.bank.caller().app
    assert (claims["order"], claims["status"], claims["amount"]) == (order["id"], "paid", "38.50")


def claims_of(token: str, keys: Any) -> dict[str, Any]:
    """The claims of a JWT under one of these keys, as a shop would check it."""
    decoded = jwt.decode(token, KeySet.import_key_set({"keys": [dict(k) for k in keys]}), ["ES256"])
    return dict(decoded.claims)


async def test_an_order_without_a_way_back_stays_at_its_page(shop: Shop) -> None:
    body = {
        "merchant": shop.merchant,
        "order_no": "P1",
        "amount": {"amount": "1", "currency": "CNY"},
    }
    order = await shop.bank.shown("merchant.collection-codes.create", body)
    person, page = await ready(shop, order)
    await person.submit(page, "approve", account=person.customer.accounts[0].id)

    seen = await person.get(path(order))

    assert not [each for each in links_of(seen) if each.endswith("/return")]
    assert (await person.get(f"{path(order)}/return")).headers["location"] == path(order)


async def test_an_unknown_address_is_a_page_that_says_so(shop: Shop) -> None:
    order = await shop.order()
    browser = shop.browser()

    for wrong in ("x", "A" * 43, path(order)[:4:-1], order["id"], "%00", "é" * 43):
        for tail in ("", "/cancel", "/return", "/code", "/login", "/second-factor"):
            answer = await browser.get(f"/pay/{wrong}{tail}")
            assert answer.status_code == 404, (wrong, tail)
            assert "There is no payment at this address" in said(answer)
        assert (await browser.get(f"/pay/{wrong}/code.svg")).status_code == 404


async def test_a_refunded_order_says_so(shop: Shop) -> None:
    order = await shop.order()
    person, page = await ready(shop, order)
    await person.submit(page, "approve", account=person.customer.accounts[0].id)
    await shop.bank.shown(
        DESK.replace("create", "refunds"),
        {"amount": {"amount": "38.50", "currency": "CNY"}, "reason": "returned"},
        path=order["id"],
    )

    assert "Paid back" in said(await person.get(path(order)))
    assert await shop.bank.balance(person.customer.accounts[0]) == "100.00"


def test_every_text_of_the_checkout_stands_in_both_languages() -> None:
    keys = [
        {key for key in catalogue(lang) if "checkout." in key or "payment_page" in key}
        for lang in LANGUAGES
    ]

    assert keys[0] == keys[1]
    assert len(keys[0]) > 40


async def test_a_payment_whose_outcome_is_not_known_sends_its_payer_to_look(shop: Shop) -> None:
    order = await shop.order()
    person, page = await ready(shop, order)
    account = person.customer.accounts[0]
    await shop.bank.books.close()

    answer = await person.submit(page, "approve", account=account.id)
    look = next(each for each in links_of(answer) if each == path(order))
    there = shop.browser(1)
    there.cookies.update(person.browser.cookies)
    seen = await there.get(look)

    assert answer.status_code == 503
    assert "does not know whether you have paid" in said(answer)
    assert "Nothing was shared" not in said(answer)
    assert "Pay CNY 38.50" in said(seen)
