"""Roles: what staff and partner users may do, as data compiled to sets.

Always true: what no role allows is denied; a denial of one role overrides what another allows; a
role counts in its realm only. The matrix (`docs/build/roles.md`) is made from the same data.

Public: role_book, read_book, rights_of, explain, matrix; Book, Role, Permission, Explanation.
"""

from bankside.identity.roles.matrix import matrix
from bankside.identity.roles.model import Book, Explanation, Permission, Role
from bankside.identity.roles.reading import read_book, role_book
from bankside.identity.roles.rules import explain, rights_of

__all__ = [
    "Book",
    "Explanation",
    "Permission",
    "Role",
    "explain",
    "matrix",
    "read_book",
    "rights_of",
    "role_book",
]
