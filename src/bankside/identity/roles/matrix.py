"""The matrix of roles and permissions as Markdown: `docs/build/roles.md` is this text."""

from bankside.identity.realms import Realm
from bankside.identity.roles.model import Book

_HEAD = """# Roles and rights

Made from `src/bankside/identity/roles/roles.yaml` by `bankside staff matrix`; a test fails when
it drifts.

- `yes`: the role allows it. **no**: the role denies it, whatever another role of the same person
  allows. Empty: not given, which is a no as well.
- *where*: the page that asks for the right today; a right without a page guards what a later
  version brings.
"""


def matrix(book: Book) -> str:
    """All realms, a table each; ends with a line feed."""
    tables = [_table(book, realm) for realm in (Realm.STAFF, Realm.PARTNER)]
    return "\n".join([_HEAD, *tables])


def _table(book: Book, realm: Realm) -> str:
    roles = [each for each in book.roles.values() if each.realm is realm]
    lines = [
        f"## {'Staff of the bank' if realm is Realm.STAFF else 'Users of a partner'}",
        "",
        "| right | what it is | " + " | ".join(each.key for each in roles) + " | where |",
        "| --- | --- |" + " --- |" * (len(roles) + 1),
    ]
    for permission in book.permissions.values():
        if permission.realm is not realm:
            continue
        marks = [
            "yes"
            if permission.key in each.allow
            else "**no**"
            if permission.key in each.deny
            else ""
            for each in roles
        ]
        where = f"`{permission.since}`" if permission.since else ""
        cells = [f"`{permission.key}`", permission.en, *marks, where]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
