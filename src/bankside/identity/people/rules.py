"""What may be entered of a person, and how an enrolment link is written."""

import hashlib
import re
import secrets
from collections.abc import Collection
from datetime import timedelta

from bankside.identity.people.errors import PersonInvalid
from bankside.identity.realms import Realm
from bankside.identity.roles import role_book

ENROLMENT_TTL = timedelta(hours=24)
NAME_LENGTH_MAX = 60
_LINK = re.compile(r"([A-Za-z0-9_]{1,64})\.([A-Za-z0-9_-]{43})")


def new_link(partner: str) -> str:
    """The secret of an enrolment link: the space in clear and 256 random bits."""
    return f"{partner}.{secrets.token_urlsafe(32)}"


def place_of(link: str) -> tuple[str, bytes] | None:
    """Space and hash under which a link is stored; None when it is no link of ours."""
    match = _LINK.fullmatch(link)
    return (match[1], hashlib.sha256(link.encode()).digest()) if match else None


def checked_name(name: str) -> str:
    """The name in its one form, or PersonInvalid."""
    shown = " ".join(name.split())
    if not 1 <= len(shown) <= NAME_LENGTH_MAX or not shown.isprintable():
        raise PersonInvalid(f"a name has 1 to {NAME_LENGTH_MAX} printable characters")
    return shown


def checked_roles(realm: Realm, roles: Collection[str]) -> tuple[str, ...]:
    """The roles once each, in the order of the book; or PersonInvalid naming the wrong one."""
    known = [key for key, role in role_book().roles.items() if role.realm is realm]
    for role in roles:
        if role not in known:
            raise PersonInvalid(f"{role[:40]!r} is no role of {realm}; known: {', '.join(known)}")
    if not roles:
        raise PersonInvalid(f"a person has a role; known: {', '.join(known)}")
    return tuple(each for each in known if each in roles)
