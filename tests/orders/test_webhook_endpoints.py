"""Partners keep their webhook endpoints by signed calls: each its own, within limits."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny
from tests.partners.builders import VAULT, a_partner
from tests.partners.test_webhooks import Sink, listening, verified

from bankside.bank.ledger import Books
from bankside.catalog import load
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, transaction
from bankside.kernel.egress import Egress
from bankside.kernel.outbox import Relay
from bankside.orders import Orders
from bankside.orders.errors import InputInvalid, KeyMissing, KeyReused
from bankside.partners import create_tenant
from bankside.partners.webhooks import (
    DeliveryUnknown,
    EndpointDisabled,
    EndpointInvalid,
    EndpointRotatedTooOften,
    EndpointsTooMany,
    EndpointUnknown,
    ReplayTooMany,
    Sender,
    Webhooks,
)
from bankside.partners.webhooks import deliveries as deliveries_module

OF = "platform.webhook-endpoints"
SANDBOX = Egress(loopback=True)
ELSEWHERE = "http://127.0.0.1:9/told"


@dataclass
class Caller:
    """A partner, or its app acting for a tenant, and its webhook calls."""

    bank: LittleBank

    async def call(self, word: str, body: Mapping[str, Any] | None = None, **more: Any) -> Any:
        return (await self.bank.call(f"{OF}.{word}", body, **more)).body

    async def create(self, url: str = ELSEWHERE, *types: str, **more: Any) -> Any:
        body = {"url": url, "types": [{"type": each} for each in types or ("order.",)], **more}
        return await self.call("create", body)

    async def relayed(self) -> int:
        sender = Sender(self.bank.pool, self.bank.clock, VAULT, SANDBOX)
        return await Relay(self.bank.pool, [sender.consumer], self.bank.clock).drain()

    async def pays(self, amount: str = "1.25") -> str:
        """A transfer between two of the caller's accounts; the order's id."""
        payer, payee = await self.bank.account("10.00"), await self.bank.account()
        body = {"payer_account": payer.id, "payee_account": payee.id, "amount": cny(amount)}
        return str((await self.bank.shown("payment.internal-transfers.create", body))["id"])

    async def collects(self) -> str:
        """An order that waits for a payer of the caller's own merchant; its id."""
        merchant = await self.bank.merchant(tenant=self.bank.tenant)
        body = {"merchant": merchant.id, "order_no": "C1", "amount": cny("1.00")}
        return str((await self.bank.shown("merchant.collection-codes.create", body))["id"])

    async def tenant(self) -> "Caller":
        """The same partner's app with the token of a new tenant."""
        async with transaction(self.bank.pool) as db:
            made, _ = await create_tenant(
                db, self.bank.clock, self.bank.partner, name_zh="店", name_en="Shop"
            )
        return Caller(replace(self.bank, tenant=made.id))


async def _caller(pool: Pool, books: Books, clock: FixedClock) -> Caller:
    orders = Orders(pool, books, clock, load())
    orders.keep_webhooks(Webhooks(clock, VAULT, SANDBOX))
    async with transaction(pool) as db:
        made = await a_partner(db, clock)
    return Caller(LittleBank(pool, books, clock, orders, made.id))


@pytest.fixture
async def partner(fresh_pool: Pool, clock: FixedClock) -> AsyncIterator[Caller]:
    async with Books(fresh_pool, clock) as books:
        yield await _caller(fresh_pool, books, clock)


@pytest.fixture
async def neighbour(partner: Caller) -> Caller:
    bank = partner.bank
    async with transaction(bank.pool) as db:
        made = await a_partner(db, bank.clock)
    return Caller(replace(bank, partner=made.id, accounts=[], customer=None))


async def test_a_partner_registers_an_address_and_is_told_there(partner: Caller) -> None:
    async with listening() as sink:
        made = await partner.create(sink.url)
        order = await partner.pays()

        assert await partner.relayed() == 1

    ((headers, body),) = sink.got
    assert verified(headers, body, made["verify_with"])
    assert json.loads(body)["data"]["order"] == order


async def test_what_to_verify_with_is_shown_once_and_kept_nowhere_in_clear(partner: Caller) -> None:
    body = {"url": ELSEWHERE, "types": [{"type": "order."}]}
    made = await partner.call("create", body, key="k1")

    again = await partner.bank.call(f"{OF}.create", body, key="k1")
    read = await partner.call("query", path=made["id"])
    listed = await partner.call("list")

    assert made["verify_with"].startswith("whsec_")
    assert again.hit
    assert again.body == {**made, "verify_with": None}
    assert read == again.body
    assert listed == {"items": [read], "next_cursor": None}
    secret = made["verify_with"].removeprefix("whsec_")
    assert not await _stands_anywhere(partner.bank.pool, secret)


async def _stands_anywhere(pool: Pool, text: str) -> bool:
    async with pool.acquire() as db:
        tables = await db.fetch(
            "select table_schema, table_name from information_schema.tables"
            " where table_type = 'BASE TABLE'"
            " and table_schema not in ('pg_catalog', 'information_schema')"
        )
        for table in tables:
            name = f'"{table["table_schema"]}"."{table["table_name"]}"'
            if await db.fetchval(
                f"select exists (select 1 from {name} t where strpos(t::text, $1) > 0)",
                text,
            ):
                return True
    return False


async def test_a_lost_answer_makes_no_second_endpoint(partner: Caller) -> None:
    body = {"url": ELSEWHERE, "types": [{"type": "order."}]}
    first = await partner.call("create", body, key="once")

    assert (await partner.call("create", body, key="once"))["id"] == first["id"]
    with pytest.raises(KeyReused):
        await partner.call("create", {**body, "url": f"{ELSEWHERE}2"}, key="once")
    with pytest.raises(KeyMissing):
        await partner.call("create", body, key="")
    assert len((await partner.call("list"))["items"]) == 1


async def test_address_types_and_status_can_be_changed(partner: Caller) -> None:
    async with listening() as old, listening() as new:
        made = await partner.create(old.url)
        first = await partner.pays()

        changed = await partner.call("amend", {"url": new.url}, path=made["id"])
        await partner.relayed()

        assert (changed["version"], changed["url"], changed["verify_with"]) == (2, new.url, None)
        assert old.got == []
        assert _orders(new) == [first]

        await partner.call("amend", {"types": [{"type": "order.refunded"}]}, path=made["id"])
        await partner.pays()
        assert await partner.relayed() == 0

        off = await partner.call("amend", {"status": "disabled"}, path=made["id"])
        assert (off["status"], off["reason"]) == ("disabled", "disabled by the partner")
        on = await partner.call(
            "amend", {"status": "active", "types": [{"type": "order."}]}, path=made["id"]
        )
        assert (on["status"], on["reason"]) == ("active", None)
        last = await partner.pays()
        await partner.relayed()

    assert _orders(new) == [first, last]


async def test_a_disabled_endpoint_is_told_nothing_and_nothing_of_the_time_between(
    partner: Caller,
) -> None:
    async with listening() as sink:
        made = await partner.create(sink.url)
        waiting = await partner.pays()
        await Relay(partner.bank.pool, [], partner.bank.clock).drain()

        await partner.call("amend", {"status": "disabled"}, path=made["id"])
        await partner.pays()
        await partner.relayed()
        assert sink.got == []
        for word in ("tests", "replays"):
            with pytest.raises(EndpointDisabled):
                await partner.call(word, {}, path=made["id"])
        await partner.call("amend", {"status": "active"}, path=made["id"])
        assert await partner.relayed() == 0

        assert (await partner.call("replays", {}, path=made["id"]))["queued"] == 1
        await partner.relayed()

    assert _orders(sink) == [waiting]


async def test_both_keys_sign_in_the_overlap_of_a_rotation(partner: Caller) -> None:
    async with listening() as sink:
        made = await partner.create(sink.url)
        rotated = await partner.call("rotations", {}, path=made["id"], key="r1")
        again = await partner.call("rotations", {}, path=made["id"], key="r1")
        await partner.pays()
        await partner.relayed()
        partner.bank.clock.advance(timedelta(hours=24))
        await partner.pays()
        await partner.relayed()

    assert again == {**rotated, "verify_with": None}
    (during, body), (after, late) = sink.got
    assert len(during["webhook-signature"].split(" ")) == 2
    assert verified(during, body, made["verify_with"])
    assert verified(during, body, rotated["verify_with"])
    assert not verified(after, late, made["verify_with"])
    assert verified(after, late, rotated["verify_with"])


async def test_four_keys_sign_at_most(partner: Caller) -> None:
    made = await partner.create()
    for _ in range(3):
        await partner.call("rotations", {}, path=made["id"])

    with pytest.raises(EndpointRotatedTooOften):
        await partner.call("rotations", {}, path=made["id"])

    partner.bank.clock.advance(timedelta(hours=24))
    assert (await partner.call("rotations", {}, path=made["id"]))["verify_with"]


async def test_a_removed_endpoint_is_gone(partner: Caller) -> None:
    made = await partner.create()
    await partner.pays()

    gone = await partner.call("revoke", path=made["id"], key="bye")

    assert gone["status"] == "removed"
    assert await partner.call("revoke", path=made["id"], key="bye") == gone
    assert await partner.relayed() == 0
    with pytest.raises(EndpointUnknown):
        await partner.call("query", path=made["id"])


async def test_a_test_event_says_that_it_is_one_and_reaches_its_endpoint_alone(
    partner: Caller,
) -> None:
    async with listening() as sink, listening() as other:
        made = await partner.create(sink.url, "order.", "consent.revoked")
        await partner.create(other.url, "order.", "consent.")

        plain = await partner.call("tests", {}, path=made["id"])
        await partner.call("tests", {"type": "order.paid"}, path=made["id"])
        await partner.call("tests", {"type": "consent.revoked"}, path=made["id"])
        for unknown in ("consent.granted", "order.", "order", "nothing.paid", "order.PAID"):
            with pytest.raises(EndpointInvalid):
                await partner.call("tests", {"type": unknown}, path=made["id"])
        await partner.relayed()

    assert other.got == []
    told = {json.loads(body)["type"]: (headers, body) for headers, body in sink.got}
    assert set(told) == {"webhook.test", "order.paid", "consent.revoked"}
    assert told["webhook.test"][0]["webhook-id"] == plain["event"]
    for headers, body in told.values():
        assert verified(headers, body, made["verify_with"])
        assert json.loads(body)["data"]["test"] is True
    paid = json.loads(told["order.paid"][1])["data"]
    assert paid == {"test": True, "order": "order_test", "status": "paid"}


async def test_deliveries_are_listed_newest_first_with_what_was_sent_and_why_it_failed(
    partner: Caller,
) -> None:
    async with listening() as sink:
        made = await partner.create(sink.url)
        sent = await partner.pays()
        await partner.relayed()
        partner.bank.clock.advance(timedelta(seconds=1))
        sink.answer = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"
        failed = await partner.pays()
        await partner.relayed()

        page = await partner.call("deliveries", path=made["id"], query={"limit": "1"})
        rest = await partner.call(
            "deliveries", path=made["id"], query={"cursor": page["next_cursor"]}
        )
        delivered = await partner.call("deliveries", path=made["id"], query={"status": "delivered"})

    (newest,) = page["items"]
    (oldest,) = rest["items"]
    assert newest["message"]["data"]["order"] == failed
    assert (newest["status"], newest["attempts"]) == ("pending", 1)
    assert newest["last_error"] == "answered 500"
    assert newest["next_at"] is not None
    assert oldest["message"] == json.loads(sink.got[0][1])
    assert oldest["event"] == sink.ids()[0]
    assert (oldest["message"]["data"]["order"], oldest["next_at"]) == (sent, None)
    assert delivered["items"] == [oldest]
    assert rest["next_cursor"] is None


async def test_one_event_a_range_or_all_that_failed_are_sent_again(partner: Caller) -> None:
    async with listening() as sink:
        made = await partner.create(sink.url)
        await partner.pays()
        await partner.relayed()
        (first,) = sink.ids()

        assert (await _replay(partner, made, event=first))["queued"] == 1
        await partner.relayed()
        assert sink.ids() == [first, first]

        assert (await _replay(partner, made, **await _everything(partner)))["queued"] == 1
        await partner.relayed()
        assert sink.ids() == [first] * 3

        sink.answer = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"
        await partner.pays()
        for _ in range(10):
            await partner.relayed()
            partner.bank.clock.advance(timedelta(days=2))
        sink.answer = Sink.answer
        asked = await partner.call("replays", {}, path=made["id"], key="all")
        assert asked == {"endpoint": made["id"], "queued": 1}
        assert await partner.call("replays", {}, path=made["id"], key="all") == asked
        assert await partner.relayed() == 1


async def _everything(partner: Caller) -> dict[str, str]:
    """The range of all events: they are dated by the database's clock, not by the test's."""
    begun: Any = await partner.bank.pool.fetchval("select min(created_at) from kernel.outbox")
    return {"since": begun.isoformat(), "until": (begun + timedelta(hours=1)).isoformat()}


async def _replay(partner: Caller, made: Any, **what: str) -> Any:
    return await partner.call("replays", what, path=made["id"])


@pytest.mark.parametrize(
    ("what", "refusal"),
    [
        ({"event": "evt_none"}, DeliveryUnknown),
        ({"event": "evt_none", "since": "2026-03-01T00:00:00Z"}, InputInvalid),
        ({"since": "yesterday"}, InputInvalid),
        ({"since": "2026-03-01T00:00:00"}, InputInvalid),
        ({"since": "0001-01-01T00:00:00+23:59"}, InputInvalid),
        ({"until": "2026-03-01T00:00:00Z"}, EndpointInvalid),
        ({"since": "2026-03-01T00:00:00Z", "until": "2026-03-01T00:00:00Z"}, EndpointInvalid),
    ],
)
async def test_a_replay_that_cannot_be_is_refused(
    partner: Caller, what: dict[str, str], refusal: type[Exception]
) -> None:
    made = await partner.create()

    with pytest.raises(refusal):
        await _replay(partner, made, **what)


async def test_a_replay_of_too_much_changes_nothing(
    partner: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening() as sink:
        made = await partner.create(sink.url)
        for _ in range(3):
            await partner.pays()
        await partner.relayed()
        everything = await _everything(partner)
        monkeypatch.setattr(deliveries_module, "REPLAY_MAX", 3)
        assert (await _replay(partner, made, **everything))["queued"] == 3
        await partner.relayed()
        monkeypatch.setattr(deliveries_module, "REPLAY_MAX", 2)

        with pytest.raises(ReplayTooMany):
            await _replay(partner, made, **everything)

        assert await partner.relayed() == 0


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"url": "https://user@shop.example/"}, EndpointInvalid),
        ({"url": "https://shop.example:8443/"}, None),
        ({"url": "https://shop.example/" + "x" * 479}, None),
        ({"url": "https://shop.example/" + "x" * 480}, InputInvalid),
        ({"url": 5}, InputInvalid),
        ({"types": []}, InputInvalid),
        ({"types": [{"type": "order."}] * 50}, None),
        ({"types": [{"type": "order."}] * 51}, InputInvalid),
        ({"types": ["order."]}, InputInvalid),
        ({"types": [{"type": "webhook."}]}, EndpointInvalid),
        ({"signing": "none"}, InputInvalid),
        ({"secret": "mine"}, InputInvalid),
        ({"tenant": "ten_other"}, InputInvalid),
    ],
)
async def test_an_endpoint_that_cannot_be_is_refused_up_to_the_limit_it_is_taken(
    partner: Caller, change: dict[str, Any], refusal: type[Exception] | None
) -> None:
    body = {"url": ELSEWHERE, "types": [{"type": "order."}]} | change
    if refusal is None:
        assert (await partner.call("create", body))["id"]
        return

    with pytest.raises(refusal):
        await partner.call("create", body)

    assert (await partner.call("list"))["items"] == []


async def test_outside_a_machine_of_ones_own_an_inner_address_is_refused_when_it_is_named(
    partner: Caller,
) -> None:
    made = await partner.create()
    partner.bank.orders.keep_webhooks(Webhooks(partner.bank.clock, VAULT, Egress()))

    for url in ("http://127.0.0.1/x", "https://127.0.0.1:8443/x", "ftp://shop.example/x"):
        with pytest.raises(EndpointInvalid):
            await partner.create(url)
        with pytest.raises(EndpointInvalid):
            await partner.call("amend", {"url": url}, path=made["id"])
    assert (await partner.call("query", path=made["id"]))["version"] == 1


async def test_an_amendment_of_nothing_is_refused(partner: Caller) -> None:
    made = await partner.create()

    with pytest.raises(InputInvalid):
        await partner.call("amend", {}, path=made["id"])


async def test_twenty_endpoints_each_for_the_partner_and_its_tenants(partner: Caller) -> None:
    tenant = await partner.tenant()
    for _ in range(20):
        await partner.create()
    await tenant.create()

    with pytest.raises(EndpointsTooMany):
        await partner.create()

    assert len((await partner.call("list"))["items"]) == 21


async def test_a_tenants_endpoint_hears_of_its_orders_only(partner: Caller) -> None:
    tenant = await partner.tenant()
    async with listening() as whole, listening() as narrow:
        await partner.create(whole.url, "order.", "consent.")
        made = await tenant.create(narrow.url, "order.", "consent.")
        own, theirs = await partner.collects(), await tenant.collects()
        await partner.relayed()

        assert (await _replay(tenant, made, **await _everything(partner)))["queued"] == 1

    assert made["tenant"] == tenant.bank.tenant
    assert sorted(_orders(whole)) == sorted([own, theirs])
    assert _orders(narrow) == [theirs]


ON_ITEM: dict[str, dict[str, str] | None] = {
    "query": None,
    "amend": {"url": "http://127.0.0.1:9/stolen"},
    "revoke": None,
    "rotations": {},
    "tests": {},
    "deliveries": None,
    "replays": {},
}


def test_every_operation_on_an_endpoint_is_tried_by_strangers() -> None:
    words = {each.word for each in load().platform.operations if "{endpointId}" in each.path}

    assert words == set(ON_ITEM)


@pytest.mark.parametrize("word", ON_ITEM)
async def test_anothers_endpoint_is_as_unknown_as_none(
    partner: Caller, neighbour: Caller, word: str
) -> None:
    first, second = await partner.tenant(), await partner.tenant()
    own, tenants = await partner.create(), await first.create()
    strange = [
        (neighbour, own["id"]),
        (neighbour, tenants["id"]),
        (second, tenants["id"]),
        (second, own["id"]),
        (partner, "whk_none"),
        (partner, "no\0thing"),
    ]

    for who, name in strange:
        with pytest.raises(EndpointUnknown) as refused:
            await who.call(word, ON_ITEM[word], path=name)
        assert refused.value.detail == f"there is no webhook endpoint {name}"

    for made in (own, tenants):
        assert await partner.call("query", path=made["id"]) == {**made, "verify_with": None}
    assert (await neighbour.call("list"))["items"] == []
    assert (await second.call("list"))["items"] == []


def _orders(sink: Sink) -> list[str]:
    return [json.loads(body)["data"]["order"] for _, body in sink.got]
