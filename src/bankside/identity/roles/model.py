"""Roles and permissions as values, compiled once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bankside.identity.realms import Realm

Why = Literal["allowed", "denied", "not_allowed", "unknown"]


@dataclass(frozen=True, slots=True)
class Permission:
    """One thing somebody may do; ``since``: the address where it is exercised, "" when later."""

    key: str
    realm: Realm
    zh: str
    en: str
    since: str


@dataclass(frozen=True, slots=True)
class Role:
    """A role of one realm and what it allows and denies."""

    key: str
    realm: Realm
    zh: str
    en: str
    allow: frozenset[str]
    deny: frozenset[str]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why somebody may, or may not: the roles that say so, and those that would give it."""

    permission: str
    why: Why
    allowed_by: tuple[str, ...] = ()
    denied_by: tuple[str, ...] = ()
    given_by: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """The decision itself."""
        return self.why == "allowed"


@dataclass(frozen=True, slots=True)
class Book:
    """All roles and permissions by key, in the order of the definition."""

    permissions: Mapping[str, Permission]
    roles: Mapping[str, Role]
