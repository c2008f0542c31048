"""The pages: both languages, honest states, no script, nothing from outside, light."""

import re
from collections.abc import AsyncIterator

import pytest
from httpx import ASGITransport, AsyncClient

from bankside import catalog
from bankside.console import Site, build
from bankside.console.texts import LANGUAGES, catalogue, choose
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool
from bankside.orders import Orders

PAGES = (
    "/",
    "/shelf?q=transfer",
    "/shelf?q=nothing-like-this",
    "/shelf/merchant",
    "/products/merchant.scan-payments",
    "/solutions",
    *(f"/solutions/{each}" for each in sorted(catalog.load().solutions)),
)
NOT_BUILT = "engage.greetings"
# A hosted page with its style sheets stays below this, for old phones and thin lines.
PAGE_BYTES_MAX = 50_000


@pytest.fixture
async def site(pool: Pool, clock: FixedClock) -> AsyncIterator[AsyncClient]:
    application = build(
        Site(
            catalogue=catalog.load(),
            # As before one product was built: the shelf has to say so.
            runnable=lambda product, operation: (
                product.id != NOT_BUILT and Orders.runnable(product, operation)
            ),
            pool=pool,
            clock=clock,
            first_call="bankside call GET /v1/account-balances",
            demo_file="var/demo.json",
            openapi=lambda shown: catalog.openapi(shown, Orders.runnable, Orders.refusals),
            exposition=lambda: b"up 1\n",
        )
    )
    transport = ASGITransport(app=application)  # type: ignore[arg-type]
    async with AsyncClient(transport=transport, base_url="http://web") as client:
        yield client


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_whole_in_both_languages(
    site: AsyncClient,
    path: str,
    lang: str,
) -> None:
    answer = await site.get(path, headers={"accept-language": lang, "accept": "text/html"})
    styles = [
        await site.get(link) for link in re.findall(r'stylesheet" href="([^"]+)"', answer.text)
    ]

    assert answer.status_code == 200
    assert f'lang="{"zh-CN" if lang == "zh" else "en"}"' in answer.text
    assert "<script" not in answer.text
    assert not re.findall(r'(?:src|href|action)="https?:', answer.text)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert all(style.status_code == 200 for style in styles)
    assert len(answer.content) + sum(len(each.content) for each in styles) < PAGE_BYTES_MAX


async def test_a_product_that_is_not_built_says_so(site: AsyncClient) -> None:
    answer = await site.get(f"/products/{NOT_BUILT}")

    assert "501 product.not_available" in answer.text


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("zh", "账户管理费：每月末收取 CNY 30.00，以账户可用余额为限。前 1 个自然月免收。"),
        ("en", "CNY 30.00 at the end of each month for keeping the account"),
    ],
)
async def test_what_keeping_an_account_costs_stands_on_its_products_page(
    site: AsyncClient, lang: str, words: str
) -> None:
    answer = await site.get(
        "/products/account.business-accounts", headers={"accept-language": lang}
    )

    assert words in answer.text
    assert "CNY 50,000.00" in answer.text


async def test_a_search_for_nothing_leads_to_the_whole_shelf(site: AsyncClient) -> None:
    for address in ("/shelf", "/shelf?q=", "/shelf?q=%20%20"):
        answer = await site.get(address)

        assert (answer.status_code, answer.headers["location"]) == (303, "/#shelf")


async def test_what_the_reader_types_is_shown_as_text(site: AsyncClient) -> None:
    answer = await site.get("/shelf", params={"q": "<script>alert(1)</script>"})

    assert "<script>" not in answer.text
    assert "&lt;script&gt;" in answer.text


async def test_an_unknown_address_is_a_page_for_people_and_a_problem_for_programs(
    site: AsyncClient,
) -> None:
    page = await site.get("/no/such/page", headers={"accept": "text/html"})
    problem = await site.get("/no/such/page", headers={"accept": "application/json"})

    assert page.status_code == problem.status_code == 404
    assert "text/html" in page.headers["content-type"]
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["code"] == "not_found"


async def test_language_and_type_size_are_remembered(site: AsyncClient) -> None:
    await site.get("/?lang=zh&type=large")

    answer = await site.get("/", headers={"accept-language": "en"})

    assert '<html lang="zh-CN" class="large">' in answer.text


async def test_probes_answer(site: AsyncClient) -> None:
    assert (await site.get("/healthz")).text == "ok\n"
    assert (await site.get("/readyz")).status_code == 200
    assert (await site.get("/metrics")).text == "up 1\n"


def test_both_languages_have_the_same_texts() -> None:
    assert catalogue("zh").keys() == catalogue("en").keys()


@pytest.mark.parametrize(
    ("asked", "remembered", "accepted", "expected"),
    [
        ("zh", "en", "en", "zh"),
        (None, "zh", "en", "zh"),
        (None, None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, None, "de,fr", "en"),
        ("xx", None, "", "en"),
    ],
)
def test_the_language_is_asked_for_remembered_or_the_browsers_wish(
    asked: str | None, remembered: str | None, accepted: str, expected: str
) -> None:
    assert choose(asked, remembered, accepted) == expected
