"""A session of a person, and who asks for one."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bankside.identity.realms import Realm
from bankside.kernel.ids import CustomerId, SessionId


class SessionLevel(StrEnum):
    """How much is proven: the password alone, or both factors."""

    PASSWORD = "password"  # noqa: S105 - the name of a level
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where a request comes from: the source's address and what its browser calls itself."""

    source: str
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A person's session as stored. ``amr`` are the methods of RFC 8176 that were used.

    ``authenticated_at`` is when the last factor was proven, ``seen_at`` the last request (noted
    every SEEN_NOTED_EVERY), ``codes_failed`` the wrong codes since the last proof.
    """

    partner: str
    id: SessionId
    person: str
    login: str
    level: SessionLevel
    amr: tuple[str, ...]
    device: str
    source: str
    started_at: datetime
    authenticated_at: datetime
    seen_at: datetime
    realm: Realm = Realm.CUSTOMER
    codes_failed: int = 0

    @property
    def customer(self) -> CustomerId:
        """The person of a customer's session; asking another realm's is a bug."""
        assert self.realm is Realm.CUSTOMER, "only the customer pages know customers"
        return CustomerId(self.person)

    @property
    def is_full(self) -> bool:
        """Whether both factors are proven."""
        return self.level is SessionLevel.FULL
