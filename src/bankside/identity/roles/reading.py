"""``roles.yaml`` as values; a misspelt word there is an error at start, never a right."""

from functools import cache
from pathlib import Path

import msgspec
import yaml

from bankside.identity.realms import Realm
from bankside.identity.roles.model import Book, Permission, Role


class _Permission(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: str
    realm: Realm
    zh: str
    en: str
    since: str = ""


class _Role(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: str
    realm: Realm
    zh: str
    en: str
    allow: list[str]
    deny: list[str] = []


class _Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    permissions: list[_Permission]
    roles: list[_Role]


@cache
def role_book() -> Book:
    """The roles of this version, compiled to sets."""
    path = Path(__file__).parent / "roles.yaml"
    return read_book(path.read_text(encoding="utf-8"))


def read_book(text: str) -> Book:
    """The book in a YAML text. ValueError names what is wrong."""
    told = msgspec.convert(yaml.safe_load(text), _Book)
    permissions = {
        each.key: Permission(each.key, each.realm, each.zh, each.en, each.since)
        for each in told.permissions
    }
    roles = {
        each.key: Role(
            each.key, each.realm, each.zh, each.en, frozenset(each.allow), frozenset(each.deny)
        )
        for each in told.roles
    }
    if len(permissions) != len(told.permissions) or len(roles) != len(told.roles):
        raise ValueError("a key is used twice")
    for role in roles.values():
        for key in role.allow | role.deny:
            if key not in permissions or permissions[key].realm is not role.realm:
                raise ValueError(f"role {role.key}: {key} is no permission of {role.realm}")
        if role.allow & role.deny:
            raise ValueError(f"role {role.key} allows and denies the same")
    return Book(permissions, roles)
