"""Who asks, what that person may do, and the page for who may not."""

from dataclasses import dataclass

import structlog

from bankside.console.entry import AnyResponse, Visit, logged_in
from bankside.identity.people import Person, PersonUnknown, person_of
from bankside.identity.realms import Realm
from bankside.identity.roles import explain, rights_of, role_book
from bankside.identity.sessions import Session

_log = structlog.get_logger("security")

# The right to see who else is there, and to block them, in each realm.
SEE_PEOPLE = {Realm.STAFF: "person.read", Realm.PARTNER: "team.read"}
BLOCK_PEOPLE = {Realm.STAFF: "person.block", Realm.PARTNER: "team.block"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever is logged in, with all that person's rights."""

    session: Session
    person: Person
    rights: frozenset[str]

    def may(self, permission: str) -> bool:
        """Whether the person may do this."""
        return permission in self.rights


async def caller_of(visit: Visit) -> Caller | None:
    """The person behind the session; None: log in first."""
    session, pages = logged_in(visit), visit.pages
    if session is None:
        return None
    async with pages.pool.acquire(timeout=2) as db:
        try:
            person = await person_of(db, session.partner, session.person)
        except PersonUnknown:
            return None
    return Caller(session, person, rights_of(role_book(), person.realm, person.roles))


def no_right(visit: Visit, caller: Caller, permission: str) -> AnyResponse:
    """The page instead of the one asked for: no data, but the reason."""
    _log.warning(
        "right_missing",
        realm=caller.person.realm,
        partner=caller.person.partner,
        person=caller.person.id,
        permission=permission,
    )
    book = role_book()
    told = explain(book, caller.person.realm, caller.person.roles, permission)
    return visit.shown(
        "people_no_right.html",
        status=403,
        caller=caller,
        told=told,
        permission=book.permissions[permission],
        roles=book.roles,
    )
