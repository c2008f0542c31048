"""The moves of a product version: the table, who has to agree, and the conditions of each."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.catalog.lifecycle.world import (
    AUTHOR,
    FIRST,
    SCAN,
    SECOND,
    THIRD,
    WORLD,
    Desk,
    a_new_product,
    definition,
    staff,
)

from bankside.catalog import lifecycle
from bankside.catalog.lifecycle import State
from bankside.catalog.lifecycle.model import PASSAGES, onward, passage
from bankside.identity.people import Person
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, transaction
from bankside.kernel.errors import BanksideError


async def refused(work: Any) -> BanksideError:
    """What the work is refused with."""
    with pytest.raises(BanksideError) as caught:
        await work
    return caught.value


# The table


def test_a_version_goes_from_draft_to_offline_and_back_only_where_the_guide_says() -> None:
    assert {(str(origin), str(to)) for origin, to in PASSAGES} == {
        ("draft", "review"),
        ("review", "draft"),
        ("review", "sandbox"),
        ("sandbox", "canary"),
        ("canary", "canary"),
        ("canary", "sandbox"),
        ("canary", "live"),
        ("live", "deprecated"),
        ("deprecated", "live"),
        ("deprecated", "offline"),
    }


def test_offline_is_final() -> None:
    assert onward(State.OFFLINE) == ()


@given(st.lists(st.sampled_from(list(State)), max_size=30))
def test_random_moves_reach_live_only_by_way_of_review_sandbox_and_canary(
    wishes: list[State],
) -> None:
    state, walked = State.DRAFT, [State.DRAFT]
    for wish in wishes:
        try:
            passage(state, wish)
        except lifecycle.MoveRefused:
            continue
        state = wish
        walked.append(state)

    if State.LIVE in walked:
        first = walked.index(State.LIVE)
        assert {State.REVIEW, State.SANDBOX, State.CANARY} <= set(walked[:first])
    if State.OFFLINE in walked:
        assert walked[walked.index(State.OFFLINE) - 1] is State.DEPRECATED
        assert walked[-1] is State.OFFLINE


# Drafts


async def test_a_shipped_product_is_live_without_anybody_having_stored_it(desk: Desk) -> None:
    (only,) = await lifecycle.versions_of(desk.db, WORLD.catalogue, SCAN)

    assert (only.version, only.state, only.definition) == (1, State.LIVE, None)
    assert await lifecycle.versions(desk.db) == []


async def test_a_draft_of_a_shipped_product_is_its_second_version(desk: Desk) -> None:
    drafted = await desk.draft()

    assert (drafted.version, drafted.state) == (2, State.DRAFT)
    assert [each.state for each in await lifecycle.versions(desk.db, SCAN)] == [
        State.LIVE,
        State.DRAFT,
    ]


async def test_a_draft_is_replaced_by_the_next_one_and_frozen_in_review(desk: Desk) -> None:
    await desk.draft()
    other = await desk.draft(definition(risk_tier="R3"))
    assert (other.version, (other.definition or {})["risk_tier"]) == (2, "R3")

    await desk.move(AUTHOR, "review")

    assert (await refused(desk.draft())).code == "product.draft_frozen"


@pytest.mark.parametrize("product", ["", "no-category", "Merchant.tips", "merchant.", "a.b c"])
async def test_a_draft_needs_a_product_id(desk: Desk, product: str) -> None:
    error = await refused(desk.draft(definition(id=product)))

    assert (error.code, error.status) == ("product.draft_invalid", 422)


# From draft to review


async def test_a_good_draft_goes_to_review_by_its_author_alone(desk: Desk) -> None:
    await desk.draft()

    outcome = await desk.move(AUTHOR, "review")

    assert (outcome.moved, outcome.version.state, outcome.needed) == (True, State.REVIEW, 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data_class": "C9"}, "data_class"),
        ({"archetype": "no-such"}, "archetype"),
        ({"steps": []}, "steps"),
        ({"category": "no-such"}, "category"),
        ({"scenes": ["moon-landing"]}, "scene"),
    ],
)
async def test_a_draft_with_a_fault_stays_a_draft(
    desk: Desk, change: dict[str, Any], said: str
) -> None:
    await desk.draft(definition(**change))

    error = await refused(desk.move(AUTHOR, "review"))

    assert error.code == "product.gate_closed"
    assert said in error.detail


async def test_a_new_product_may_not_take_the_route_of_another(desk: Desk) -> None:
    taken = a_new_product()
    for each in taken["operations"]:
        each["path"] = each["path"].replace("{tipPaymentId}", "{otherId}")
        each["path"] = each["path"].replace("tip-payments", "internal-transfers")
    await desk.draft(taken)

    error = await refused(desk.move(AUTHOR, "review", taken["id"]))

    assert error.code == "product.gate_closed"
    assert "internal-transfers" in error.detail


async def test_who_has_no_right_hands_nothing_in(desk: Desk) -> None:
    await desk.draft()

    assert (await refused(desk.move(staff("operator"), "review"))).status == 403


# Two people, neither the author


async def test_a_review_takes_two_people_and_neither_is_the_author(desk: Desk) -> None:
    both = staff("approver")
    await desk.draft(by=both)
    await desk.move(AUTHOR, "review")
    traits = (definition()["risk_tier"], definition()["data_class"])

    assert (await refused(desk.move(both, "sandbox", confirmed=traits))).code == "product.four_eyes"
    first = await desk.move(FIRST, "sandbox", confirmed=traits)
    assert (first.moved, first.agreed, first.needed) == (False, (FIRST.id,), 2)
    again = await refused(desk.move(FIRST, "sandbox", confirmed=traits))
    assert again.code == "product.four_eyes"
    second = await desk.move(SECOND, "sandbox")
    assert (second.moved, second.version.state) == (True, State.SANDBOX)
    assert second.agreed == (FIRST.id, SECOND.id)


async def test_a_reviewer_confirms_risk_tier_and_data_class_as_they_are(desk: Desk) -> None:
    await desk.draft()
    await desk.move(AUTHOR, "review")

    for confirmed in ((), ("R1", "C2"), (definition()["risk_tier"],)):
        error = await refused(desk.move(FIRST, "sandbox", confirmed=confirmed))
        assert error.code == "product.gate_closed"
        assert "confirm" in error.detail


async def test_an_agreement_does_not_outlive_the_draft_it_was_given_to(desk: Desk) -> None:
    await desk.draft()
    await desk.move(AUTHOR, "review")
    traits = (definition()["risk_tier"], definition()["data_class"])
    await desk.move(FIRST, "sandbox", confirmed=traits)
    await desk.move(SECOND, "draft", reason="the fee is wrong")
    await desk.move(AUTHOR, "review")

    outcome = await desk.move(SECOND, "sandbox", confirmed=traits)

    assert outcome.moved is False
    assert outcome.agreed == (SECOND.id,)


async def test_all_who_agree_agree_to_the_same_terms(desk: Desk) -> None:
    food, ride = await desk.partner(), await desk.partner()
    version = await desk.to_sandbox()
    await desk.tried(version)
    await desk.move(FIRST, "canary", pilots=(food,))

    assert (await refused(desk.move(SECOND, "canary", pilots=(ride,)))).code == (
        "product.terms_differ"
    )
    outcome = await desk.move(SECOND, "canary")

    assert outcome.version.pilots == (food,)


@pytest.mark.parametrize("role", ["operator", "product-manager", "auditor", "settlement-clerk"])
async def test_roles_without_the_right_publish_nothing(desk: Desk, role: str) -> None:
    await desk.draft()
    await desk.move(AUTHOR, "review")

    error = await refused(desk.move(staff(role), "sandbox", confirmed=("R2", "C2")))

    assert (error.code, error.status) == ("product.right_missing", 403)


async def test_who_may_both_draft_and_publish_may_not_publish(desk: Desk) -> None:
    """The role that approves denies drafting; nobody gets around it by having both."""
    await desk.draft()

    error = await refused(desk.move(staff("product-manager", "approver"), "review"))

    assert error.code == "product.right_missing"


# Sandbox and canary


async def test_a_version_leaves_the_sandbox_only_after_it_was_tried_and_vouched_for(
    desk: Desk,
) -> None:
    food = await desk.partner()
    version = await desk.to_sandbox()

    first = await refused(desk.move(FIRST, "canary", pilots=(food,)))
    assert "never answered" in first.detail
    assert "vouched" in first.detail

    await desk.tried(version)
    await desk.called(version=2, outcome="failed", status=500)
    second = await refused(desk.move(FIRST, "canary", pilots=(food,)))
    assert "failed in the sandbox: merchant.scan-payments.create" in second.detail


async def test_a_canary_needs_named_partners_that_exist(desk: Desk) -> None:
    version = await desk.to_sandbox()
    await desk.tried(version)

    for pilots in ((), ("prt_nobody",)):
        error = await refused(desk.move(FIRST, "canary", pilots=pilots))
        assert error.code == "product.gate_closed"
        assert "pilots" in error.detail


async def test_too_few_calls_hold_a_canary_and_never_pass_it(desk: Desk) -> None:
    food = await desk.partner()
    await desk.to_canary((food,))
    desk.later(days=1)
    await desk.called(version=2, times=199)
    await desk.called(version=1, times=300)

    error = await refused(desk.move(FIRST, "live"))

    assert "hold: 199 of 200 calls" in error.detail


async def test_a_canary_whose_calls_fail_more_often_does_not_go_live(desk: Desk) -> None:
    food = await desk.partner()
    await desk.to_canary((food,))
    desk.later(days=1)
    await desk.called(version=2, times=290)
    await desk.called(version=2, times=10, outcome="failed", status=503)
    await desk.called(version=1, times=300)

    assert "fail: 10/300 against 0/300" in (await refused(desk.move(FIRST, "live"))).detail


async def test_a_money_product_needs_the_shadow_comparison_before_it_goes_live(desk: Desk) -> None:
    food = await desk.partner()
    version = await desk.to_canary((food,))
    desk.later(days=1)
    for number in (1, 2):
        await desk.called(version=number, times=300)
    assert "shadow-compare" in (await refused(desk.move(FIRST, "live"))).detail

    await desk.vouched(version, "shadow-compare", FIRST)
    assert "shadow-compare" in (await refused(desk.move(FIRST, "live"))).detail
    await desk.vouched(version, "shadow-compare", FIRST, SECOND)
    live = await desk.both("live")

    assert (live.version, live.state, live.pilots) == (2, State.LIVE, ())
    states = {each.version: each.state for each in await lifecycle.versions(desk.db, SCAN)}
    assert states == {1: State.DEPRECATED, 2: State.LIVE}


async def test_a_canary_goes_back_to_the_sandbox_by_one_person_at_once(desk: Desk) -> None:
    food = await desk.partner()
    await desk.to_canary((food,))

    outcome = await desk.move(THIRD, "sandbox", version=2, reason="errors at the till")

    assert (outcome.moved, outcome.version.state) == (True, State.SANDBOX)


async def test_a_canary_is_widened_in_steps_and_never_narrowed(desk: Desk) -> None:
    food = await desk.partner()
    await desk.to_canary((food,))
    desk.later(days=1)
    for number in (1, 2):
        await desk.called(version=number, times=300)

    odd = await refused(desk.move(FIRST, "canary", pilots=(food,), share=700))
    assert "a share is one of" in odd.detail
    wider = await desk.both("canary", pilots=(food,), share=500)
    assert wider.share == 500


async def test_one_version_of_a_product_is_on_trial_at_a_time(desk: Desk) -> None:
    await desk.to_sandbox()
    await desk.draft()
    await desk.move(AUTHOR, "review")
    traits = (definition()["risk_tier"], definition()["data_class"])

    error = await refused(desk.move(FIRST, "sandbox", confirmed=traits))

    assert "version 2 is on trial" in error.detail


async def test_nobody_vouches_for_what_nobody_asked(desk: Desk) -> None:
    version = await desk.to_sandbox()

    for what, reference in (("good-vibes", "x"), ("crash-tests", "  "), ("contract-fuzz", "x")):
        error = await refused(desk.vouched(version, what, FIRST, reference=reference))
        assert error.code == "product.terms_invalid"


# Records


async def test_each_move_keeps_who_agreed_why_and_whom_it_touched(desk: Desk) -> None:
    await desk.partner()
    await desk.move(FIRST, "deprecated", successor="merchant.checkout-payments", reason="old")
    await desk.move(SECOND, "deprecated", reason="agreed")

    (kept,) = await lifecycle.moves(desk.db, SCAN)

    assert (kept["from_state"], kept["to_state"], kept["version"]) == ("live", "deprecated", 1)
    assert kept["people"] == [FIRST.id, SECOND.id]
    assert kept["impact"]["partners"][0]["apps"] == 1
    assert "platform-riders" not in kept["impact"]["solutions"]
    assert kept["impact"]["operations"] == sorted(
        each.id for each in WORLD.catalogue.products[SCAN].all_operations
    )


@pytest.mark.parametrize(
    "terms",
    [{"share": -1}, {"share": 10_001}, {"notice_days": 0}, {"notice_days": 4_000}],
)
async def test_terms_have_bounds(desk: Desk, terms: dict[str, int]) -> None:
    error = await refused(desk.move(FIRST, "deprecated", **terms))

    assert error.code == "product.terms_invalid"


async def test_a_reason_is_a_short_plain_text(desk: Desk) -> None:
    for reason in ("x" * 501, "two\nlines", "bell\x07"):
        assert (await refused(desk.move(FIRST, "deprecated", reason=reason))).status == 422


async def test_what_does_not_exist_does_not_move(desk: Desk) -> None:
    assert (await refused(desk.move(FIRST, "live", "no.such"))).code == "product.not_found"
    assert (await refused(desk.move(FIRST, "sandbox"))).code == "product.move_refused"
    assert (await refused(desk.move(FIRST, "deprecated", version=7))).status == 409


async def test_two_people_who_agree_at_once_move_it_once(
    fresh_pool: Pool, clock: FixedClock
) -> None:
    async def agrees(person: Person) -> bool:
        async with transaction(fresh_pool) as db:
            return (await Desk(db, clock).move(person, "deprecated")).moved

    moved = await asyncio.gather(agrees(FIRST), agrees(SECOND))

    assert sorted(moved) == [False, True]
    async with transaction(fresh_pool) as db:
        assert len(await lifecycle.moves(db, SCAN)) == 1
        (version,) = await lifecycle.versions(db, SCAN)
    assert (version.state, version.revision) == (State.DEPRECATED, 2)
