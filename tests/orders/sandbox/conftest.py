"""An app of the sandbox with a data space of its own."""

from collections.abc import AsyncIterator

import pytest
from tests.orders.conftest import bank
from tests.orders.little_bank import LittleBank
from tests.orders.sandbox.tester import SandboxApp, a_tester

from bankside.bank.ledger import Books
from bankside.catalog import load
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool
from bankside.orders import Orders
from bankside.orders.sandbox import routes

__all__ = ["bank"]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is: a jump has all the time it needs in one call."""
    monkeypatch.setattr(routes, "JUMP_SECONDS", 300.0)


@pytest.fixture
async def tester(bank: LittleBank) -> SandboxApp:
    """An app in its own space, with its people."""
    made = await a_tester(bank)
    await made.create()
    return made


@pytest.fixture
async def bank_alone(fresh_pool: Pool, clock: FixedClock) -> AsyncIterator[LittleBank]:
    """A bank on a database of its own: dates and their books are the whole bank's."""
    async with Books(fresh_pool, clock) as books:
        orders = Orders(fresh_pool, books, clock, load())
        yield LittleBank(fresh_pool, books, clock, orders, "prt_alone")


@pytest.fixture
async def tester_alone(bank_alone: LittleBank) -> SandboxApp:
    """An app in its own space, with its people, at a bank on a database of its own."""
    made = await a_tester(bank_alone)
    await made.create()
    return made
