"""Pages of a list: a bounded size and a cursor, never an offset.

Always true: a cursor is the sort key of the last item shown, so a row that appears or goes between
two calls neither repeats nor hides another. To callers it is opaque text.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

from bankside.kernel.errors import Invalid
from bankside.kernel.ids import is_reference

LIMIT_DEFAULT = 50
# Two hundred rows of a list stay below 100 kB of JSON.
LIMIT_MAX = 200

T = TypeVar("T")


class LimitInvalid(Invalid):
    """A page holds from 1 to 200 items."""

    code = "page.limit_invalid"


class CursorInvalid(Invalid):
    """The cursor is not one this list gave out."""

    code = "page.cursor_invalid"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items of a list and the cursor of the next ones (None: these were the last)."""

    items: tuple[T, ...]
    next_cursor: str | None

    @classmethod
    def cut(cls, found: Sequence[T], limit: int, *, key: Callable[[T], str]) -> Self:
        """A page of at most ``limit`` from rows fetched with one more to peek at what follows."""
        items = tuple(found[:limit])
        return cls(items, key(items[-1]) if len(found) > limit else None)


def checked_limit(limit: int | None) -> int:
    """The page size to use, or LimitInvalid."""
    size = LIMIT_DEFAULT if limit is None else limit
    if not 1 <= size <= LIMIT_MAX:
        raise LimitInvalid(f"limit is {size}; a page holds from 1 to {LIMIT_MAX} items")
    return size


def checked_cursor(cursor: str | None) -> str:
    """A cursor that is an id or code (empty: from the beginning), or CursorInvalid."""
    if cursor is not None and not is_reference(cursor):
        raise CursorInvalid(f"{cursor[:40]!r} is no cursor of this list")
    return cursor or ""


def checked_number(cursor: str | None) -> int | None:
    """A cursor that is a count (an entry's version), or CursorInvalid."""
    if cursor is None:
        return None
    # Eighteen digits always fit the 64-bit column the number is compared with.
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise CursorInvalid(f"{cursor[:40]!r} is no cursor of this list")
    return int(cursor)
