"""The books of the ground: a refusal leaves them as they were, each currency adds up to zero."""

from bankside.bank.ledger import space_books
from bankside.kernel.db import Pool
from bankside.orders import state_of_space

# Orders of the space may move on by themselves between two looks; three times in a row they do not.
LOOKS = 3

State = tuple[object, ...]


class SpaceBooks:
    """Ledger and orders of one data space, as the database says."""

    def __init__(self, pool: Pool, space: str) -> None:
        self._pool, self._space = pool, space
        self._last: State = ()

    async def look(self) -> bool:
        """Whether anything is other than at the last look."""
        async with self._pool.acquire() as db:
            books = await space_books(db, self._space)
            state = (*sorted(books.items()), await state_of_space(db, self._space))
        same = state == self._last
        self._last = state
        return not same

    async def unbalanced(self) -> list[str]:
        """The currencies whose balances do not add up to zero."""
        async with self._pool.acquire() as db:
            books = await space_books(db, self._space)
        return sorted(currency for currency, (_, total) in books.items() if total)
