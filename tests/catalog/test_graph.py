"""The impact graph, and what differs between two versions."""

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.catalog.lifecycle.conftest import desk
from tests.catalog.lifecycle.world import SCAN, TRANSFER, WORLD, Desk, definition

from bankside.catalog import differences, impact, load
from bankside.catalog.errors import SubjectUnknown
from bankside.catalog.graph import reach
from bankside.catalog.kinds import product_of

__all__ = ["desk"]


async def touched(desk: Desk, subject: str) -> dict[str, Any]:
    found = await impact(desk.db, desk.clock, load(), subject, in_flight=WORLD.in_flight)
    return found.document()


def test_a_primitive_names_every_product_that_must_be_tested_again() -> None:
    found = reach(load(), "fx.convert")

    assert found.kind == "primitive"
    assert "forex.spot-exchanges" in found.products
    assert all(
        any(step.use == "fx.convert" for step in load().products[each].steps)
        for each in found.products
    )
    assert set(reach(load(), "fx").products) >= set(found.products)


def test_an_operation_leads_to_its_product_solutions_and_clouds() -> None:
    found = reach(load(), "merchant.split-orders.create")

    assert (found.kind, found.operations) == ("operation", ("merchant.split-orders.create",))
    assert found.products == ("merchant.split-orders",)
    assert "platform-riders" in found.solutions
    assert found.clouds == tuple(
        sorted(c.id for c in load().clouds.values() if "merchant.split-orders" in c.products)
    )


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        (SCAN, "product"),
        ("platform-riders", "solution"),
        ("education-cloud", "cloud"),
        ("transfer", "primitive"),
        (f"{SCAN}.create", "operation"),
    ],
)
def test_each_kind_of_subject_is_known(subject: str, kind: str) -> None:
    found = reach(load(), subject)

    assert found.kind == kind
    assert found.products


@pytest.mark.parametrize("subject", ["", "no.such", "platform.echoes.create", "x" * 500])
def test_an_unknown_subject_is_refused(subject: str) -> None:
    with pytest.raises(SubjectUnknown):
        reach(load(), subject)


async def test_partners_tenants_and_calls_are_counted_as_they_are_now(desk: Desk) -> None:
    food, ride = await desk.partner(SCAN), await desk.partner(TRANSFER)
    await desk.called(partner=food, times=3, ago=timedelta(days=2))
    await desk.called(partner=food, times=9, ago=timedelta(days=31))
    await desk.called(f"{SCAN}.refunds", partner="prt_gone", ago=timedelta(days=1))

    found = await touched(desk, SCAN)

    by_partner = {each["partner"]: each for each in found["partners"]}
    assert ride not in by_partner
    assert (by_partner[food]["apps"], by_partner[food]["calls"]) == (1, 3)
    assert by_partner["prt_gone"]["calls"] == 1
    only = await touched(desk, f"{SCAN}.refunds")
    assert only["calls"] == 1


async def test_the_answer_comes_within_a_second(desk: Desk) -> None:
    """Guide: in under a second; a bound of ten times that catches a lost index, not a slow day."""
    await desk.called(times=2_000, ago=timedelta(days=3))
    started = time.monotonic()

    await touched(desk, SCAN)

    assert time.monotonic() - started < 10


def test_what_a_caller_may_no_longer_send_is_breaking() -> None:
    before = product_of(definition(), 1)
    inputs = definition()["inputs"]
    stricter = [
        {**each, "required": True} if each["name"] == "subject" else each for each in inputs
    ]
    after = product_of(
        definition(
            inputs=[*stricter, {"name": "purpose", "type": "text", "required": True}],
            operations=definition()["operations"][:-1],
            consent_scopes=["collections:write", "data:score"],
            limits={"per_transaction_cents": 1, "per_day_cents": 1},
        ),
        2,
    )

    found = {each.place: each.breaking for each in differences(before, after)}

    assert found["POST /v1/scan-payments: input subject"] is True
    assert found["POST /v1/scan-payments: input purpose"] is True
    assert found["scope data:score"] is True
    assert found["limits"] is True
    gone = definition()["operations"][-1]
    assert found[f"{gone['method']} {gone['path']}"] is True


def test_what_only_adds_breaks_nobody() -> None:
    before = product_of(definition(), 1)
    after = product_of(
        definition(
            inputs=[*definition()["inputs"], {"name": "note", "type": "text", "required": False}],
            limits={"per_transaction_cents": 10**9, "per_day_cents": 10**9},
            risk_tier="R3",
        ),
        2,
    )

    found = differences(before, after)

    assert {each.place for each in found} == {
        "POST /v1/scan-payments: input note",
        "limits",
        "risk tier",
    }
    assert not any(each.breaking for each in found)
    assert differences(before, replace(before, version=7)) == []
