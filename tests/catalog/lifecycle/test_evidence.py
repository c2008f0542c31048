"""What speaks for a version: runs on its very content, and two people's word."""

from dataclasses import replace
from typing import Any

import pytest
from tests.catalog.lifecycle.test_ends import an_order
from tests.catalog.lifecycle.test_moves import refused
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

from bankside.catalog import lifecycle
from bankside.catalog.lifecycle import PROVEN, ProductVersion, State, Wish
from bankside.catalog.lifecycle.evidence import content_digest

CANARY = Wish(to=State.CANARY)


async def closed(desk: Desk, version: ProductVersion) -> dict[str, str]:
    """The conditions of the way to the canary that are not met, and why."""
    seen = await lifecycle.outlook(desk.db, desk.clock, WORLD, version, CANARY)
    return {each.name: each.detail for each in seen.gates if not each.met}


async def test_checks_that_were_not_run_on_this_version_close_the_gate(desk: Desk) -> None:
    version = await desk.to_sandbox()

    before = await closed(desk, version)
    await desk.proven(version)

    assert all(each in before["proven"] for each in PROVEN)
    assert "proven" not in await closed(desk, version)


async def test_a_run_on_another_content_does_not_count(desk: Desk) -> None:
    version = await desk.to_sandbox()
    runs = [lifecycle.Run(what=each, passed=True, facts={}) for each in PROVEN]

    await lifecycle.keep_runs(desk.db, desk.clock, version, runs, digest=bytes(32))

    assert "another content" in (await closed(desk, version))["proven"]


async def test_what_was_vouched_for_a_draft_is_gone_with_the_draft(desk: Desk) -> None:
    version = await desk.draft()
    await desk.vouched(version, "crash-tests")
    redrafted = await desk.draft(definition(risk_tier="R4"))
    assert redrafted.version == version.version

    moved = await desk.to_sandbox(definition(risk_tier="R4"))

    assert "crash-tests" in (await closed(desk, moved))["vouched"]


async def test_the_last_run_of_a_check_counts(desk: Desk) -> None:
    version = await desk.to_sandbox()
    await desk.proven(version)
    failing = [lifecycle.Run(what="magic-values", passed=False, facts={"faults": [1]})]
    digest = lifecycle.digest_of(WORLD, version)

    await lifecycle.keep_runs(desk.db, desk.clock, version, failing, digest=digest)

    assert "found something the last time: magic-values" in (await closed(desk, version))["proven"]
    await desk.proven(version)
    assert "proven" not in await closed(desk, version)


async def test_two_people_vouch_and_the_author_is_none_of_them(desk: Desk) -> None:
    version = await desk.to_sandbox()

    own = await refused(desk.vouched(version, "crash-tests", AUTHOR))
    await desk.vouched(version, "crash-tests", FIRST)
    await desk.vouched(version, "crash-tests", FIRST)
    alone = await closed(desk, version)
    await desk.vouched(version, "crash-tests", SECOND)

    assert own.code == "product.four_eyes"
    assert "crash-tests" in alone["vouched"]
    assert "vouched" not in await closed(desk, version)


async def test_all_evidence_is_kept_in_its_order(desk: Desk) -> None:
    version = await desk.to_sandbox()
    await desk.proven(version, passed=False)
    await desk.proven(version)
    await desk.vouched(version, "crash-tests")

    kept = await lifecycle.evidence(desk.db, version)

    assert [each.what for each in kept] == [*PROVEN, *PROVEN, "crash-tests", "crash-tests"]
    assert [each.passed for each in kept[:6]] == [False] * 3 + [True] * 3
    assert [each.person for each in kept[6:]] == [FIRST.id, SECOND.id]


@pytest.mark.parametrize("change", [{"risk_tier": "R4"}, {"limits": None}, {"name": {"zh": "一"}}])
async def test_the_digest_is_of_the_content_and_of_nothing_else(
    desk: Desk, change: dict[str, Any]
) -> None:
    drafts = [await desk.draft(definition(**each)) for each in ({}, {}, change)]
    contents = [replace(each, definition=dict(each.definition or {})) for each in drafts]

    first, same, other = (content_digest(each, WORLD.catalogue.products[SCAN]) for each in contents)

    assert first == same != other


async def test_calls_of_a_proof_are_nobodys_use(desk: Desk) -> None:
    """They neither fail a trial nor keep a product from its end."""
    version = await desk.to_sandbox()
    await desk.tried(version)
    ground = lifecycle.Ground("sbx_proof", "prt_proof", "app_proof", SCAN, 2)
    await lifecycle.open_ground(desk.db, version, ground, desk.clock.now())

    await desk.called(version=2, outcome="failed", status=503, partner="sbx_proof")

    assert set(await closed(desk, version)) == {"pilots"}
    await desk.called(version=2, outcome="failed", status=503)
    assert "tried" in await closed(desk, version)


async def test_what_a_proof_left_behind_keeps_no_product_from_its_end(desk: Desk) -> None:
    live = await lifecycle.provable(desk.db, WORLD, SCAN, 0)
    ground = lifecycle.Ground("sbx_proof", "prt_proof", "app_proof", SCAN, 1)
    await lifecycle.open_ground(desk.db, live, ground, desk.clock.now())
    await desk.both("deprecated", notice_days=1)
    desk.later(days=2)
    await desk.called(partner="sbx_proof", times=5)
    await an_order(desk.db, "waiting", partner="sbx_proof")

    gone = await desk.both("offline")

    assert gone.state is State.OFFLINE
    assert gone.version == live.version


async def test_only_what_a_sandbox_app_meets_can_be_proven(desk: Desk) -> None:
    live = await lifecycle.provable(desk.db, WORLD, SCAN, 0)
    await desk.to_sandbox()
    trial = await lifecycle.provable(desk.db, WORLD, SCAN, 0)

    with pytest.raises(lifecycle.NotOffered, match="version 2 is sandbox"):
        await lifecycle.provable(desk.db, WORLD, SCAN, 1)
    with pytest.raises(lifecycle.VersionUnknown):
        await lifecycle.provable(desk.db, WORLD, SCAN, 7)

    assert (live.version, trial.version) == (1, 2)


async def test_a_draft_cannot_be_proven_yet(desk: Desk) -> None:
    made = await desk.draft(a_new_product())

    with pytest.raises(lifecycle.NotOffered, match="move it to the sandbox first"):
        await lifecycle.provable(desk.db, WORLD, made.product, 0)
