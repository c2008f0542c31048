"""Use cases of the people slice; each runs in the caller's transaction."""

from dataclasses import replace

from asyncpg import UniqueViolationError

from bankside.identity import events
from bankside.identity.credentials import (
    Credential,
    block_login,
    checked_login,
    set_password,
    unblock_login,
)
from bankside.identity.factors import new_totp_secret, set_totp, take_totp
from bankside.identity.passkeys import remove_passkeys
from bankside.identity.people import rules, store
from bankside.identity.people.errors import (
    EnrolmentCodeWrong,
    EnrolmentUnknown,
    PersonKnown,
    PersonSelf,
    PersonUnknown,
)
from bankside.identity.people.model import Chosen, Enrolment, NewPerson, Person
from bankside.identity.realms import Realm
from bankside.identity.sessions import Proven, end_other_sessions, open_session
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import PersonId, is_reference, new_id
from bankside.kernel.paging import Page, checked_cursor, checked_limit
from bankside.kernel.secrets import SealBroken, Vault


async def create_person(db: Connection, clock: Clock, new: NewPerson) -> Person:
    """The person stands, invited: nobody logs in before it has enrolled.

    The caller has made sure that the partner exists. Raises PersonInvalid, LoginInvalid,
    PersonKnown.
    """
    assert new.realm is not Realm.CUSTOMER, "customers are registered by the bank"
    person = Person(
        realm=new.realm,
        partner=new.partner,
        id=new.id or PersonId(new_id("person", clock)),
        login=checked_login(new.login),
        name=rules.checked_name(new.name),
        roles=rules.checked_roles(new.realm, new.roles),
        created_at=clock.now(),
        enrolled_at=None,
        blocked_at=None,
        version=1,
    )
    try:
        async with db.transaction():
            await store.insert(db, person)
    except UniqueViolationError as known:
        raise PersonKnown(f"{person.login} is taken") from known
    await _tell(db, clock, events.PERSON_CREATED, person)
    return person


async def invite(db: Connection, clock: Clock, vault: Vault, person: Person) -> str:
    """The secret of a link by which the person sets password and authenticator, once, in 24 h.

    Links made before are worth nothing. Until it is used, what the person logs in with stays.
    """
    link = rules.new_link(person.partner)
    place = rules.place_of(link)
    assert place is not None, "a link of ours has the form of one"
    sealed = vault.seal(new_totp_secret().encode(), purpose=_purpose(person.partner, place[1]))
    until = clock.now() + rules.ENROLMENT_TTL
    await store.put_enrolment(db, person, place[1], sealed, until=until)
    return link


async def enrolment_of(
    db: Connection, clock: Clock, vault: Vault, realm: Realm, link: str
) -> Enrolment:
    """Whose link it is and the secret to put into the authenticator. Raises EnrolmentUnknown."""
    place = rules.place_of(link)
    found = await store.enrolment(db, *place, clock.now()) if place else None
    if place is None or found is None:
        raise EnrolmentUnknown
    person = await store.find(db, place[0], found[0], locked=False)
    if person is None or person.realm is not realm or person.blocked_at is not None:
        raise EnrolmentUnknown
    try:
        secret = vault.open(found[1], purpose=_purpose(*place)).decode()
    except SealBroken as broken:
        raise EnrolmentUnknown from broken
    return Enrolment(person, secret)


async def enrol(
    db: Connection, clock: Clock, vault: Vault, found: tuple[Realm, str], chosen: Chosen
) -> str:
    """The person logs in with this password and authenticator from now on; a session's secret.

    ``found``: realm and link, which is used up. What the person had before (passkeys, sessions) is
    worth nothing: the link is also for whoever lost a device. Raises EnrolmentUnknown,
    EnrolmentCodeWrong, PasswordInvalid; none of them uses the link up.
    """
    realm, link = found
    enrolment = await enrolment_of(db, clock, vault, realm, link)
    place = rules.place_of(link)
    if place is None or not await store.use_enrolment(db, *place, clock.now()):
        raise EnrolmentUnknown
    person = await person_of(db, enrolment.person.partner, enrolment.person.id, locked=True)
    space, who = person.partner, person.id
    await equip(db, clock, vault, person, password=chosen.password, secret=enrolment.secret)
    if not await take_totp(db, clock, vault, space, who, code=chosen.code):
        raise EnrolmentCodeWrong
    await remove_passkeys(db, space, who)
    await end_other_sessions(db, space, who)
    return await open_session(db, clock, Proven(realm, space, who, person.login), chosen.visitor)


async def equip(
    db: Connection, clock: Clock, vault: Vault, person: Person, *, password: str, secret: str
) -> Person:
    """The person is enrolled with this password and authenticator secret: by a link, or a seed.

    Raises PasswordInvalid, SecretInvalid.
    """
    given = Credential(person.partner, person.id, person.login, person.realm)
    await set_password(db, clock, given, password=password)
    await set_totp(db, clock, vault, person.partner, person.id, secret=secret)
    enrolled = await store.change(db, replace(person, enrolled_at=clock.now()))
    await _tell(db, clock, events.PERSON_ENROLLED, enrolled)
    return enrolled


async def person_of(db: Connection, partner: str, person: str, *, locked: bool = False) -> Person:
    """A person of the space. Raises PersonUnknown."""
    known = is_reference(partner) and is_reference(person)
    found = await store.find(db, partner, person, locked=locked) if known else None
    if found is None:
        raise PersonUnknown
    return found


async def person_with(db: Connection, realm: Realm, partner: str, login: str) -> Person:
    """The person with this login. Raises PersonUnknown, LoginInvalid."""
    found = await store.by_login(db, realm, partner, checked_login(login))
    if found is None:
        raise PersonUnknown
    return found


async def people_of(
    db: Connection, partner: str, *, cursor: str | None = None, limit: int | None = None
) -> Page[Person]:
    """The people of a space, in the order in which they were entered."""
    size = checked_limit(limit)
    found = await store.of_space(db, partner, checked_cursor(cursor), size + 1)
    return Page.cut(found, size, key=lambda each: each.id)


async def set_roles(db: Connection, clock: Clock, person: Person, roles: tuple[str, ...]) -> Person:
    """The person has these roles and no others, from its next page on. Raises PersonInvalid."""
    stored = await person_of(db, person.partner, person.id, locked=True)
    wanted = rules.checked_roles(person.realm, roles)
    if stored.roles == wanted:
        return stored
    changed = await store.change(db, replace(stored, roles=wanted))
    await _tell(db, clock, events.PERSON_ROLES_CHANGED, changed)
    return changed


async def block_person(db: Connection, clock: Clock, person: Person, *, by: str) -> Person:
    """The person is logged out everywhere and logs in no more. ``by``: who blocks.

    Blocking again changes nothing. Raises PersonSelf.
    """
    if by == person.id:
        raise PersonSelf
    stored = await person_of(db, person.partner, person.id, locked=True)
    if stored.blocked_at is not None:
        return stored
    await block_login(db, clock, stored.partner, stored.id)
    await end_other_sessions(db, stored.partner, stored.id)
    changed = await store.change(db, replace(stored, blocked_at=clock.now()))
    await _tell(db, clock, events.PERSON_BLOCKED, changed, by=by)
    return changed


async def unblock_person(db: Connection, clock: Clock, person: Person, *, by: str) -> Person:
    """The person may log in again. Raises PersonSelf."""
    if by == person.id:
        raise PersonSelf
    stored = await person_of(db, person.partner, person.id, locked=True)
    if stored.blocked_at is None:
        return stored
    await unblock_login(db, stored.partner, stored.id)
    changed = await store.change(db, replace(stored, blocked_at=None))
    await _tell(db, clock, events.PERSON_UNBLOCKED, changed, by=by)
    return changed


async def _tell(db: Connection, clock: Clock, fact: str, person: Person, *, by: str = "") -> None:
    """The fact without name or login: who needs them asks."""
    body = {"realm": person.realm.value, "roles": list(person.roles), "state": person.state}
    of = (person.partner, person.id, person.version)
    await events.publish(db, clock, fact, of=of, **body, **({"by": by} if by else {}))


def _purpose(partner: str, link_hash: bytes) -> str:
    return f"enrolment:{partner}:{link_hash.hex()}"
