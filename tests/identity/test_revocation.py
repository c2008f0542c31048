"""Revocations: numbered in the order of their commits, and acknowledged when every edge knows."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from tests.identity.builders import an_owner, asks_access, awaiting, yes
from tests.identity.fapi.rig import ISSUER, SUBJECT, VAULT, FAPIClient, World, application

from bankside.app.leases import Lease, known_tokens
from bankside.gateway import Tokens
from bankside.identity import block_client, end_customer_access, revoke_grant
from bankside.identity.consents import (
    authorise_consent,
    reject_consent,
    revoke_consent,
    terminate_consent,
)
from bankside.identity.http import AuthorizationServer
from bankside.identity.revocations import (
    Revocation,
    applied_everywhere,
    end_lease,
    forget_revocations,
    last_revocation,
    renew_lease,
    revocations_since,
    store,
)
from bankside.identity.values import digest
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, transaction

# Waits in these tests end by an event; this only ends a test that hangs.
PATIENCE = 20.0
# A lease that no slow machine lets run out.
LONG = timedelta(hours=1)


@pytest.fixture
async def world(fresh_pool: Pool, clock: FixedClock) -> AsyncIterator[World]:
    """An authorization server on a database of its own: numbers here are this test's alone."""
    server = AuthorizationServer(fresh_pool, clock, VAULT, ISSUER)
    async with application(server) as web:
        yield World(server, fresh_pool, clock, [web])


@pytest.fixture
async def client(world: World) -> FAPIClient:
    return await world.client()


async def told(pool: Pool, after: int = 0) -> list[Revocation]:
    async with pool.acquire() as db:
        found, missing = await revocations_since(db, after)
    assert not missing
    return found


async def token(client: FAPIClient, **change: str) -> str:
    tokens = await client.tokens(**change)
    return str(tokens["access_token"])


async def test_a_revoked_token_is_told_by_its_hash(world: World, client: FAPIClient) -> None:
    value = await token(client)

    assert (await client.revoke(value)).status_code == 200
    assert (await client.revoke(value)).status_code == 200
    assert (await client.revoke("at0" + "x" * 43)).status_code == 200

    found = await told(world.pool)
    assert [(each.seq, each.kind, each.subject) for each in found] == [
        (1, "token", digest(value).hex())
    ]


async def test_a_foreign_client_revokes_nothing(world: World, client: FAPIClient) -> None:
    value = await token(client)
    stranger = await world.client(key="stranger")

    assert (await stranger.revoke(value)).status_code == 200

    assert await told(world.pool) == []
    assert (await client.introspect(value))["active"] is True


async def test_a_revoked_refresh_token_ends_the_access_tokens_of_its_grant(
    world: World, client: FAPIClient
) -> None:
    tokens = await client.tokens(scope="openid offline_access accounts")
    again = (await client.refresh(tokens["refresh_token"])).json()["access_token"]

    await client.revoke(tokens["refresh_token"])

    hashes = {digest(tokens["access_token"]).hex(), digest(again).hex()}
    assert {each.subject for each in await told(world.pool)} == hashes


async def test_a_blocked_clients_tokens_end_and_its_customers_grants_stay(
    world: World, client: FAPIClient
) -> None:
    tokens = await client.tokens(scope="openid offline_access accounts")

    async with transaction(world.pool) as db:
        await block_client(db, world.clock, client.partner, client.client_id, reason="late fees")

    (found,) = await told(world.pool)
    assert (found.kind, found.subject) == ("token", digest(tokens["access_token"]).hex())
    assert (await client.refresh(tokens["refresh_token"])).status_code == 401


async def test_all_access_to_a_customer_ends_at_once(world: World, client: FAPIClient) -> None:
    values = [await token(client), await token(client)]

    async with transaction(world.pool) as db:
        ended = await end_customer_access(db, world.clock, client.partner, SUBJECT)

    assert ended == 2
    assert [each.kind for each in await told(world.pool)] == ["grant", "grant"]
    for value in values:
        assert (await client.introspect(value)) == {"active": False}


async def test_only_the_end_of_a_consent_that_counted_is_told(
    world: World, clock: FixedClock
) -> None:
    async with transaction(world.pool) as db:
        customer, accounts = await an_owner(db, clock, "prt_a")
        refused, _ = await awaiting(db, clock, asks_access())
        await reject_consent(db, clock, "prt_a", refused.id, customer=customer)
        waiting, request = await awaiting(db, clock, asks_access())
        said = yes(request, customer, accounts[0])
        given = await authorise_consent(db, clock, "prt_a", waiting.id, said)
    assert await told(world.pool) == []

    async with transaction(world.pool) as db:
        await revoke_consent(db, clock, "prt_a", given.id, customer=customer)

    assert await told(world.pool) == [Revocation(1, "consent", "prt_a", given.id, None)]


async def test_a_consent_that_its_client_gave_back_is_told_like_one_the_customer_took_back(
    world: World,
) -> None:
    clock = world.clock
    async with transaction(world.pool) as db:
        customer, accounts = await an_owner(db, clock, "prt_a")
        waiting, asked = await awaiting(db, clock, asks_access("prt_a"))
        await authorise_consent(db, clock, "prt_a", waiting.id, yes(asked, customer, accounts[0]))
        given_up, _ = await awaiting(db, clock, asks_access("prt_a", ref="unanswered"))

    async with transaction(world.pool) as db:
        for each in (waiting, given_up):
            await terminate_consent(db, clock, "prt_a", each.id, client=each.client)

    assert await told(world.pool) == [Revocation(1, "consent", "prt_a", waiting.id, None)]


async def test_what_was_rolled_back_takes_no_number(world: World, client: FAPIClient) -> None:
    await token(client)

    with pytest.raises(ZeroDivisionError):
        async with transaction(world.pool) as db:
            await end_customer_access(db, world.clock, client.partner, SUBJECT)
            raise ZeroDivisionError

    async with world.pool.acquire() as db:
        assert await last_revocation(db) == 0


async def test_numbers_of_racing_revocations_have_no_gap_and_no_reader_misses_one(
    world: World, client: FAPIClient
) -> None:
    values = [await token(client) for _ in range(12)]
    seen: list[int] = []
    done = asyncio.Event()

    async def read() -> None:
        while not done.is_set():
            found = await told(world.pool, seen[-1] if seen else 0)
            seen.extend(each.seq for each in found)
            await asyncio.sleep(0)
        seen.extend(each.seq for each in await told(world.pool, seen[-1] if seen else 0))

    reading = asyncio.ensure_future(read())
    await asyncio.gather(*(client.revoke(each) for each in values))
    done.set()
    await reading

    assert seen == list(range(1, 13))


async def test_a_revocation_is_acknowledged_after_the_last_live_edge_applied_it(
    world: World, client: FAPIClient
) -> None:
    value = await token(client)
    async with world.pool.acquire() as db:
        await store.renew(db, "edge-1", 1, LONG)
        await store.renew(db, "edge-2", 0, LONG)

    revoking = asyncio.ensure_future(client.revoke(value))
    done, _ = await asyncio.wait({revoking}, timeout=0.5)
    assert not done, "edge-2 has a live lease and has not applied it"

    async with world.pool.acquire() as db:
        await store.renew(db, "edge-2", 1, LONG)
    assert (await asyncio.wait_for(revoking, PATIENCE)).status_code == 200


async def test_a_revocation_that_an_edge_does_not_confirm_stands_and_says_so(
    world: World, client: FAPIClient
) -> None:
    value = await token(client)
    async with world.pool.acquire() as db:
        await store.renew(db, "edge-stuck", 0, LONG)

    answer = await client.revoke(value)

    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert (await client.introspect(value)) == {"active": False}


async def test_an_edge_that_is_cut_off_delays_a_revocation_by_its_lease_only(
    world: World,
) -> None:
    async with world.pool.acquire() as db:
        await renew_lease(db, "edge-gone", -1)

    await applied_everywhere(world.pool)

    async with world.pool.acquire() as db:
        left = await db.fetchval(
            "select count(*) from identity.edge_leases where expires_at > clock_timestamp()"
        )
        assert left == 0, "the wait ended with the lease"
        await store.renew(db, "edge-gone", -1, LONG)
        await end_lease(db, "edge-gone")
    await applied_everywhere(world.pool)


async def test_an_edge_that_was_away_for_longer_than_we_remember_is_told_so(
    world: World, client: FAPIClient
) -> None:
    await client.revoke(await token(client))
    async with world.pool.acquire() as db:
        await db.execute(
            "update identity.revocations set revoked_at = revoked_at - $1::interval",
            timedelta(hours=2),
        )
        await forget_revocations(db)

        found, missing = await revocations_since(db, 0)
        current, complete = await revocations_since(db, 1)

    assert (found, missing) == ([], True)
    assert (current, complete) == ([], False)


async def test_an_edge_hears_of_a_revocation_and_asks_for_the_token_again(
    fresh_url: str, world: World, client: FAPIClient
) -> None:
    tokens = known_tokens(world.pool, world.clock)
    keeping = asyncio.ensure_future(Lease("edge-1", tokens).keep(fresh_url))
    await until_live(tokens)
    now = world.clock.now().timestamp()
    value = await token(client)

    found = await tokens.ask(value, digest(value), now)
    assert found is not None
    assert (found.customer, found.client) == (SUBJECT, client.client_id)
    assert tokens.known(digest(value), now) == found

    # No wait and no luck: once the revocation was acknowledged, the edge does not know the token
    # (or its lease ran out, on a machine that stood still, and then it answers for none).
    assert (await client.revoke(value)).status_code == 200
    assert tokens.known(digest(value), now) is None or not tokens.live
    assert await tokens.ask(value, digest(value), now) is None
    keeping.cancel()


async def test_a_grants_end_is_heard_by_the_edge(
    fresh_url: str, world: World, client: FAPIClient
) -> None:
    tokens = known_tokens(world.pool, world.clock)
    keeping = asyncio.ensure_future(Lease("edge-1", tokens).keep(fresh_url))
    await until_live(tokens)
    now = world.clock.now().timestamp()
    value = await token(client)
    found = await tokens.ask(value, digest(value), now)
    assert found is not None and found.grant is not None

    async with transaction(world.pool) as db:
        await revoke_grant(db, world.clock, client.partner, found.grant)
    await applied_everywhere(world.pool)

    assert tokens.known(digest(value), now) is None or not tokens.live
    keeping.cancel()


async def test_a_token_costs_the_database_one_statement(world: World, client: FAPIClient) -> None:
    value = await token(client)
    tokens = known_tokens(world.pool, world.clock)
    tokens.begin(0)
    now = world.clock.now().timestamp()
    statements: list[str] = []
    # The pool has no hook for all its connections.
    for holder in world.pool._holders:  # type: ignore[attr-defined]
        if holder._con is not None:
            holder._con.add_query_logger(lambda record: statements.append(record.query))

    await asyncio.gather(*(tokens.ask(value, digest(value), now) for _ in range(10)))
    assert tokens.known(digest(value), now) is not None

    asked = [each for each in statements if "access_tokens" in each]
    assert len(asked) == 1


async def until_live(tokens: Tokens) -> None:
    """Wait until the edge holds its lease."""
    async with asyncio.timeout(PATIENCE):
        while not tokens.live:  # noqa: ASYNC110 - the lease has no listeners
            await asyncio.sleep(0.01)
