"""Partners, tenants, apps and keys as registered: scope, rotation, events."""

from datetime import timedelta

import pytest
from tests.partners.builders import VAULT, a_key, a_partner, an_app, private_key, public_key

from bankside import partners
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Connection
from bankside.kernel.errors import BanksideError
from bankside.partners import NewApp, NewKey, NewPlatformKey, Partner, PartnerApp


async def facts(db: Connection, object_id: str) -> list[tuple[int, str]]:
    rows = await db.fetch(
        "select object_seq, type from kernel.outbox where object_id = $1 order by object_seq",
        object_id,
    )
    return [(row["object_seq"], row["type"]) for row in rows]


async def test_a_partner_registers_an_app_that_calls_at_once(
    db: Connection, clock: FixedClock
) -> None:
    partner = await a_partner(db, clock)
    app = await an_app(db, clock, partner)
    key = await partners.register_key(db, clock, VAULT, partner.id, app.id, a_key())
    await partners.subscribe(db, clock, partner.id, app.id, ["merchant.scan-payments"])

    view = await partners.snapshot_view(db, clock)

    compiled = view.apps[app.id]
    assert compiled.active
    assert compiled.partner == partner.id
    assert [each.id for each in compiled.keys["native"]] == [key.id]
    assert compiled.products == {"merchant.scan-payments"}


async def test_every_change_of_an_app_is_one_numbered_event(
    db: Connection, clock: FixedClock
) -> None:
    partner = await a_partner(db, clock)
    app = await an_app(db, clock, partner)
    await partners.register_key(db, clock, VAULT, partner.id, app.id, a_key())
    await partners.set_rate(db, clock, partner.id, app.id, (5, 10))
    await partners.block_app(db, clock, partner.id, app.id, reason="complaint 17")
    await partners.unblock_app(db, clock, partner.id, app.id, reason="complaint settled")

    assert await facts(db, app.id) == [
        (1, "partners.app.created"),
        (2, "partners.app.key_registered"),
        (3, "partners.app.rate_changed"),
        (4, "partners.app.blocked"),
        (5, "partners.app.unblocked"),
    ]


async def test_a_blocked_app_or_partner_is_inactive_in_the_snapshot(
    db: Connection, clock: FixedClock
) -> None:
    partner = await a_partner(db, clock)
    app = await an_app(db, clock, partner)
    other = await an_app(db, clock, partner)

    await partners.block_app(db, clock, partner.id, app.id, reason="keys leaked")
    view = await partners.snapshot_view(db, clock)
    assert (view.apps[app.id].active, view.apps[other.id].active) == (False, True)

    await partners.unblock_app(db, clock, partner.id, app.id, reason="new keys")
    await partners.block_partner(db, clock, partner.id, reason="contract ended")
    view = await partners.snapshot_view(db, clock)
    assert (view.apps[app.id].active, view.apps[other.id].active) == (False, False)

    await partners.unblock_partner(db, clock, partner.id, reason="contract renewed")
    assert (await partners.snapshot_view(db, clock)).apps[app.id].active


async def test_a_key_of_the_bank_cannot_be_registered_as_a_partners_own(
    db: Connection, clock: FixedClock
) -> None:
    partner = await a_partner(db, clock)
    app = await an_app(db, clock, partner)
    private = private_key("rsa-sha256", "bank")
    new = NewPlatformKey(wire="alipay", alg="rsa-sha256", private=private)
    await partners.create_platform_key(db, clock, VAULT, new)

    with pytest.raises(BanksideError) as refusal:
        key = a_key("rsa-sha256", "bank", wire="icbc")
        await partners.register_key(db, clock, VAULT, partner.id, app.id, key)

    assert refusal.value.code == "key.is_platform_key"
    assert await partners.list_keys(db, partner.id, app.id) == []


async def test_two_keys_are_accepted_for_seven_days_of_a_rotation(
    db: Connection, clock: FixedClock
) -> None:
    partner = await a_partner(db, clock)
    app = await an_app(db, clock, partner)
    old = await partners.register_key(db, clock, VAULT, partner.id, app.id, a_key(name="old"))
    clock.advance(timedelta(days=90))
    new = await partners.rotate_key(db, clock, VAULT, partner.id, app.id, a_key(name="new"))

    with pytest.raises(BanksideError) as third:
        await partners.rotate_key(db, clock, VAULT, partner.id, app.id, a_key(name="third"))
    assert third.value.code == "key.rotation_running"

    clock.advance(timedelta(days=7) - timedelta(seconds=1))
    assert await accepted(db, clock, app) == [old.id, new.id]
    clock.advance(timedelta(seconds=1))
    assert await accepted(db, clock, app) == [new.id]
    third_key = await partners.rotate_key(db, clock, VAULT, partner.id, app.id, a_key(name="third"))
    assert await accepted(db, clock, app) == [new.id, third_key.id]


async def test_a_second_first_key_and_a_rotation_of_nothing_are_refused(
    db: Connection, clock: FixedClock
) -> None:
    partner = await a_partner(db, clock)
    app = await an_app(db, clock, partner)

    with pytest.raises(BanksideError) as nothing:
        await partners.rotate_key(db, clock, VAULT, partner.id, app.id, a_key())
    assert nothing.value.code == "key.not_found"

    await partners.register_key(db, clock, VAULT, partner.id, app.id, a_key())
    with pytest.raises(BanksideError) as second:
        await partners.register_key(db, clock, VAULT, partner.id, app.id, a_key(name="second"))
    assert second.value.code == "key.exists"


async def test_a_revoked_key_leaves_the_snapshot_and_makes_room(
    db: Connection, clock: FixedClock
) -> None:
    partner = await a_partner(db, clock)
    app = await an_app(db, clock, partner)
    key = await partners.register_key(db, clock, VAULT, partner.id, app.id, a_key())

    await partners.revoke_key(db, clock, partner.id, app.id, key.id)

    assert await accepted(db, clock, app) == []
    again = await partners.register_key(db, clock, VAULT, partner.id, app.id, a_key(name="2"))
    assert await accepted(db, clock, app) == [again.id]


async def test_secrets_are_stored_sealed_and_open_only_for_their_key(
    db: Connection, clock: FixedClock
) -> None:
    partner = await a_partner(db, clock)
    app = await an_app(db, clock, partner)
    secret = bytes(range(100, 132))
    new = NewKey(wire="native", alg="hmac-sha256", material=secret)
    key = await partners.register_key(db, clock, VAULT, partner.id, app.id, new)
    content = NewKey(wire="icbc", alg="aes-cbc", material=secret[:16])
    aes = await partners.register_key(db, clock, VAULT, partner.id, app.id, content)

    compiled = (await partners.snapshot_view(db, clock)).apps[app.id]

    assert secret not in compiled.keys["native"][0].material
    sealed = compiled.keys["native"][0].material
    assert VAULT.open(sealed, purpose=f"key:{key.id}") == secret
    assert [each.id for each in compiled.content_keys["icbc"]] == [aes.id]
    assert "icbc" not in compiled.keys
    assert secret.hex() not in repr(new)


async def test_another_partner_sees_and_changes_nothing(db: Connection, clock: FixedClock) -> None:
    owner = await a_partner(db, clock)
    app = await an_app(db, clock, owner)
    key = await partners.register_key(db, clock, VAULT, owner.id, app.id, a_key())
    tenant, _ = await partners.create_tenant(
        db, clock, owner.id, name_zh="餐馆", name_en="Restaurant"
    )
    stranger = await a_partner(db, clock)
    before = await facts(db, app.id), await facts(db, tenant.id)

    attempts = [
        partners.read_app(db, stranger.id, app.id),
        partners.set_rate(db, clock, stranger.id, app.id, (1, 1)),
        partners.subscribe(db, clock, stranger.id, app.id, ["loan.mortgages"]),
        partners.unsubscribe(db, clock, stranger.id, app.id, ["loan.mortgages"]),
        partners.list_subscriptions(db, stranger.id, app.id),
        partners.block_app(db, clock, stranger.id, app.id, reason="spite"),
        partners.unblock_app(db, clock, stranger.id, app.id, reason="spite"),
        partners.register_key(db, clock, VAULT, stranger.id, app.id, a_key(name="evil")),
        partners.rotate_key(db, clock, VAULT, stranger.id, app.id, a_key(name="evil")),
        partners.revoke_key(db, clock, stranger.id, app.id, key.id),
        partners.list_keys(db, stranger.id, app.id),
        partners.choose_answer_key(db, clock, stranger.id, app.id, "bank-native-1"),
    ]
    for attempt in attempts:
        assert await code_of(attempt) == "app.not_found"
    for attempt in (
        partners.read_tenant(db, stranger.id, tenant.id),
        partners.reissue_token(db, clock, stranger.id, tenant.id),
        partners.block_tenant(db, clock, stranger.id, tenant.id, reason="spite"),
        partners.unblock_tenant(db, clock, stranger.id, tenant.id, reason="spite"),
    ):
        assert await code_of(attempt) == "tenant.not_found"

    assert (await facts(db, app.id), await facts(db, tenant.id)) == before
    assert (await partners.list_apps(db, stranger.id)).items == ()
    assert (await partners.list_tenants(db, stranger.id)).items == ()


async def test_a_tenants_token_is_kept_as_a_hash_and_works_for_its_partners_apps_only(
    db: Connection, clock: FixedClock
) -> None:
    partner, stranger = await a_partner(db, clock), await a_partner(db, clock)
    app, foreign = await an_app(db, clock, partner), await an_app(db, clock, stranger)
    tenant, token = await partners.create_tenant(
        db, clock, partner.id, name_zh="餐馆", name_en="Restaurant"
    )

    view = await partners.snapshot_view(db, clock)

    assert list(view.apps[app.id].tenants.values()) == [tenant.id]
    assert view.apps[foreign.id].tenants == {}
    assert token not in str(view)
    again = await partners.reissue_token(db, clock, partner.id, tenant.id)
    tokens = (await partners.snapshot_view(db, clock)).apps[app.id].tenants
    assert token != again
    assert tokens != view.apps[app.id].tenants
    await partners.block_tenant(db, clock, partner.id, tenant.id, reason="unpaid")
    assert (await partners.snapshot_view(db, clock)).apps[app.id].tenants == {}


async def test_an_id_is_given_out_once(db: Connection, clock: FixedClock) -> None:
    partner, other = await a_partner(db, clock), await a_partner(db, clock)
    await partners.create_app(db, clock, partner.id, NewApp(name="one", id="app_fixed"))
    app = await an_app(db, clock, other)

    taken = partners.create_app(db, clock, other.id, NewApp(name="two", id="app_fixed"))
    assert await code_of(taken) == "app.exists"
    key = NewKey(wire="native", alg="ed25519", material=public_key("ed25519"), id="key_fixed")
    await partners.register_key(db, clock, VAULT, other.id, app.id, key)
    again = NewKey(wire="icbc", alg="rsa-sha1", material=public_key("rsa-sha1"), id="key_fixed")
    twice = partners.register_key(db, clock, VAULT, other.id, app.id, again)
    assert await code_of(twice) == "key.exists"
    same = partners.create_partner(db, clock, name_zh="甲", name_en="A", partner_id=partner.id)
    assert await code_of(same) == "partner.exists"


@pytest.mark.parametrize("bad", ["", "  ", "a\nb", "x" * 121, "nul\x00", "\ud800"])
async def test_a_bad_name_or_reason_is_refused(db: Connection, clock: FixedClock, bad: str) -> None:
    partner = await a_partner(db, clock)
    app = await an_app(db, clock, partner)

    for attempt in (
        partners.create_partner(db, clock, name_zh=bad, name_en="A"),
        partners.create_tenant(db, clock, partner.id, name_zh="甲", name_en=bad),
        partners.create_app(db, clock, partner.id, NewApp(name=bad)),
    ):
        assert await code_of(attempt) == "partner.text_invalid"
    for rate in ((0, 1), (1, 0), (100_001, 1), (-1, 5)):
        attempt = partners.set_rate(db, clock, partner.id, app.id, rate)
        assert await code_of(attempt) == "app.rate_invalid"
    assert await code_of(partners.read_app(db, partner.id, bad)) == "app.not_found"
    attempt = partners.subscribe(db, clock, partner.id, app.id, [f"x.{bad}!"])
    assert await code_of(attempt) == "app.product_invalid"


async def test_the_banks_keys_are_made_once_and_stand_sealed(
    db: Connection, clock: FixedClock
) -> None:
    first = await partners.ensure_platform_keys(db, clock, VAULT)
    again = await partners.ensure_platform_keys(db, clock, VAULT)

    assert [key.id for key in first] == [key.id for key in again]
    assert {key.wire: key.alg for key in first if key.is_default} == {
        "native": "ecdsa-p256-sha256",
        "icbc": "rsa-sha1",
        "alipay": "rsa-sha256",
        "alipay3": "rsa-sha256",
        "snapshot": "ed25519",
    }
    for key in first:
        private = partners.private_key(VAULT, key)
        assert private not in key.sealed
    view = await partners.snapshot_view(db, clock)
    assert set(view.default_answer_keys) == {"native", "icbc", "alipay", "alipay3"}
    assert set(view.default_answer_keys.values()) <= view.platform_keys.keys()


async def test_an_app_is_answered_under_the_key_it_chose_until_that_key_retires(
    db: Connection, clock: FixedClock
) -> None:
    await partners.ensure_platform_keys(db, clock, VAULT)
    partner = await a_partner(db, clock)
    app = await an_app(db, clock, partner)
    new = NewPlatformKey(wire="native", alg="ed25519")
    own = await partners.create_platform_key(db, clock, VAULT, new)

    await partners.choose_answer_key(db, clock, partner.id, app.id, own.id)
    view = await partners.snapshot_view(db, clock)
    assert view.apps[app.id].answer_keys == {"native": own.id}

    await partners.retire_platform_key(db, clock, own.id)
    view = await partners.snapshot_view(db, clock)
    assert view.apps[app.id].answer_keys == {}
    assert own.id not in view.platform_keys
    default = view.default_answer_keys["native"]
    retiring = partners.retire_platform_key(db, clock, default)
    assert await code_of(retiring) == "platform_key.is_default"


async def accepted(db: Connection, clock: FixedClock, app: PartnerApp) -> list[str]:
    compiled = (await partners.snapshot_view(db, clock)).apps[app.id]
    return [key.id for key in compiled.keys.get("native", ())]


async def code_of(attempt: object) -> str:
    with pytest.raises(BanksideError) as refusal:
        await attempt  # type: ignore[misc]
    return refusal.value.code


async def test_lists_are_paged_by_id(db: Connection, clock: FixedClock) -> None:
    partner: Partner = await a_partner(db, clock)
    made = [(await an_app(db, clock, partner)).id for _ in range(5)]

    first = await partners.list_apps(db, partner.id, limit=3)
    rest = await partners.list_apps(db, partner.id, cursor=first.next_cursor, limit=3)

    assert [each.id for each in (*first.items, *rest.items)] == sorted(made)
    assert rest.next_cursor is None
