"""A shop for each test."""

from collections.abc import AsyncIterator

import pytest
from tests.console.checkout.shop import Shop, a_shop

from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool


@pytest.fixture
async def shop(pool: Pool, clock: FixedClock) -> AsyncIterator[Shop]:
    async with a_shop(pool, clock) as made:
        yield made
