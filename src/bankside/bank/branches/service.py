"""Use cases of the branches slice."""

from bankside.bank.branches import store
from bankside.bank.branches.errors import BranchNotFound
from bankside.bank.branches.model import Branch
from bankside.kernel.db import Connection
from bankside.kernel.ids import is_reference
from bankside.kernel.paging import Page, checked_cursor, checked_limit


async def open_branch(db: Connection, branch: Branch) -> Branch:
    """The branch stands in its data space; opening it twice changes nothing."""
    await store.insert(db, branch)
    return await _found(db, branch.partner, branch.code)


async def branch(db: Connection, partner: str, reference: str) -> Branch:
    """The branch with this id or code, or BranchNotFound."""
    return await _found(db, partner, reference)


async def branches(
    db: Connection, partner: str, *, cursor: str | None = None, limit: int | None = None
) -> Page[Branch]:
    """A page of the data space's branches, by code."""
    size = checked_limit(limit)
    found = await store.page(db, partner, checked_cursor(cursor), size + 1)
    return Page.cut(found, size, key=lambda each: each.code)


async def _found(db: Connection, partner: str, reference: str) -> Branch:
    found = await store.find(db, partner, reference) if is_reference(reference) else None
    if found is None:
        raise BranchNotFound(f"there is no branch {reference}")
    return found
