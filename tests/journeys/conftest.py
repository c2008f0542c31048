"""Who uses the running platform in the journeys of a test worker."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest
from tests.clients.customer import Customer
from tests.clients.oauth import Library
from tests.platform import Platform


@pytest.fixture(scope="session")
def library(platform: Platform) -> Iterator[Library]:
    """The public OAuth clients; skips where they cannot be installed."""
    with ExitStack() as open_things:
        made = Library(platform.web)
        open_things.callback(made.close)
        yield made


@pytest.fixture(scope="session")
def customer_of(platform: Platform) -> Iterator[Callable[[str], Customer]]:
    """A demo customer by login; each keeps one browser, so that it logs in once."""
    with ExitStack() as open_things:

        @cache
        def of(login: str) -> Customer:
            facts = next(each for each in platform.demo["customers"] if each["login"] == login)
            made = Customer(platform.web, facts)
            open_things.callback(made.close)
            return made

        yield of
