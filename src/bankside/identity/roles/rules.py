"""What roles come to: default deny, and a denial overrides. Pure.

``explain`` is the one decision; ``rights_of`` is the same decision for every permission at once
(a property test compares them), as a set that a page asks without further thought.
"""

from collections.abc import Collection
from functools import lru_cache

from bankside.identity.realms import Realm
from bankside.identity.roles.model import Book, Explanation, Role, Why


def explain(book: Book, realm: Realm, roles: Collection[str], permission: str) -> Explanation:
    """Whether these roles give the permission in the realm, and why."""
    known = book.permissions.get(permission)
    if known is None or known.realm is not realm:
        return Explanation(permission, "unknown")
    held = _held(book, realm, roles)
    allowed_by = tuple(each.key for each in held if permission in each.allow)
    denied_by = tuple(each.key for each in held if permission in each.deny)
    given_by = tuple(each.key for each in book.roles.values() if permission in each.allow)
    why: Why = "denied" if denied_by else "allowed" if allowed_by else "not_allowed"
    return Explanation(permission, why, allowed_by, denied_by, given_by)


@lru_cache(maxsize=1024)
def _compiled(allow: frozenset[frozenset[str]], deny: frozenset[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*allow) - frozenset().union(*deny)


def rights_of(book: Book, realm: Realm, roles: Collection[str]) -> frozenset[str]:
    """All that these roles give in the realm; a role that is unknown there gives nothing."""
    held = _held(book, realm, roles)
    return _compiled(frozenset(each.allow for each in held), frozenset(each.deny for each in held))


def _held(book: Book, realm: Realm, roles: Collection[str]) -> list[Role]:
    return [each for key, each in book.roles.items() if key in roles and each.realm is realm]
