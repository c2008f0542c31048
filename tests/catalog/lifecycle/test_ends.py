"""How a product ends: notice, silence or waivers, nothing in flight, and the proof of it."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.catalog.lifecycle.test_moves import refused
from tests.catalog.lifecycle.world import FIRST, SCAN, SECOND, WORLD, Desk
from tests.partners.builders import VAULT, a_key, a_partner, an_app, private_key

from bankside import partners
from bankside.catalog import lifecycle
from bankside.catalog.lifecycle import ProductVersion, Signed, State
from bankside.kernel.db import Connection
from bankside.kernel.signing import generate, public_der, signer, verifier
from bankside.kernel.snapshot import content_hash, encode

NEXT = "merchant.checkout-payments"
DONE = "update orders.orders set state = 'completed', waits_for = null where partner_id = 'prt_1'"
SNAPSHOT_KEY = generate("ed25519")
TRUSTED = verifier("ed25519", public_der(SNAPSHOT_KEY))


async def test_a_deprecation_is_told_to_each_partner_that_holds_the_product(desk: Desk) -> None:
    food, _ = await desk.partner(), await desk.partner("wallet.wallets")

    await desk.both("deprecated", successor=NEXT)

    told = await desk.db.fetch(
        "select partner_id, object_id, body::text from kernel.outbox"
        " where type = 'catalog.product.deprecated'"
    )
    assert [(row["partner_id"], row["object_id"]) for row in told] == [(food, f"{SCAN}:1")]
    assert msgspec.json.decode(told[0]["body"]) == {
        "product": SCAN,
        "version": 1,
        "state": "deprecated",
        "successor": NEXT,
        "withdrawn_from": "2026-08-29T02:00:00.000Z",
    }
    (notice,) = await lifecycle.notices(desk.db, SCAN, 1)
    assert (notice["partner_id"], notice["state"]) == (food, "deprecated")


async def test_each_move_asks_for_a_new_snapshot(desk: Desk) -> None:
    await desk.both("deprecated", successor=NEXT)
    await desk.both("live")

    told = await desk.db.fetch(
        "select object_seq from kernel.outbox where type = 'catalog.version.moved' order by 1"
    )
    assert [row["object_seq"] for row in told] == [1, 2]


async def test_a_successor_is_another_live_product(desk: Desk) -> None:
    for successor in ("no.such", SCAN):
        error = await refused(desk.move(FIRST, "deprecated", successor=successor))
        assert "is no other live product" in error.detail


async def test_notice_and_silence_are_both_needed(desk: Desk) -> None:
    food = await desk.partner()
    await desk.both("deprecated", successor=NEXT)
    desk.later(days=179)
    await desk.called(partner=food, ago=timedelta(days=20))

    early = await refused(desk.move(FIRST, "offline"))
    assert "notice until 2026-08-29" in early.detail
    assert f"called in the last 30 days by {food}" in early.detail

    desk.later(days=2)
    loud = await refused(desk.move(FIRST, "offline"))
    assert "notice" not in loud.detail
    assert "quiet" in loud.detail

    desk.later(days=10)
    assert (await desk.both("offline")).state is State.OFFLINE


async def test_calls_that_were_told_it_is_gone_are_nobodys_use(desk: Desk) -> None:
    await desk.both("deprecated", successor=NEXT, notice_days=1)
    desk.later(days=2)
    await desk.called(outcome="refused", stage="offer", code="product.suspended", status=503)

    assert (await desk.both("offline")).state is State.OFFLINE


async def _signed(desk: Desk, version: ProductVersion, alg: str = "ed25519") -> Signed:
    """A waiver of a partner with an app and a key of its own, as it signs it."""
    partner = await a_partner(desk.db, desk.clock)
    app = await an_app(desk.db, desk.clock, partner)
    key = await partners.register_key(
        desk.db, desk.clock, VAULT, partner.id, app.id, a_key(alg, partner.id)
    )
    await partners.subscribe(desk.db, desk.clock, partner.id, app.id, [SCAN])
    text = lifecycle.waiver_text(version, partner.id)
    signature = signer(alg, private_key(alg, partner.id))(text.encode())
    return Signed(partner=partner.id, app=app.id, key=key.id, signature=signature)


async def test_a_waiver_of_every_partner_ends_the_notice(desk: Desk) -> None:
    version = await desk.both("deprecated", successor=NEXT)
    one, other = await _signed(desk, version), await _signed(desk, version, "ecdsa-p256-sha256")
    await desk.called(partner=one.partner)
    desk.later(minutes=1)

    await lifecycle.waive(desk.db, desk.clock, version, one)
    still = await refused(desk.move(FIRST, "offline"))
    assert "notice" in still.detail
    assert "quiet" not in still.detail
    await lifecycle.waive(desk.db, desk.clock, version, other)

    assert (await desk.both("offline")).state is State.OFFLINE


@pytest.mark.parametrize("fault", ["signature", "key", "other partner's key", "secret"])
async def test_a_waiver_that_the_partner_did_not_sign_is_none(desk: Desk, fault: str) -> None:
    version = await desk.both("deprecated", successor=NEXT)
    good = await _signed(desk, version)
    other = await _signed(desk, version)
    bad = {
        "signature": Signed(partner=good.partner, app=good.app, key=good.key, signature=bytes(64)),
        "key": Signed(partner=good.partner, app=good.app, key="key_none", signature=good.signature),
        "other partner's key": Signed(
            partner=good.partner, app=good.app, key=other.key, signature=other.signature
        ),
        "secret": await _with_secret(desk, version),
    }[fault]

    error = await refused(lifecycle.waive(desk.db, desk.clock, version, bad))

    assert error.code == "product.waiver_invalid"
    assert await lifecycle.waivers_of(desk.db, SCAN, 1) == []


async def _with_secret(desk: Desk, version: ProductVersion) -> Signed:
    partner = await a_partner(desk.db, desk.clock)
    app = await an_app(desk.db, desk.clock, partner)
    secret = generate("hmac-sha256")
    new = partners.NewKey(wire="native", alg="hmac-sha256", material=secret)
    key = await partners.register_key(desk.db, desk.clock, VAULT, partner.id, app.id, new)
    text = lifecycle.waiver_text(version, partner.id)
    signature = signer("hmac-sha256", secret)(text.encode())
    return Signed(partner=partner.id, app=app.id, key=key.id, signature=signature)


async def test_a_live_product_takes_no_waiver(desk: Desk) -> None:
    (version,) = await lifecycle.versions_of(desk.db, WORLD.catalogue, SCAN)

    with pytest.raises(lifecycle.MoveRefused):
        lifecycle.waiver_text(version, "prt_1")


async def test_a_product_with_orders_in_flight_stays(desk: Desk) -> None:
    await desk.both("deprecated", successor=NEXT, notice_days=1)
    desk.later(days=2)
    await an_order(desk.db, "waiting")

    error = await refused(desk.move(FIRST, "offline"))
    assert "in-flight: 1 orders" in error.detail

    await desk.db.execute(DONE)
    assert (await desk.both("offline")).state is State.OFFLINE


async def test_a_version_that_was_replaced_ends_when_its_last_order_is_done(desk: Desk) -> None:
    food = await desk.partner()
    await desk.to_canary((food,))
    desk.later(days=1)
    for number in (1, 2):
        await desk.called(version=number, times=300)
    (_, second) = await lifecycle.versions(desk.db, SCAN)
    await desk.vouched(second, "shadow-compare")
    await desk.both("live")
    await an_order(desk.db, "waiting")
    assert "in-flight" in (await refused(desk.move(FIRST, "offline"))).detail
    await desk.db.execute(DONE)

    gone = await desk.both("offline")

    assert (gone.version, gone.state) == (1, State.OFFLINE)
    route = await desk.route()
    assert route is not None
    assert (route.version, route.stage) == (2, None)


async def test_a_deprecated_product_can_come_back_unless_another_version_took_its_place(
    desk: Desk,
) -> None:
    await desk.both("deprecated", successor=NEXT)
    back = await desk.both("live")

    assert (back.state, back.successor, back.sunset_at) == (State.LIVE, "", None)


# The proof


async def _published(desk: Desk) -> None:
    snapshot = await desk.snapshot()
    blob = encode(snapshot, signer("ed25519", SNAPSHOT_KEY))
    await desk.db.execute(
        "insert into catalog.snapshots (version, built_at, content_hash, blob)"
        " select coalesce(max(version), 0) + 1, $1, $2, $3 from catalog.snapshots",
        desk.clock.now(),
        content_hash(blob),
        blob,
    )


async def _proven(desk: Desk, number: int = 1) -> dict[str, Any]:
    version = await lifecycle.version_of(desk.db, SCAN, number)
    return await lifecycle.prove(desk.db, desk.clock, WORLD, version, TRUSTED)


async def _gone(desk: Desk) -> None:
    await desk.both("deprecated", successor=NEXT, notice_days=1, reason="nobody needs it")
    desk.later(days=31)
    await desk.both("offline")


async def test_a_withdrawn_product_is_proven_gone_once_and_for_ever(desk: Desk) -> None:
    food = await desk.partner()
    await _gone(desk)
    await _published(desk)
    desk.later(minutes=5)
    await desk.called(partner=food, outcome="refused", stage="offer", status=410, times=3)
    desk.later(minutes=5)

    proof = await _proven(desk)

    document = proof["document"]
    routes = len(WORLD.catalogue.products[SCAN].all_operations)
    assert document["snapshot"]["routes_that_say_it_is_gone"] == routes
    assert document["snapshot"]["routes_that_run"] == 0
    assert len(document["snapshot"]["sha256"]) == 64
    assert document["calls"]["reached_the_bank"] == 0
    assert document["calls"]["told_that_it_is_gone"] == 3
    assert document["orders_in_flight"] == 0
    assert document["agreed"] == [FIRST.id, SECOND.id]
    assert [(each["partner"], each["state"]) for each in document["notices"]] == [
        (food, "deprecated"),
        (food, "offline"),
    ]
    assert "evidence log of the platform does not exist yet" in document["kept"]
    desk.later(days=1)
    assert await _proven(desk) == proof


async def test_no_proof_before_it_holds(desk: Desk) -> None:
    food = await desk.partner()
    await desk.both("deprecated", successor=NEXT, notice_days=1)
    assert "is deprecated" in (await refused(_proven(desk))).detail

    await _published(desk)
    desk.later(days=31)
    await desk.both("offline")
    assert "under way" in (await refused(_proven(desk))).detail

    desk.later(minutes=2)
    assert "older than the withdrawal" in (await refused(_proven(desk))).detail

    await _published(desk)
    await desk.called(partner=food)
    desk.later(minutes=1)
    assert "1 calls reached the bank" in (await refused(_proven(desk))).detail


async def an_order(db: Connection, state: str, partner: str = "prt_1") -> None:
    await db.execute(
        "insert into orders.orders (partner_id, order_id, app_id, product, product_version, family,"
        " state, status, plan, position, waits_for, scope, content_hash, subject, currency, amount,"
        " shares, terms, roles, input, output, revision, event_seq, created_at, updated_at)"
        " values ($3, 'ord_1', 'app_1', $1, 1, 'collect', $2, 'waiting', '[]', 0, 'x', 's',"
        " '',"
        " 'acc', 'CNY', 1, '{}', '{}', '{}', '{}', '{}', 1, 1, now(), now())",
        SCAN,
        state,
        partner,
    )
