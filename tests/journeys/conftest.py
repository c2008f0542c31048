"""One running platform for all journeys of a test worker, and who uses it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest
from tests.clients.customer import Customer
from tests.clients.oauth import Library
from tests.platform import Platform, running


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The whole platform with its demo bank, as `make run` starts it."""
    with running(tmp_path_factory.mktemp("platform")) as started:
        yield started


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
