"""The pages of bank staff and partner users: rights, people, blocking, enrolment, realms."""

import html
import itertools
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from httpx import AsyncClient, Response
from tests.console.customer_world import (
    SESSION_COOKIE,
    Person,
    a_customer,
    application,
    forms_of,
    links_of,
)
from tests.identity.builders import PASSWORD, put_login
from tests.identity.fapi.rig import VAULT, World

from bankside.console.texts import LANGUAGES
from bankside.identity.factors import new_totp_secret, set_totp
from bankside.identity.people import NewPerson, create_person, invite, person_of
from bankside.identity.people import Person as Known
from bankside.identity.realms import BANK, Realm
from bankside.identity.sessions import Proven, Visitor, open_session
from bankside.kernel.db import transaction

COOKIES = {Realm.STAFF: "__Host-bankside-staff", Realm.PARTNER: "__Host-bankside-partner"}
BASES = {Realm.STAFF: "/staff", Realm.PARTNER: "/partner"}
PAGE_BYTES_MAX = 50_000
_numbers = itertools.count(1)


@dataclass
class Worker:
    """Somebody who works for the bank or a partner, at a browser."""

    world: World
    browser: AsyncClient
    person: Known
    secret: str

    @property
    def base(self) -> str:
        return BASES[self.person.realm]

    async def get(self, path: str = "", **more: Any) -> Response:
        return await self.browser.get(self.base + path, **more)

    async def submit(self, page: Response, ending: str, **filled: str) -> Response:
        """Send the form of the page whose action ends so."""
        form = next(each for each in forms_of(page) if each.action.endswith(ending))
        return await self.browser.post(form.action, data={**form.fields, **filled})

    async def be_logged_in(self) -> None:
        who = Proven(self.person.realm, self.person.partner, self.person.id, self.person.login)
        async with transaction(self.world.pool) as db:
            token = await open_session(
                db, self.world.clock, who, Visitor("desk", "Firefox/1 Linux")
            )
        name = COOKIES[self.person.realm]
        self.browser.cookies.delete(name)
        self.browser.cookies.set(name, token, domain="bank.example")


async def a_worker(
    world: World, browser: AsyncClient, *roles: str, realm: Realm = Realm.STAFF, partner: str = BANK
) -> Worker:
    """Somebody enrolled, in these roles, logged in."""
    new = NewPerson(
        realm=realm,
        partner=partner,
        login=f"worker.{next(_numbers)}",
        name="Ning",
        roles=roles,
    )
    secret = new_totp_secret()
    async with transaction(world.pool) as db:
        person = await create_person(db, world.clock, new)
        await put_login(db, world.clock, partner, person.id, person.login, realm)
        await set_totp(db, world.clock, VAULT, partner, person.id, secret=secret)
    made = Worker(world, browser, person, secret)
    await made.be_logged_in()
    return made


@pytest.fixture
async def browser(world: World) -> AsyncIterator[AsyncClient]:
    async with application(world) as made:
        yield made


@pytest.fixture
async def administrator(world: World, browser: AsyncClient) -> Worker:
    return await a_worker(world, browser, "access-administrator")


def plain(page: Response) -> str:
    """The text a reader sees."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


async def test_the_landing_page_shows_who_what_and_what_comes_later(administrator: Worker) -> None:
    page = await administrator.get()

    text = plain(page)
    assert "Ning" in text
    assert "Access administrator" in text
    assert "see people and their roles person.read may Open" in text
    assert "approve a partner for live use partner.approve denied" in text
    assert "Not built yet" in text
    assert "reconciliation desk" in text


@pytest.mark.parametrize("path", ["", "/people", "/access", "/security"])
@pytest.mark.parametrize("base", BASES.values())
async def test_every_page_asks_for_the_login_of_its_realm(
    browser: AsyncClient, base: str, path: str
) -> None:
    answer = await browser.get(base + path)

    assert answer.status_code == 303
    assert answer.headers["location"] == f"{base}/login"


async def test_a_page_without_the_right_shows_no_data_but_the_reason(
    world: World, browser: AsyncClient, administrator: Worker
) -> None:
    async with application(world) as other:
        operator = await a_worker(world, other, "operator")

        page = await operator.get("/people")

        assert page.status_code == 403
        text = plain(page)
        assert "You may not: see people and their roles" in text
        assert "Roles that allow it: Access administrator, Auditor" in text
        assert administrator.person.login not in text


async def test_a_right_is_explained_for_oneself_and_for_others(
    world: World, administrator: Worker
) -> None:
    async with application(world) as other:
        both = await a_worker(world, other, "operator", "auditor")

        page = await administrator.get(
            "/access", params={"right": "order.retry", "login": both.person.login}
        )
        mine = await both.get("/access", params={"right": "order.read"})
        unknown = await administrator.get(
            "/access", params={"right": "order.retry", "login": "nobody.here"}
        )
        odd = await administrator.get("/access", params={"right": "<b>", "login": "a\0b"})
        denied = await (await a_worker(world, other, "operator")).get(
            "/access", params={"right": "order.retry", "login": administrator.person.login}
        )

    text = plain(page)
    assert "Ning may not: retry or skip a step of an order" in text
    assert "The role “Operator” allows it." in text
    assert "The role “Auditor” denies it" in text
    assert "You may: see orders" in plain(mine)
    assert unknown.status_code == odd.status_code == 404
    assert "Nobody here has the login “nobody.here”" in plain(unknown)
    assert "<b>" not in odd.text
    assert denied.status_code == 403


async def test_a_person_is_blocked_and_unblocked_by_another(
    world: World, administrator: Worker
) -> None:
    async with application(world) as other:
        clerk = await a_worker(world, other, "settlement-clerk")
        page = await administrator.get("/people")
        assert clerk.person.login in plain(page)

        done = await administrator.submit(page, f"{clerk.person.id}/state")

        assert done.status_code == 303
        assert (await clerk.get()).headers["location"] == "/staff/login"
        page = await administrator.get("/people")
        assert "Unblock" in plain(page)
        await administrator.submit(page, f"{clerk.person.id}/state")
        async with transaction(world.pool) as db:
            assert (await person_of(db, BANK, clerk.person.id)).blocked_at is None


async def test_blocking_asks_for_a_proof_from_just_now(world: World, administrator: Worker) -> None:
    async with application(world) as other:
        clerk = await a_worker(world, other, "settlement-clerk")
        page = await administrator.get("/people")
        world.clock.advance(timedelta(minutes=6))

        answer = await administrator.submit(page, f"{clerk.person.id}/state")

        assert answer.headers["location"] == "/staff/people/second-factor"
        step = await administrator.browser.get(answer.headers["location"])
        code = pyotp.TOTP(administrator.secret).at(world.clock.now())
        answer = await administrator.submit(step, "/second-factor", code=code)
        assert answer.headers["location"] == "/staff/people"
        page = await administrator.get("/people")
        assert (await administrator.submit(page, f"{clerk.person.id}/state")).status_code == 303
        assert (await clerk.get()).headers["location"] == "/staff/login"


async def test_nobody_blocks_himself_and_only_who_may(world: World, administrator: Worker) -> None:
    page = await administrator.get("/people")
    forms = {each.action for each in forms_of(page)}
    own = f"/staff/people/{administrator.person.id}/state"
    assert own not in forms
    token = forms_of(await administrator.get())[0].fields
    answer = await administrator.browser.post(own, data={**token, "to": "blocked"})
    assert answer.status_code == 409
    assert "Nobody blocks" in answer.text
    async with application(world) as other:
        auditor = await a_worker(world, other, "auditor")
        page = await auditor.get("/people")
        assert not any("/state" in each.action for each in forms_of(page))
        token = forms_of(await auditor.get())[0].fields
        denied = await other.post(own, data={**token, "to": "blocked"})
        assert denied.status_code == 403
        unknown = await administrator.browser.post(
            "/staff/people/usr_unknown/state",
            data={**forms_of(await administrator.get())[0].fields, "to": "blocked"},
        )
        assert unknown.status_code == 404


async def test_a_partners_team_sees_itself_and_no_other(world: World) -> None:
    number = next(_numbers)
    async with application(world) as first, application(world) as second:
        mine = await a_worker(
            world, first, "owner", realm=Realm.PARTNER, partner=f"prt_team{number}"
        )
        other = await a_worker(
            world, second, "owner", realm=Realm.PARTNER, partner=f"prt_else{number}"
        )

        page = await mine.get("/people")

        assert mine.person.login in plain(page)
        assert other.person.login not in plain(page)
        path = f"/people/{other.person.id}/state"
        token = forms_of(await mine.get())[0].fields
        answer = await first.post(f"/partner{path}", data={**token, "to": "blocked"})
        assert answer.status_code == 404
        asked = await mine.get(
            "/access", params={"right": "bill.read", "login": other.person.login}
        )
        assert asked.status_code == 404


async def test_a_session_of_one_realm_opens_no_page_of_another(
    world: World, browser: AsyncClient, administrator: Worker
) -> None:
    token = browser.cookies[COOKIES[Realm.STAFF]]
    for name, path in ((COOKIES[Realm.PARTNER], "/partner"), (SESSION_COOKIE, "/my/consents")):
        async with application(world) as other:
            other.cookies.set(name, token, domain="bank.example")
            assert (await other.get(path)).headers["location"].endswith("/login")
    somebody = await a_customer(world.pool, world.clock, "prt_realms")
    async with application(world) as other:
        customer = Person(world, other, somebody)
        await customer.be_logged_in()
        other.cookies.set(
            COOKIES[Realm.STAFF], other.cookies[SESSION_COOKIE], domain="bank.example"
        )
        assert (await other.get("/staff")).headers["location"] == "/staff/login"


async def test_an_enrolment_link_sets_everything_up_once(world: World) -> None:
    new = NewPerson(
        realm=Realm.STAFF,
        partner=BANK,
        login=f"worker.{next(_numbers)}",
        name="Ning",
        roles=("operator",),
    )
    async with transaction(world.pool) as db:
        person = await create_person(db, world.clock, new)
        link = await invite(db, world.clock, VAULT, person)
    async with application(world) as browser:
        page = await browser.get(f"/staff/enrol/{link}")
        assert "Welcome, Ning" in plain(page)
        secret = re.findall(r'class="mono secret">([A-Z2-7 ]+)<', page.text)[0].replace(" ", "")
        form = forms_of(page)[0]

        async def sent(password: str, code: str) -> Response:
            data = {**form.fields, "password": password, "code": code}
            return await browser.post(form.action, data=data)

        code = pyotp.TOTP(secret).at(world.clock.now())
        short, wrong = await sent("short", code), await sent(PASSWORD, "000000")
        assert (short.status_code, wrong.status_code) == (422, 409)
        assert "The password does not fit" in plain(short)
        assert "The code does not belong to this key" in plain(wrong)
        done = await sent(PASSWORD, code)

        assert done.headers["location"] == "/staff/security?done=enrolled"
        assert "samesite=strict" in done.headers["set-cookie"].lower()
        assert "you are logged in" in plain(await browser.get(done.headers["location"]))
        assert (await browser.get(f"/staff/enrol/{link}")).status_code == 404
        assert (await browser.get(f"/partner/enrol/{link}")).status_code == 404
        assert (await browser.get("/staff/enrol/odd")).status_code == 404
        again = await sent(PASSWORD, code)
        # The form's token belonged to the browser before it was logged in.
        assert again.status_code in {403, 404}


async def test_all_other_devices_are_logged_out_at_once(
    world: World, browser: AsyncClient, administrator: Worker
) -> None:
    async with application(world) as other:
        there = Worker(world, other, administrator.person, administrator.secret)
        await there.be_logged_in()
        page = await administrator.get("/security")
        assert "Firefox · Linux" in plain(page)
        assert "desk" not in plain(page), "where a device is in the network is not shown"

        done = await administrator.submit(page, "/security/end-others")

        assert done.status_code == 303
        assert (await there.get()).headers["location"] == "/staff/login"
        assert (await administrator.get()).status_code == 200


@pytest.mark.parametrize("path", ["/passkey/options", "/security/passkeys/options"])
async def test_a_challenge_is_made_for_a_form_of_this_browser_only(
    administrator: Worker, path: str
) -> None:
    token = forms_of(await administrator.get())[0].fields
    for data in ({}, {"token": "0" * 64}):
        answer = await administrator.browser.post(administrator.base + path, data=data)
        assert answer.status_code == 403 if data else answer.status_code in {400, 403}

    answer = await administrator.browser.post(administrator.base + path, data=token)

    assert answer.status_code == 200
    assert answer.json()["challenge"]
    assert answer.headers["cache-control"] == "no-store"


async def test_adding_a_passkey_later_asks_for_a_proof_first(
    world: World, administrator: Worker
) -> None:
    page = await administrator.get("/security")
    token = {"token": forms_of(page)[0].fields["token"][0]}
    world.clock.advance(timedelta(minutes=6))

    options = await administrator.browser.post("/staff/security/passkeys/options", data=token)
    added = await administrator.browser.post(
        "/staff/security/passkeys", data={**token, "name": "x", "answer": "{}"}
    )

    assert options.status_code == 401
    assert options.json() == {"go": "/staff/security/second-factor"}
    assert added.headers["location"] == "/staff/security/second-factor"
    page = await administrator.get("/security")
    assert "/staff/security/second-factor" in links_of(page)


@pytest.mark.parametrize("answer", ["", "{}", "[]", "null", "\0", "x" * 9000, '{"id": []}'])
async def test_an_odd_answer_of_a_passkey_is_refused_and_never_a_fault_of_ours(
    administrator: Worker, answer: str
) -> None:
    token = {"token": forms_of(await administrator.get())[0].fields["token"][0]}

    login = await administrator.browser.post("/staff/passkey", data={**token, "answer": answer})
    added = await administrator.browser.post(
        "/staff/security/passkeys", data={**token, "name": "x", "answer": answer}
    )

    assert login.status_code == 401
    assert added.status_code == 422


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_every_page_is_whole_light_and_strict_in_both_languages(
    world: World, browser: AsyncClient, administrator: Worker, lang: str
) -> None:
    browser.headers["accept-language"] = lang
    partner = f"prt_looks{next(_numbers)}"
    owner = await a_worker(world, browser, "owner", realm=Realm.PARTNER, partner=partner)
    async with transaction(world.pool) as db:
        link = await invite(db, world.clock, VAULT, administrator.person)
    paths = [f"{base}{path}" for base in BASES.values() for path in ("", "/people", "/security")]
    paths += ["/staff/access?right=order.retry", "/partner/access", f"/staff/enrol/{link}"]
    paths += ["/staff/login", "/partner/login", "/staff/security/second-factor"]

    for path in paths:
        page = await browser.get(path)
        assert page.status_code == 200, path
        assert f'lang="{"zh-CN" if lang == "zh" else "en"}"' in page.text
        policy = page.headers["content-security-policy"]
        scripts = re.findall(r"<script.*?</script>", page.text, re.DOTALL)
        allowed = ['<script src="/static/passkey.js" defer></script>']
        assert scripts == (allowed if "script-src 'self'" in policy else [])
        assert "unsafe" not in policy
        assert "style=" not in page.text
        assert not re.findall(r"<[^>]+ on[a-z]+=", page.text)
        assert len(page.content) < PAGE_BYTES_MAX - 15_000
        for control in re.findall(r'<(?:input|select)[^>]+id="([^"]+)"', page.text):
            assert f'<label for="{control}"' in page.text
    assert owner.person.realm is Realm.PARTNER
