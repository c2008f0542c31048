"""Two applications of the authorization server on this worker's database."""

from collections.abc import AsyncIterator

import pytest
from tests.identity.fapi.rig import ISSUER, VAULT, FAPIClient, World, application

from bankside.identity.http import AuthorizationServer
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, open_pool


@pytest.fixture
async def world(pool: Pool, database_url: str, clock: FixedClock) -> AsyncIterator[World]:
    second = await open_pool(database_url, size=4)
    server = AuthorizationServer(pool, clock, VAULT, ISSUER)
    other = AuthorizationServer(second, clock, VAULT, ISSUER)
    async with application(server) as one, application(other) as two:
        yield World(server, pool, clock, [one, two])
    await second.close()


@pytest.fixture
async def client(world: World) -> FAPIClient:
    """A registered, honest client."""
    return await world.client()


@pytest.fixture
async def fresh_world(fresh_pool: Pool, clock: FixedClock) -> AsyncIterator[World]:
    """A world on a database of its own: nobody else rotates its keys or fills its tables."""
    server = AuthorizationServer(fresh_pool, clock, VAULT, ISSUER)
    async with application(server) as web:
        yield World(server, fresh_pool, clock, [web])
