"""The customer pages in front of a browser without script: login, consent, payment, taking back."""

import asyncio
import html
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from httpx import Response
from tests.console.customer_world import (
    SESSION_COOKIE,
    Person,
    a_customer,
    application,
    forms_of,
    links_of,
)
from tests.identity.builders import PASSWORD
from tests.identity.fapi.rig import (
    ACCOUNTS,
    CALLBACK,
    ISSUER,
    PAYMENT,
    FAPIClient,
    World,
    answer_of,
)
from tests.identity.soft_authenticator import SoftAuthenticator

from bankside.console.texts import LANGUAGES, catalogue
from bankside.identity import decisions
from bankside.identity.consents import Permission
from bankside.identity.passkeys import (
    Holder,
    Offer,
    RelyingParty,
    register,
    registration_options,
)
from bankside.identity.realms import Realm
from bankside.identity.sessions.rules import ATTEMPTS_MAX, FRESH_TTL, IDLE_TTL
from bankside.kernel.db import transaction

READ = {"authorization_details": json.dumps([ACCOUNTS])}
PAY = {"authorization_details": json.dumps([PAYMENT]), "scope": "openid payments"}
PAGE_BYTES_MAX = 50_000
OUR_SCRIPT = '<script src="/static/passkey.js" defer></script>'


@pytest.fixture
async def person(world: World, client: FAPIClient) -> AsyncIterator[Person]:
    """A customer of the client's data space, in front of a browser that nobody has used."""
    customer = await a_customer(world.pool, world.clock, client.partner)
    async with application(world) as browser:
        yield Person(world, browser, customer)


@pytest.fixture
async def known(person: Person) -> Person:
    """The customer, logged in."""
    await person.be_logged_in()
    return person


async def consents_in(world: World, client: FAPIClient) -> list[Any]:
    return await world.pool.fetch(
        "select * from identity.consents where partner_id = $1 order by consent_id",
        client.partner,
    )


def scripts_of(page: Response) -> list[str]:
    """Every script element, whole."""
    return re.findall(r"<script.*?</script>|<script[^>]*$", page.text, re.DOTALL | re.IGNORECASE)


def plain(page: Response) -> str:
    """The text a reader sees."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


# --- the whole way ---------------------------------------------------------------------------


async def test_a_customer_agrees_for_one_account_sees_it_and_takes_it_back(
    person: Person, client: FAPIClient, world: World
) -> None:
    choice = await person.asked_and_logged_in(client, **READ)
    assert forms_of(choice)[0].preselected == []
    chosen = person.customer.accounts[0].id

    answer = await person.submit(choice, "approve", **{"account-0": chosen})

    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(CALLBACK)
    assert set(answer_of(answer.headers["location"])) == {"code", "state", "iss"}
    (row,) = await consents_in(world, client)
    assert row["status"] == "authorised"
    assert row["customer_id"] == person.customer.id
    assert row["amr"] == ["pwd", "otp", "mfa"]
    mine = await person.get("/my/consents")
    assert "Budget app" in mine.text
    assert "not used yet" in mine.text
    revoke = await person.get(next(each for each in links_of(mine) if each.endswith("/revoke")))
    done = await person.submit(revoke)
    after = await person.get(done.headers["location"])
    assert "Budget app has no access any more." in after.text
    assert "state up" not in after.text
    assert "you took it back" in (await person.get("/my/consents/ended")).text


async def test_who_what_why_and_until_when_stand_before_the_login(
    person: Person, client: FAPIClient
) -> None:
    detail = {**ACCOUNTS, "validUntil": "2026-05-31"}

    page = await person.asked(client, authorization_details=json.dumps([detail]))

    text = plain(page)
    assert "Budget app asks for your consent" in text
    assert "how much money is in them" in text
    assert "which accounts you have, with their names and numbers" in text
    assert "Why Budget planning" in text
    assert "Until when to the end of 2026-05-31" in text
    assert 'value="refuse"' in page.text
    assert not forms_of(page)[0].choices, "accounts are shown to nobody before the login"
    assert person.customer.accounts[0].number[-4:] not in text


async def test_a_payment_shows_amount_payee_and_purpose_and_is_bound_to_them(
    known: Person, client: FAPIClient, world: World
) -> None:
    detail = {**PAYMENT, "purpose": "Your order of 2 March"}
    page = await known.asked(client, **{**PAY, "authorization_details": json.dumps([detail])})
    text = plain(page)
    assert "CNY 123.50" in text
    assert "To Merchant A" in text
    assert "6222 0000 1111 2222" in text
    assert "Order 7" in text
    assert "Your order of 2 March" in text
    # Dollars cannot pay this, so the account in them is not offered.
    assert len(forms_of(page)[0].choices["account-0"]) == 2

    answer = await known.submit(
        page, "approve", **{"account-0": known.customer.accounts[0].id, "amount": "1.00"}
    )

    assert answer.status_code == 303, answer.text
    (row,) = await consents_in(world, client)
    assert (row["amount_minor"], row["currency"]) == (12350, "CNY")
    assert row["creditor_account"] == "number 6222000011112222"
    assert row["valid_until"] == world.clock.now() + timedelta(days=1)


async def test_what_was_granted_names_the_accounts_the_customer_chose(
    known: Person, client: FAPIClient
) -> None:
    pushed = await client.push(**READ)
    opened = await known.get(
        "/oauth/authorize",
        params={"client_id": client.client_id, "request_uri": pushed.request_uri},
    )
    page = await known.get(opened.headers["location"])
    chosen = [each.id for each in known.customer.accounts[:2]]
    answer = await known.submit(page, "approve", **{"account-0": chosen})

    tokens = await client.exchange(answer_of(answer.headers["location"])["code"], pushed)

    assert tokens.status_code == 200, tokens.text
    assert tokens.json()["authorization_details"] == [{**ACCOUNTS, "accounts": chosen}]
    token = tokens.json()["access_token"]
    assert (await client.introspect(token))["active"] is True
    (card,) = [each for each in links_of(await known.get("/my/consents")) if "/revoke" in each]
    await known.submit(await known.get(card))
    assert await client.introspect(token) == {"active": False}


async def test_a_date_the_client_names_ends_the_consent_with_that_day(
    known: Person, client: FAPIClient, world: World
) -> None:
    detail = {**ACCOUNTS, "validUntil": "2026-05-31"}

    answer = await known.agreed(
        client, known.customer.accounts[0], authorization_details=json.dumps([detail])
    )

    assert answer.status_code == 303, answer.text
    (row,) = await consents_in(world, client)
    assert row["valid_until"].isoformat() == "2026-05-31T16:00:00+00:00"


@pytest.mark.parametrize("day", ["2026-02-31", "2026-03-01", "0000-00-00"])
async def test_a_date_that_is_none_or_over_cannot_be_agreed_to(
    known: Person, client: FAPIClient, day: str
) -> None:
    detail = {**ACCOUNTS, "validUntil": day}

    page = await known.asked(client, authorization_details=json.dumps([detail]))

    assert page.status_code == 422


async def test_the_last_date_of_all_asks_for_the_longest_life(
    known: Person, client: FAPIClient
) -> None:
    detail = {**ACCOUNTS, "validUntil": "9999-12-31"}

    page = await known.asked(client, authorization_details=json.dumps([detail]))

    assert "2026-08-29 10:00" in plain(page)


async def test_the_scope_accounts_alone_asks_for_accounts_too(
    known: Person, client: FAPIClient, world: World
) -> None:
    answer = await known.agreed(client, known.customer.accounts[1], scope="openid accounts")

    assert answer.status_code == 303, answer.text
    (row,) = await consents_in(world, client)
    assert Permission.TRANSACTIONS_DETAIL in row["permissions"]


async def test_two_requests_in_one_are_two_consents_and_end_apart(
    known: Person, client: FAPIClient, world: World
) -> None:
    page = await known.asked(client, authorization_details=json.dumps([PAYMENT, ACCOUNTS]))
    first, second, _ = known.customer.accounts

    answer = await known.submit(
        page, "approve", **{"account-0": first.id, "account-1": [first.id, second.id]}
    )

    assert answer.status_code == 303, answer.text
    rows = await consents_in(world, client)
    assert sorted(row["kind"] for row in rows) == ["account_access", "payment"]
    grants = "select revoked_at from identity.grants where partner_id = $1"
    for row, ends in zip(rows, (False, True), strict=True):
        page = await known.get(f"/my/consents/{row['consent_id']}/revoke")
        await known.submit(page)
        assert (await world.pool.fetchval(grants, client.partner) is not None) == ends


# --- saying no -------------------------------------------------------------------------------


async def test_refusing_needs_no_login(person: Person, client: FAPIClient, world: World) -> None:
    page = await person.asked(client, **READ)

    answer = await person.submit(page, "refuse")

    assert answer.status_code == 303
    assert answer_of(answer.headers["location"])["error"] == "access_denied"
    (row,) = await consents_in(world, client)
    assert (row["status"], row["customer_id"]) == ("rejected", None)


async def test_a_refusal_after_the_login_stands_among_the_customers_own(
    known: Person, client: FAPIClient
) -> None:
    answer = await known.submit(await known.asked(client, **PAY), "refuse")

    assert answer_of(answer.headers["location"])["error"] == "access_denied"
    assert "you refused" in (await known.get("/my/consents/ended")).text


async def test_a_request_that_cannot_be_shown_can_only_be_refused(
    known: Person, client: FAPIClient, world: World
) -> None:
    odd = {**PAYMENT, "creditorName": "Merchant\u202eA tnahcreM"}

    page = await known.asked(client, **{**PAY, "authorization_details": json.dumps([odd])})

    assert page.status_code == 422
    assert "cannot show or do" in page.text
    assert await consents_in(world, client) == []


# --- double clicks, back buttons, tampering --------------------------------------------------


async def test_a_double_click_agrees_once_and_goes_to_the_same_place(
    known: Person, client: FAPIClient, world: World
) -> None:
    page = await known.asked(client, **PAY)
    chosen = {"account-0": known.customer.accounts[0].id}

    answers = await asyncio.gather(*(known.submit(page, "approve", **chosen) for _ in range(5)))

    places = {each.headers.get("location") for each in answers if each.status_code == 303}
    assert len(places) == 1
    assert len(await consents_in(world, client)) == 1
    assert (await known.submit(page, "refuse")).headers["location"] in places


async def test_the_back_button_after_a_minute_finds_an_answered_request(
    known: Person, client: FAPIClient, world: World
) -> None:
    page = await known.asked(client, **PAY)
    chosen = {"account-0": known.customer.accounts[0].id}
    first = await known.submit(page, "approve", **chosen)
    world.clock.advance(timedelta(seconds=61))

    again = await known.submit(page, "approve", **chosen)

    assert first.status_code == 303
    assert again.status_code == 409
    assert "You answered this request already" in again.text
    assert len(await consents_in(world, client)) == 1
    async with transaction(world.pool) as db:
        assert await decisions.forget_answers(db, world.clock) >= 1


async def test_the_kept_answer_opens_to_no_other_browser(
    known: Person, client: FAPIClient, world: World
) -> None:
    page = await known.asked(client, **PAY)
    await known.submit(page, "refuse")

    sealed = await world.pool.fetchrow(
        "select * from identity.decision_answers where partner_id = $1", client.partner
    )

    assert b"error=access_denied" not in sealed["sealed_address"]
    async with transaction(world.pool) as db:
        other = await decisions.answer_again(
            db, world.clock, sealed["interaction_id"], browser="x" * 43
        )
    assert other is None


async def test_terms_that_were_not_shown_are_not_agreed_to(
    known: Person, client: FAPIClient, world: World
) -> None:
    page = await known.asked(client, **PAY)
    cheaper = {**PAYMENT, "instructedAmount": {"currency": "CNY", "amount": "1.00"}}
    other = await known.asked(client, **{**PAY, "authorization_details": json.dumps([cheaper])})
    shown = forms_of(other)[0].fields["terms"]
    chosen = known.customer.accounts[0].id

    for terms in (shown, "00" * 32, "no hex", ["", ""], []):
        answer = await known.submit(page, "approve", **{"account-0": chosen, "terms": terms})
        assert answer.status_code == 422
        assert "not the one you had in front of you" in answer.text

    assert await consents_in(world, client) == []


async def test_an_account_that_is_not_the_customers_own_is_refused(
    known: Person, client: FAPIClient, world: World
) -> None:
    other = await a_customer(world.pool, world.clock, client.partner)
    page = await known.asked(client, **READ)
    own = known.customer.accounts[0].id

    for chosen in ([], [other.accounts[0].id], [own, other.accounts[0].id], ["acc_\0"], [own] * 60):
        answer = await known.submit(page, "approve", **{"account-0": chosen})
        if chosen == [own] * 60:
            assert answer.status_code == 303, "ticking one account twice is ticking it"
        else:
            assert answer.status_code == 422
            assert "Choose at least one account of yours" in answer.text
            assert await consents_in(world, client) == []


async def test_a_form_without_its_token_does_nothing(
    known: Person, client: FAPIClient, world: World
) -> None:
    page = await known.asked(client, **READ)
    chosen = known.customer.accounts[0].id
    action = forms_of(page)[0].action

    for token in ("", "0" * 64, None):
        changed = {"account-0": chosen, "token": token} if token is not None else {}
        answer = (
            await known.submit(page, "approve", **changed)
            if changed
            else await known.browser.post(action, data={"decision": "approve"})
        )
        assert answer.status_code == 403
        assert "Open it again" in answer.text

    assert await consents_in(world, client) == []


async def test_another_browsers_form_token_is_refused(
    known: Person, client: FAPIClient, world: World
) -> None:
    other = await a_customer(world.pool, world.clock, client.partner)
    async with application(world) as browser:
        stranger = Person(world, browser, other)
        await stranger.be_logged_in()
        stolen = forms_of(await stranger.asked(client, **READ))[0].fields["token"]
    page = await known.asked(client, **READ)

    answer = await known.submit(
        page, "approve", **{"account-0": known.customer.accounts[0].id, "token": stolen}
    )

    assert answer.status_code == 403


async def test_an_interaction_is_unknown_to_every_other_browser(
    known: Person, client: FAPIClient, world: World
) -> None:
    page = await known.asked(client, **READ)
    base = forms_of(page)[0].action.removesuffix("/decision")
    async with application(world) as browser:
        stranger = Person(world, browser, known.customer)
        await stranger.be_logged_in()
        for path in (base, f"{base}/login", f"{base}/second-factor"):
            answer = await stranger.get(path)
            assert answer.status_code == 404
            assert "opened in another browser" in answer.text
        form = forms_of(await stranger.get("/my/security"))[0]
        answer = await browser.post(f"{base}/decision", data={**form.fields, "decision": "refuse"})
        assert answer.status_code == 404

    assert (await known.get(base)).status_code == 200


async def test_an_interaction_that_took_too_long_is_over(
    known: Person, client: FAPIClient, world: World
) -> None:
    page = await known.asked(client, **READ)
    world.clock.advance(timedelta(minutes=10))

    answer = await known.submit(page, "approve", **{"account-0": known.customer.accounts[0].id})

    assert answer.status_code == 404
    assert "longer than ten minutes" in answer.text
    assert await consents_in(world, client) == []


async def test_a_session_of_another_data_space_decides_nothing(
    person: Person, client: FAPIClient, world: World
) -> None:
    elsewhere = await a_customer(world.pool, world.clock, "prt_elsewhere")
    stranger = Person(world, person.browser, elsewhere)
    await stranger.be_logged_in()
    page = await person.asked(client, **READ)
    assert not forms_of(page)[0].choices, "to this client's bank nobody is logged in"

    form = forms_of(page)[0]
    asked = {"decision": "approve", "account-0": elsewhere.accounts[0].id, "terms": "00" * 32}
    answer = await person.browser.post(form.action, data={**form.fields, **asked})

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/oauth/interactions/")
    assert await consents_in(world, client) == []


# --- logging in ------------------------------------------------------------------------------


async def test_a_wrong_password_and_an_unknown_login_get_the_same_page(person: Person) -> None:
    answers = []
    for login in (person.customer.login, "nobody.at.all"):
        page = await person.get("/my/login")
        answer = await person.submit(page, login=login, password="wrong password")
        answers.append((answer.status_code, answer.text.replace(login, "")))

    assert answers[0] == answers[1]
    assert answers[0][0] == 401
    assert "not right" in answers[0][1]


async def test_five_wrong_passwords_lock_and_the_right_one_waits_too(person: Person) -> None:
    page = await person.get("/my/login")
    login = person.customer.login
    for _ in range(ATTEMPTS_MAX):
        await person.submit(page, login=login, password="wrong password")

    locked = await person.submit(page, login=login, password=PASSWORD)

    assert locked.status_code == 429
    assert 0 < int(locked.headers["retry-after"]) <= 901
    assert "Wait 15 minutes" in locked.text


async def test_a_wrong_code_and_a_used_code_are_refused(person: Person) -> None:
    await person.my_consents()
    page = await person.get("/my/security")
    page = await person.submit(page)
    page = await person.submit(
        await person.get("/my/login"), login=person.customer.login, password=PASSWORD
    )
    form = await person.get(page.headers["location"])

    for code in (person.code(), "000000", "", "12 34 56 78"):
        answer = await person.submit(form, code=code)
        assert answer.status_code == 401
        assert "used already" in answer.text

    assert (await person.get("/my/consents")).headers["location"] == "/my/login"


async def test_the_cookie_is_a_new_one_after_each_factor_and_guarded(person: Person) -> None:
    page = await person.get("/my/login")
    seen = [page.headers["set-cookie"]]
    page = await person.submit(page, login=person.customer.login, password=PASSWORD)
    seen.append(page.headers["set-cookie"])
    page = await person.submit(await person.get(page.headers["location"]), code=person.code())
    seen.append(page.headers["set-cookie"])

    assert len({each.partition(";")[0] for each in seen}) == 3
    for each in seen:
        assert each.startswith(f"{SESSION_COOKIE}=")
        lowered = each.lower()
        assert "; httponly" in lowered
        assert "; secure" in lowered
        assert "; samesite=lax" in lowered
        assert "; path=/" in lowered
        assert "domain" not in lowered


async def test_a_payment_asks_for_a_fresh_code(
    known: Person, client: FAPIClient, world: World
) -> None:
    page = await known.asked(client, **PAY)
    world.clock.advance(FRESH_TTL)

    late = await known.submit(page, "approve", **{"account-0": known.customer.accounts[0].id})
    again = await known.get(late.headers["location"])
    assert again.headers["location"].endswith("/second-factor")
    form = await known.get(again.headers["location"])
    proven = await known.submit(form, code=known.code())
    page = await known.get(proven.headers["location"])
    answer = await known.submit(page, "approve", **{"account-0": known.customer.accounts[0].id})

    assert answer.headers["location"].startswith(CALLBACK)


async def test_a_login_leads_nowhere_but_to_our_own_pages(person: Person) -> None:
    page = await person.get("/my/login?next=https://evil.example&return_to=//evil.example")

    answer = await person.submit(page, login=person.customer.login, password=PASSWORD)

    assert answer.headers["location"] == "/my/second-factor"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b"token=a&token=b", "application/x-www-form-urlencoded"),
        (b"&".join([b"a=1"] * 500), "application/x-www-form-urlencoded"),
        (b"token=%ff%fe&login=%00", "application/x-www-form-urlencoded"),
        ("login=é".encode(), "application/x-www-form-urlencoded"),
        (b'{"login": "a"}', "application/json"),
        (b"--x\r\n\r\n--x--", "multipart/form-data; boundary=x"),
        (b"a=" + b"x" * 20_000, "application/x-www-form-urlencoded"),
    ],
)
async def test_a_form_that_is_none_of_ours_is_refused_politely(
    person: Person, content: bytes, kind: str
) -> None:
    await person.get("/my/login")

    answer = await person.browser.post("/my/login", content=content, headers={"content-type": kind})

    assert answer.status_code in {400, 403, 413}
    assert "content-security-policy" in answer.headers or answer.status_code == 413


async def test_odd_logins_and_codes_are_refused_and_never_a_fault_of_ours(person: Person) -> None:
    page = await person.get("/my/login")
    for login in ("a\0b", "x" * 10_000, "<script>", "é"):
        answer = await person.submit(page, login=login, password="\0" * 10)
        assert answer.status_code in {401, 429}
        assert scripts_of(answer) in ([], [OUR_SCRIPT])


async def test_a_passkey_alone_logs_in_before_a_decision_of_its_own_space(
    person: Person, client: FAPIClient, world: World
) -> None:
    device = SoftAuthenticator()
    party = RelyingParty.of(ISSUER)
    assert party is not None
    for holder in (person.customer, await a_customer(world.pool, world.clock, "prt_elsewhere")):
        whose = Holder(Realm.CUSTOMER, holder.partner, holder.id, holder.login)
        made = device if holder is person.customer else SoftAuthenticator()
        async with transaction(world.pool) as db:
            asked = await registration_options(db, world.clock, party, whose, browser="b")
            offer = Offer(answer=made.create(asked), name="Phone", browser="b")
            await register(db, world.clock, party, whose, offer)
    page = await person.asked(client, **READ)
    base = forms_of(page)[0].action.removesuffix("/decision")
    token = {"token": forms_of(await person.get(f"{base}/login"))[0].fields["token"][0]}

    async def used(passkey: SoftAuthenticator) -> Response:
        options = await person.browser.post(f"{base}/passkey/options", data=token)
        answer = {**token, "answer": passkey.get(options.text)}
        return await person.browser.post(f"{base}/passkey", data=answer)

    refused, done = await used(made), await used(device)

    assert refused.status_code == 401
    assert "did not log you in" in plain(refused)
    assert (done.status_code, done.headers["location"]) == (303, base)
    assert len(forms_of(await person.get(base))[0].choices["account-0"]) == 3


# --- the customer's own pages ----------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/my/consents", "/my/consents/ended", "/my/security", "/my/consents/cns_1/revoke"]
)
async def test_own_pages_ask_for_the_login_first(person: Person, path: str) -> None:
    answer = await person.get(path)

    assert answer.status_code == 303
    assert answer.headers["location"] == "/my/login"


async def test_a_session_that_idled_is_asked_to_log_in_again(known: Person, world: World) -> None:
    assert (await known.get("/my/consents")).status_code == 200
    world.clock.advance(IDLE_TTL)

    answer = await known.get("/my/consents")

    assert answer.headers["location"] == "/my/login"


async def test_another_customers_consent_is_unknown(
    known: Person, client: FAPIClient, world: World
) -> None:
    await known.agreed(client, known.customer.accounts[0], **READ)
    (row,) = await consents_in(world, client)
    others = [
        await a_customer(world.pool, world.clock, partner)
        for partner in (client.partner, "prt_elsewhere")
    ]

    for other in others:
        async with application(world) as browser:
            stranger = Person(world, browser, other)
            await stranger.be_logged_in()
            path = f"/my/consents/{row['consent_id']}/revoke"
            unknown = f"/my/consents/{row['consent_id'][:-1]}0/revoke"
            token = forms_of(await stranger.get("/my/security"))[0].fields
            pages = [await stranger.get(each) for each in (path, unknown)]
            posts = [await browser.post(each, data=token) for each in (path, unknown)]
            for found, missing in (pages, posts):
                assert found.status_code == missing.status_code == 404
                assert found.text.replace(path, "") == missing.text.replace(unknown, "")
            assert "Budget app" not in (await stranger.get("/my/consents")).text

    (row,) = await consents_in(world, client)
    assert row["status"] == "authorised"


async def test_taking_back_twice_changes_nothing(
    known: Person, client: FAPIClient, world: World
) -> None:
    await known.agreed(client, known.customer.accounts[0], **READ)
    (row,) = await consents_in(world, client)
    path = f"/my/consents/{row['consent_id']}/revoke"
    page = await known.get(path)

    answers = [await known.submit(page) for _ in range(2)]

    assert [each.status_code for each in answers] == [303, 303]
    assert (await known.get(path)).headers["location"] == "/my/consents/ended"
    (row,) = await consents_in(world, client)
    assert row["version"] == 3


async def test_an_expired_consent_stands_among_the_ended(
    known: Person, client: FAPIClient, world: World
) -> None:
    await known.agreed(client, known.customer.accounts[0], **PAY)
    world.clock.advance(timedelta(days=1))
    await known.be_logged_in()

    active, ended = await known.get("/my/consents"), await known.get("/my/consents/ended")

    assert "Nobody has access" in active.text
    assert "expired" in plain(ended)


async def test_a_device_is_logged_out_from_afar(known: Person, world: World) -> None:
    async with application(world) as browser:
        there = Person(world, browser, known.customer)
        await there.be_logged_in()
        page = await known.get("/my/security")
        form = next(each for each in forms_of(page) if each.action.endswith("/end"))

        done = await known.browser.post(form.action, data=form.fields)
        again = await known.browser.post(form.action, data=form.fields)

        assert (done.status_code, again.status_code) == (303, 404)
        assert (await there.get("/my/consents")).status_code == 303
    assert (await known.get("/my/consents")).status_code == 200


async def test_the_lists_are_paged_and_stay_light(
    known: Person, client: FAPIClient, world: World
) -> None:
    detail = {**PAYMENT, "purpose": "p" * 140, "remittanceInformationUnstructured": "r" * 140}
    details = json.dumps([detail] * 5)
    account = known.customer.accounts[0].id
    for _ in range(5):
        page = await known.asked(client, **{**PAY, "authorization_details": details})
        answer = await known.submit(
            page, "approve", **{f"account-{number}": account for number in range(5)}
        )
        assert answer.status_code == 303, answer.text

    first = await known.get("/my/consents")
    more = next(each for each in links_of(first) if "cursor=" in each)
    second = await known.get(more)

    seen = [
        {each for each in links_of(page) if each.endswith("/revoke")} for page in (first, second)
    ]
    assert [len(each) for each in seen] == [20, 5]
    assert not seen[0] & seen[1]
    assert len(first.content) < PAGE_BYTES_MAX - 15_000
    assert (await known.get("/my/consents?cursor=%00")).status_code == 422


# --- every page ------------------------------------------------------------------------------


async def every_page(person: Person, client: FAPIClient) -> list[Response]:
    """Each page once, for a customer with one consent."""
    before = await person.asked(client, **READ)
    base = forms_of(before)[0].action.removesuffix("/decision")
    pages = [before, await person.get(f"{base}/login")]
    await person.be_logged_in()
    await person.agreed(client, person.customer.accounts[0], **READ)
    (card,) = [each for each in links_of(await person.get("/my/consents")) if "/revoke" in each]
    refused = await person.submit(await person.asked(client, **READ), "approve")
    pages += [
        await person.asked(client, **READ),
        await person.asked(client, **PAY),
        refused,
        await person.get(f"{base}/second-factor"),
        await person.get("/my/login"),
        await person.get("/my/consents"),
        await person.get("/my/consents/ended"),
        await person.get("/my/security"),
        await person.get(card),
        await person.get("/oauth/interactions/unknown"),
    ]
    return pages


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_every_page_is_whole_light_and_strict_in_both_languages(
    person: Person, client: FAPIClient, lang: str
) -> None:
    person.browser.headers["accept-language"] = lang
    titles = set()

    for page in await every_page(person, client):
        assert page.status_code in {200, 404, 422}, page.text
        titles.add(re.findall(r"<title>(.+?)</title>", page.text)[0])
        assert f'lang="{"zh-CN" if lang == "zh" else "en"}"' in page.text
        policy = page.headers["content-security-policy"]
        assert scripts_of(page) == ([OUR_SCRIPT] if "script-src 'self'" in policy else [])
        assert "style=" not in page.text
        assert not re.findall(r"<[^>]+ on[a-z]+=", page.text)
        assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', page.text)
        assert len(page.content) < PAGE_BYTES_MAX - 15_000
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["cache-control"] == "no-store"
        for form in forms_of(page):
            assert form.method == "post"
            assert [len(each) for each in form.fields["token"]] == [64]
        for control in re.findall(r'<input[^>]+id="([^"]+)"', page.text):
            assert f'<label for="{control}"' in page.text

    assert len(titles) >= 8


async def test_the_decision_may_lead_to_the_clients_own_address_and_no_other(
    known: Person, client: FAPIClient
) -> None:
    page = await known.asked(client, **READ)

    policy = page.headers["content-security-policy"]

    assert "form-action 'self' https://app.example;" in policy
    other = (await known.get("/my/consents")).headers["content-security-policy"]
    assert "form-action 'self';" in other


async def test_large_type_and_language_are_switched_on_every_page(
    known: Person, client: FAPIClient
) -> None:
    page = await known.asked(client, **READ)
    larger = next(each for each in links_of(page) if "type=large" in each)

    await known.get(larger)

    assert 'class="large"' in (await known.get("/my/consents")).text


async def test_names_from_outside_are_shown_as_text(world: World) -> None:
    client = await world.client(name="<b>Budget</b> & Co")
    customer = await a_customer(world.pool, world.clock, client.partner)
    async with application(world) as browser:
        person = Person(world, browser, customer)
        hostile = {**ACCOUNTS, "purpose": "<img src=x onerror=alert(1)>"}
        page = await person.asked(client, authorization_details=json.dumps([hostile]))

    assert "<b>Budget" not in page.text
    assert "<img" not in page.text
    assert "&lt;img src=x" in page.text


def test_every_permission_and_state_has_its_plain_words() -> None:
    for lang in LANGUAGES:
        told = catalogue(lang)
        for permission in Permission:
            assert told[f"consent.permission.{permission.value}"]
            assert "Read" not in told[f"consent.permission.{permission.value}"]


async def test_when_the_database_is_away_the_page_says_so(world: World) -> None:
    async with application(world) as browser:
        await asyncio.wait_for(world.pool.close(), 10)

        answer = await browser.get("/my/consents")

    assert answer.status_code == 503
    assert "does not answer at this moment" in answer.text
