"""The life cycle on one connection that is rolled back."""

import pytest
from tests.catalog.lifecycle.world import Desk

from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Connection


@pytest.fixture
def desk(db: Connection, clock: FixedClock) -> Desk:
    return Desk(db, clock)
