"""One running platform for all journeys of a test worker."""

from collections.abc import Iterator

import pytest
from tests.platform import Platform, running


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The whole platform with its demo bank, as `make run` starts it."""
    with running(tmp_path_factory.mktemp("platform")) as started:
        yield started
