"""The product studio: what staff see of a product's life, and moving it with a second person."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response
from litestar import Litestar
from tests.catalog.lifecycle.world import SCAN, WORLD, Desk, definition
from tests.console.customer_world import forms_of, links_of
from tests.console.test_people_pages import PAGE_BYTES_MAX, Worker, a_worker, plain
from tests.identity.fapi.conftest import fresh_world
from tests.identity.fapi.rig import ISSUER, VAULT, World

from bankside.catalog import lifecycle
from bankside.catalog.lifecycle import Reason, State
from bankside.console import operator, people, texts
from bankside.console.entry import RealmPages
from bankside.console.operator import Studio
from bankside.console.operator.studio import CHECKS, sentence
from bankside.console.pages import theme_css
from bankside.console.texts import LANGUAGES, Language, catalogue
from bankside.identity.realms import Realm
from bankside.kernel.db import transaction

__all__ = ["fresh_world"]
CONSOLE = Path(texts.__file__).parent


def application(world: World) -> AsyncClient:
    pages = RealmPages(world.pool, world.clock, VAULT, ISSUER)
    app = Litestar(
        [*people.routes(pages), operator.routes(pages, Studio(WORLD))], openapi_config=None
    )
    transport = ASGITransport(app=app, client=("198.51.100.7", 50_000))  # type: ignore[arg-type]
    headers = {"accept-language": "en", "user-agent": "Testbrowser/1.0"}
    return AsyncClient(transport=transport, base_url=ISSUER, headers=headers)


@pytest.fixture
async def browser(fresh_world: World) -> AsyncIterator[AsyncClient]:
    async with application(fresh_world) as made:
        yield made


@pytest.fixture
async def approver(fresh_world: World, browser: AsyncClient) -> Worker:
    return await a_worker(fresh_world, browser, "approver")


async def another(world: World, *roles: str) -> Worker:
    """Somebody else, at another browser."""
    return await a_worker(world, application(world), *(roles or ("approver",)))


async def agrees(worker: Worker, to: str, **filled: str) -> Response:
    """Open the product and press the button of a move."""
    page = await worker.get(f"/products/{SCAN}")
    form = next(each for each in forms_of(page) if [to] == each.fields.get("to"))
    given: dict[str, Any] = {**form.fields, "reason": "as agreed", **filled}
    return await worker.browser.post(form.action, data=given)


async def state_of(world: World, version: int) -> State:
    async with transaction(world.pool) as db:
        return (await lifecycle.version_of(db, SCAN, version)).state


async def test_the_list_shows_every_product_by_state_and_words(approver: Worker) -> None:
    page = await approver.get("/products")

    assert page.status_code == 200
    text = plain(page)
    assert f"live {len(WORLD.catalogue.products)}" in text
    assert "Show more" in text
    found = plain(await approver.get("/products?q=scan+pay&state=live"))
    assert "Products: 1" in found
    assert SCAN in found
    assert "No product fits" in plain(await approver.get("/products?state=canary"))
    assert "No product fits" in plain(await approver.get("/products?q=%00%3Cscript%3E"))


async def test_the_pages_of_the_list_hold_every_product_once(approver: Worker) -> None:
    seen: list[str] = []
    path = "/products"
    for _ in range(10):
        page = await approver.get(path)
        assert len(page.content) < PAGE_BYTES_MAX
        seen += [each for each in links_of(page) if each.startswith("/staff/products/")]
        more = [each for each in links_of(page) if each.startswith("/staff/products?after=")]
        if not more or more[-1] == f"/staff{path}":
            break
        path = more[-1].removeprefix("/staff")

    assert len(seen) == len(set(seen)) == len(WORLD.catalogue.products)


async def test_a_product_shows_whom_it_touches_before_it_offers_a_move(
    fresh_world: World, approver: Worker
) -> None:
    async with transaction(fresh_world.pool) as db:
        desk = Desk(db, fresh_world.clock)
        food = await desk.partner()
        await desk.called(partner=food, times=3, ago=timedelta(days=1))

    page = await approver.get(f"/products/{SCAN}")

    text = plain(page)
    assert food in text
    assert "merchant.scan-payments.create" in text
    assert "Move to: deprecated" in text
    assert page.text.index("Who is touched") < page.text.index("Move to: deprecated")


async def test_two_people_deprecate_a_product_and_one_alone_does_not(
    fresh_world: World, approver: Worker
) -> None:
    first = await agrees(approver, "deprecated", successor="merchant.checkout-payments")
    assert first.status_code == 303
    page = await approver.get(f"/products/{SCAN}")
    assert "1 of 2 people agreed: Ning" in plain(page)
    assert not [each for each in forms_of(page) if each.fields.get("to") == ["deprecated"]]
    assert await state_of(fresh_world, 1) is State.LIVE

    second = await another(fresh_world)
    assert "merchant.checkout-payments" in plain(await second.get(f"/products/{SCAN}"))
    assert (await agrees(second, "deprecated")).status_code == 303

    assert await state_of(fresh_world, 1) is State.DEPRECATED
    shown = plain(await second.get(f"/products/{SCAN}"))
    assert "live → deprecated" in shown
    assert "Withdrawn from" in shown
    async with transaction(fresh_world.pool) as db:
        told = await db.fetchval(
            "select count(*) from kernel.outbox where type = 'catalog.version.moved'"
        )
    assert told == 1


async def test_a_new_version_shows_what_is_other_and_what_breaks(
    fresh_world: World, approver: Worker
) -> None:
    changed = definition(limits={"per_transaction_cents": 1, "per_day_cents": 1}, risk_tier="R4")
    async with transaction(fresh_world.pool) as db:
        await Desk(db, fresh_world.clock).draft(changed)

    text = plain(await approver.get(f"/products/{SCAN}"))

    assert "What is other than in version 1" in text
    assert "1 / 1 breaking" in text
    assert "risk tier R2 R4 compatible" in text


async def test_a_reviewer_ticks_what_was_read(fresh_world: World, approver: Worker) -> None:
    async with transaction(fresh_world.pool) as db:
        await Desk(db, fresh_world.clock).draft()
    author = await another(fresh_world, "product-manager")
    assert (await agrees(author, "review")).status_code == 303

    unticked = await agrees(approver, "sandbox")
    assert unticked.status_code == 409
    assert "a condition is not met" in plain(unticked)
    ticked = await agrees(approver, "sandbox", confirmed=["R2", "C2"])  # type: ignore[arg-type]
    assert ticked.status_code == 303
    second = await another(fresh_world)
    assert (await agrees(second, "sandbox")).status_code == 303

    assert await state_of(fresh_world, 2) is State.SANDBOX


async def test_checks_are_vouched_for_on_the_page(fresh_world: World, approver: Worker) -> None:
    async with transaction(fresh_world.pool) as db:
        await Desk(db, fresh_world.clock).to_sandbox()
    page = await approver.get(f"/products/{SCAN}")

    await approver.submit(page, "/checks", what="crash-tests", reference="build 77")

    assert "build 77" in plain(await approver.get(f"/products/{SCAN}"))


async def test_what_the_platform_ran_stands_on_the_page_with_its_faults(
    fresh_world: World, approver: Worker
) -> None:
    fault = {
        "operation": f"{SCAN}.create",
        "wire": "icbc",
        "said": "the answer is of another shape <b>",
        "sent": "POST /v1/scan-payments",
        "repeat": "bankside call POST /v1/scan-payments",
    }
    async with transaction(fresh_world.pool) as db:
        desk = Desk(db, fresh_world.clock)
        version = await desk.to_sandbox()
        empty = plain(await approver.get(f"/products/{SCAN}"))
        facts = {"seed": 4711, "counts": {"calls": 119, "faults": 1}, "faults": [fault]}
        runs = [
            lifecycle.Run(what="contract-fuzz", passed=False, facts=facts),
            lifecycle.Run(what="magic-values", passed=True, facts={"counts": {"calls": 344}}),
        ]
        digest = lifecycle.digest_of(WORLD, version)
        await lifecycle.keep_runs(db, desk.clock, version, runs, digest=digest)

    page = await approver.get(f"/products/{SCAN}")
    shown = plain(page)
    approver.browser.headers["accept-language"] = "zh"
    chinese = plain(await approver.get(f"/products/{SCAN}"))

    assert "What the platform ran" not in empty, "nobody committed the version yet"
    assert "contract fuzz faults found 119 1 2026-03-02" in shown
    assert "magic values for all error codes nothing found 344 0" in shown
    assert "docs samples run not run" in shown
    assert "4711" in shown
    assert "bankside call POST /v1/scan-payments" in shown
    assert f"bankside product prove {SCAN} 2" in shown
    assert "<b>" not in page.text
    assert "契约模糊测试 发现问题" in chinese
    assert "文档示例可运行 未运行" in chinese


async def test_a_second_person_completes_what_one_vouched_for(
    fresh_world: World, approver: Worker
) -> None:
    async with transaction(fresh_world.pool) as db:
        await Desk(db, fresh_world.clock).to_sandbox()

    for number, worker in enumerate((approver, await another(fresh_world))):
        page = await worker.get(f"/products/{SCAN}")
        assert "vouch for crash tests" in plain(page)
        await worker.submit(page, "/checks", what="crash-tests", reference=f"build {number}")

    shown = plain(await approver.get(f"/products/{SCAN}"))
    assert "build 0" in shown and "build 1" in shown
    assert "vouch for crash tests" not in shown


async def test_a_product_is_suspended_and_resumed(fresh_world: World, approver: Worker) -> None:
    page = await approver.get(f"/products/{SCAN}")
    await approver.submit(page, "/suspension", reason="fraud wave")

    page = await approver.get(f"/products/{SCAN}")
    assert "Suspended: fraud wave" in plain(page)
    assert "suspended" in plain(await approver.get(f"/products?q={SCAN}"))
    await approver.submit(page, "/suspension", reason="over")

    assert "Suspended:" not in plain(await approver.get(f"/products/{SCAN}"))


@pytest.mark.parametrize("path", ["/products", f"/products/{SCAN}"])
async def test_who_is_not_logged_in_is_asked_to(browser: AsyncClient, path: str) -> None:
    answer = await browser.get(f"/staff{path}")

    assert (answer.status_code, answer.headers["location"]) == (303, "/staff/products/login")


@pytest.mark.parametrize("path", ["/products", f"/products/{SCAN}"])
async def test_who_has_no_right_sees_why_and_no_data(
    fresh_world: World, browser: AsyncClient, path: str
) -> None:
    clerk = await a_worker(fresh_world, browser, "settlement-clerk")

    page = await clerk.get(path)

    assert page.status_code == 403
    assert definition()["name"]["en"] not in page.text


async def test_who_may_only_look_is_offered_nothing(
    fresh_world: World, browser: AsyncClient
) -> None:
    auditor = await a_worker(fresh_world, browser, "auditor")

    page = await auditor.get(f"/products/{SCAN}")

    assert page.status_code == 200
    assert not [each for each in forms_of(page) if each.action.endswith(("moves", "suspension"))]
    token = _token(await auditor.get(""))
    forged = await auditor.browser.post(
        f"/staff/products/{SCAN}/moves",
        data={"token": token, "to": "deprecated", "reason": "x", "fixed": ""},
    )
    assert forged.status_code in {403, 409}
    assert "no right" in plain(forged)


def _token(page: Response) -> str:
    """The form token of this browser, from any form it was shown."""
    return next(each.fields["token"][0] for each in forms_of(page) if "token" in each.fields)


async def test_a_move_asks_for_a_second_factor_proven_just_now(
    fresh_world: World, approver: Worker
) -> None:
    page = await approver.get(f"/products/{SCAN}")
    fresh_world.clock.advance(timedelta(minutes=6))

    form = next(each for each in forms_of(page) if each.action.endswith("moves"))
    answer = await approver.browser.post(form.action, data={**form.fields, "reason": "x"})

    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/staff/products/second-factor",
    )


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"to": "heaven"}, 409),
        ({"to": "deprecated", "notice_days": "soon"}, 422),
        ({"to": "deprecated", "notice_days": "99999"}, 422),
        ({"to": "deprecated", "version": "7"}, 409),
        ({"to": "deprecated", "reason": "x" * 501}, 422),
        ({"to": "deprecated", "successor": "no.such"}, 409),
    ],
)
async def test_bad_fields_change_nothing_and_say_so(
    fresh_world: World, approver: Worker, fields: dict[str, str], status: int
) -> None:
    page = await approver.get(f"/products/{SCAN}")
    form = next(each for each in forms_of(page) if each.action.endswith("moves"))
    answer = await approver.browser.post(form.action, data={**form.fields, "reason": "x", **fields})

    assert answer.status_code == status
    assert "Nothing changed" in plain(answer)
    async with transaction(fresh_world.pool) as db:
        assert await lifecycle.versions(db) == []


async def test_an_unknown_product_is_a_page_that_says_so(approver: Worker) -> None:
    unknown = await approver.get("/products/no.such")
    assert unknown.status_code == 404
    assert "no such product" in unknown.text


async def test_what_is_missing_for_a_move_is_said_in_the_readers_language(
    fresh_world: World, approver: Worker
) -> None:
    async with transaction(fresh_world.pool) as db:
        await Desk(db, fresh_world.clock).to_sandbox()
    approver.browser.headers["accept-language"] = "zh"

    offered = plain(await approver.get(f"/products/{SCAN}"))
    refused = await agrees(approver, "canary", pilots="prt_nobody")

    assert "尚未对该版本运行：契约模糊测试、文档示例可运行" in offered
    assert "须有 2 人（不含作者）担保：崩溃测试" in offered
    assert "至少指名一个" in offered
    assert refused.status_code == 409
    assert "没有这样的合作方：prt_nobody" in plain(refused)
    assert not re.search("not run|people|never answered|no partner|name some", plain(refused))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_reason_gate_and_check_has_a_sentence_in_each_language(lang: Language) -> None:
    named = {f"studio.why.{name}" for name in lifecycle.SAID}
    named |= {f"studio.check.{name}" for name in CHECKS}

    assert named <= catalogue(lang).keys()
    for name, said in lifecycle.SAID.items():
        facts = tuple(("one", "two") if number == 0 else "3" for number in range(said.count("{")))
        assert sentence(lang, Reason(name, facts))


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_the_pages_stand_in_both_languages_without_script(
    fresh_world: World, approver: Worker, lang: str
) -> None:
    async with transaction(fresh_world.pool) as db:
        await Desk(db, fresh_world.clock).to_sandbox()

    for path in ("/products", f"/products/{SCAN}"):
        page = await approver.get(f"{path}?lang={lang}")
        assert page.status_code == 200
        assert "<script" not in page.text
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy and "unsafe" not in policy
        assert not re.findall(r'style=|(?:src|href|action)="https?:', page.text)
        styles = [CONSOLE / "static" / each for each in ("site.css", "entry.css")]
        weight = len(page.content) + sum(each.stat().st_size for each in styles)
        assert weight + len(theme_css()) < PAGE_BYTES_MAX
        assert f'lang="{"zh-CN" if lang == "zh" else "en"}"' in page.text


def test_partner_users_have_no_studio() -> None:
    pages = RealmPages(None, None, None, ISSUER)  # type: ignore[arg-type]
    router = operator.routes(pages.of(Realm.PARTNER), Studio(WORLD))

    assert all(each.path.startswith("/staff/products") for each in router.routes)
