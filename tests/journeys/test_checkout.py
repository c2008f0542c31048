"""J15 in a real Chromium: pay, double click, back button, give up, a scanned code; J16 and axe.

Over two web processes; with and without script; zh and en, desktop and phone, light and dark, large
type; by keyboard alone. What is paid is looked at in the payer's account, through the edge.
"""

import asyncio
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from playwright.sync_api import Browser, Page, expect
from tests.clients.browser import ANSWER_MS, Watched, chromium, client_site
from tests.clients.customer import Customer, next_code
from tests.clients.forms import forms_of
from tests.clients.oauth import HERE
from tests.journeys.test_pages_accessible import (
    LOOKS,
    Readers,
    check,
    check_open,
    windows,
)
from tests.platform import SHIPPED_SECONDS, Platform
from tests.sdks.harness import node_folder

from bankside.kernel.db import Pool
from bankside.kernel.metering import CallRecord, recent_calls

pytestmark = [pytest.mark.xdist_group("journeys"), pytest.mark.sdk, pytest.mark.timeout(600)]

# Somebody whose money no other journey counts.
PAYER = "chen.zhiyuan"
TABS_MAX = 40
EXPIRY_LOOKS_MAX = 120
Order = dict[str, Any]


def ordered(
    platform: Platform, *, path: str = "/v1/payment-desks", amount: str = "1.20", **more: Any
) -> Order:
    """A new unpaid order of the demo partner's own merchant."""
    merchant = next(each for each in platform.demo["merchants"] if not each.get("tenant"))
    body = {
        "merchant": merchant["id"],
        "order_no": "J15-" + uuid.uuid4().hex[:16],
        "amount": {"amount": amount, "currency": "CNY"},
        "subject": "两荤一素 & <b>",
    }
    return called(platform, "POST", path, body | more)


def called(platform: Platform, method: str, path: str, body: Any = None) -> Order:
    said = ("--json", json.dumps(body)) if body is not None else ()
    done = platform.bankside("call", method, path, *said)
    found: Order = json.loads(done.stdout)
    return found


def status(platform: Platform, order: Order) -> str:
    return str(called(platform, "GET", f"/v1/payment-desks/{order['id']}")["status"])


def money(platform: Platform) -> Decimal:
    """What the payer's first account holds."""
    account = payer(platform)["accounts"][0]["id"]
    shown = called(platform, "GET", f"/v1/account-balances/{account}")
    return Decimal(shown["available"]["amount"])


def payer(platform: Platform) -> dict[str, Any]:
    found: dict[str, Any] = next(c for c in platform.demo["customers"] if c["login"] == PAYER)
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    """The origin of the shop's site, to which payers come back."""
    with client_site() as site:
        yield site


@pytest.fixture(params=[True, False], ids=["script", "no-script"])
def window(
    request: pytest.FixtureRequest, browser: Browser, platform: Platform, shop: str
) -> Iterator[Watched]:
    context = browser.new_context(java_script_enabled=request.param, locale="en-GB")
    made = Watched(context, (platform.web, shop))
    yield made
    context.close()
    assert made.foreign == []
    assert made.complaints == []


def log_in(page: Page, platform: Platform) -> None:
    """From the first screen through login and second factor, as the pages lead."""
    facts = payer(platform)
    page.locator("a.button[href$='/login']").click()
    page.locator("input[name=login]").fill(facts["login"])
    page.locator("input[name=password]").fill(facts["password"])
    page.locator("form.fields button[type=submit]").click()
    page.locator("input[name=code]").fill(next_code(facts["totp_secret"]))
    page.locator("form.fields button[type=submit]").click()
    page.locator("button[value=approve]").wait_for()


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text, timeout=ANSWER_MS)


def test_a_customer_pays_clicks_twice_goes_back_and_pays_once(
    window: Watched, platform: Platform, shop: str
) -> None:
    order, page = ordered(platform, return_url=f"{shop}/back?cart=7"), window.page
    before = money(platform)

    page.goto(order["pay_url"])
    first = page.inner_text("main")
    log_in(page, platform)
    page.locator("label.choice").first.click()
    page.locator("button[value=approve]").dblclick()
    heading(page, "Paid")
    page.go_back()
    page.goto(order["pay_url"])
    heading(page, "Paid")
    page.get_by_role("link", name=re.compile("^Back to ")).click()
    page.wait_for_url(f"{shop}/back?*")

    assert all(each in first for each in ("CNY 1.20", order["order_no"], "Kuaican", "<b>"))
    assert before - money(platform) == Decimal("1.20")
    query = dict(parse_qsl(page.url.partition("?")[2]))
    claims = proven(platform, query["response"])
    assert (query["cart"], claims["order"], claims["status"]) == ("7", order["id"], "paid")
    assert status(platform, order) == "paid"
    (record,) = paid_at_pages(platform, order)
    assert (record.wire, record.outcome, record.app) == (
        "page",
        "ok",
        platform.demo["apps"][0]["app_id"],
    )


def paid_at_pages(platform: Platform, order: Order) -> list[CallRecord]:
    """The call records of successful payments of an order at its page, once they are shipped."""

    async def recorded(pool: Pool) -> list[CallRecord]:
        async with pool.acquire() as db:
            operation = "payment.payment-desks.page-payments"
            found = await recent_calls(db, operation=operation, outcome="ok", limit=200)
        return [each for each in found if each.order == order["id"]]

    deadline = time.monotonic() + SHIPPED_SECONDS
    # The browser's own loop runs in this thread.
    with ThreadPoolExecutor(1) as thread:
        while not (
            found := thread.submit(lambda: asyncio.run(platform.in_database(recorded))).result()
        ):
            assert time.monotonic() < deadline, f"no record of {order['id']}\n{platform.logs()}"
            time.sleep(0.2)
    return found


def test_payers_are_sent_only_to_addresses_that_are_registered_for_the_app(
    platform: Platform,
) -> None:
    app = platform.demo["apps"][0]
    whose = ("--partner", app["partner"], "--app", app["app_id"])
    new = "https://new-shop.example/thanks"

    def said(command: str, *more: str) -> Any:
        done = platform.bankside("return-address", command, *more, *whose, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["return_addresses"]

    refused = ordered(platform, return_url=new)
    known = said("list")
    after = said("add", new)
    taken = ordered(platform, return_url=f"{new}?cart=7")
    beside = ordered(platform, return_url=f"{new}-and-more")
    wrong = platform.bankside("return-address", "add", "http://shop.example/", *whose)
    before = said("remove", new)
    again = ordered(platform, return_url=new)

    code = "payment_page.return_address_not_registered"
    assert [each["code"] for each in (refused, beside, again)] == [code] * 3
    assert taken["pay_url"]
    assert known == before == sorted(app["return_addresses"])
    assert after == sorted([*known, new])
    assert wrong.returncode != 0
    assert b"app.return_address_invalid" in wrong.stderr


def proven(platform: Platform, token: str) -> dict[str, Any]:
    """The claims of the signed way back, checked with the keys that the bank publishes."""
    keys = KeySet.import_key_set(json.loads(platform.get(f"{platform.web}/oauth/jwks")[1]))
    return dict(jwt.decode(token, keys, ["ES256"]).claims)


def test_who_does_not_want_to_pay_closes_the_order(window: Watched, platform: Platform) -> None:
    order, page = ordered(platform), window.page

    page.goto(order["pay_url"])
    page.get_by_role("link", name="Do not pay").click()
    heading(page, "Do you not want to pay?")
    page.get_by_role("button", name="Close the order").click()

    heading(page, "Closed")
    assert status(platform, order) == "closed"


def test_a_scanned_code_is_paid_on_a_phone_and_the_shops_screen_says_so(
    browser: Browser, platform: Platform, shop: str
) -> None:
    order = ordered(platform, path="/v1/collection-codes")
    screen = Watched(browser.new_context(java_script_enabled=False), (platform.web,))
    phone = Watched(
        browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB"),
        (platform.web,),
    )

    screen.page.goto(order["code_url"])
    expect(screen.page.locator("img.code")).to_be_visible()
    assert screen.page.evaluate("document.querySelector('img.code').naturalWidth") > 0
    phone.page.goto(order["qr_code"])
    log_in(phone.page, platform)
    phone.page.locator("label.choice").first.click()
    phone.page.locator("button[value=approve]").click()
    heading(phone.page, "Paid")

    # Nobody touches the shop's screen: it looks again by itself.
    told = screen.page.get_by_role("status")
    expect(told).to_have_text("This order is paid.", timeout=ANSWER_MS)
    expect(screen.page.locator("img.code")).to_have_count(0)
    assert (screen.foreign, phone.foreign) == ([], [])
    for each in (screen, phone):
        each.context.close()


def test_twenty_posts_at_once_to_two_web_processes_pay_once(
    platform: Platform, customer_of: Callable[[str], Customer]
) -> None:
    order, customer = ordered(platform), customer_of(PAYER)
    page = customer.open("/my/consents")
    page = _proven_again(customer, order)
    form = next(each for each in forms_of(page.text) if "approve" in each.buttons)
    data = {**form.fields, "account": form.choices["account"][0], "decision": "approve"}
    before = money(platform)

    def click(_: int) -> httpx.Response:
        address = f"{platform.web}{form.action}"
        return httpx.post(address, data=data, cookies=customer.browser.cookies, timeout=60)

    with ThreadPoolExecutor(20) as browsers:
        answers = list(browsers.map(click, range(20)))

    assert {each.status_code for each in answers} == {303}
    assert before - money(platform) == Decimal("1.20")


def _proven_again(customer: Customer, order: Order) -> httpx.Response:
    """The order's page with the choice of accounts, after whatever proof it asks for."""
    page = customer.open(order["pay_url"])
    if not any("approve" in form.buttons for form in forms_of(page.text)):
        path = httpx.URL(order["pay_url"]).path
        customer.open(f"{path}/second-factor")
        page = customer.open(order["pay_url"])
    return page


def test_an_order_is_nobody_elses(platform: Platform) -> None:
    order = ordered(platform)
    stranger = Customer(
        platform.web,
        next(c for c in platform.demo["customers"] if c["partner"] != payer(platform)["partner"]),
    )

    page = stranger.open("/my/consents")
    seen = stranger.open(order["pay_url"])

    assert page.status_code == 200
    assert f"{httpx.URL(order['pay_url']).path}/login" in seen.text
    assert not any("approve" in form.buttons for form in forms_of(seen.text))
    assert platform.get(f"{order['pay_url'][:-1]}_")[0] == 404
    stranger.close()


def test_the_checkout_is_paid_by_keyboard_alone(
    browser: Browser, platform: Platform, shop: str
) -> None:
    order = ordered(platform, return_url=f"{shop}/back")
    facts = payer(platform)
    context = browser.new_context(locale="en-GB")
    page = Watched(context, (platform.web, shop)).page

    page.goto(order["pay_url"])
    press(page, "Log in to pay")
    page.locator("input[name=login]").wait_for()
    page.keyboard.type(facts["login"])
    page.keyboard.press("Tab")
    page.keyboard.type(facts["password"])
    page.keyboard.press("Enter")
    page.locator("input[name=code]").wait_for()
    page.keyboard.type(next_code(facts["totp_secret"]))
    page.keyboard.press("Enter")
    page.locator("button[value=approve]").wait_for()
    reach(page, "document.activeElement.name === 'account'")
    page.keyboard.press("Space")
    press(page, "Pay CNY 1.20")
    heading(page, "Paid")
    press(page, "Back to Kuaican")
    page.wait_for_url(f"{shop}/back?*")

    assert status(platform, order) == "paid"
    context.close()


def reach(page: Page, found: str) -> None:
    """Press Tab until this is true."""
    for _ in range(TABS_MAX):
        if page.evaluate(found):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{found} is not reached by keyboard")


def press(page: Page, text: str) -> None:
    """Reach the link or button with this text, see the focus on it, and press it."""
    reach(page, f"document.activeElement.innerText === {json.dumps(text)}")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keyboard.press("Enter")


@pytest.fixture(scope="module")
def short_lived(platform: Platform) -> Order:
    """An order that can be paid for as short a time as the bank allows."""
    return ordered(platform, expires_in_seconds=60)


@pytest.fixture(scope="module")
def readers(
    browser: Browser,
    platform: Platform,
    customer_of: Callable[[str], Customer],
    short_lived: Order,
) -> Iterator[Readers]:
    """Windows in every look; in some of them the payer is logged in, with a proof from just now."""
    axe = node_folder(HERE / "node") / "node_modules" / "axe-core" / "axe.min.js"
    customer = customer_of(PAYER)
    customer.open("/my/consents")
    _proven_again(customer, ordered(platform))
    known = windows(browser, platform, customer)
    strangers = windows(browser, platform, None)
    # The client is of no use here: nobody asks for access.
    yield Readers(platform, None, browser, axe.read_text("utf-8"), known, strangers)  # type: ignore[arg-type]
    for each in (*known, *strangers):
        each.context.close()


@pytest.mark.parametrize("tail", ["", "/cancel", "/code", "/login"])
def test_an_unpaid_order_has_no_fault_in_any_look(
    readers: Readers, platform: Platform, tail: str
) -> None:
    order = ordered(platform, amount="1234567.89")

    check(readers, readers.strangers, f"{order['pay_url']}{tail}", looks=len(LOOKS))


def test_choice_fault_and_outcome_have_no_fault_in_any_look(
    readers: Readers, platform: Platform
) -> None:
    for look, window in zip(LOOKS, readers.known, strict=True):
        # Above the limit of one payment: the page says so and stays.
        order, page = ordered(platform, amount="50000.01"), window.page
        page.goto(order["pay_url"])
        page.locator("label.choice").first.click()
        check_open(readers, page, look)
        page.locator("button[value=approve]").click()
        page.locator("p.fault[role=alert]").wait_for()
        check_open(readers, page, look)
        order = ordered(platform, return_url="https://shop.example/back")
        page.goto(order["pay_url"])
        page.locator("label.choice").first.click()
        page.locator("button[value=approve]").click()
        page.locator("p.told").wait_for()
        check_open(readers, page, look)
        page.goto(order["code_url"] or f"{order['pay_url']}/code")
        check_open(readers, page, look)


def test_an_address_of_no_order_has_no_fault(readers: Readers) -> None:
    check(readers, readers.strangers, "/pay/" + "A" * 43, status=404, looks=len(LOOKS))


def test_an_order_that_was_closed_has_no_fault_in_any_look(
    readers: Readers, platform: Platform
) -> None:
    order = ordered(platform, return_url="https://shop.example/back")
    page = readers.strangers[0].page
    page.goto(f"{order['pay_url']}/cancel")
    page.locator("form button[type=submit]").click()
    page.wait_for_url(order["pay_url"])

    for tail in ("", "/code"):
        check(readers, readers.strangers, f"{order['pay_url']}{tail}", looks=len(LOOKS))


def test_an_order_whose_time_is_over_has_no_fault_in_any_look(
    readers: Readers, short_lived: Order
) -> None:
    page = readers.strangers[0].page
    page.goto(short_lived["pay_url"])
    # It was made before the tests above, so that this waits for little.
    for _ in range(EXPIRY_LOOKS_MAX):
        if not page.locator("a.button[href$='/login']").count():
            break
        page.wait_for_timeout(1_000)
        page.reload()

    for tail in ("", "/code"):
        check(readers, readers.strangers, f"{short_lived['pay_url']}{tail}", looks=len(LOOKS))
    assert "code.svg" not in page.content()
