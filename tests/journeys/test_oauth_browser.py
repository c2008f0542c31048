"""A consent and a payment approved in a real Chromium, with and without script, by keyboard too.

Chromium enforces what no hand-made browser does: the content security policy, cookies' SameSite
rule, and that a form's redirect may leave for the client's origin.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.clients.browser import Watched, chromium, client_site
from tests.clients.customer import next_code
from tests.clients.oauth import ACCOUNTS, Client, Library, payment, registered
from tests.platform import Platform

pytestmark = [pytest.mark.xdist_group("journeys"), pytest.mark.sdk, pytest.mark.timeout(600)]

TABS_MAX = 40


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def client(
    platform: Platform, library: Library, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    """A client with a web site of its own, to which the browser can really come back."""
    with client_site() as site:
        facts = registered(
            platform,
            tmp_path_factory.mktemp("client"),
            f"{site}/callback",
            *("openid", "accounts", "payments"),
        )
        yield library.client("openid-client", facts)


@pytest.fixture(params=[True, False], ids=["script", "no-script"])
def window(
    request: pytest.FixtureRequest, browser: Browser, platform: Platform, client: Client
) -> Iterator[Watched]:
    context = browser.new_context(java_script_enabled=request.param, locale="en-GB")
    window = watched(context, platform, client)
    yield window
    context.close()
    assert window.foreign == []
    assert window.complaints == []


def watched(context: BrowserContext, platform: Platform, client: Client) -> Watched:
    site = client.facts["redirect_uris"][0].removesuffix("/callback")
    return Watched(context, (platform.web, site))


def customer(platform: Platform, login: str) -> dict[str, str]:
    return next(each for each in platform.demo["customers"] if each["login"] == login)


def log_in(page: Page, facts: dict[str, str]) -> None:
    """Through login and second factor, as the pages lead."""
    page.locator("a.button[href$='/login']").click()
    page.locator("input[name=login]").fill(facts["login"])
    page.locator("input[name=password]").fill(facts["password"])
    page.locator("form:has(input[name=password]) button[type=submit]").first.click()
    page.locator("input[name=code]").fill(next_code(facts["totp_secret"]))
    page.locator("form:has(input[name=code]) button[type=submit]").first.click()


def arrived(page: Page, client: Client) -> str:
    """The address at the client, once the browser is there."""
    page.wait_for_url(lambda url: url.startswith(client.facts["redirect_uris"][0]))
    return page.url


def test_a_customer_gives_refuses_and_sees_consents_in_a_real_browser(
    window: Watched, client: Client, platform: Platform, request: pytest.FixtureRequest
) -> None:
    with_script = "no-script" not in request.node.name
    facts = customer(platform, "begonia" if with_script else "old.street")
    page = window.context.new_page()

    page.goto(client.begin(ACCOUNTS, scope="openid accounts"))
    expect(page.locator("body")).to_contain_text("每月账本 monthly budget")
    log_in(page, facts)
    page.locator("input[type=checkbox]").first.check()
    page.locator("button[value=approve]").click()
    tokens = client.finish(arrived(page, client))
    page.goto(client.begin(payment("12.50"), scope="openid payments"))
    expect(page.locator("body")).to_contain_text("CNY 12.50")
    page.locator("button[value=refuse]").click()
    refused = arrived(page, client)
    page.goto(f"{platform.web}/my/consents")

    assert tokens["claims"]["sub"] == facts["id"]
    assert "error=access_denied" in refused
    expect(page.locator("main")).to_contain_text(client.facts["name"])
    page.get_by_role("link", name="Take back").or_(page.locator("a[href$='/revoke']")).first.click()
    page.locator("main form button[type=submit]").click()
    expect(page.locator("[role=status]")).to_contain_text(client.facts["name"])
    assert client.introspect(tokens["access_token"]) == {"active": False}


def test_a_payment_is_approved_by_keyboard_alone(
    browser: Browser, client: Client, platform: Platform
) -> None:
    context = browser.new_context(locale="zh-CN")
    window = watched(context, platform, client)
    facts = customer(platform, "kuaican")
    page = context.new_page()
    page.goto(client.begin(payment("3.20"), scope="openid payments"))

    press(page, "a.button[href$='/login']")
    type_into(page, "input[name=login]", facts["login"])
    type_into(page, "input[name=password]", facts["password"], enter=True)
    type_into(page, "input[name=code]", next_code(facts["totp_secret"]), enter=True)
    reach(page, "input[type=radio]")
    page.keyboard.press("Space")
    press(page, "button[value=approve]")
    tokens = client.finish(arrived(page, client))

    assert tokens["authorization_details"][0]["instructedAmount"]["amount"] == "3.20"
    assert (window.foreign, window.complaints) == ([], [])
    context.close()


def reach(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus, and see that the focus shows."""
    page.locator(selector).first.wait_for()
    for _ in range(TABS_MAX):
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            shown = page.evaluate(
                "() => { const s = getComputedStyle(document.activeElement);"
                " return s.outlineStyle !== 'none' || s.boxShadow !== 'none' }"
            )
            assert shown, f"{selector} has the focus and nothing shows it"
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached with the Tab key on {page.url}")


def press(page: Page, selector: str) -> None:
    reach(page, selector)
    page.keyboard.press("Enter")


def type_into(page: Page, selector: str, text: str, *, enter: bool = False) -> None:
    reach(page, selector)
    page.keyboard.type(text)
    if enter:
        page.keyboard.press("Enter")
