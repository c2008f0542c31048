"""From a description to the snapshot: a draft, a review, two people, routes that forward."""

import copy
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.catalog.imports.descriptions import TIPS, raw
from tests.catalog.lifecycle.world import AUTHOR, WORLD, Desk
from tests.partners.builders import VAULT

from bankside import catalog
from bankside.catalog import imports, lifecycle
from bankside.catalog.imports import ForwardedKeys, ImportNameTaken, ReviewInvalid, Taken
from bankside.catalog.lifecycle import DraftFrozen, FourEyes, GateClosed
from bankside.gateway.routes import Routes
from bankside.gateway.serving import Serving
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Connection, Pool
from bankside.kernel.idempotency import KeyScope
from bankside.kernel.signing import generate, public_der, signer, verifier
from bankside.kernel.snapshot import Snapshot, decode, encode
from bankside.orders import Orders

URL = "https://core.bank.example/tips"
SNAPSHOT_KEY = generate("ed25519")


@pytest.fixture
def desk(db: Connection, clock: FixedClock) -> Desk:
    return Desk(db, clock)


def proposal(description: Any = TIPS, name: str = "tips") -> dict[str, Any]:
    return imports.propose(imports.describe(raw(description)), product=f"imported.{name}", url=URL)


async def taken(desk: Desk, description: Any = TIPS, *, sure: bool = True) -> Taken:
    """The description imported and, when ``sure``, every operation confirmed."""
    review = proposal(description)
    made = await imports.take_description(
        desk.db, desk.clock, raw(description), review, by=AUTHOR.id
    )
    if sure:
        for each in review["operations"]:
            each["confirmed"] = True
        made = await imports.take_review(desk.db, desk.clock, review, by=AUTHOR.id)
    return made


async def snapshot(desk: Desk) -> Snapshot:
    """What an edge would serve from, through the signed blob."""
    made = await catalog.compiled(desk.db, desk.clock, WORLD.catalogue, Orders.runnable)
    blob = encode(made, signer("ed25519", SNAPSHOT_KEY))
    return decode(blob, verifier("ed25519", public_der(SNAPSHOT_KEY)))


async def in_sandbox(desk: Desk, description: Any = TIPS) -> None:
    version = (await taken(desk, description)).version
    await desk.move(AUTHOR, "review", version.product)
    given = version.definition or {}
    traits = (given["risk_tier"], given["data_class"])
    await desk.both("sandbox", version.product, confirmed=traits)


async def test_an_import_is_a_draft_that_no_caller_meets(desk: Desk) -> None:
    made = await taken(desk)

    assert (made.version.product, made.version.version, made.version.state) == (
        "imported.tips", 1, "draft",
    )  # fmt: skip
    served = await snapshot(desk)
    assert not [each for each in served.operations.values() if each.upstream]
    assert not served.upstreams


async def test_what_nobody_confirmed_does_not_leave_the_draft(desk: Desk) -> None:
    await taken(desk, sure=False)

    with pytest.raises(GateClosed) as closed:
        await desk.move(AUTHOR, "review", "imported.tips")

    assert "4 operations are not confirmed" in closed.value.detail


async def test_its_author_alone_does_not_publish_it(desk: Desk) -> None:
    version = (await taken(desk)).version
    await desk.move(AUTHOR, "review", version.product)

    with pytest.raises((FourEyes, lifecycle.RightMissing)):
        await desk.move(AUTHOR, "sandbox", version.product)


async def test_after_two_people_the_router_leads_to_the_service(desk: Desk) -> None:
    await in_sandbox(desk)

    served = await snapshot(desk)

    ours = {each.id: each for each in served.operations.values() if each.upstream}
    assert {(each.method, each.path) for each in ours.values()} == {
        ("GET", "/v1/tips"), ("POST", "/v1/tips"), ("GET", "/v1/tips/{id}"),
        ("DELETE", "/v1/tips/{id}"),
    }  # fmt: skip
    create = ours["imported.tips.create"]
    assert (create.available, create.moves_money, create.risk_tier) == (True, True, "R3")
    assert create.icbc_path == "/api/imported/tips/create/V1"
    upstream = served.upstreams[create.upstream]
    assert upstream.url == URL
    assert upstream.forwards[create.id].key_header == "idempotency-key"
    assert {catalog.kind_of(each) for each in ours.values()} == {"imported"}
    router = Routes()
    for each in served.operations.values():
        router.add(each)
    found = router.find("GET", "/v1/tips/t%201")
    assert found is not None
    assert (found[0].id, found[1]) == ("imported.tips.query", {"id": "t 1"})


async def test_a_standing_import_is_on_the_shelf_and_in_the_document(desk: Desk) -> None:
    await in_sandbox(desk)

    standing = (await catalog.standing_now(desk.db, WORLD.catalogue)).catalogue(WORLD.catalogue)

    (card,) = catalog.shelf(standing, Orders.runnable).of("imported")
    assert (card.product.id, card.state) == ("imported.tips", "ready")
    paths = catalog.openapi(standing, Orders.runnable)["paths"]
    assert [each["name"] for each in paths["/v1/tips"]["get"]["parameters"] if "name" in each] == [
        "limit"
    ]
    assert paths["/v1/tips/{id}"]["get"]["x-bankside-availability"] == "available"


async def test_a_set_for_customers_is_reached_by_their_tokens_only(desk: Desk) -> None:
    review = proposal() | {"access": "customer"}
    for each in review["operations"]:
        each["confirmed"] = True
    await imports.take_description(desk.db, desk.clock, raw(TIPS), review, by=AUTHOR.id)
    await desk.move(AUTHOR, "review", "imported.tips")
    await desk.both("sandbox", "imported.tips", confirmed=("R3", "C2"))

    served = Serving.of(await snapshot(desk), VAULT)

    ours = [each for each in served.operations.values() if each.upstream]
    assert {each.access for each in ours} == {"customer"}
    assert "/v1/tips" in served.token_roots


async def test_a_credential_is_sealed_and_reaches_the_snapshot_sealed(desk: Desk) -> None:
    await in_sandbox(desk)
    await imports.set_credential(
        desk.db, desk.clock, VAULT, "imported.tips", "Bearer core-secret", by=AUTHOR.id
    )

    (upstream,) = (await snapshot(desk)).upstreams.values()

    assert b"core-secret" not in upstream.credential
    opened = VAULT.open(upstream.credential, purpose="upstream:imported.tips")
    assert opened == b"Bearer core-secret"


@pytest.mark.parametrize("secret", ["", "a\r\nx: y", "ü", "x" * 5_000])
async def test_what_is_no_header_value_is_no_credential(desk: Desk, secret: str) -> None:
    await taken(desk)

    with pytest.raises(ReviewInvalid):
        await imports.set_credential(
            desk.db, desk.clock, VAULT, "imported.tips", secret, by=AUTHOR.id
        )


async def test_a_set_that_takes_another_products_paths_is_not_published(desk: Desk) -> None:
    review = proposal(name="scan-payments")
    for each in review["operations"]:
        each["confirmed"] = True
    await imports.take_description(desk.db, desk.clock, raw(TIPS), review, by=AUTHOR.id)

    with pytest.raises(GateClosed) as closed:
        await desk.move(AUTHOR, "review", "imported.scan-payments")

    assert "/v1/scan-payments" in closed.value.detail


async def test_two_sets_of_one_name_do_not_share_their_paths(desk: Desk) -> None:
    await taken(desk)
    review = proposal() | {"product": "payment.tips"}

    with pytest.raises(ImportNameTaken):
        await imports.take_description(desk.db, desk.clock, raw(TIPS), review, by=AUTHOR.id)


async def test_in_review_nothing_changes_any_more(desk: Desk) -> None:
    version = (await taken(desk)).version
    await desk.move(AUTHOR, "review", version.product)

    with pytest.raises(DraftFrozen):
        await taken(desk)


async def test_a_second_import_is_a_new_version_with_its_changes_named(desk: Desk) -> None:
    await in_sandbox(desk)
    after = copy.deepcopy(TIPS)
    new_tip = after["components"]["schemas"]["NewTip"]
    new_tip["required"].append("table")
    new_tip["properties"]["table"] = {"type": "integer"}
    new_tip["properties"]["song"] = {"type": "string"}
    del after["paths"]["/v1/tips/{id}"]["delete"]
    after["paths"]["/v1/waiters"] = {"get": {"responses": {"200": {"description": "all"}}}}

    made = await taken(desk, after)

    assert (made.version.version, made.before) == (2, 1)
    said = {(each.operation, each.is_breaking, each.text) for each in made.changes}
    assert said >= {
        ("DELETE /v1/tips/{id}", True, "is gone"),
        ("GET /v1/waiters", False, "is new"),
        ("POST /v1/tips", True, "the request: /table is new and required"),
        ("POST /v1/tips", False, "the request: /song is new"),
    }
    again = await taken(desk, after)
    assert again.version.version == 2, "a draft is replaced, not added to"


async def test_two_versions_are_served_side_by_side_each_by_its_own_upstream(desk: Desk) -> None:
    await in_sandbox(desk)
    # Nobody waits for a canary here: the gates on the way are the life cycle's own tests.
    await desk.db.execute(
        "update catalog.product_versions set state = 'live' where product_id = 'imported.tips'"
    )
    after = copy.deepcopy(TIPS)
    after["components"]["schemas"]["NewTip"]["properties"]["song"] = {"type": "string"}
    await in_sandbox(desk, after)

    served = await snapshot(desk)

    create = served.operations["imported.tips.create"]
    assert create.stage is not None
    newer = create.stage.newer
    assert newer is not None
    assert (create.version, newer.version) == (1, 2)
    assert create.upstream != newer.upstream
    assert {create.upstream, newer.upstream} == set(served.upstreams)
    assert b"song" not in served.upstreams[create.upstream].schemas
    assert b"song" in served.upstreams[newer.upstream].schemas


async def test_the_same_description_again_changes_nothing(desk: Desk) -> None:
    await in_sandbox(desk)

    assert (await taken(desk)).changes == ()


async def test_a_key_is_taken_once_kept_with_its_answer_and_freed(
    pool: Pool, clock: FixedClock
) -> None:
    keys = ForwardedKeys(pool, clock)
    scope = KeyScope("prt_keys", "", "app", "imported.tips.create", "k1")
    first, other = bytes(32), bytes([1]) * 32

    assert (await keys.begin(scope, first, may_resume=False)).standing == "fresh"
    assert (await keys.begin(scope, first, may_resume=True)).standing == "running"
    assert (await keys.begin(scope, other, may_resume=True)).standing == "other"
    await keys.unknown(scope)
    assert (await keys.begin(scope, first, may_resume=False)).standing == "unknown"
    assert (await keys.begin(scope, first, may_resume=True)).standing == "fresh"
    await keys.answered(scope, 201, b"{}")
    assert await keys.begin(scope, first, may_resume=True) == ("answered", 201, b"{}")
    await keys.free(scope)
    assert (await keys.begin(scope, other, may_resume=False)).standing == "fresh"


async def test_a_key_whose_call_never_came_back_is_unknown_not_free(
    pool: Pool, clock: FixedClock
) -> None:
    keys = ForwardedKeys(pool, clock)
    scope = KeyScope("prt_keys", "", "app", "imported.tips.create", "k2")
    assert (await keys.begin(scope, bytes(32), may_resume=False)).standing == "fresh"

    clock.advance(timedelta(seconds=121))

    assert (await keys.begin(scope, bytes(32), may_resume=False)).standing == "unknown"


async def test_old_keys_are_forgotten(pool: Pool, clock: FixedClock) -> None:
    keys = ForwardedKeys(pool, clock)
    scope = KeyScope("prt_keys", "", "app", "imported.tips.create", "k3")
    await keys.begin(scope, bytes(32), may_resume=False)
    clock.advance(timedelta(days=8))

    async with pool.acquire() as db:
        assert await imports.forget_keys(db, clock) >= 1

    assert (await keys.begin(scope, bytes(32), may_resume=False)).standing == "fresh"


async def test_mismatches_are_counted_without_the_answer(pool: Pool, clock: FixedClock) -> None:
    for _ in range(3):
        await imports.note_mismatch(
            pool, "imported.counted", "imported.counted.query", "field.type at /id", at=clock.now()
        )

    async with pool.acquire() as db:
        ((operation, said, times, _),) = await imports.mismatches(db, "imported.counted")

    assert (operation, said, times) == ("imported.counted.query", "field.type at /id", 3)


def test_a_definition_stays_readable_as_json() -> None:
    review = proposal()
    assert msgspec.json.decode(msgspec.json.encode(review)) == review
