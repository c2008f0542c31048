"""Keys by URL: fetched once in 20 minutes, the last good set kept. Source: RFC 7591 section 2."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from tests.identity.fapi.rig import (
    ISSUER,
    VAULT,
    FAPIClient,
    World,
    application,
    public_jwk,
    refused_as,
)

from bankside.identity.clients import KeySetAddressInvalid, KeySetInvalid
from bankside.identity.http import AuthorizationServer
from bankside.kernel.egress import Egress

INVALID = (401, "invalid_client")


@dataclass
class Partner:
    """The partner's own server: its key set, and how often it was asked."""

    body: bytes = b"{}"
    status: str = "200 OK"
    asked: int = 0
    url: str = ""
    keys: list[str] = field(default_factory=list)

    def holds(self, *names: str) -> None:
        keys = [{**public_jwk("ES256", each), "kid": f"{each}-ES256"} for each in names]
        self.body, self.status = json.dumps({"keys": keys}).encode(), "200 OK"


@pytest.fixture
async def partner() -> AsyncIterator[Partner]:
    made = Partner()

    async def said(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        made.asked += 1
        head = f"HTTP/1.1 {made.status}\r\ncontent-length: {len(made.body)}\r\n\r\n".encode()
        writer.write(head + made.body)
        writer.close()

    server = await asyncio.start_server(said, "127.0.0.1", 0)
    async with server:
        made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks.json"
        made.holds("client")
        yield made


@pytest.fixture
async def remote(world: World, partner: Partner) -> AsyncIterator[FAPIClient]:
    """A client whose keys stand at its own address, on an installation that may call loopback."""
    egress = Egress(loopback=True)
    server = AuthorizationServer(world.pool, world.clock, VAULT, ISSUER, egress=egress)
    async with application(server) as one, application(server) as two:
        world.webs[:] = [one, two]
        yield await world.client(jwks=None, jwks_uri=partner.url)


async def calls(client: FAPIClient) -> int:
    form = client.signed_in(grant_type="client_credentials")
    return (await client.post("/oauth/token", form)).status_code


async def test_the_first_call_fetches_and_the_next_ones_do_not(
    remote: FAPIClient, partner: Partner
) -> None:
    assert [await calls(remote) for _ in range(3)] == [200] * 3
    assert partner.asked == 1

    remote.world.clock.advance(timedelta(minutes=19))
    assert await calls(remote) == 200
    assert partner.asked == 1
    remote.world.clock.advance(timedelta(minutes=2))
    assert await calls(remote) == 200
    assert partner.asked == 2


async def test_a_new_key_is_fetched_when_it_is_first_used(
    remote: FAPIClient, partner: Partner
) -> None:
    assert await calls(remote) == 200
    remote.world.clock.advance(timedelta(seconds=31))
    partner.holds("client", "rotated")
    remote.key = "rotated"

    assert await calls(remote) == 200
    assert partner.asked == 2


async def test_a_key_that_left_the_set_is_refused_after_the_next_fetch(
    remote: FAPIClient, partner: Partner
) -> None:
    assert await calls(remote) == 200
    partner.holds("rotated")
    remote.world.clock.advance(timedelta(minutes=21))

    assert await calls(remote) == 401


async def test_unknown_key_ids_do_not_make_us_a_crawler(
    remote: FAPIClient, partner: Partner
) -> None:
    assert await calls(remote) == 200
    remote.world.clock.advance(timedelta(seconds=31))

    remote.key = "stranger"
    assert [await calls(remote) for _ in range(10)] == [401] * 10

    assert partner.asked == 2


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("500 Broken", b""),
        ("302 Found", b""),
        ("200 OK", b"not json"),
        ("200 OK", b'{"keys":[]}'),
        ("200 OK", b'{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"one"}]}'),
        ("200 OK", b"[" * 60_000),
        ("200 OK", b"x" * 70_000),
    ],
)
async def test_the_last_good_set_is_kept_when_the_address_fails(
    remote: FAPIClient, partner: Partner, status: str, body: bytes
) -> None:
    assert await calls(remote) == 200
    partner.status, partner.body = status, body
    remote.world.clock.advance(timedelta(minutes=21))

    assert await calls(remote) == 200
    assert partner.asked == 2


async def test_without_any_good_set_nobody_is_authenticated(
    remote: FAPIClient, partner: Partner
) -> None:
    partner.status = "500 Broken"

    form = remote.signed_in(grant_type="client_credentials")
    assert refused_as(await remote.post("/oauth/token", form)) == INVALID
    partner.holds("client")
    remote.world.clock.advance(timedelta(seconds=31))
    assert await calls(remote) == 200


async def test_an_installation_without_the_setting_calls_no_loopback_address(
    world: World, partner: Partner
) -> None:
    client = await world.client(jwks=None, jwks_uri=partner.url)

    assert await calls(client) == 401
    assert partner.asked == 0


async def test_twenty_calls_at_once_fetch_once(remote: FAPIClient, partner: Partner) -> None:
    assert await calls(remote) == 200
    remote.world.clock.advance(timedelta(minutes=21))
    forms = [remote.signed_in(grant_type="client_credentials") for _ in range(20)]

    answers = await asyncio.gather(
        *(remote.post("/oauth/token", form, web=n % 2) for n, form in enumerate(forms))
    )

    assert {each.status_code for each in answers} == {200}
    assert partner.asked == 2


@pytest.mark.parametrize(
    "url",
    [
        "http://keys.example/jwks",
        "https://keys.example:8443/jwks",
        "https://user@keys.example/",
        "https://keys.example/#a",
        "javascript:alert(1)",
        "http://127.0.0.1.keys.example/",
        "https://[::1",
        "",
    ],
)
async def test_an_address_that_is_never_called_cannot_be_registered(world: World, url: str) -> None:
    with pytest.raises(KeySetAddressInvalid):
        await world.client(jwks=None, jwks_uri=url)


async def test_keys_come_by_value_or_by_address_and_never_by_both(world: World) -> None:
    with pytest.raises(KeySetInvalid):
        await world.client(jwks=None)
    with pytest.raises(KeySetInvalid):
        await world.client(jwks_uri="https://keys.example/jwks")
