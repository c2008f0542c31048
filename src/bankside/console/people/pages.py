"""Landing page, explanation of a right, and the people of the space."""

from typing import Any

from bankside.console.entry import AnyResponse, Visit, fresh, one
from bankside.console.people.rights import (
    BLOCK_PEOPLE,
    SEE_PEOPLE,
    Caller,
    caller_of,
    no_right,
)
from bankside.console.showing import shown_time
from bankside.identity.credentials import LoginInvalid
from bankside.identity.people import (
    Person,
    PersonSelf,
    PersonUnknown,
    block_person,
    people_of,
    person_of,
    person_with,
    unblock_person,
)
from bankside.identity.realms import Realm
from bankside.identity.roles import explain, role_book
from bankside.identity.sessions import sessions_of
from bankside.kernel.db import transaction
from bankside.kernel.ids import PartnerId
from bankside.partners import PartnerUnknown, read_partner

PEOPLE_A_PAGE = 50
# What the console is going to hold; the page says so instead of showing empty menus.
LATER = {
    Realm.STAFF: ("health", "partners", "orders", "reconciliation", "risk", "audit"),
    Realm.PARTNER: ("apps", "sandbox", "logs", "webhooks", "tenants", "bill"),
}


async def landing(visit: Visit) -> AnyResponse:
    """Who is logged in, with which rights, on how many devices; and what comes later."""
    caller = await caller_of(visit)
    if caller is None:
        return visit.sent_to(f"{visit.pages.base}/login")
    pages, person = visit.pages, caller.person
    async with pages.pool.acquire(timeout=2) as db:
        sessions = await sessions_of(db, pages.clock, person.partner, person.id)
        partner = None
        if person.realm is Realm.PARTNER:
            try:
                partner = await read_partner(db, PartnerId(person.partner))
            except PartnerUnknown:
                partner = None
    return visit.shown(
        "people_home.html",
        caller=caller,
        roles=[role_book().roles[each] for each in person.roles if each in role_book().roles],
        rights=_rights(caller),
        devices=len(sessions),
        since=shown_time(caller.session.authenticated_at),
        partner=partner,
        may_see_people=caller.may(SEE_PEOPLE[person.realm]),
        later=LATER[person.realm],
    )


async def access(visit: Visit) -> AnyResponse:
    """Why somebody may, or may not: oneself, or another person for who may see people."""
    caller = await caller_of(visit)
    if caller is None:
        return visit.sent_to(f"{visit.pages.base}/login")
    book, query = role_book(), visit.request.query_params
    realm = caller.person.realm
    asked, login = query.get("right", ""), query.get("login", "").strip()
    about, missing = caller.person, False
    if login and login != caller.person.login:
        if not caller.may(SEE_PEOPLE[realm]):
            return no_right(visit, caller, SEE_PEOPLE[realm])
        try:
            async with visit.pages.pool.acquire(timeout=2) as db:
                about = await person_with(db, realm, caller.person.partner, login)
        except (PersonUnknown, LoginInvalid):
            missing = True
    told = None
    if asked in book.permissions and book.permissions[asked].realm is realm and not missing:
        told = explain(book, realm, about.roles, asked)
    return visit.shown(
        "people_access.html",
        status=404 if missing else 200,
        caller=caller,
        permissions=[each for each in book.permissions.values() if each.realm is realm],
        roles=book.roles,
        about=about,
        asked=asked,
        login=login or about.login,
        told=told,
        missing=missing,
        may_see_people=caller.may(SEE_PEOPLE[realm]),
    )


async def people(visit: Visit, *, fault: str = "", status: int = 200) -> AnyResponse:
    """Everybody of the space, with roles and state."""
    caller = await caller_of(visit)
    if caller is None:
        return visit.sent_to(f"{visit.pages.base}/login")
    realm = caller.person.realm
    if not caller.may(SEE_PEOPLE[realm]):
        return no_right(visit, caller, SEE_PEOPLE[realm])
    async with visit.pages.pool.acquire(timeout=2) as db:
        found = await people_of(
            db,
            caller.person.partner,
            cursor=visit.request.query_params.get("cursor"),
            limit=PEOPLE_A_PAGE,
        )
    return visit.shown(
        "people_list.html",
        status=status,
        caller=caller,
        people=[_person(each) for each in found.items if each.realm is realm],
        roles=role_book().roles,
        more=found.next_cursor,
        may_block=caller.may(BLOCK_PEOPLE[realm]),
        fault=fault,
    )


async def set_blocked(visit: Visit, person_id: str) -> AnyResponse:
    """A person is blocked or unblocked by somebody else, who may and was proven just now."""
    fields = await visit.form()
    caller = await caller_of(visit)
    if caller is None:
        return visit.sent_to(f"{visit.pages.base}/login")
    permission = BLOCK_PEOPLE[caller.person.realm]
    if not caller.may(permission):
        return no_right(visit, caller, permission)
    here = f"{visit.pages.base}/people"
    if not fresh(visit):
        return visit.sent_to(f"{here}/second-factor")
    act = block_person if one(fields, "to") == "blocked" else unblock_person
    try:
        async with transaction(visit.pages.pool) as db:
            about = await person_of(db, caller.person.partner, person_id)
            await act(db, visit.pages.clock, about, by=caller.person.id)
    except PersonSelf as fault:
        return await people(visit, fault="people.fault.self", status=fault.status)
    return visit.sent_to(here)


def _rights(caller: Caller) -> list[dict[str, Any]]:
    """Every right of the realm: whether the person has it, by which role, and where it counts."""
    book, person = role_book(), caller.person
    lines = []
    for permission in book.permissions.values():
        if permission.realm is person.realm:
            told = explain(book, person.realm, person.roles, permission.key)
            lines.append({"permission": permission, "told": told})
    return sorted(lines, key=lambda line: not line["told"].allowed)


def _person(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "login": person.login,
        "name": person.name,
        "roles": person.roles,
        "state": person.state,
        "since": shown_time(person.enrolled_at or person.created_at),
    }
