"""A person who works for the bank or for a partner, and the link that begins its account."""

from dataclasses import dataclass
from datetime import datetime

from bankside.identity.realms import Realm
from bankside.identity.sessions import Visitor
from bankside.kernel.ids import PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """Whom to enter; ``partner`` is the space (``bank`` for staff), ``id`` None: a new one."""

    realm: Realm
    partner: str
    login: str
    name: str
    roles: tuple[str, ...]
    id: PersonId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person as stored; ``enrolled_at`` None: has not set password and second factor yet."""

    realm: Realm
    partner: str
    id: PersonId
    login: str
    name: str
    roles: tuple[str, ...]
    created_at: datetime
    enrolled_at: datetime | None
    blocked_at: datetime | None
    version: int

    @property
    def state(self) -> str:
        """``invited``, ``active`` or ``blocked``."""
        if self.blocked_at is not None:
            return "blocked"
        return "active" if self.enrolled_at is not None else "invited"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the enrolment page shows: whose it is and the secret for the authenticator."""

    person: Person
    secret: str

    def __repr__(self) -> str:
        return "Enrolment(...)"  # the secret never reaches a log


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What the person sets: a password, and a code that proves the authenticator has the secret."""

    password: str
    code: str
    visitor: Visitor

    def __repr__(self) -> str:
        return "Chosen(...)"  # neither does the password
