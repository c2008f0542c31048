"""Fresh people and accounts of one partner on a running platform, as many as a test asks for."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.orders.little_bank import LittleBank
from tests.orders.requests import World, stand_up

from bankside.bank.ledger import Books
from bankside.catalog import load
from bankside.kernel.clock import SystemClock
from bankside.kernel.db import Pool, open_pool
from bankside.kernel.postgres import database
from bankside.orders import Orders


class Worlds:
    """The sandbox's own tools, used from outside its processes."""

    def __init__(self, loop: asyncio.AbstractEventLoop, pool: Pool, partner: str) -> None:
        self._loop = loop
        self._pool = pool
        self._partner = partner

    def fresh(self, tenant: str | None = None) -> World:
        """A world whose people and accounts nobody used before, and which are the tenant's."""
        return self._loop.run_until_complete(self._made(tenant))

    async def _made(self, tenant: str | None) -> World:
        clock = SystemClock()
        async with Books(self._pool, clock) as books:
            orders = Orders(self._pool, books, clock, load())
            bank = LittleBank(self._pool, books, clock, orders, self._partner, tenant=tenant)
            return await stand_up(bank)


@contextmanager
def worlds(home: Path, partner: str) -> Iterator[Worlds]:
    """Worlds of a partner of the platform that runs on ``home``."""
    loop = asyncio.new_event_loop()
    with database(home) as url:
        pool = loop.run_until_complete(open_pool(url, size=2))
        try:
            yield Worlds(loop, pool, partner)
        finally:
            loop.run_until_complete(pool.close())
            loop.close()
