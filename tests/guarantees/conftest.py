"""A platform on a database and a clock of its own."""

from collections.abc import AsyncIterator

import pytest
from tests.bank.clearing.clearing_world import Platform, platform_on

from bankside.bank.ledger import Books
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool


@pytest.fixture
async def platform(fresh_pool: Pool, clock: FixedClock) -> AsyncIterator[Platform]:
    async with Books(fresh_pool, clock) as books:
        yield platform_on(fresh_pool, books, clock)
