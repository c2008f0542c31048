"""A shop for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.console.checkout.shop import Shop, a_shop

from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool


@pytest.fixture
async def shop(pool: Pool, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Shop]:
    async with a_shop(pool, clock, tmp_path) as made:
        yield made
