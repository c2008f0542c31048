"""Every hosted page under axe-core: zh and en, desktop and phone, light and dark, large type.

Rules: WCAG 2.2 A and AA, none switched off; no violation of any weight. At 320 pixels nothing has
to be scrolled sideways, and a page with its style sheets stays under 50 kB (guide: ux.md).
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, Page
from tests.catalog.lifecycle.world import a_new_product
from tests.clients.browser import Watched, chromium
from tests.clients.customer import Customer
from tests.clients.oauth import ACCOUNTS, HERE, Client, Library, payment, registered
from tests.platform import Platform
from tests.sdks.harness import node_folder

pytestmark = [pytest.mark.xdist_group("journeys"), pytest.mark.sdk, pytest.mark.timeout(600)]

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
TOO_WIDE = """[...document.querySelectorAll('body *')]
    .filter(each => each.getBoundingClientRect().right > innerWidth && !each.closest('.scroll'))
    .map(each => each.outerHTML.slice(0, 120)).slice(-4)"""
# A column of words that is squeezed to one or two characters a line cannot be read.
SQUEEZED = """[...document.querySelectorAll('td')]
    .filter(each => each.innerText.length > 12 && each.clientHeight > 2 * each.clientWidth)
    .map(each => each.outerHTML.slice(0, 120))"""
FAULT = "p.fault[role=alert]:not([hidden])"
PAGE_BYTES_MAX = 50_000
# Somebody of whom other journeys ask little: a long list takes axe long.
CUSTOMER = "chen.zhiyuan"
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 320, "height": 640}


@dataclass(frozen=True)
class Look:
    """How a reader sees the pages."""

    lang: str
    viewport: dict[str, int]
    scheme: str
    size: str


LOOKS = (
    Look("zh", DESKTOP, "light", "normal"),
    Look("en", PHONE, "dark", "large"),
    Look("zh", PHONE, "light", "large"),
    Look("en", DESKTOP, "dark", "normal"),
)
# The first two between them have both languages, sizes, colour schemes and type sizes; the pages
# on which a customer decides are seen in all four.
PAIR = 2


@dataclass
class Readers:
    """A window for each look: of a customer who is logged in, and of a stranger."""

    platform: Platform
    client: Client
    browser: Browser
    axe: str
    known: list[Watched]
    strangers: list[Watched]


@pytest.fixture(scope="module")
def readers(
    platform: Platform, library: Library, customer_of: Callable[[str], Customer]
) -> Iterator[Readers]:
    axe = node_folder(HERE / "node") / "node_modules" / "axe-core" / "axe.min.js"
    client = library.client("openid-client", platform.demo["oauth_clients"][0])
    customer = customer_of(CUSTOMER)
    # One consent that stands, one that was taken back, one payment that was refused.
    customer.approve(client.begin(ACCOUNTS), *customer.accounts)
    customer.revoke(client.facts["name"])
    customer.approve(client.begin(ACCOUNTS), *customer.accounts[:2])
    customer.approve(client.begin(payment("7.00"), scope="openid payments"))
    customer.refuse(client.begin(payment("8.00"), scope="openid payments"))
    with chromium() as browser:
        known = windows(browser, platform, customer)
        strangers = windows(browser, platform, None)
        yield Readers(platform, client, browser, axe.read_text("utf-8"), known, strangers)


def windows(browser: Browser, platform: Platform, person: Customer | None) -> list[Watched]:
    """A window for each look, in which the person, if any, is logged in."""
    return [_window(browser, platform, look, person) for look in LOOKS]


def _window(browser: Browser, platform: Platform, look: Look, customer: Customer | None) -> Watched:
    context = browser.new_context(viewport=look.viewport, color_scheme=look.scheme)  # type: ignore[arg-type]
    cookies = {"bankside-lang": look.lang, "bankside-type": look.size}
    if customer is not None:
        cookies |= dict(customer.browser.cookies.items())
    context.add_cookies(
        [{"name": name, "value": value, "url": platform.web} for name, value in cookies.items()]
    )
    return Watched(context, (platform.web,))


def check(
    readers: Readers,
    seen_by: list[Watched],
    path: str | Callable[[], str],
    *,
    status: int | None = 200,
    looks: int = PAIR,
) -> None:
    """The page, seen by the first of the windows, has no fault."""
    for look, window in list(zip(LOOKS, seen_by, strict=True))[:looks]:
        page = window.page
        address = path if isinstance(path, str) else path()
        answer = page.goto(urljoin(readers.platform.web, address))
        assert answer is not None
        assert answer.status == status or (status is None and answer.status < 500), (
            f"{address}: {answer.status}"
        )
        check_open(readers, page, look)
        assert window.foreign == []


def check_open(readers: Readers, page: Page, look: Look) -> None:
    """What a window shows has no violation, and fits."""
    page.evaluate(readers.axe)
    found = page.evaluate("tags => axe.run({runOnly: tags, resultTypes: ['violations']})", TAGS)
    faults = [
        f"{each['impact']}: {each['id']}: {[node['html'][:200] for node in each['nodes'][:3]]}"
        for each in found["violations"]
    ]
    assert found["passes"], "axe looked at nothing"
    assert faults == [], f"{page.url} as {look}"
    assert page.evaluate("document.documentElement.lang").startswith(look.lang)
    if page.evaluate("document.documentElement.scrollWidth") > look.viewport["width"]:
        raise AssertionError(f"{page.url} as {look} is too wide: {page.evaluate(TOO_WIDE)}")
    assert page.evaluate(SQUEEZED) == [], f"{page.url} as {look}"
    size = page.evaluate(
        "performance.getEntries().filter(e => e.decodedBodySize)"
        ".reduce((sum, e) => sum + e.decodedBodySize, 0)"
    )
    assert size < PAGE_BYTES_MAX, f"{page.url} has {size} bytes"


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/shelf?q=collection+code", "/my/login", "/staff/login"),
        *("/solutions", "/solutions/smart-campus", "/solutions/no-such"),
    ],
)
def test_a_page_that_anybody_may_see_has_no_fault(readers: Readers, path: str) -> None:
    check(readers, readers.strangers, path, status=404 if "no-such" in path else 200)


def test_a_product_has_no_fault(readers: Readers) -> None:
    check(readers, readers.strangers, "/products/account.account-balances")


def test_an_address_that_is_not_there_has_no_fault(readers: Readers) -> None:
    check(readers, readers.strangers, "/there-is-nothing", status=404)


def test_a_link_that_cannot_be_used_has_no_fault(readers: Readers) -> None:
    check(readers, readers.strangers, "/oauth/authorize?client_id=x&request_uri=y", status=400)


@pytest.mark.parametrize(
    ("details", "scope"),
    [(ACCOUNTS, "openid accounts"), (payment("1234567.89"), "openid payments")],
    ids=["accounts", "payment"],
)
def test_a_request_before_and_after_login_has_no_fault(
    readers: Readers, details: dict[str, Any], scope: str
) -> None:
    def link() -> str:
        return readers.client.begin(details, scope=scope)

    check(readers, readers.strangers, link)
    check(readers, readers.known, link, looks=len(LOOKS))


def test_a_choice_that_was_forgotten_is_told_without_a_fault(readers: Readers) -> None:
    for look, window in list(zip(LOOKS, readers.known, strict=True))[:PAIR]:
        page = window.page
        page.goto(readers.client.begin(ACCOUNTS, scope="openid accounts"))
        page.locator("button[value=approve]").click()
        page.locator(FAULT).wait_for()
        check_open(readers, page, look)


def test_login_and_second_factor_have_no_fault_before_and_after_a_mistake(
    readers: Readers, platform: Platform
) -> None:
    facts = next(each for each in platform.demo["customers"] if each["login"] == "baihui")
    for look, window in list(zip(LOOKS, readers.strangers, strict=True))[:PAIR]:
        page = window.page
        page.goto(f"{platform.web}/my/login")
        if look is LOOKS[0]:
            page.locator("input[name=login]").fill(facts["login"])
            page.locator("input[name=password]").fill("not the password")
            page.locator("form:has(input[name=password]) button[type=submit]").first.click()
            page.locator(FAULT).wait_for()
            check_open(readers, page, look)
        page.locator("input[name=login]").fill(facts["login"])
        page.locator("input[name=password]").fill(facts["password"])
        page.locator("form:has(input[name=password]) button[type=submit]").first.click()
        page.locator("input[name=code]").wait_for()
        check_open(readers, page, look)


def paths_from(window: Watched, web: str, *starts: str) -> set[str]:
    """The pages of one face that navigation and cards lead to; of many alike the first."""
    page = window.page
    found = {_kind(each): each for each in starts}
    for path in starts:
        page.goto(urljoin(web, path))
        face = "/" + path.split("/")[1]
        links = page.eval_on_selector_all(
            f"a[href^='{face}']", "all => all.map(a => a.pathname + a.search)"
        )
        for each in links:
            if "lang=" not in each and "type=" not in each:
                found.setdefault(_kind(each), each)
    return set(found.values())


def _kind(path: str) -> str:
    """What pages have in common that differ in an id or in what is asked for only."""
    return re.sub(r"/[a-z]+_[0-9a-z]{20,}", "/*", path.partition("?")[0])


def test_every_page_of_the_customer_s_own_has_no_fault(
    readers: Readers, platform: Platform, library: Library, tmp_path: Path
) -> None:
    """What the navigation and the cards lead to, so that a new page is looked at too."""
    starts = ("/my/consents", "/my/consents/ended", "/my/approvals")
    scopes, options = ("openid", "accounts"), ("--backchannel",)
    facts = registered(platform, tmp_path, "https://x.example/", *scopes, options=options)
    elsewhere = library.client("openid-client", facts)
    elsewhere.ask_elsewhere(CUSTOMER, "Table 9", scope="openid accounts", requested_expiry="600")

    found = paths_from(readers.known[0], readers.platform.web, *starts)

    assert found >= {*starts, "/my/security"}
    assert sum(each.endswith("/revoke") for each in found) == 1
    assert any(each.startswith("/my/approvals/") for each in found)
    for path in sorted(found):
        check(readers, readers.known, path)


@pytest.mark.parametrize(
    ("face", "who", "login"),
    [("/staff", "staff", "access.administrator"), ("/partner", "partner_users", "viewer")],
)
def test_every_page_of_staff_and_partner_users_has_no_fault(
    readers: Readers, platform: Platform, face: str, who: str, login: str
) -> None:
    facts = next(each for each in platform.demo[who] if each["login"] == login)
    person = Customer(platform.web, facts)
    person.open(face)
    seen_by = windows(readers.browser, platform, person)
    person.close()

    found = paths_from(seen_by[0], platform.web, face)

    assert {_kind(each) for each in found} >= {
        face,
        *(f"{face}/{name}" for name in ("security", "access", "people")),
    }
    for path in sorted(found):
        check(readers, seen_by, path, status=None)
    for window in seen_by:
        window.context.close()


def test_the_page_where_a_new_person_sets_its_password_has_no_fault(
    readers: Readers, platform: Platform
) -> None:
    told = ("--login", "new.person", "--name", "新人", "--role", "auditor", "--json")
    done = platform.bankside("staff", "create", *told)
    assert done.returncode == 0, done.stderr

    check(readers, readers.strangers, json.loads(done.stdout)["link"])


@pytest.fixture(scope="module")
def in_review(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A product version that waits for its reviewers; no call ever meets it."""
    what = a_new_product("page-transfers")
    file = tmp_path_factory.mktemp("products") / "definition.yaml"
    file.write_text(json.dumps(what), encoding="utf-8")
    by = ("--by", "product.manager")
    for said in (("draft", str(file)), ("move", what["id"], "--to", "review")):
        done = platform.bankside("product", *said, *by)
        assert done.returncode == 0, done.stderr
    return str(what["id"])


def test_the_product_studio_has_no_fault_before_and_after_a_refused_move(
    readers: Readers, platform: Platform, in_review: str
) -> None:
    facts = next(each for each in platform.demo["staff"] if each["login"] == "approver")
    person = Customer(platform.web, facts)
    person.open("/staff/products")
    seen_by = windows(readers.browser, platform, person)
    person.close()
    tails = ("", "?state=offline", "/merchant.scan-payments", f"/{in_review}")

    for tail in tails:
        check(readers, seen_by, f"/staff/products{tail}")
    check(readers, seen_by, "/staff/products/no.such", status=404)
    for look, window in list(zip(LOOKS, seen_by, strict=True))[:PAIR]:
        page = window.page
        page.goto(f"{platform.web}/staff/products/{in_review}")
        form = page.locator("form:has(input[name=to][value=sandbox])")
        form.locator("input[name=reason]").fill("nothing was ticked")
        form.locator("button[type=submit]").click()
        page.locator(FAULT).wait_for()
        check_open(readers, page, look)
    # The card of what is tried: who tries it, what was proven, what is still to be vouched for.
    into_the_sandbox(platform, in_review)
    check(readers, seen_by, f"/staff/products/{in_review}")
    check(readers, seen_by, "/staff/products?state=sandbox")
    for window in seen_by:
        window.context.close()


def into_the_sandbox(platform: Platform, product: str) -> None:
    """Two people who did not write it agree that sandbox apps may call it."""
    told = ("--login", "page.approver", "--role", "approver", "--json")
    done = platform.bankside("staff", "create", *told)
    assert done.returncode == 0, done.stderr
    definition = a_new_product("page-transfers")
    read = ("--confirm", definition["risk_tier"], "--confirm", definition["data_class"])
    for by in ("approver", "page.approver"):
        done = platform.bankside("product", "move", product, "--to", "sandbox", "--by", by, *read)
        assert done.returncode == 0, done.stderr
