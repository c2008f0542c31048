"""People: entered, invited by a link that works once, enrolled, given roles, blocked."""

import asyncio
import itertools
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pyotp
import pytest

from bankside.identity.credentials import LoginInvalid, PasswordInvalid
from bankside.identity.people import (
    Chosen,
    EnrolmentCodeWrong,
    EnrolmentUnknown,
    NewPerson,
    Person,
    PersonInvalid,
    PersonKnown,
    PersonSelf,
    PersonUnknown,
    block_person,
    create_person,
    enrol,
    enrolment_of,
    invite,
    people_of,
    person_of,
    person_with,
    set_roles,
    unblock_person,
)
from bankside.identity.people.rules import ENROLMENT_TTL
from bankside.identity.realms import BANK, Realm
from bankside.identity.sessions import (
    LoginAttempt,
    LoginRefused,
    Session,
    SessionEnded,
    Visitor,
    prove_code,
    prove_password,
    session_of,
)
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, transaction
from bankside.kernel.secrets import Vault

VAULT = Vault(bytes(range(32)))
PASSWORD = "correct horse battery"
_numbers = itertools.count(1)


@dataclass
class Desk:
    """Where people of one space are entered."""

    pool: Pool
    clock: FixedClock
    realm: Realm
    partner: str

    async def entered(self, login: str = "", **change: Any) -> Person:
        new = {
            "realm": self.realm,
            "partner": self.partner,
            "login": login or f"person.{next(_numbers)}",
            "name": "Ning",
            "roles": ("operator",) if self.realm is Realm.STAFF else ("owner",),
        }
        async with transaction(self.pool) as db:
            return await create_person(db, self.clock, NewPerson(**{**new, **change}))

    async def link(self, person: Person) -> str:
        async with transaction(self.pool) as db:
            return await invite(db, self.clock, VAULT, person)

    async def secret(self, link: str, realm: Realm | None = None) -> str:
        async with transaction(self.pool) as db:
            found = await enrolment_of(db, self.clock, VAULT, realm or self.realm, link)
            return found.secret

    async def enrol(self, link: str, password: str = PASSWORD, code: str = "") -> str:
        shown = code or pyotp.TOTP(await self.secret(link)).at(self.clock.now())
        chosen = Chosen(password=password, code=shown, visitor=Visitor("desk", "Test"))
        async with transaction(self.pool) as db:
            return await enrol(db, self.clock, VAULT, (self.realm, link), chosen)

    async def enrolled(self, **change: Any) -> tuple[Person, str]:
        """Somebody who is logged in, and the session's secret."""
        person = await self.entered(**change)
        token = await self.enrol(await self.link(person))
        self.clock.advance(timedelta(seconds=30))
        async with transaction(self.pool) as db:
            return await person_of(db, person.partner, person.id), token

    async def password(self, person: Person, **change: Any) -> str:
        attempt = {
            "partner": person.partner,
            "login": person.login,
            "password": PASSWORD,
            "visitor": Visitor(f"desk-{person.id}", "Test"),
            "realm": person.realm,
        }
        return await prove_password(self.pool, self.clock, LoginAttempt(**{**attempt, **change}))

    async def session(self, token: str, realm: Realm | None = None) -> Session | None:
        async with transaction(self.pool) as db:
            return await session_of(db, self.clock, token, realm=realm or self.realm)

    async def facts(self, person: Person) -> list[str]:
        rows = await self.pool.fetch(
            "select type from kernel.outbox where object_id = $1 order by object_seq", person.id
        )
        return [row["type"].removeprefix("identity.person.") for row in rows]


@pytest.fixture
def desk(pool: Pool, clock: FixedClock) -> Desk:
    return Desk(pool, clock, Realm.STAFF, BANK)


@pytest.fixture
def partner_desk(pool: Pool, clock: FixedClock) -> Desk:
    return Desk(pool, clock, Realm.PARTNER, f"prt_people{next(_numbers)}")


async def test_a_link_sets_password_and_code_and_logs_in(desk: Desk) -> None:
    person = await desk.entered()
    assert person.state == "invited"
    with pytest.raises(LoginRefused):
        await desk.password(person)

    token = await desk.enrol(await desk.link(person))

    session = await desk.session(token)
    assert session is not None
    assert session.is_full
    assert (session.realm, session.person) == (Realm.STAFF, person.id)
    desk.clock.advance(timedelta(seconds=30))
    assert await desk.password(person)
    assert await desk.facts(person) == ["created", "enrolled"]


async def test_a_link_works_once_even_for_ten_at_once(desk: Desk) -> None:
    person = await desk.entered()
    link = await desk.link(person)
    code = pyotp.TOTP(await desk.secret(link)).at(desk.clock.now())

    async def use() -> bool:
        try:
            await desk.enrol(link, code=code)
        except EnrolmentUnknown:
            return False
        return True

    assert sum(await asyncio.gather(*(use() for _ in range(10)))) == 1


async def test_a_link_ends_after_a_day_and_with_the_next_one(desk: Desk) -> None:
    person = await desk.entered()
    replaced, good = await desk.link(person), await desk.link(person)

    with pytest.raises(EnrolmentUnknown):
        await desk.secret(replaced)
    assert await desk.secret(good) == await desk.secret(good)
    desk.clock.advance(ENROLMENT_TTL)
    with pytest.raises(EnrolmentUnknown):
        await desk.secret(good)


@pytest.mark.parametrize("link", ["", ".", "bank.", "bank.short", "bank." + "a" * 43, "\0" * 48])
async def test_other_text_is_no_link(desk: Desk, link: str) -> None:
    with pytest.raises(EnrolmentUnknown):
        await desk.secret(link)


async def test_a_fault_does_not_use_the_link_up(desk: Desk) -> None:
    link = await desk.link(await desk.entered())

    for change, refusal in (
        ({"password": "short"}, PasswordInvalid),
        ({"code": "000000"}, EnrolmentCodeWrong),
        ({"code": "no code"}, EnrolmentCodeWrong),
    ):
        with pytest.raises(refusal):
            await desk.enrol(link, **change)

    assert await desk.enrol(link)


async def test_only_the_hash_of_a_link_and_a_sealed_secret_are_stored(desk: Desk) -> None:
    link = await desk.link(await desk.entered())
    secret = await desk.secret(link)

    rows = await desk.pool.fetch("select e::text as row from identity.enrolments e")

    for row in rows:
        assert link.partition(".")[2] not in row["row"]
        assert secret.encode().hex() not in row["row"]


async def test_a_new_link_for_a_lost_device_ends_what_was_before(desk: Desk) -> None:
    person, token = await desk.enrolled()
    link = await desk.link(person)
    assert await desk.session(token) is not None

    fresh = await desk.enrol(link, password="another password")

    assert await desk.session(token) is None
    assert await desk.session(fresh) is not None
    with pytest.raises(LoginRefused):
        await desk.password(person)
    assert await desk.password(person, password="another password")


async def test_a_session_of_one_realm_is_nothing_in_another(desk: Desk, partner_desk: Desk) -> None:
    _, staff = await desk.enrolled()
    _, user = await partner_desk.enrolled()

    for token, own in ((staff, Realm.STAFF), (user, Realm.PARTNER)):
        for realm in Realm:
            assert (await desk.session(token, realm) is not None) == (realm is own)


async def test_a_login_of_one_realm_is_nothing_in_another(partner_desk: Desk) -> None:
    person, _ = await partner_desk.enrolled()

    for realm in (Realm.CUSTOMER, Realm.STAFF):
        with pytest.raises(LoginRefused):
            await partner_desk.password(person, realm=realm)
    assert await partner_desk.password(person, partner=None)


async def test_a_link_of_one_realm_opens_in_no_other(desk: Desk, partner_desk: Desk) -> None:
    link = await partner_desk.link(await partner_desk.entered())

    with pytest.raises(EnrolmentUnknown):
        await desk.secret(link)


async def test_who_is_blocked_is_logged_out_and_gets_in_by_nothing(desk: Desk) -> None:
    person, token = await desk.enrolled()
    link, half = await desk.link(person), await desk.password(person)
    code = pyotp.TOTP(await desk.secret(link)).at(desk.clock.now())

    async with transaction(desk.pool) as db:
        blocked = await block_person(db, desk.clock, person, by="usr_other")
        assert await block_person(db, desk.clock, person, by="usr_other") == blocked

    assert blocked.state == "blocked"
    assert await desk.session(token) is None
    with pytest.raises(SessionEnded):
        await prove_code(
            desk.pool, desk.clock, VAULT, half, code=code, visitor=Visitor("desk", "Test")
        )
    with pytest.raises(LoginRefused):
        await desk.password(person)
    with pytest.raises(EnrolmentUnknown):
        await desk.secret(link)
    async with transaction(desk.pool) as db:
        await unblock_person(db, desk.clock, person, by="usr_other")
    assert await desk.password(person)
    assert await desk.facts(person) == ["created", "enrolled", "blocked", "unblocked"]


async def test_nobody_blocks_or_unblocks_himself(desk: Desk) -> None:
    person, token = await desk.enrolled()

    async with transaction(desk.pool) as db:
        for act in (block_person, unblock_person):
            with pytest.raises(PersonSelf):
                await act(db, desk.clock, person, by=person.id)

    assert await desk.session(token) is not None


async def test_roles_are_replaced_and_named_from_the_list_of_the_realm(
    desk: Desk, partner_desk: Desk
) -> None:
    person = await desk.entered()
    async with transaction(desk.pool) as db:
        changed = await set_roles(db, desk.clock, person, ("auditor", "operator", "auditor"))
        assert changed.roles == ("operator", "auditor")
        for roles in ((), ("owner",), ("root",)):
            with pytest.raises(PersonInvalid):
                await set_roles(db, desk.clock, person, roles)
    with pytest.raises(PersonInvalid):
        await partner_desk.entered(roles=("operator",))
    assert await desk.facts(person) == ["created", "roles_changed"]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"login": "A B"}, LoginInvalid),
        ({"name": ""}, PersonInvalid),
        ({"name": "x" * 61}, PersonInvalid),
        ({"name": "a\u202eb"}, PersonInvalid),
    ],
)
async def test_a_person_of_a_strange_form_is_refused(
    desk: Desk, change: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await desk.entered(**change)


async def test_a_login_is_taken_once_in_its_space(desk: Desk, partner_desk: Desk) -> None:
    person = await partner_desk.entered()

    with pytest.raises(PersonKnown):
        await partner_desk.entered(login=person.login)

    assert await desk.entered(login=f"{person.login}.x")


async def test_people_of_another_space_are_unknown(desk: Desk, partner_desk: Desk) -> None:
    person = await partner_desk.entered()
    other = Desk(desk.pool, desk.clock, Realm.PARTNER, f"{partner_desk.partner}x")
    mine = await other.entered()

    async with transaction(desk.pool) as db:
        with pytest.raises(PersonUnknown):
            await person_of(db, other.partner, person.id)
        with pytest.raises(PersonUnknown):
            await person_with(db, Realm.PARTNER, other.partner, person.login)
        page = await people_of(db, other.partner)

    assert [each.id for each in page.items] == [mine.id]


async def test_a_long_team_is_paged(partner_desk: Desk) -> None:
    people = [await partner_desk.entered() for _ in range(5)]

    async with transaction(partner_desk.pool) as db:
        first = await people_of(db, partner_desk.partner, limit=3)
        rest = await people_of(db, partner_desk.partner, cursor=first.next_cursor, limit=3)

    assert [each.id for each in (*first.items, *rest.items)] == sorted(each.id for each in people)
    assert rest.next_cursor is None


def test_neither_secret_nor_password_are_told() -> None:
    chosen = Chosen(password=PASSWORD, code="123456", visitor=Visitor("a", "b"))

    assert PASSWORD not in repr(chosen)
    assert "123456" not in repr(chosen)
