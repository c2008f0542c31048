"""Invariant I7: after a revocation was acknowledged, no call under it is answered with success.

Two real edge processes under load of calls by token; one of them reaches the database through a
wire that can be cut. Every way to revoke is driven; what counts is the order at the driver.
"""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Databases
from tests.edges import Bearer, Driver, EdgeProcess, Wire, edges, exchange
from tests.identity.builders import an_owner, asks_access, awaiting, yes
from tests.identity.fapi.rig import (
    ISSUER,
    VAULT,
    FAPIClient,
    World,
    answer_of,
    application,
)
from tests.partners.builders import a_key, private_key

from bankside.app.publish import publish_snapshot
from bankside.bank.accounts import Account
from bankside.identity import access_of, block_client, decisions, end_customer_access, revoke_grant
from bankside.identity.consents import Consent, authorise_consent, terminate_consent
from bankside.identity.http import AuthorizationServer
from bankside.identity.revocations import applied_everywhere
from bankside.kernel.clock import SystemClock
from bankside.kernel.db import open_pool, transaction
from bankside.kernel.ids import PartnerId
from bankside.kernel.signing import signer
from bankside.kernel.signing.rfc9421 import Identity, Request, sign_request
from bankside.partners import register_key, set_rate, subscribe

PRODUCT = "account.account-balances"
PATIENCE = 60.0
# So many successes of each edge before, and refusals after: the load was real.
ENOUGH = 5
# What hangs on a cut wire is given up soon.
SHORT = {"x-timeout-ms": "1500"}
pytestmark = pytest.mark.xdist_group("edges")


@dataclass
class Field:
    """The edges, the wire of the second one, and the database they share."""

    url: str
    home: Path
    wire: Wire
    processes: list[EdgeProcess]

    @property
    def ports(self) -> list[int]:
        return [each.port for each in self.processes]


@pytest.fixture(scope="module")
def ground(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """A database of its own with two edges on it, the second behind a wire."""
    name = asyncio.run(databases.clone())
    url = databases.url(name)
    home = tmp_path_factory.mktemp("edges")

    async def publish() -> None:
        pool = await open_pool(url, size=2)
        await publish_snapshot(home, pool, SystemClock())
        await pool.close()

    asyncio.run(publish())
    wire = Wire(url)
    with edges(home, [url, wire.url]) as processes:
        yield Field(url, home, wire, processes)
    wire.close()
    asyncio.run(databases.drop(name))


@pytest.fixture
async def world(ground: Field) -> AsyncIterator[World]:
    """The authorization server on that database, by the real clock."""
    pool = await open_pool(ground.url, size=4)
    clock: Any = SystemClock()
    async with application(AuthorizationServer(pool, clock, VAULT, ISSUER)) as web:
        yield World(AuthorizationServer(pool, clock, VAULT, ISSUER), pool, clock, [web])
    await pool.close()


@dataclass
class Given:
    """What one customer gave one client: a consent for one of two accounts, and tokens."""

    client: FAPIClient
    customer: Any
    accounts: list[Account]
    consent: Consent
    grant: str
    token: str
    refresh_token: str

    def reads(self, account: int = 0) -> Bearer:
        path = f"/v1/account-balances/{self.accounts[account].id}"
        return Bearer(self.token, path, headers=dict(SHORT))


async def given(ground: Field, world: World) -> Given:
    """A new client and customer, and a consent with its grant and tokens."""
    client = await world.client()
    partner = PartnerId(client.partner)
    async with transaction(world.pool) as db:
        await subscribe(db, world.clock, partner, client.client_id, [PRODUCT])
        # What is measured here is not the rate an app is sold.
        await set_rate(db, world.clock, partner, client.client_id, (10_000, 10_000))
        customer, accounts = await an_owner(db, world.clock, client.partner)
    await publish_snapshot(ground.home, world.pool, world.clock)
    pushed = await client.push(scope="openid offline_access accounts")
    found = await client.interaction(pushed)
    _, address = await client.say_yes(found, subject=customer)
    answer = await client.exchange(answer_of(address)["code"], pushed)
    assert answer.status_code == 200, answer.text
    tokens = answer.json()
    async with transaction(world.pool) as db:
        access = await access_of(db, world.clock, tokens["access_token"])
        assert access is not None and access.grant_id is not None
        waiting, request = await awaiting(
            db, world.clock, asks_access(client.partner, client=client.client_id)
        )
        said = yes(request, customer, accounts[0])
        said = replace(said, grant=access.grant_id)
        consent = await authorise_consent(db, world.clock, client.partner, waiting.id, said)
    return Given(
        client=client,
        customer=customer,
        accounts=accounts,
        consent=consent,
        grant=access.grant_id,
        token=tokens["access_token"],
        refresh_token=tokens["refresh_token"],
    )


async def served(ground: Field, make: Callable[[], bytes]) -> None:
    """Wait until the edges answer with success: they follow the snapshot and their lease."""
    ends = time.monotonic() + PATIENCE
    for each in ground.ports:
        while True:
            status, answer = await asyncio.to_thread(exchange, each, make())
            if status == 200:
                break
            assert status in {401, 403, 404, 503, 504} and time.monotonic() < ends, answer[-330:]
            await asyncio.sleep(0.05)


# -- the ways to revoke ---------------------------------------------------------------------------


async def by_token(world: World, of: Given) -> None:
    """The client revokes its access token."""
    assert (await of.client.revoke(of.token)).status_code == 200


async def by_refresh_token(world: World, of: Given) -> None:
    """The client revokes its refresh token: its access tokens end with it."""
    assert (await of.client.revoke(of.refresh_token)).status_code == 200


async def by_customer(world: World, of: Given) -> None:
    """The customer takes the consent back on its dashboard."""
    async with transaction(world.pool) as db:
        await decisions.take_back(
            db, world.clock, of.client.partner, of.consent.id, customer=of.customer
        )
    await applied_everywhere(world.pool)


async def by_client_giving_back(world: World, of: Given) -> None:
    """The client gives the consent back (what DELETE of a consent does)."""
    async with transaction(world.pool) as db:
        await terminate_consent(
            db, world.clock, of.client.partner, of.consent.id, client=of.client.client_id
        )
    await applied_everywhere(world.pool)


async def by_grant(world: World, of: Given) -> None:
    """The grant is ended."""
    async with transaction(world.pool) as db:
        await revoke_grant(db, world.clock, of.client.partner, of.grant)
    await applied_everywhere(world.pool)


async def by_blocking_the_client(world: World, of: Given) -> None:
    """The bank blocks the client."""
    async with transaction(world.pool) as db:
        await block_client(
            db, world.clock, of.client.partner, of.client.client_id, reason="contract ended"
        )
    await applied_everywhere(world.pool)


async def by_ending_the_customers_access(world: World, of: Given) -> None:
    """The bank ends all access to the customer."""
    async with transaction(world.pool) as db:
        await end_customer_access(db, world.clock, of.client.partner, of.customer)
    await applied_everywhere(world.pool)


WAYS = [
    by_token,
    by_refresh_token,
    by_customer,
    by_client_giving_back,
    by_grant,
    by_blocking_the_client,
    by_ending_the_customers_access,
]


@pytest.mark.parametrize("revoke", WAYS, ids=lambda way: way.__name__)
async def test_after_the_acknowledgement_no_edge_answers_with_success(
    ground: Field, world: World, revoke: Any
) -> None:
    of = await given(ground, world)
    call = of.reads()
    await served(ground, call.request)
    driver = Driver(ground.ports, call.request)
    try:
        await until(lambda: all(driver.served(port) >= ENOUGH for port in ground.ports))
        await revoke(world, of)
        driver.acknowledged()
        await until(
            lambda: (
                driver.acknowledged_in is not None
                and all(driver.refused_after(port) >= ENOUGH for port in ground.ports)
            )
        )
    finally:
        driver.stop()

    assert driver.late() == []
    assert {each.status for each in driver.answers} <= {200, 401, 403, 503, 504}


@pytest.mark.parametrize("cut", [False, True], ids=["both-hear", "one-is-cut"])
async def test_signed_calls_under_a_consent_end_with_it_and_all_others_go_on(
    ground: Field, world: World, cut: bool
) -> None:
    of = await given(ground, world)
    partner = PartnerId(of.client.partner)
    async with transaction(world.pool) as db:
        key = await register_key(db, world.clock, VAULT, partner, of.client.client_id, a_key())
    await publish_snapshot(ground.home, world.pool, world.clock)
    sign = signer("ed25519", private_key("ed25519", ""))
    who = Identity(key_id=key.id, alg="ed25519", sign=sign)
    path = of.reads().path

    def under_consent() -> bytes:
        return signed(path, who, {"x-consent-id": of.consent.id})

    await served(ground, under_consent)
    driver = Driver(ground.ports, under_consent)
    try:
        await until(lambda: all(driver.served(port) >= ENOUGH for port in ground.ports))
        if cut:
            ground.wire.cut()
        await by_customer(world, of)
        driver.acknowledged()
        await until(
            lambda: (
                driver.acknowledged_in is not None
                and all(driver.refused_after(port) >= ENOUGH for port in ground.ports)
            )
        )
    finally:
        ground.wire.mend()
        driver.stop()

    assert driver.late() == []
    # The app's own right is not the customer's: the partner's data space stays open to it.
    await served(ground, lambda: signed(path, who, {}))


def signed(path: str, who: Identity, headers: dict[str, str]) -> bytes:
    """The bytes of a signed read."""
    request = Request("GET", path, "", {"host": "edge.example", **SHORT, **headers})
    fields = sign_request(request, who, created=int(time.time()), nonce=secrets.token_hex(12))
    lines = [f"{name}: {value}" for name, value in (request.headers | fields).items()]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()


async def test_an_edge_cut_from_the_database_answers_no_token_after_its_lease(
    ground: Field, world: World
) -> None:
    of = await given(ground, world)
    call = of.reads()
    await served(ground, call.request)
    whole, cut = ground.ports
    driver = Driver(ground.ports, call.request)
    try:
        await until(lambda: all(driver.served(port) >= ENOUGH for port in ground.ports))
        ground.wire.cut()
        began = time.monotonic()
        await by_token(world, of)
        took = time.monotonic() - began
        driver.acknowledged()
        await until(
            lambda: (
                driver.acknowledged_in is not None
                and all(driver.refused_after(port) >= ENOUGH for port in (whole, cut))
            )
        )
    finally:
        ground.wire.mend()
        driver.stop()

    assert driver.late() == []
    assert took < PATIENCE, "a lapsed lease is waited for, not for ever"
    assert {each.status for each in driver.answers if each.port == cut} <= {200, 401, 503, 504}

    # Once it hears again it answers for what still holds, without a restart.
    again = await given(ground, world)
    await served(ground, again.reads().request)


async def test_of_twenty_uses_of_one_proof_over_two_edges_one_succeeds(
    ground: Field, world: World
) -> None:
    of = await given(ground, world)
    call = of.reads()
    answers = [503]
    while 503 in answers:  # an edge whose lease lapsed on a busy machine took no part in the race
        await served(ground, call.request)
        request = call.request(proof=call.proof())
        with ThreadPoolExecutor(20) as threads:
            answers = list(
                threads.map(
                    lambda n, sent=request: exchange(ground.ports[n % 2], sent)[0], range(20)
                )
            )

    assert sorted(answers) == [200] + [401] * 19


async def test_a_consent_opens_exactly_its_accounts(ground: Field, world: World) -> None:
    of = await given(ground, world)
    await served(ground, of.reads().request)
    other = await given(ground, world)
    await served(ground, other.reads().request)

    unchosen = await answered(ground, of.reads(1))
    foreign = await answered(ground, Bearer(of.token, other.reads().path))
    unknown = await answered(ground, Bearer(of.token, "/v1/account-balances/acc_nothing"))

    assert unchosen == foreign == unknown == (404, "account.not_found")


async def answered(ground: Field, call: Bearer) -> tuple[int, str]:
    """Status and code of a refused call; asked again while a busy machine lets leases lapse."""
    status = 503
    while status == 503:
        status, data = await asyncio.to_thread(exchange, ground.ports[0], call.request())
    return status, str(json.loads(data.partition(b"\r\n\r\n")[2])["code"])


async def until(condition: Any) -> None:
    """Wait for something that happens in another thread or process."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - it is not ours to be told of
            await asyncio.sleep(0.01)
