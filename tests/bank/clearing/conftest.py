"""A platform on a database of its own: a date is the whole bank's, so tests do not share one."""

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
