"""The room that executes products, wired to this process's database and ledger collector."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bankside.app.publish import catalogue
from bankside.bank.ledger import Books
from bankside.kernel.clock import Clock
from bankside.kernel.db import Pool
from bankside.kernel.secrets import Vault
from bankside.orders import Orders


@asynccontextmanager
async def executing(
    pool: Pool, clock: Clock, *, address: str = "", pages: str = "", vault: Vault | None = None
) -> AsyncIterator[Orders]:
    """Orders on a running ledger collector; what waits in it is committed before the end.

    ``address``: where callers reach the edge, for answers that link to themselves; ``pages``: where
    payers reach the hosted pages; ``vault``: seals what a sandbox's test people sign in by.
    """
    async with Books(pool, clock) as books:
        orders = Orders(pool, books, clock, catalogue(), address=address, pages=pages)
        if vault is not None:
            orders.keep_secrets_in(vault)
        yield orders
