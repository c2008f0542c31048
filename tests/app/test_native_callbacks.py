"""Orders of the native wire are told at the address their call named, signed by the bank itself."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key
from tests.app.test_callbacks import House, ordered, pays
from tests.orders.little_bank import cny
from tests.partners.test_webhooks import Sink, listening

from bankside import partners
from bankside.app.callbacks import NATIVE_RETRY_SECONDS, Callbacks
from bankside.bank.ledger import Books
from bankside.kernel.call import Callback
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, transaction
from bankside.kernel.egress import Egress
from bankside.kernel.ids import PartnerId
from bankside.kernel.outbox import Relay, dead_letters, replay_dead
from bankside.kernel.secrets import Vault
from bankside.kernel.signing import generate, public_der
from bankside.partners import NewPlatformKey

PAGE = Path(__file__).parents[2] / "docs" / "partner" / "webhooks.md"
NO = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"
BANK = generate("ecdsa-p256-sha256")
VAULT = Vault(b"k" * 32)


@pytest.fixture
async def house(fresh_pool: Pool) -> AsyncIterator[House]:
    # The page's own function looks at the real time.
    clock = FixedClock(datetime.now(UTC))
    async with transaction(fresh_pool) as db:
        new = NewPlatformKey(wire="native", alg="ecdsa-p256-sha256", private=BANK, is_default=True)
        await partners.create_platform_key(db, clock, VAULT, new)
    async with Books(fresh_pool, clock) as books:
        yield House(fresh_pool, clock, books)


async def the_keys(house: House) -> dict[str, Any]:
    """The bank's public keys by id, as a partner knows them."""
    async with house.pool.acquire() as db:
        rows = await db.fetch("select key_id, public_der from partners.platform_keys")
    return {row["key_id"]: load_der_public_key(row["public_der"]) for row in rows}


def published(name: str) -> Any:
    """A function of the partner page."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (code,) = [each for each in blocks if f"def {name}(" in each]
    space: dict[str, Any] = {}
    exec(code, space)
    return space[name]


def told_at(url: str) -> Callback:
    """What a native call with ``Notify-Url`` asks for."""
    return Callback("native", url)


def facts(sink: Sink) -> list[str]:
    return [json.loads(body)["type"] for _, body in sink.got]


async def test_every_fact_of_the_order_arrives_in_order_and_is_proven_by_the_published_steps(
    house: House,
) -> None:
    shop = await house.partner()
    async with listening() as sink:
        order = await ordered(shop, told_at(sink.url))
        await pays(shop, order)
        refund = {"amount": cny("4.00"), "refund_no": "R1"}
        await shop.call("merchant.collection-codes.refunds", refund, path=order["id"])

        await house.relayed()

    check, keys = published("is_the_banks"), await the_keys(house)
    assert facts(sink) == ["order.created", "order.paid", "order.refunded"]
    for headers, body in sink.got:
        assert check(sink.url, headers, body, keys)
        assert not check(sink.url + "x", headers, body, keys)
        assert not check(sink.url, headers, body + b" ", keys)
        assert not check(sink.url, {**headers, "webhook-id": "evt_other"}, body, keys)
        assert not check(sink.url, headers, body, {})
        assert json.loads(body)["data"]["order"] == order["id"]
        assert sink.url not in body.decode()


async def test_orders_of_every_family_can_be_told(house: House) -> None:
    shop = await house.partner()
    async with listening() as sink:
        payer, payee = await shop.account("10.00"), await shop.account()
        body = {"payer_account": payer.id, "payee_account": payee.id, "amount": cny("1.00")}
        made = await shop.shown(
            "payment.internal-transfers.create", body, callback=told_at(sink.url)
        )
        await house.relayed()

    (told,) = [json.loads(body) for _, body in sink.got]
    assert (told["type"], told["data"]["order"]) == ("order.paid", made["id"])


async def test_a_callback_under_a_new_bank_key_is_proven_by_it_and_the_old_one_still_is(
    house: House,
) -> None:
    shop = await house.partner()
    new = generate("ecdsa-p256-sha256")
    async with listening() as sink:
        await ordered(shop, told_at(sink.url), "C1")
        await house.relayed()
        async with transaction(house.pool) as db:
            made = NewPlatformKey(wire="native", alg="ecdsa-p256-sha256", private=new)
            key = await partners.create_platform_key(db, house.clock, VAULT, made)
            await partners.make_default_platform_key(db, key.id)
        await ordered(shop, told_at(sink.url), "C2")
        await house.relayed()

    check, keys = published("is_the_banks"), await the_keys(house)
    (first, one), (second, two) = sink.got
    assert check(sink.url, first, one, keys)
    assert check(sink.url, second, two, {key.id: load_der_public_key(public_der(new))})
    assert not check(sink.url, first, one, {key.id: keys[key.id]})


async def test_a_callback_is_repeated_under_one_id_signed_afresh_and_kept_when_it_is_given_up(
    house: House,
) -> None:
    shop = await house.partner()
    async with listening() as sink:
        sink.answer = NO
        await ordered(shop, told_at(sink.url))
        await house.relayed()
        for wait in NATIVE_RETRY_SECONDS:
            house.clock.advance(timedelta(seconds=wait - 1))
            assert await house.relayed() == 0
            house.clock.advance(timedelta(seconds=wait * 0.2 + 2))
            assert await house.relayed() == 1
        dead = await dead_letters(house.pool)
        sink.answer = Sink.answer
        async with transaction(house.pool) as db:
            await replay_dead(db, at=house.clock.now(), consumer=dead[0].consumer)
        assert await house.relayed() == 1

    assert set(sink.ids()) == {dead[0].event_id}
    assert len(sink.got) == len(NATIVE_RETRY_SECONDS) + 2
    signatures = {headers["signature"] for headers, _ in sink.got}
    assert len(signatures) == len(sink.got)


async def test_a_redirect_is_no_delivery_and_is_not_followed(house: House) -> None:
    shop = await house.partner()
    async with listening() as sink:
        sink.answer = (
            f"HTTP/1.1 307 X\r\nlocation: {sink.url}\r\ncontent-length: 0\r\n\r\n".encode()
        )
        await ordered(shop, told_at(sink.url))
        await house.relayed()

        assert len(sink.got) == 1


async def test_a_dead_server_of_a_partner_does_not_delay_its_other_one(house: House) -> None:
    shop = await house.partner()
    hanging, told = asyncio.Event(), asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hanging.set()
        await reader.read()
        writer.close()

    mute = await asyncio.start_server(hang, "127.0.0.1", 0)
    deaf = f"http://127.0.0.1:{mute.sockets[0].getsockname()[1]}/"
    async with mute, listening() as sink:
        sink.arrived = told
        for number in range(12):
            await ordered(shop, told_at(deaf), f"S{number}")
        channel = Callbacks(house.pool, house.clock, VAULT, house.egress)
        relaying = asyncio.create_task(Relay(house.pool, channel.consumers, house.clock).run())
        try:
            await asyncio.wait_for(hanging.wait(), 60)
            await ordered(shop, told_at(sink.url), "Q1")

            # Less than the deaf one is given to answer.
            await asyncio.wait_for(told.wait(), 15)
        finally:
            relaying.cancel()
            await asyncio.gather(relaying, return_exceptions=True)


async def test_two_partners_at_one_server_hear_each_of_its_own(house: House) -> None:
    first, second = await house.partner(), await house.partner()
    async with listening() as sink:
        one = await ordered(first, told_at(sink.url))
        two = await ordered(second, told_at(sink.url))
        await ordered(second, None, "C2")
        await house.relayed()

    assert {json.loads(body)["data"]["order"] for _, body in sink.got} == {one["id"], two["id"]}


async def test_an_address_that_leads_inside_is_not_called(house: House) -> None:
    shop = await house.partner()
    house.egress = Egress()
    async with listening() as sink:
        await ordered(shop, told_at(sink.url))
        await ordered(shop, told_at(sink.url.replace("http://", "https://")), "C2")

        await house.relayed()

    assert sink.got == []


async def test_a_repeated_call_is_told_once(house: House) -> None:
    shop = await house.partner()
    async with listening() as sink:
        merchant = await shop.merchant()
        body = {"merchant": merchant.id, "order_no": "C1", "amount": cny("10.00")}
        for url in (sink.url, sink.url + "&again"):
            await shop.call(
                "merchant.collection-codes.create", body, key="k", callback=told_at(url)
            )
        await house.relayed()

    assert len(sink.got) == 1


async def test_a_tenants_order_is_told_like_its_partners(house: House) -> None:
    shop = await house.partner()
    async with transaction(house.pool) as db:
        made, _ = await partners.create_tenant(
            db, house.clock, PartnerId(shop.partner), name_zh="店", name_en="Shop"
        )
    tenant = replace(shop, tenant=made.id)
    async with listening() as sink:
        merchant = await tenant.merchant(tenant=made.id)
        body = {"merchant": merchant.id, "order_no": "T1", "amount": cny("1.00")}
        await tenant.call("merchant.collection-codes.create", body, callback=told_at(sink.url))
        await house.relayed()

    assert [json.loads(body)["data"]["tenant"] for _, body in sink.got] == [made.id]
