"""What the router knows of a product at each place of its life, and what callers are offered."""

from tests.catalog.lifecycle.world import (
    AUTHOR,
    FIRST,
    SCAN,
    SECOND,
    WORLD,
    Desk,
    a_new_product,
    definition,
)

from bankside import catalog
from bankside.catalog import Offer, lifecycle
from bankside.catalog.lifecycle import State
from bankside.kernel.snapshot import Stage

CREATE = f"{SCAN}.create"
NEXT = "merchant.checkout-payments"


async def test_nothing_stored_means_every_shipped_product_is_live(desk: Desk) -> None:
    operations = (await desk.snapshot()).operations

    assert set(operations) == set(WORLD.catalogue.operations)
    assert all(each.stage is None and each.version == 1 for each in operations.values())


async def test_a_draft_and_a_review_change_nothing_at_the_edge(desk: Desk) -> None:
    before = (await desk.snapshot()).operations
    await desk.draft()
    assert (await desk.snapshot()).operations == before
    await desk.move(AUTHOR, "review")
    assert (await desk.snapshot()).operations == before


async def test_a_new_product_is_no_route_before_the_sandbox(desk: Desk) -> None:
    new = a_new_product()
    await desk.draft(new)
    assert await desk.route("payment.tip-payments.create") is None
    await desk.move(AUTHOR, "review", new["id"])
    assert await desk.route("payment.tip-payments.create") is None

    await desk.both("sandbox", new["id"], confirmed=(new["risk_tier"], new["data_class"]))

    found = await desk.route("payment.tip-payments.create")
    assert found is not None
    assert (found.stage, found.available, found.version) == (Stage("sandbox"), True, 1)


async def test_a_second_version_on_trial_stands_beside_the_live_one(desk: Desk) -> None:
    food = await desk.partner()
    await desk.to_canary((food,), definition(risk_tier="R4"))

    route = await desk.route()

    assert route is not None
    assert (route.version, route.risk_tier) == (1, "R2")
    assert route.stage is not None
    assert route.stage.state == "live"
    trial = route.stage.newer
    assert trial is not None
    assert (trial.version, trial.risk_tier) == (2, "R4")
    assert trial.stage == Stage("canary", partners=frozenset({food}))


async def test_an_app_holds_what_a_version_on_trial_asks_for(desk: Desk) -> None:
    food = await desk.partner()
    await desk.to_canary((food,), definition(consent_scopes=["collections:write", "data:score"]))

    (app,) = [each for each in (await desk.snapshot()).apps.values() if each.partner == food]

    assert {"collections:write", "data:score"} <= app.scopes


async def test_a_version_that_went_live_answers_alone_and_the_one_before_rests(desk: Desk) -> None:
    await _second_is_live(desk)

    route = await desk.route()

    assert route is not None
    assert (route.version, route.stage, route.risk_tier) == (2, None, "R4")
    assert {each.version: each.state for each in await lifecycle.versions(desk.db, SCAN)} == {
        1: State.DEPRECATED,
        2: State.LIVE,
    }


async def test_a_route_the_new_version_dropped_goes_on_with_a_notice(desk: Desk) -> None:
    less = definition()
    less["operations"] = [
        each for each in less["operations"] if not each["path"].endswith("/closures")
    ]
    await _second_is_live(desk, less)

    closures = await desk.route(f"{SCAN}.closures")

    assert closures is not None
    assert closures.version == 1
    assert closures.stage is not None
    assert (closures.stage.state, closures.stage.successor) == ("deprecated", SCAN)
    assert closures.stage.sunset_at - closures.stage.deprecated_at == 180 * 86_400


async def test_a_deprecated_product_names_its_successors_routes(desk: Desk) -> None:
    await desk.both("deprecated", successor=NEXT, notice_days=90)

    create, refunds = await desk.route(), await desk.route(f"{SCAN}.refunds")

    assert create is not None
    assert create.available
    assert create.stage == Stage(
        "deprecated",
        deprecated_at=int(desk.clock.now().timestamp()),
        sunset_at=int(desk.clock.now().timestamp()) + 90 * 86_400,
        successor=NEXT,
        link="/v1/checkout-payments",
    )
    assert refunds is not None
    assert refunds.stage is not None
    assert refunds.stage.link == "/v1/checkout-payments"


async def test_a_product_that_went_offline_keeps_its_routes_to_say_so(desk: Desk) -> None:
    await desk.both("deprecated", successor=NEXT, notice_days=1)
    desk.later(days=31)
    await desk.both("offline")

    for each in WORLD.catalogue.products[SCAN].all_operations:
        route = await desk.route(each.id)
        assert route is not None
        assert route.available is False
        assert route.stage is not None
        assert (route.stage.state, route.stage.successor) == ("offline", NEXT)


async def test_a_suspended_product_is_stopped_on_all_its_routes_and_comes_back(desk: Desk) -> None:
    shipped = WORLD.catalogue
    await lifecycle.suspend(desk.db, desk.clock, shipped, FIRST, SCAN, reason="fraud wave")
    assert {
        each.stage for each in (await desk.snapshot()).operations.values() if each.product == SCAN
    } == {Stage("suspended")}

    await lifecycle.resume(desk.db, desk.clock, SECOND, SCAN, reason="over")

    route = await desk.route()
    assert route is not None
    assert route.stage is None


async def test_the_catalogue_shows_what_most_callers_meet(desk: Desk) -> None:
    new = a_new_product()
    await _second_is_live(desk)
    await desk.to_sandbox(new)
    await desk.both("deprecated", "merchant.collection-codes", notice_days=1)
    desk.later(days=31)
    await desk.both("offline", "merchant.collection-codes")

    shown = (await catalog.standing_now(desk.db, WORLD.catalogue)).catalogue(WORLD.catalogue)

    assert shown.products[SCAN].risk_tier == "R4"
    assert new["id"] in shown.products
    assert f"{new['id']}.create" in shown.operations
    assert "merchant.collection-codes" not in shown.products
    assert "merchant.collection-codes.create" not in shown.operations


async def test_offers_say_what_a_partner_meets_in_its_environment(desk: Desk) -> None:
    food = await desk.partner()
    await desk.to_canary((food,))
    new = a_new_product()
    await desk.to_sandbox(new)
    await desk.both("deprecated", NEXT)
    await lifecycle.suspend(desk.db, desk.clock, WORLD.catalogue, FIRST, NEXT, reason="stop")

    found = await catalog.offers(desk.db, WORLD.catalogue)

    def of(product: str, partner: str = food, environment: str = "live") -> Offer:
        return found.of(product, partner=partner, environment=environment)

    assert of(SCAN) == Offer(State.CANARY, 2)
    assert of(SCAN, "prt_other") == Offer(State.LIVE, 1)
    assert of(new["id"]) == Offer(None)
    assert of(new["id"], environment="sandbox") == Offer(State.SANDBOX, 1)
    assert of(NEXT) == Offer(State.DEPRECATED, 1, suspended=True)
    assert of("no.such").state is None
    assert (of(SCAN).callable, of(new["id"]).callable, of(NEXT).callable) == (True, False, False)


async def _second_is_live(desk: Desk, what: dict[str, object] | None = None) -> None:
    food = await desk.partner()
    version = await desk.to_canary((food,), what or definition(risk_tier="R4"))
    desk.later(days=1)
    for number in (1, 2):
        await desk.called(version=number, times=300)
    await desk.vouched(version, "shadow-compare")
    await desk.both("live")
