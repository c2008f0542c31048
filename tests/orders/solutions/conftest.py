"""Fixtures of solution runs."""

import pytest
from tests.orders.little_bank import LittleBank
from tests.orders.solutions.solution_bank import RunningBank, running
from tests.partners.builders import VAULT


@pytest.fixture
async def runs(bank: LittleBank) -> RunningBank:
    """A bank with an app that may call everything; its runtime seals credentials."""
    bank.orders.keep_secrets_in(VAULT)
    return await running(bank)
