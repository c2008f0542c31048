"""Forms of the unmodified SDKs, sent by a real browser: page, payment, way back, callback.

The shop's site serves what the SDK wrote; Chromium posts or opens it as a payer's would; the page
is paid by a customer of the demo; the shop's own SDK believes what comes back with the browser and
what is posted to it.
"""

import html
import json
import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.clients.browser import ANSWER_MS, chromium
from tests.clients.customer import next_code
from tests.platform import Platform
from tests.sdks.conftest import Client, Demo
from tests.sdks.sdks import CommunityPython, Npm, OfficialPython, Sdk

pytestmark = [pytest.mark.sdk, pytest.mark.xdist_group("sdks"), pytest.mark.timeout(600)]

UI = "/ui/payment/payment-desks/create/V1"
# What stands in the hidden inputs of the bank's own form; all else is in the query.
HIDDEN = ("biz_content", "ca", "app_auth_token", "return_url", "notify_url")
ARRIVAL_SECONDS = 60
Form = dict[str, str]
# (SDK, method, how it is opened)
PAGES = [
    (OfficialPython, "alipay.trade.page.pay", "POST"),
    (OfficialPython, "alipay.trade.wap.pay", "GET"),
    (OfficialPython, "alipay.trade.app.pay", "order"),
    (CommunityPython, "alipay.trade.page.pay", "GET"),
    (CommunityPython, "alipay.trade.app.pay", "order"),
    (Npm, "alipay.trade.page.pay", "POST"),
    (Npm, "alipay.trade.wap.pay", "GET"),
    (Npm, "alipay.trade.app.pay", "order"),
]
NAMES = [f"{kind.name} {method} {verb}" for kind, method, verb in PAGES]


class Shop:
    """A shop's site: its page ``/form`` is what an SDK wrote; payers come back to ``/back``."""

    def __init__(self) -> None:
        self.form = ""
        self.elsewhere = ""
        self.told: Queue[tuple[str, Form]] = Queue()
        self.answer: Callable[[Form], str] = lambda _: "success"
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = shop.form if self.path == "/form" else "<title>shop</title><p>Thank you."
                self._say(page, "text/html;charset=utf-8")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                form = dict(parse_qsl(body.decode("ascii"), strict_parsing=True))
                self._say(shop.answer(form), "text/plain")
                shop.told.put((self.path.partition("?")[0], form))

            def _say(self, text: str, kind: str) -> None:
                answer = text.encode()
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def addresses(self) -> Form:
        """What the shop names in its requests; the way back has a parameter of its own."""
        back = self.elsewhere or f"{self.url}/back?cart=7"
        return {"return_url": back, "notify_url": f"{self.url}/told"}


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    yield made
    made.server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def payer(browser: Browser) -> Iterator[BrowserContext]:
    """The window of one customer, who logs in at the first page that asks for it."""
    context = browser.new_context(locale="en-GB")
    context.set_default_timeout(ANSWER_MS)
    yield context
    context.close()


@pytest.fixture
def page(payer: BrowserContext) -> Iterator[Page]:
    made = payer.new_page()
    yield made
    made.close()


def pay(page: Page, platform: Platform) -> None:
    """Pay what the page shows, proving whatever it asks for."""
    facts = next(each for each in platform.demo["customers"] if each["login"] == "lin.xiaoyu")
    asks = page.locator("a.button:not(.other)[href*='/pay/']")
    if asks.count():
        asks.click()
        if page.locator("input[name=password]").count():
            page.locator("input[name=login]").fill(facts["login"])
            page.locator("input[name=password]").fill(facts["password"])
            page.locator("form.fields button[type=submit]").click()
        page.locator("input[name=code]").fill(next_code(facts["totp_secret"]))
        page.locator("form.fields button[type=submit]").click()
    page.locator("label.choice").first.click()
    page.locator("button[value=approve]").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Paid", timeout=ANSWER_MS)


def opened(page: Page, sdk: Sdk, shop: Shop, verb: str, text: str) -> None:
    """Open what the SDK wrote as a payer's browser does."""
    gateway = f"{sdk.setup.gateway}/gateway.do"
    if verb == "POST":
        shop.form = text
        page.goto(f"{shop.url}/form")
    else:
        page.goto(text if text.startswith("http") else f"{gateway}?{text}")
    page.wait_for_url("**/pay/*")


def trade(number: str) -> dict[str, Any]:
    return {
        "out_trade_no": number,
        "total_amount": "12.30",
        "subject": '书 & 100% "quoted"',
        "product_code": "FAST_INSTANT_TRADE_PAY",
    }


def written(sdk: Sdk, method: str, verb: str, number: str, shop: Shop) -> str:
    """The form, address or order string as the SDK writes it."""
    common = shop.addresses
    if isinstance(sdk, Npm):
        common = {"returnUrl": common["return_url"], "notifyUrl": common["notify_url"]}
    do, more = ("order", {}) if verb == "order" else ("page", {"verb": verb})
    asked = {"method": method, "content": trade(number), "common": common}
    return str(sdk.driver.ask(do, **asked, **more))


def came_back(page: Page, shop: Shop) -> Form:
    """What stands in the address at which the browser comes back to the shop."""
    page.get_by_role("link", name=re.compile("^Back to ")).click()
    page.wait_for_url(f"{shop.url}/back?*")
    return dict(parse_qsl(page.url.partition("?")[2], keep_blank_values=True))


@pytest.mark.parametrize("case", PAGES, ids=NAMES)
def test_a_form_of_the_sdk_is_paid_and_the_sdk_believes_both_ways_back(
    case: tuple[type[Sdk], str, str],
    client_of: Callable[[type[Sdk]], Client],
    platform: Platform,
    page: Page,
    shop: Shop,
    number: str,
) -> None:
    kind, method, verb = case
    sdk = client_of(kind).sdk
    # One SDK has no check of callbacks: a partner that uses it checks with another.
    checking = client_of(CommunityPython).sdk if kind is OfficialPython else sdk

    opened(page, sdk, shop, verb, written(sdk, method, verb, number, shop))
    first = page.inner_text("main")
    pay(page, platform)
    back = came_back(page, shop)
    _, told = shop.told.get(timeout=ARRIVAL_SECONDS)

    assert "CNY 12.30" in first
    assert number in first
    assert checking.believes(back)
    assert not checking.believes(back | {"total_amount": "1.23"})
    assert not checking.believes(back | {"cart": "8"})
    assert checking.believes(told)
    assert (back["out_trade_no"], back["total_amount"], back["cart"]) == (number, "12.30", "7")
    assert back["method"] == f"{method}.return"
    assert back["trade_no"] == told["trade_no"]
    assert (told["trade_status"], back["trade_status"]) == ("TRADE_SUCCESS", "TRADE_SUCCESS")
    found = sdk.call("alipay.trade.query", {"out_trade_no": number})
    assert found["trade_status"] == "TRADE_SUCCESS"


@pytest.mark.parametrize("kind", [OfficialPython, Npm], ids=lambda kind: kind.name)
def test_a_bent_form_shows_a_page_with_the_code_and_nothing_is_ordered(
    kind: type[Sdk],
    client_of: Callable[[type[Sdk]], Client],
    page: Page,
    shop: Shop,
    number: str,
) -> None:
    sdk = client_of(kind).sdk
    text = written(sdk, "alipay.trade.page.pay", "POST", number, shop)
    assert "12.30" in text

    shop.form = text.replace("12.30", "0.01")
    page.goto(f"{shop.url}/form")
    page.wait_for_url("**/gateway.do*")

    assert "isv.invalid-signature" in page.inner_text("main")
    found = sdk.call("alipay.trade.query", {"out_trade_no": number})
    assert found["sub_code"] == "ACQ.TRADE_NOT_EXIST"


@pytest.mark.parametrize("kind", [OfficialPython, Npm], ids=lambda kind: kind.name)
def test_a_way_back_that_is_not_registered_is_a_page_with_the_code_and_nothing_is_ordered(
    kind: type[Sdk],
    client_of: Callable[[type[Sdk]], Client],
    page: Page,
    shop: Shop,
    number: str,
) -> None:
    sdk = client_of(kind).sdk
    shop.elsewhere = "https://elsewhere.example/back"

    shop.form = written(sdk, "alipay.trade.page.pay", "POST", number, shop)
    page.goto(f"{shop.url}/form")
    page.wait_for_url("**/gateway.do*")

    assert "invalid-parameter" in page.inner_text("main").lower().replace("_", "-")
    found = sdk.call("alipay.trade.query", {"out_trade_no": number})
    assert found["sub_code"] == "ACQ.TRADE_NOT_EXIST"


def test_a_form_that_is_opened_twice_leads_to_the_same_page_and_is_paid_once(
    client_of: Callable[[type[Sdk]], Client],
    demo: Demo,
    platform: Platform,
    page: Page,
    shop: Shop,
    number: str,
) -> None:
    sdk = client_of(Npm).sdk
    address = written(sdk, "alipay.trade.page.pay", "GET", number, shop)
    before = demo.balance()

    opened(page, sdk, shop, "GET", address)
    first = page.url
    pay(page, platform)
    opened(page, sdk, shop, "GET", address)

    assert page.url == first
    expect(page.get_by_role("heading", level=1)).to_have_text("Paid", timeout=ANSWER_MS)
    assert str(before - demo.balance()) == "12.30"


def icbc_form(form: Form, action: str) -> str:
    """The form as the bank's Java SDK writes it, a parameter in the query or a hidden input."""
    query = urlencode({name: each for name, each in form.items() if name not in HIDDEN})
    inputs = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(form.get(name, ""))}">\n'
        for name in HIDDEN
    )
    return (
        '<form name="auto_submit_form" method="post" action="'
        f'{html.escape(f"{action}?{query}")}">\n{inputs}'
        '<input type="submit" value="pay" style="display:none"></form>'
        "<script>document.forms[0].submit();</script>"
    )


@pytest.mark.parametrize("aes", [False, True], ids=["plain", "aes"])
def test_a_form_of_the_banks_own_rule_is_paid_and_believed(
    demo: Demo, platform: Platform, page: Page, shop: Shop, number: str, aes: bool
) -> None:
    client = demo.icbc(aes=aes)

    def content(form: Form) -> Any:
        return client.content(form["biz_content"])

    shop.answer = lambda form: client.callback_answer(content(form)["msg_id"])
    order = {
        "merchant": demo.merchant["id"],
        "order_no": number,
        "amount": {"amount": "12.30", "currency": "CNY"},
        "subject": '书 "100%" <b>',
    }
    form = client.signed(UI, client.parameters(order, **shop.addresses))

    shop.form = icbc_form(form, f"{demo.edge}{UI}")
    page.goto(f"{shop.url}/form")
    page.wait_for_url("**/pay/*")
    pay(page, platform)
    back = came_back(page, shop)
    path, told = shop.told.get(timeout=ARRIVAL_SECONDS)

    assert client.believes("/back", back)
    assert not client.believes("/back", back | {"cart": "8"})
    assert client.believes(path, told)
    said = json.loads(back["biz_content"])
    assert (said["order_no"], said["status"]) == (number, "paid")
    assert said["amount"] == {"amount": "12.30", "currency": "CNY"}
    assert content(told)["event"] == "order.paid"
    other = client.signed(UI, client.parameters(order, **shop.addresses))
    shop.form = icbc_form(other | {"biz_content": other["biz_content"] + " "}, f"{demo.edge}{UI}")
    page.goto(f"{shop.url}/form")
    page.wait_for_url(f"{demo.edge}/ui/**")
    assert "400017" in page.inner_text("main")
