"""`bankside staff` and `bankside user`: who works for the bank and for partners, and as what."""

import sys
from dataclasses import dataclass
from typing import Any

from bankside.cli.installation import Installation
from bankside.cli.output import DONE, REFUSED, emit, table
from bankside.identity.people import (
    NewPerson,
    Person,
    block_person,
    create_person,
    invite,
    people_of,
    person_with,
    set_roles,
    unblock_person,
)
from bankside.identity.realms import BANK, Realm
from bankside.identity.roles import explain, matrix, role_book
from bankside.kernel.clock import rfc3339
from bankside.kernel.db import Connection, transaction
from bankside.kernel.ids import PartnerId
from bankside.kernel.secrets import Vault
from bankside.partners import read_partner

COLUMNS = ["login", "name", "roles", "state", "id"]
# What the operator of this machine is called in events: nobody's id.
OPERATOR = "operator-of-this-machine"
HOURS = 24


@dataclass(frozen=True, slots=True)
class Space:
    """Whose people a command is about."""

    realm: Realm
    partner: str

    async def check(self, db: Connection) -> None:
        """Refuse a partner that does not exist."""
        if self.realm is Realm.PARTNER:
            await read_partner(db, PartnerId(self.partner))


def space_of(partner: str | None) -> Space:
    """The bank's own space, or a partner's."""
    return Space(Realm.STAFF, BANK) if partner is None else Space(Realm.PARTNER, partner)


@dataclass(frozen=True, slots=True)
class Wish:
    """Whom to enter."""

    login: str
    name: str
    roles: tuple[str, ...]


async def create(installation: Installation, space: Space, wish: Wish, *, as_json: bool) -> int:
    """Enter a person and print the link by which it sets password and second factor."""
    new = NewPerson(
        realm=space.realm,
        partner=space.partner,
        login=wish.login,
        name=wish.name or wish.login,
        roles=wish.roles,
    )
    async with installation.pool() as pool, transaction(pool) as db:
        await space.check(db)
        person = await create_person(db, installation.clock, new)
        link = await invite(db, installation.clock, Vault.at(installation.home), person)
    return _link(installation, person, link, as_json=as_json)


async def renew(installation: Installation, space: Space, login: str, *, as_json: bool) -> int:
    """A new link for somebody who lost the old one, or a device."""
    async with installation.pool() as pool, transaction(pool) as db:
        person = await person_with(db, space.realm, space.partner, login)
        link = await invite(db, installation.clock, Vault.at(installation.home), person)
    return _link(installation, person, link, as_json=as_json)


async def every(installation: Installation, space: Space, *, as_json: bool) -> int:
    """Everybody of the space."""
    found: list[Person] = []
    async with installation.pool() as pool, transaction(pool) as db:
        await space.check(db)
        page = await people_of(db, space.partner, limit=200)
        found += page.items
        while page.next_cursor:
            page = await people_of(db, space.partner, cursor=page.next_cursor, limit=200)
            found += page.items
    rows = [_row(each) for each in found]
    shown = [{**each, "roles": ", ".join(each["roles"])} for each in rows]
    emit(rows, as_json=as_json, text=lambda: table(shown, COLUMNS))
    return DONE


async def give_roles(
    installation: Installation, space: Space, login: str, roles: tuple[str, ...], *, as_json: bool
) -> int:
    """The person has these roles and no others."""
    async with installation.pool() as pool, transaction(pool) as db:
        person = await person_with(db, space.realm, space.partner, login)
        person = await set_roles(db, installation.clock, person, roles)
    return _told(person, as_json=as_json)


async def block(
    installation: Installation, space: Space, login: str, *, blocked: bool, as_json: bool
) -> int:
    """The person is logged out and logs in no more, or may again."""
    act = block_person if blocked else unblock_person
    async with installation.pool() as pool, transaction(pool) as db:
        person = await person_with(db, space.realm, space.partner, login)
        person = await act(db, installation.clock, person, by=OPERATOR)
    return _told(person, as_json=as_json)


async def why(
    installation: Installation, space: Space, login: str, permission: str, *, as_json: bool
) -> int:
    """Whether the person may, and why; exit code 1 when not."""
    async with installation.pool() as pool, transaction(pool) as db:
        person = await person_with(db, space.realm, space.partner, login)
    told = explain(role_book(), person.realm, person.roles, permission)
    facts = {
        "login": person.login,
        "permission": permission,
        "allowed": told.allowed,
        "why": told.why,
        "allowed_by": told.allowed_by,
        "denied_by": told.denied_by,
        "given_by": told.given_by,
    }
    lines = [
        f"{person.login} {'may' if told.allowed else 'may not'}: {permission} ({told.why})",
        *(f"  allowed by {each}" for each in told.allowed_by),
        *(f"  denied by {each}" for each in told.denied_by),
        *([f"  roles that allow it: {', '.join(told.given_by)}"] if not told.allowed else []),
    ]
    emit(facts, as_json=as_json, text=lambda: "\n".join(lines))
    return DONE if told.allowed else REFUSED


def print_matrix() -> None:
    """The roles and rights as Markdown: `docs/build/roles.md`."""
    sys.stdout.write(matrix(role_book()))


def _link(installation: Installation, person: Person, link: str, *, as_json: bool) -> int:
    face = "staff" if person.realm is Realm.STAFF else "partner"
    address = f"{installation.issuer}/{face}/enrol/{link}"
    text = (
        f"{person.name} ({person.login}) sets password and second factor here, once, within"
        f" {HOURS} hours:\n\n  {address}"
    )
    emit({**_row(person), "link": address}, as_json=as_json, text=lambda: text)
    return DONE


def _told(person: Person, *, as_json: bool) -> int:
    row = _row(person)
    shown = {**row, "roles": ", ".join(person.roles)}
    emit(row, as_json=as_json, text=lambda: table([shown], COLUMNS))
    return DONE


def _row(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "partner": person.partner,
        "login": person.login,
        "name": person.name,
        "roles": list(person.roles),
        "state": person.state,
        "created_at": rfc3339(person.created_at),
    }
