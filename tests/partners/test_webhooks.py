"""Webhooks: signed, at least once, in order, to addresses we may call, and never about others."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, transaction, write_all
from bankside.kernel.egress import Egress, EgressRefused
from bankside.kernel.events import Event
from bankside.kernel.ids import PartnerId, new_id
from bankside.kernel.outbox import Relay, dead_letters, publish
from bankside.kernel.secrets import Vault
from bankside.partners import create_partner
from bankside.partners.webhooks import (
    Again,
    DeliveryUnknown,
    Endpoint,
    EndpointChange,
    EndpointInvalid,
    EndpointsTooMany,
    EndpointUnknown,
    NewEndpoint,
    Sender,
    Webhooks,
    enable_endpoint,
    list_endpoints,
    read_endpoint,
    remove_endpoint,
    replay,
)

SANDBOX = Egress(loopback=True)


@dataclass
class Sink:
    """A partner's server: keeps what it got and answers what it is told to."""

    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answer: bytes = b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n"
    url: str = ""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        pairs = [line.split(": ", 1) for line in head.split("\r\n")[1:] if line]
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers["content-length"]))
        self.got.append((headers, body))
        self.arrived.set()
        writer.write(self.answer)
        writer.close()

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.got]


@asynccontextmanager
async def listening() -> AsyncIterator[Sink]:
    sink = Sink()
    server = await asyncio.start_server(sink.serve, "127.0.0.1", 0)
    sink.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks?of=us"
    try:
        yield sink
    finally:
        server.close()


@dataclass
class House:
    """The room with what it works on."""

    pool: Pool
    clock: FixedClock
    vault: Vault
    partner: PartnerId
    egress: Egress = SANDBOX

    @property
    def webhooks(self) -> Webhooks:
        return Webhooks(self.clock, self.vault, self.egress)

    async def endpoint(self, url: str, **changes: Any) -> tuple[Endpoint, str]:
        new = NewEndpoint(url=url, **({"types": ("order.",)} | changes))
        async with transaction(self.pool) as db:
            return await self.webhooks.create(db, self.partner, new)

    async def happens(self, fact: str, order: str, seq: int, *, partner: str = "") -> str:
        body = {"order": order, "amount": "12.34", "currency": "CNY", "payer_name": "Lin Xiaoyu"}
        event = Event(
            id=new_id("event", self.clock),
            type=f"orders.order.{fact}",
            partner=partner or self.partner,
            object_id=order,
            object_seq=seq,
            body=body,
        )
        async with transaction(self.pool) as db:
            await write_all(db, [publish(event)])
        return event.id

    async def relayed(self) -> int:
        sender = Sender(self.pool, self.clock, self.vault, self.egress)
        return await Relay(self.pool, [sender.consumer], self.clock).drain()


@pytest.fixture
async def house(fresh_pool: Pool, clock: FixedClock) -> House:
    async with transaction(fresh_pool) as db:
        partner = await create_partner(db, clock, name_zh="甲", name_en="A", partner_id="prt_a")
        await create_partner(db, clock, name_zh="乙", name_en="B", partner_id="prt_b")
    return House(fresh_pool, clock, Vault(b"k" * 32), partner.id)


def verified(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """Standard Webhooks 1.0.0 as a partner checks it."""
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    kind, _, text = secret.partition("_")
    raw = base64.b64decode(text)
    for entry in headers["webhook-signature"].split(" "):
        version, _, given = entry.partition(",")
        if kind == "whsec" and version == "v1":
            wanted = hmac.new(raw, content, hashlib.sha256).digest()
            if hmac.compare_digest(wanted, base64.b64decode(given)):
                return True
        if kind == "whpk" and version == "v1a":
            Ed25519PublicKey.from_public_bytes(raw).verify(base64.b64decode(given), content)
            return True
    return False


@pytest.mark.parametrize("signing", ["hmac-sha256", "ed25519"])
async def test_an_event_arrives_signed_and_thin(house: House, signing: str) -> None:
    async with listening() as sink:
        _, secret = await house.endpoint(sink.url, signing=signing)
        event = await house.happens("paid", "ord_1", 1)

        assert await house.relayed() == 1

    headers, body = sink.got[0]
    assert verified(headers, body, secret)
    assert headers["webhook-id"] == event
    assert headers["content-type"] == "application/json"
    told = json.loads(body)
    assert told["type"] == "order.paid"
    assert told["timestamp"] == "2026-03-02T02:00:00.000Z"
    assert told["data"] == {"order": "ord_1", "amount": "12.34", "currency": "CNY"}


async def test_an_endpoint_hears_of_its_own_partner_and_its_own_types_only(house: House) -> None:
    async with listening() as sink:
        await house.endpoint(sink.url, types=("order.refunded", "consent."))
        await house.happens("paid", "ord_1", 1)
        await house.happens("refunded", "ord_2", 1, partner="prt_b")
        wanted = await house.happens("refunded", "ord_1", 2)

        await house.relayed()

    assert sink.ids() == [wanted]


async def test_a_failed_attempt_is_repeated_with_the_same_id_and_a_new_time(house: House) -> None:
    async with listening() as sink:
        _, secret = await house.endpoint(sink.url)
        sink.answer = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"
        first = await house.happens("paid", "ord_1", 1)
        second = await house.happens("settled", "ord_1", 2)
        await house.relayed()
        assert sink.ids() == [first], "the second waits for the first: one object, one order"
        sink.answer = Sink.answer
        house.clock.advance(timedelta(seconds=7))

        await house.relayed()

    assert sink.ids() == [first, first, second]
    (old, _), (new, body), _ = sink.got
    assert int(new["webhook-timestamp"]) - int(old["webhook-timestamp"]) == 7
    assert verified(new, body, secret)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 400, 404, 500])
async def test_a_redirect_or_error_is_a_failure_and_no_redirect_is_followed(
    house: House, status: int
) -> None:
    async with listening() as sink:
        await house.endpoint(sink.url)
        sink.answer = (
            f"HTTP/1.1 {status} X\r\nlocation: {sink.url}/other\r\ncontent-length: 0\r\n\r\n"
        ).encode()
        await house.happens("paid", "ord_1", 1)

        assert await house.relayed() == 1

        house.clock.advance(timedelta(seconds=7))
        assert await house.relayed() == 1
    assert len(sink.got) == 2


async def test_after_the_whole_schedule_an_event_is_dead_and_can_be_replayed(
    house: House,
) -> None:
    async with listening() as sink:
        endpoint, _ = await house.endpoint(sink.url)
        sink.answer = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"
        event = await house.happens("paid", "ord_1", 1)
        for _ in range(10):
            await house.relayed()
            house.clock.advance(timedelta(days=2))
        assert [each.event_id for each in await dead_letters(house.pool)] == [event]
        assert await house.relayed() == 0
        sink.answer = Sink.answer

        async with transaction(house.pool) as db:
            assert await replay(db, house.clock, endpoint, Again()) == 1
        await house.relayed()

    assert len(sink.got) == 11
    assert set(sink.ids()) == {event}
    assert await dead_letters(house.pool) == []


async def test_one_event_and_a_range_can_be_sent_again(house: House) -> None:
    async with listening() as sink:
        endpoint, _ = await house.endpoint(sink.url)
        first = await house.happens("paid", "ord_1", 1)
        second = await house.happens("paid", "ord_2", 1)
        await house.relayed()

        async with transaction(house.pool) as db:
            assert await replay(db, house.clock, endpoint, Again(event=second)) == 1
        await house.relayed()
        assert sorted(sink.ids()) == sorted([first, second, second])

        since = await house.pool.fetchval("select min(created_at) from kernel.outbox")
        async with transaction(house.pool) as db:
            hour = Again(since=since, until=since + timedelta(hours=1))
            assert await replay(db, house.clock, endpoint, hour) == 2
            with pytest.raises(DeliveryUnknown):
                await replay(db, house.clock, endpoint, Again(event="evt_none"))
            for wrong in (Again(since=since, until=since), Again(until=since)):
                with pytest.raises(EndpointInvalid):
                    await replay(db, house.clock, endpoint, wrong)


async def test_410_disables_the_endpoint_until_the_partner_enables_it(house: House) -> None:
    async with listening() as sink:
        endpoint, _ = await house.endpoint(sink.url)
        sink.answer = b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"
        await house.happens("paid", "ord_1", 1)
        await house.relayed()
        await house.happens("paid", "ord_2", 1)
        await house.relayed()
        assert len(sink.got) == 1
        found = await read_endpoint(house.pool, house.partner, endpoint.id)
        assert (found.status, found.reason) == ("disabled", "the endpoint answered 410 Gone")

        sink.answer = Sink.answer
        async with transaction(house.pool) as db:
            await enable_endpoint(db, house.partner, endpoint.id)
        third = await house.happens("paid", "ord_3", 1)
        await house.relayed()

    assert sink.ids()[1:] == [third]


@pytest.mark.parametrize(
    ("said", "seconds"), [("", 60), ("retry-after: 600\r\n", 600), ("retry-after: -1\r\n", 60)]
)
async def test_an_overloaded_endpoint_is_left_alone_as_long_as_it_asks(
    house: House, said: str, seconds: int
) -> None:
    async with listening() as sink:
        await house.endpoint(sink.url)
        sink.answer = f"HTTP/1.1 429 Slow\r\n{said}content-length: 0\r\n\r\n".encode()
        await house.happens("paid", "ord_1", 1)
        await house.relayed()
        await house.happens("paid", "ord_2", 1)
        house.clock.advance(timedelta(seconds=seconds - 1))
        assert await house.relayed() == 0
        sink.answer = Sink.answer
        house.clock.advance(timedelta(seconds=1))

        assert await house.relayed() == 2


async def test_both_keys_sign_during_a_rotation_and_the_old_one_stops_after_a_day(
    house: House,
) -> None:
    async with listening() as sink:
        endpoint, old = await house.endpoint(sink.url)
        async with transaction(house.pool) as db:
            _, new = await house.webhooks.rotate(db, house.partner, endpoint.id)
        await house.happens("paid", "ord_1", 1)
        await house.relayed()
        house.clock.advance(timedelta(hours=24))
        await house.happens("paid", "ord_2", 1)
        await house.relayed()

    assert old != new
    assert verified(*sink.got[0], old)
    assert verified(*sink.got[0], new)
    assert not verified(*sink.got[1], old)
    assert verified(*sink.got[1], new)


async def test_secrets_are_stored_sealed(house: House) -> None:
    _, secret = await house.endpoint("http://127.0.0.1:9/x")

    rows = await house.pool.fetch("select * from partners.webhook_keys")

    raw = base64.b64decode(secret.removeprefix("whsec_"))
    assert raw not in b"".join(each for row in rows for each in row.values() if type(each) is bytes)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/x",
        "https://example.com:8443/x",
        "https://user@example.com/x",
        "https://example.com/x#part",
        "ftp://example.com/x",
        "https:///x",
        "https://example.com/" + "x" * 500,
        "https://example.com/x\r\nx-evil: 1",
        "not an address",
        "",
    ],
)
async def test_an_address_we_would_never_call_is_refused_at_once(house: House, url: str) -> None:
    house.egress = Egress()

    with pytest.raises(EndpointInvalid):
        await house.endpoint(url)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]"],
)
async def test_outside_the_sandbox_no_inner_address_is_called(house: House, host: str) -> None:
    with pytest.raises(EgressRefused):
        await Egress().call("POST", f"https://{host}/x", {}, body=b"{}", seconds=5)


@pytest.mark.parametrize(
    "types", [(), ("",), ("order",), ("orders.",), ("bank.",), ("order.PAID",), ("order.",) * 51]
)
async def test_types_that_name_no_event_are_refused(house: House, types: tuple[str, ...]) -> None:
    with pytest.raises(EndpointInvalid):
        await house.endpoint("http://127.0.0.1:9/x", types=types)


async def test_a_partner_has_at_most_twenty_endpoints(house: House) -> None:
    for number in range(20):
        await house.endpoint(f"http://127.0.0.1:9/{number}")

    with pytest.raises(EndpointsTooMany):
        await house.endpoint("http://127.0.0.1:9/one-more")

    assert len((await list_endpoints(house.pool, house.partner)).items) == 20


async def test_another_partners_endpoint_is_as_unknown_as_none(house: House) -> None:
    endpoint, _ = await house.endpoint("http://127.0.0.1:9/x")
    other = PartnerId("prt_b")

    for of, name in ((other, endpoint.id), (house.partner, "whk_none"), (other, "a\0b")):
        for act in (
            lambda db, of=of, name=name: read_endpoint(db, of, name),
            lambda db, of=of, name=name: remove_endpoint(db, of, name),
            lambda db, of=of, name=name: house.webhooks.rotate(db, of, name),
            lambda db, of=of, name=name: house.webhooks.amend(db, of, name, EndpointChange()),
        ):
            with pytest.raises(EndpointUnknown):
                async with transaction(house.pool) as db:
                    await act(db)
    assert (await list_endpoints(house.pool, other)).items == ()


async def test_a_removed_endpoint_leaves_nothing_waiting(house: House) -> None:
    endpoint, _ = await house.endpoint("http://127.0.0.1:9/x")
    await house.happens("paid", "ord_1", 1)
    await house.relayed()

    async with transaction(house.pool) as db:
        await remove_endpoint(db, house.partner, endpoint.id)

    house.clock.advance(timedelta(days=1))
    assert await house.relayed() == 0
    assert await house.pool.fetchval("select count(*) from kernel.outbox_deliveries") == 0
