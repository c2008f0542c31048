"""SQL of the people slice; every question takes the space."""

from datetime import datetime

from bankside.identity.people.model import Person
from bankside.identity.realms import Realm
from bankside.kernel.db import Connection, Row
from bankside.kernel.ids import PersonId

_COLUMNS = (
    "partner_id, person_id, realm, login, name, roles, created_at, enrolled_at, blocked_at, version"
)


async def insert(db: Connection, person: Person) -> None:
    """Store a new person; the key ``people_login`` guards its login."""
    await db.execute(
        f"insert into identity.people ({_COLUMNS})"  # noqa: S608 - constant column list
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        person.partner,
        person.id,
        person.realm,
        person.login,
        person.name,
        list(person.roles),
        person.created_at,
        person.enrolled_at,
        person.blocked_at,
        person.version,
    )


async def find(db: Connection, partner: str, person: str, *, locked: bool) -> Person | None:
    """A person of the space; ``locked``: nobody else changes it until the commit."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from identity.people"  # noqa: S608 - constant column list
        " where partner_id = $1 and person_id = $2" + (" for update" if locked else ""),
        partner,
        person,
    )
    return _person(row) if row else None


async def by_login(db: Connection, realm: Realm, partner: str, login: str) -> Person | None:
    """The person with this login."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from identity.people"  # noqa: S608 - constant column list
        " where partner_id = $1 and realm = $2 and login = $3",
        partner,
        realm,
        login,
    )
    return _person(row) if row else None


async def of_space(db: Connection, partner: str, after: str, limit: int) -> list[Person]:
    """Up to ``limit`` people of the space after an id, by id."""
    rows = await db.fetch(
        f"select {_COLUMNS} from identity.people"  # noqa: S608 - constant column list
        " where partner_id = $1 and person_id > $2 order by person_id limit $3",
        partner,
        after,
        limit,
    )
    return [_person(row) for row in rows]


async def change(db: Connection, person: Person) -> Person:
    """Store what may change of a person (roles, enrolled, blocked), with its next version."""
    row = await db.fetchrow(
        "update identity.people"  # noqa: S608 - constant column list
        " set roles = $3, enrolled_at = $4, blocked_at = $5, version = version + 1"
        f" where partner_id = $1 and person_id = $2 returning {_COLUMNS}",
        person.partner,
        person.id,
        list(person.roles),
        person.enrolled_at,
        person.blocked_at,
    )
    assert row is not None, "the person was read in this transaction"
    return _person(row)


async def put_enrolment(
    db: Connection, person: Person, link_hash: bytes, sealed: bytes, *, until: datetime
) -> None:
    """Keep a person's link in place of the one before."""
    await db.execute(
        "insert into identity.enrolments"
        " (partner_id, person_id, hash, sealed_secret, expires_at) values ($1, $2, $3, $4, $5)"
        " on conflict (partner_id, person_id) do update"
        " set hash = $3, sealed_secret = $4, expires_at = $5, used_at = null",
        person.partner,
        person.id,
        link_hash,
        sealed,
        until,
    )


async def enrolment(
    db: Connection, partner: str, link_hash: bytes, at: datetime
) -> tuple[str, bytes] | None:
    """Whose link it is and its sealed secret, while it is good."""
    row = await db.fetchrow(
        "select person_id, sealed_secret from identity.enrolments"
        " where partner_id = $1 and hash = $2 and used_at is null and expires_at > $3",
        partner,
        link_hash,
        at,
    )
    return (row["person_id"], row["sealed_secret"]) if row else None


async def use_enrolment(db: Connection, partner: str, link_hash: bytes, at: datetime) -> bool:
    """Whether the link was still good; it is used up now. One statement decides."""
    used = await db.fetchval(
        "update identity.enrolments set used_at = $3"
        " where partner_id = $1 and hash = $2 and used_at is null and expires_at > $3"
        " returning true",
        partner,
        link_hash,
        at,
    )
    return used is True


def _person(row: Row) -> Person:
    return Person(
        realm=Realm(row["realm"]),
        partner=row["partner_id"],
        id=PersonId(row["person_id"]),
        login=row["login"],
        name=row["name"],
        roles=tuple(row["roles"]),
        created_at=row["created_at"],
        enrolled_at=row["enrolled_at"],
        blocked_at=row["blocked_at"],
        version=row["version"],
    )
