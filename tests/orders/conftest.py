"""Fixtures of the orders room: a little bank on this worker's database."""

import secrets
from collections.abc import AsyncIterator

import pytest
from tests.orders.little_bank import LittleBank

from bankside.bank.ledger import Books
from bankside.catalog import load
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool
from bankside.orders import Orders


@pytest.fixture
async def bank(pool: Pool, clock: FixedClock) -> AsyncIterator[LittleBank]:
    """A partner's empty data space, and the runtime on it."""
    async with Books(pool, clock) as books:
        orders = Orders(pool, books, clock, load())
        yield LittleBank(pool, books, clock, orders, f"prt_{secrets.token_hex(8)}")
