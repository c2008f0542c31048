"""A partner is told of its orders at the address it named: until it says so, in order, for days."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
from tests.gateway.edge import private_key
from tests.orders.little_bank import LittleBank, cny
from tests.sdks.icbc_client import IcbcClient

from bankside import partners
from bankside.app.callbacks import RETRY_SECONDS, Callbacks
from bankside.bank.ledger import Books
from bankside.catalog import load
from bankside.kernel.call import Callback
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, transaction
from bankside.kernel.egress import Egress
from bankside.kernel.ids import PartnerId
from bankside.kernel.outbox import Relay, dead_letters, replay_dead
from bankside.kernel.secrets import Vault
from bankside.kernel.signing import alipay, public_der, verifier
from bankside.orders import Orders
from bankside.partners import NewApp, NewKey, NewPlatformKey

VAULT = Vault(b"k" * 32)
SANDBOX = Egress(loopback=True)
AES_KEY = bytes(range(16))
PAY = "/api/merchant/collection-codes/create/V1"
BANK = private_key("rsa-sha256", "bank")
Answering = Callable[[dict[str, str]], bytes]


@dataclass
class Sink:
    """A partner's server: keeps the forms it got and answers what it is told to."""

    answering: Answering
    got: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        form = dict(parse_qsl((await reader.readexactly(length)).decode(), strict_parsing=True))
        self.got.append(form)
        body = self.answering(form)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        writer.close()


@asynccontextmanager
async def listening(answering: Answering) -> AsyncIterator[Sink]:
    sink = Sink(answering)
    server = await asyncio.start_server(sink.serve, "127.0.0.1", 0)
    sink.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/told?of=us"
    try:
        yield sink
    finally:
        server.close()


@dataclass
class House:
    """A bank whose partners have keys, and the worker's channel of callbacks."""

    pool: Pool
    clock: FixedClock
    books: Books
    egress: Egress = SANDBOX

    async def partner(self) -> LittleBank:
        """A partner with an app and its keys on every form dialect."""
        orders = Orders(self.pool, self.books, self.clock, load())
        name = f"prt_{secrets.token_hex(8)}"
        async with transaction(self.pool) as db:
            made = await partners.create_partner(
                db, self.clock, name_zh="甲", name_en="A", partner_id=name
            )
            new = NewApp(name="till", id=f"app_{name}")
            app = await partners.create_app(db, self.clock, made.id, new)
            public = public_der(private_key("rsa-sha256"))
            for wire in ("icbc", "alipay", "alipay3"):
                for key in (
                    NewKey(wire=wire, alg="rsa-sha256", material=public),
                    NewKey(wire=wire, alg="aes-cbc", material=AES_KEY),
                ):
                    await partners.register_key(db, self.clock, VAULT, made.id, app.id, key)
        return LittleBank(self.pool, self.books, self.clock, orders, name)

    async def relayed(self) -> int:
        channel = Callbacks(self.pool, self.clock, VAULT, self.egress)
        return await Relay(self.pool, channel.consumers, self.clock).drain()


@pytest.fixture
async def house(fresh_pool: Pool, clock: FixedClock) -> AsyncIterator[House]:
    async with transaction(fresh_pool) as db:
        for wire, alg in (
            ("icbc", "rsa-sha1"),
            ("alipay", "rsa-sha256"),
            ("alipay3", "rsa-sha256"),
        ):
            new = NewPlatformKey(wire=wire, alg=alg, private=BANK, is_default=True)
            await partners.create_platform_key(db, clock, VAULT, new)
    async with Books(fresh_pool, clock) as books:
        yield House(fresh_pool, clock, books)


def to(url: str, wire: str = "alipay", **repeats: str) -> Callback:
    """The callback a request asks for."""
    own = {"api": PAY} if wire == "icbc" else {"sign_type": "RSA2"}
    return Callback(wire, url, own | repeats)


def icbc(of: LittleBank, aes: str = "") -> IcbcClient:
    """The partner as the bank's public rules describe it."""
    return IcbcClient(
        app_id=f"app_{of.partner}",
        private_key=private_key("rsa-sha256"),
        bank_public_key=public_der(BANK),
        aes_key=aes,
        send=lambda *_: (500, b""),
    )


async def ordered(of: LittleBank, callback: Callback | None, number: str = "C1") -> dict[str, Any]:
    """An order that waits for its payer."""
    merchant = await of.merchant()
    asked = {"merchant": merchant.id, "order_no": number, "amount": cny("10.00")}
    return await of.shown("merchant.collection-codes.create", asked, callback=callback)


async def pays(of: LittleBank, order: dict[str, Any]) -> None:
    token = await of.token(await of.account("100.00"))
    await of.call(
        "platform.payer-confirmations.create", {"order": order["id"], "payer_token": token}
    )


def success(_: dict[str, str]) -> bytes:
    return b"success"


@pytest.mark.parametrize("wire", ["alipay", "alipay3"])
async def test_payment_refund_and_settlement_of_a_trade_are_told_in_order(
    house: House, wire: str
) -> None:
    shop = await house.partner()
    async with listening(success) as sink:
        order = await ordered(shop, to(sink.url, wire))
        await pays(shop, order)
        await shop.call(
            "merchant.collection-codes.refunds",
            {"amount": cny("4.00"), "refund_no": "R1"},
            path=order["id"],
        )
        await shop.orders.end_of_day(date(2026, 3, 2))

        assert await house.relayed() == 3

    bank = verifier("rsa-sha256", public_der(BANK))
    assert all(alipay.callback_verifies(form, bank) for form in sink.got)
    assert [(form["trade_status"], form.get("refund_fee")) for form in sink.got] == [
        ("TRADE_SUCCESS", None),
        ("TRADE_SUCCESS", "4.00"),
        ("TRADE_FINISHED", None),
    ]
    assert {form["trade_no"] for form in sink.got} == {order["id"]}
    assert {form["out_trade_no"] for form in sink.got} == {"C1"}
    assert {form["sign_type"] for form in sink.got} == {"RSA2"}


async def test_an_order_closed_by_time_is_told_as_closed(house: House) -> None:
    shop = await house.partner()
    async with listening(success) as sink:
        await ordered(shop, to(sink.url))
        house.clock.advance(timedelta(days=2))
        await shop.orders.expire()

        await house.relayed()

    assert [form["trade_status"] for form in sink.got] == ["TRADE_CLOSED"]


@pytest.mark.parametrize("aes", ["", "AAECAwQFBgcICQoLDA0ODw=="])
async def test_an_icbc_partner_takes_a_callback_by_repeating_its_number_under_its_key(
    house: House, aes: str
) -> None:
    shop = await house.partner()
    client = icbc(shop, aes)

    def answer(form: dict[str, str]) -> bytes:
        text = client._decrypted(form["biz_content"]) if aes else form["biz_content"]
        content = json.loads(text)
        assert content["event"] == "order.paid"
        return client.callback_answer(content["msg_id"]).encode()

    async with listening(answer) as sink:
        encrypted = {"encrypt_type": "AES"} if aes else {}
        await pays(shop, await ordered(shop, to(sink.url, "icbc", **encrypted)))

        assert await house.relayed() == 1
        house.clock.advance(timedelta(days=1))
        assert await house.relayed() == 0

    (form,) = sink.got
    assert client.believes("/told", form)
    assert form["api"] == PAY


async def test_an_icbc_answer_that_another_signed_is_no_delivery(house: House) -> None:
    shop = await house.partner()

    def answer(form: dict[str, str]) -> bytes:
        other = IcbcClient(
            app_id="x",
            private_key=private_key("rsa-sha256", "other"),
            bank_public_key=b"",
            send=lambda *_: (500, b""),
        )
        return other.callback_answer(json.loads(form["biz_content"])["msg_id"]).encode()

    async with listening(answer) as sink:
        await pays(shop, await ordered(shop, to(sink.url, "icbc")))
        await house.relayed()
        house.clock.advance(timedelta(seconds=RETRY_SECONDS[0]))

        assert await house.relayed() == 1

    first, second = (json.loads(form["biz_content"])["msg_id"] for form in sink.got)
    assert first == second


async def test_what_is_not_taken_is_told_again_by_the_dialects_schedule_then_kept_for_replay(
    house: House,
) -> None:
    shop = await house.partner()
    async with listening(lambda _: b"fail") as sink:
        await pays(shop, await ordered(shop, to(sink.url)))
        await house.relayed()
        for wait in RETRY_SECONDS:
            house.clock.advance(timedelta(seconds=wait - 1))
            assert await house.relayed() == 0
            house.clock.advance(timedelta(seconds=1))
            assert await house.relayed() == 1
        house.clock.advance(timedelta(days=2))
        assert await house.relayed() == 0
        dead = await dead_letters(house.pool)
        assert [each.consumer.rpartition(":")[0] for each in dead] == [f"notify:{shop.partner}"]
        sink.answering = success

        async with transaction(house.pool) as db:
            await replay_dead(db, at=house.clock.now(), consumer=dead[0].consumer)
        assert await house.relayed() == 1

    assert len(sink.got) == len(RETRY_SECONDS) + 2
    assert {form["notify_id"] for form in sink.got} == {dead[0].event_id}
    assert len({form["notify_time"] for form in sink.got}) > 1
    assert await dead_letters(house.pool) == []


async def test_a_fact_waits_for_the_one_before_it_and_other_orders_do_not(house: House) -> None:
    shop = await house.partner()
    refused = "C1"

    def answer(form: dict[str, str]) -> bytes:
        return b"busy" if form["out_trade_no"] == refused else b"success"

    async with listening(answer) as sink:
        for number in ("C1", "C2"):
            order = await ordered(shop, to(sink.url), number)
            await pays(shop, order)
            await shop.call(
                "merchant.collection-codes.refunds",
                {"amount": cny("10.00"), "refund_no": "R1"},
                path=order["id"],
            )
        await house.relayed()
        states = [(form["out_trade_no"], form["trade_status"]) for form in sink.got]
        assert sorted(states) == [
            ("C1", "TRADE_SUCCESS"),
            ("C2", "TRADE_CLOSED"),
            ("C2", "TRADE_SUCCESS"),
        ]
        refused = ""
        house.clock.advance(timedelta(seconds=RETRY_SECONDS[0]))

        await house.relayed()

    ends = [form["trade_status"] for form in sink.got if form["out_trade_no"] == "C1"]
    assert ends == ["TRADE_SUCCESS", "TRADE_SUCCESS", "TRADE_CLOSED"]


async def test_a_partner_that_does_not_answer_delays_no_other(house: House) -> None:
    slow, quick = await house.partner(), await house.partner()
    hanging, told = asyncio.Event(), asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hanging.set()
        await reader.read()
        writer.close()

    def answer(_: dict[str, str]) -> bytes:
        told.set()
        return b"success"

    mute = await asyncio.start_server(hang, "127.0.0.1", 0)
    deaf = f"http://127.0.0.1:{mute.sockets[0].getsockname()[1]}/"
    async with mute, listening(answer) as sink:
        for number in range(12):
            await pays(slow, await ordered(slow, to(deaf), f"S{number}"))
        channel = Callbacks(house.pool, house.clock, VAULT, house.egress)
        relaying = asyncio.create_task(Relay(house.pool, channel.consumers, house.clock).run())
        try:
            await asyncio.wait_for(hanging.wait(), 60)
            await pays(quick, await ordered(quick, to(sink.url)))

            # Less than the slow one is given to answer.
            await asyncio.wait_for(told.wait(), 15)
        finally:
            relaying.cancel()
            await asyncio.gather(relaying, return_exceptions=True)


async def test_orders_without_an_address_are_told_to_nobody(house: House) -> None:
    shop = await house.partner()
    async with listening(success) as sink:
        await pays(shop, await ordered(shop, None, "C0"))
        assert await house.relayed() == 0, "nobody asked for callbacks yet"
        await pays(shop, await ordered(shop, to(sink.url), "C1"))
        await pays(shop, await ordered(shop, None, "C2"))

        await house.relayed()

    assert [form["out_trade_no"] for form in sink.got] == ["C1"]


async def test_an_address_that_leads_inside_is_not_called(house: House) -> None:
    shop = await house.partner()
    house.egress = Egress()
    async with listening(success) as sink:
        await pays(shop, await ordered(shop, to(sink.url)))
        inside = sink.url.replace("http://", "https://")
        await pays(shop, await ordered(shop, to(inside.partition("?")[0]), "C2"))

        await house.relayed()

    assert sink.got == []


async def test_the_address_is_shown_to_nobody_who_asks_for_the_order(house: House) -> None:
    shop = await house.partner()
    order = await ordered(shop, to("https://shop.example/told?secret=1"))

    shown = await shop.shown("merchant.collection-codes.query", path=order["id"])

    assert "shop.example" not in json.dumps([order, shown])


async def test_the_bank_signs_with_the_key_the_app_chose(house: House) -> None:
    shop = await house.partner()
    other = private_key("rsa-sha256", "other")
    async with transaction(house.pool) as db:
        new = NewPlatformKey(wire="alipay", alg="rsa-sha256", private=other)
        key = await partners.create_platform_key(db, house.clock, VAULT, new)
        of, app = PartnerId(shop.partner), f"app_{shop.partner}"
        await partners.choose_answer_key(db, house.clock, of, app, key.id)
    async with listening(success) as sink:
        await pays(shop, await ordered(shop, to(sink.url)))
        await house.relayed()

    (form,) = sink.got
    assert alipay.callback_verifies(form, verifier("rsa-sha256", public_der(other)))
    assert not alipay.callback_verifies(form, verifier("rsa-sha256", public_der(BANK)))
