"""`bankside product prove` on a running platform: what it runs, what it finds, what it leaves."""

import asyncio
import json
import subprocess
import sys
from typing import Any

import pytest
from tests.journeys.books import opened
from tests.journeys.lying_edge import Lie, lying
from tests.platform import Platform

from bankside.catalog import lifecycle
from bankside.cli.product import world
from bankside.identity.people import NewPerson, create_person
from bankside.identity.realms import BANK, Realm
from bankside.kernel.clock import SystemClock
from bankside.kernel.db import Pool, transaction

pytestmark = pytest.mark.xdist_group("journeys")

# Payments of a customer who shows a code: money, refunds and closures on every wire.
SCAN = "merchant.scan-payments"
# A small product of few codes, for what is asked of every run.
RATES = "forex.exchange-rates"
PROVE_SECONDS = 240
CHECKS = ["contract-fuzz", "docs-samples", "magic-values"]


def prove(platform: Platform, *arguments: str, edge: str = "") -> tuple[int, dict[str, Any], str]:
    """Exit code, what was found, and what was told on the way."""
    env = platform.environment
    if edge:
        env = {**env, "BANKSIDE_EDGE_LISTEN": edge.removeprefix("http://")}
    done = subprocess.run(
        [sys.executable, "-m", "bankside", "product", "prove", *arguments, "--json"],
        env=env,
        capture_output=True,
        timeout=PROVE_SECONDS,
        check=False,
    )
    told = done.stderr.decode()
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, told


def stands(platform: Platform, product: str) -> dict[str, str]:
    """How each check of the product's live version stands by what was kept."""

    async def work(pool: Pool) -> dict[str, str]:
        async with transaction(pool) as db:
            version = await lifecycle.provable(db, world(), product, 0)
            kept = await lifecycle.evidence(db, version)
            return dict(lifecycle.standing(kept, lifecycle.digest_of(world(), version)))

    return asyncio.run(platform.in_database(work))


def test_a_payment_product_is_proven_on_every_wire(platform: Platform) -> None:
    code, found, told = prove(platform, SCAN, "--seed", "11")

    assert code == 0, (found.get("checks"), told)
    fuzz, samples, magic = (found["checks"][each]["counts"] for each in CHECKS)
    assert fuzz["operations"] == samples["samples"] == 5
    assert fuzz["answered_well"] >= 3
    assert fuzz["bad_requests"] > 80
    assert fuzz["done"] + fuzz["refused"] == fuzz["calls"]
    assert magic["native"] == magic["icbc"] == magic["alipay"] == magic["alipay3"] > 50
    assert f"contract-fuzz {SCAN}.create" in told, "it says how far it is"
    assert stands(platform, SCAN) == dict.fromkeys(CHECKS, "proven")


def test_the_ground_of_a_proof_is_removed_and_names_nobody_else(platform: Platform) -> None:
    prove(platform, RATES)

    with opened(platform.home) as books:
        left = books.ask("select 1 from catalog.proving_grounds where removed_at is null")
        apps = books.ask(
            "select a.status, (select count(*) from partners.app_keys k where k.app_id = a.app_id"
            " and k.revoked_at is null) from catalog.proving_grounds g"
            " join partners.apps a using (app_id)"
        )
        callers = books.ask(
            "select count(distinct space_id) from catalog.proving_grounds where product_id = $1",
            RATES,
        )
    assert left == []
    assert {tuple(each) for each in apps} == {("blocked", 0)}
    assert callers[0][0] >= 1


def _one_field_less(method: str, path: str, status: int, said: Any) -> tuple[int, Any]:
    if method == "POST" and path == "/v1/scan-payments" and status < 400:
        return status, {name: value for name, value in said.items() if name != "amount"}
    return status, said


def _another_code(_: str, path: str, status: int, said: Any) -> tuple[int, Any]:
    if status == 422 and "scan-payments" in path:
        return status, {**said, "code": "nobody.documented_this"}
    return status, said


def _a_bug(_: str, path: str, status: int, said: Any) -> tuple[int, Any]:
    return (500, said) if path.endswith("/refunds") else (status, said)


@pytest.mark.parametrize(
    ("lie", "check", "said"),
    [
        (_one_field_less, "contract-fuzz", "'amount' is a required property"),
        (_another_code, "contract-fuzz", "nobody.documented_this, which the operation does not"),
        (_a_bug, "docs-samples", "answered 500"),
    ],
)
def test_an_edge_that_breaks_the_contract_is_found_and_the_call_is_named(
    platform: Platform, lie: Lie, check: str, said: str
) -> None:
    with lying(platform.edge, lie) as edge:
        code, found, _ = prove(platform, SCAN, edge=edge)

    assert code == 1
    assert found["passed"] is False
    faults = found["checks"][check]["faults"]
    named = [each for each in faults if said in each["said"]]
    assert named, faults
    assert named[0]["operation"].startswith(SCAN)
    assert named[0]["request_id"]
    assert stands(platform, SCAN)[check] == "disproven"


def test_a_person_without_the_right_answers_for_no_proof(platform: Platform) -> None:
    async def enter(pool: Pool) -> None:
        async with transaction(pool) as db:
            for login, role in (
                ("proof.clerk", "settlement-clerk"),
                ("proof.pm", "product-manager"),
            ):
                new = NewPerson(
                    realm=Realm.STAFF, partner=BANK, login=login, name=login, roles=(role,)
                )
                await create_person(db, SystemClock(), new)

    asyncio.run(platform.in_database(enter))

    refused = prove(platform, RATES, "--by", "proof.clerk")
    unknown = prove(platform, RATES, "--by", "nobody.at-all")
    done = prove(platform, RATES, "--by", "proof.pm")

    assert (refused[0], "catalogue.draft" in refused[2]) == (3, True)
    assert unknown[0] == 1
    assert done[0] == 0, done


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("no.such-product",), "product.not_found"),
        ((RATES, "7"), "product.version_not_found"),
        ((RATES, "seven"), "Invalid value"),
    ],
)
def test_what_cannot_be_proven_is_told_and_makes_no_ground(
    platform: Platform, arguments: tuple[str, ...], said: str
) -> None:
    with opened(platform.home) as books:
        before = books.ask("select count(*) from catalog.proving_grounds")
        code, found, told = prove(platform, *arguments)
        after = books.ask("select count(*) from catalog.proving_grounds")

    assert (code, found) in ((1, {}), (2, {}))
    assert said in told
    assert before == after
