"""How fast one source may knock: a flood gets 429 and a time, everybody else goes on."""

from collections.abc import AsyncIterator

import pytest
from httpx import ASGITransport, AsyncClient
from litestar import get, post

from bankside import catalog
from bankside.console import Site, build
from bankside.console.pacing import BURST_SECONDS, Pacing
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool

PACE = Pacing(oauth=2, login=1)


@get("/oauth/jwks")
async def jwks() -> str:
    return "{}"


@post("/my/login")
async def login() -> str:
    return "in"


@pytest.fixture
async def browsers(pool: Pool, clock: FixedClock) -> AsyncIterator[dict[str, AsyncClient]]:
    """A browser a source, all in front of one web process."""
    site = Site(
        catalogue=catalog.load(),
        runnable=lambda *_: False,
        pool=pool,
        clock=clock,
        first_call="",
        demo_file="",
        openapi=dict,
        exposition=lambda: b"",
        routes=[jwks, login],
        pacing=Pacing(oauth=PACE.oauth, login=PACE.login),
    )
    app = build(site)
    made = {
        source: AsyncClient(
            transport=ASGITransport(app=app, client=(source, 1)),  # type: ignore[arg-type]
            base_url="http://web",
        )
        for source in ("192.0.2.1", "192.0.2.2", "2001:db8:1:2::1", "2001:db8:1:2::ffff")
    }
    yield made
    for each in made.values():
        await each.aclose()


async def test_a_flood_is_told_when_to_come_again_and_nobody_else_waits(
    browsers: dict[str, AsyncClient],
) -> None:
    answers = [await browsers["192.0.2.1"].get("/oauth/jwks") for _ in range(40)]

    refused = [each for each in answers if each.status_code == 429]
    assert len(refused) >= 40 - PACE.oauth * BURST_SECONDS - 10
    assert all(int(each.headers["retry-after"]) >= 1 for each in refused)
    assert refused[0].json()["error"] == "temporarily_unavailable"
    assert (await browsers["192.0.2.2"].get("/oauth/jwks")).status_code == 200
    assert (await browsers["192.0.2.1"].get("/healthz")).status_code == 200


async def test_the_login_has_a_pace_of_its_own_and_answers_people_with_a_page(
    browsers: dict[str, AsyncClient],
) -> None:
    here = browsers["192.0.2.1"]
    for _ in range(20):
        await here.post("/my/login")

    page = await here.post("/my/login", headers={"accept": "text/html", "accept-language": "en"})
    problem = await here.post("/my/login")

    assert page.status_code == problem.status_code == 429
    assert "Too many attempts from this connection" in page.text
    assert problem.json()["code"] == "limit.rate_exceeded"
    assert int(page.headers["retry-after"]) >= 1
    assert int(problem.headers["retry-after"]) >= 1
    assert (await here.get("/oauth/jwks")).status_code == 200


async def test_addresses_of_one_ipv6_network_are_one_source(
    browsers: dict[str, AsyncClient],
) -> None:
    for _ in range(40):
        await browsers["2001:db8:1:2::1"].get("/oauth/jwks")

    assert (await browsers["2001:db8:1:2::ffff"].get("/oauth/jwks")).status_code == 429
