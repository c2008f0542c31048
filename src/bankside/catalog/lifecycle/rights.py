"""Who of the bank may take part in the life of products."""

from bankside.catalog.lifecycle.errors import RightMissing
from bankside.identity.people import Person
from bankside.identity.realms import Realm
from bankside.identity.roles import rights_of, role_book


def has_right(person: Person, rights: frozenset[str]) -> None:
    """The person is of the bank's staff and holds one of the rights, or RightMissing."""
    held = rights_of(role_book(), person.realm, person.roles)
    if person.realm is not Realm.STAFF or person.blocked_at is not None or not rights & held:
        raise RightMissing(f"it takes {' or '.join(sorted(rights))}")
