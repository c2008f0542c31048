"""A bank with clients on this worker's database."""

from collections.abc import AsyncIterator

import pytest
from tests.orders.openbanking.open_bank import OpenBank

from bankside.bank.ledger import Books
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool


@pytest.fixture
async def open_bank(pool: Pool, clock: FixedClock) -> AsyncIterator[OpenBank]:
    """One partner's empty bank with two clients."""
    async with Books(pool, clock) as books:
        yield await OpenBank.open(pool, books, clock)
