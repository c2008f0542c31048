"""An app of the sandbox with a data space of its own."""

import pytest
from tests.orders.conftest import bank
from tests.orders.little_bank import LittleBank
from tests.orders.sandbox.tester import SandboxApp, a_tester

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
