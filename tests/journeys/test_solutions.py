"""Every solution over the running edge: begun by a signed call, followed by the workers, balanced.

The same runs as ``tests/orders/solutions``, through real processes: the edge begins what it can,
bulk lines are paid by the worker, whose events wake the run; nobody asks the run to go on.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.catalog.test_solutions import assembly
from tests.journeys.books import Books, opened
from tests.journeys.dialects import Wish
from tests.journeys.every_operation import EveryIcbc
from tests.journeys.native_app import NativeApp
from tests.journeys.newcomer import Terms, arrives
from tests.journeys.raw import send
from tests.journeys.worlds import Worlds, worlds
from tests.orders.requests import World, begins, valid
from tests.orders.solutions.inputs import inputs
from tests.platform import Platform

from bankside.catalog import load

pytestmark = pytest.mark.xdist_group("journeys")

SOLUTIONS = sorted(load().solutions)
# The worker does its part within a second or two; a loaded machine takes longer.
DONE_SECONDS = 60.0
_UNBALANCED = """
select currency, sum(balance) from bank.ledger_accounts group by currency having sum(balance) <> 0
"""


@dataclass
class Hall:
    """An app that may call every product, and another that may as well."""

    native: NativeApp
    stranger: NativeApp
    icbc: EveryIcbc
    worlds: Worlds
    books: Books

    def world(self, solution: str) -> World:
        """Fresh people, and what the solution's inputs name that has to stand before."""
        world = self.worlds.fresh()
        names = {each.name for each in load().solutions[solution].inputs}
        before = {
            "consent": ("identity.consents", {"party": world["holder"], "purpose": "T"}),
            "policy": ("insurance.insurance-policies", None),
            "paid_order": ("merchant.scan-payments", None),
        }
        for name in names & before.keys():
            product = load().products[before[name][0]]
            operation = begins(product)
            assert operation is not None
            body = before[name][1] or valid(product, operation, world)
            if name == "consent":
                body = {**body, "code": "123456"}
            made = self.native.call("POST", operation.path, body)
            assert made.status in (201, 202), made
            world[name] = made.body["id"]
        return world

    def balance(self, account: str) -> str:
        """What an account has available."""
        shown = self.native.call("GET", f"/v1/account-balances/{account}")
        return str(shown.body["available"]["amount"])

    def ended(self, run: str) -> dict[str, Any]:
        """The run once nothing in it is left to workers."""
        deadline = time.monotonic() + DONE_SECONDS
        while True:
            shown = self.native.call("GET", f"/v1/solution-runs/{run}")
            assert shown.status == 200, shown
            working = shown.body["state"] in ("running", "waiting", "compensating")
            if not working or _asked(shown.body) or time.monotonic() > deadline:
                return shown.body
            time.sleep(0.2)


def _asked(run: dict[str, Any]) -> bool:
    """Whether the run waits for nothing but calls of its partner."""
    left = [each for each in run["branches"] if each["state"] in ("pending", "begun")]
    asked = [each for each in left if each["waits_for"] in ("call", "input")]
    names = {each["step"] for each in left}
    return bool(asked) and all(each in asked or names & set(each["after"]) for each in left)


@pytest.fixture(scope="module")
def hall(platform: Platform) -> Iterator[Hall]:
    products = sorted(load().products)
    mine, other = (arrives(platform, Terms(products=products)) for _ in range(2))
    apps = [{each.wire: each for each in newcomer.dialects} for newcomer in (mine, other)]
    with opened(platform.home) as books, worlds(platform.home, mine.partner) as made:
        yield Hall(
            NativeApp(platform.edge, apps[0]["native"]),
            NativeApp(platform.edge, apps[1]["native"]),
            EveryIcbc(apps[0]["icbc"].party),
            made,
            books,
        )


@pytest.mark.parametrize("solution", SOLUTIONS)
def test_a_solution_runs_whole_over_the_edge(hall: Hall, solution: str) -> None:
    world = hall.world(solution)
    before = {name: world[name] for name in ("policy", "paid_order") if name in world}
    given = inputs(solution, world, **before)

    begun = hall.native.call("POST", "/v1/solution-runs", {"solution": solution, "input": given})
    assert begun.status in (201, 202), begun
    run = begun.body["id"]
    hall.ended(run)
    for each in load().solutions[solution].steps:
        if each.trigger == "call":
            called = hall.native.call("POST", f"/v1/solution-runs/{run}/steps", {"step": each.id})
            assert called.status == 201, called
    shown = hall.ended(run)

    assert shown["state"] == "completed", [
        (each["step"], each["state"], each["code"], each["detail"]) for each in shown["branches"]
    ]
    assert {each["state"] for each in shown["branches"]} == {"done"}
    assert hall.books.ask(_UNBALANCED) == []
    assert hall.stranger.call("GET", f"/v1/solution-runs/{run}").code == "solution_run.not_found"


def test_a_step_that_the_books_refuse_gives_back_what_was_done_before_it(hall: Hall) -> None:
    """The platform's account does not hold what it wants to pay the rider."""
    world = hall.world("platform-riders")
    given = inputs("platform-riders", world) | {
        "platform_account": world["payee"],
        "rider_account": world["rider"],
        "rider_income": {"amount": "5000.00", "currency": "CNY"},
    }
    people = {given[name] for name in ("rider_account", "platform_account")} | {world["payer"]}
    before = {each: hall.balance(each) for each in people}

    begun = hall.native.call(
        "POST", "/v1/solution-runs", {"solution": "platform-riders", "input": given}
    )
    assert begun.status in (201, 202), begun
    shown = hall.ended(begun.body["id"])

    branches = {each["step"]: each for each in shown["branches"]}
    assert shown["state"] == "compensated", branches
    assert branches["income"]["state"] == "failed"
    assert branches["income"]["code"] == "payment.funds_insufficient"
    assert [branches[each]["state"] for each in ("accounts", "split", "share")] == ["undone"] * 3
    assert {branches[each]["state"] for each in ("cover", "pension", "credit", "advance")} == {
        "skipped"
    }
    assert {each: hall.balance(each) for each in people} == before
    assert hall.books.ask(_UNBALANCED) == []
    again = hall.native.call("GET", f"/v1/solution-runs/{begun.body['id']}")
    assert again.body == shown


def test_a_run_is_begun_and_shown_on_the_icbc_wire_too(hall: Hall, platform: Platform) -> None:
    solution = "retail-growth"
    body = {"solution": solution, "input": inputs(solution, hall.world(solution))}
    spelled = hall.icbc.spelled("platform.solution-runs.create", body)
    message = hall.icbc.message(
        Wish(operation="platform.solution-runs.create", content=json.dumps(spelled).encode())
    )

    said = hall.icbc.read(send(platform.edge, message), message)

    assert said.code == "0", said


def test_the_operator_installs_a_solution_while_everything_runs(
    hall: Hall, platform: Platform, tmp_path: Path
) -> None:
    row = assembly() | {"id": "installed-now"}
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(yaml.safe_dump(row, allow_unicode=True), "utf-8")
    del row["steps"][0]["with"]["amount"]
    bad.write_text(yaml.safe_dump(row, allow_unicode=True), "utf-8")
    world = hall.worlds.fresh()
    given = {
        "payer": world["payer"],
        "payee": world["payee"],
        "amount": {"amount": "20.00", "currency": "CNY"},
        "code": "123456",
    }

    refused = platform.bankside("solution", "install", str(bad))
    installed = platform.bankside("solution", "install", str(good), "--json")
    shown = platform.bankside("solution", "show", "installed-now")
    begun = hall.native.call(
        "POST", "/v1/solution-runs", {"solution": "installed-now", "input": given}
    )

    assert refused.returncode == 1
    assert b"/steps/0/with/amount" in refused.stdout and b"link.input_missing" in refused.stdout
    assert installed.returncode == 0, installed.stderr
    assert b"treasury.payment-approvals.create" in shown.stdout
    assert (begun.status, begun.body["state"]) == (201, "completed")
    assert hall.stranger.call("GET", "/v1/solutions/installed-now").status == 200
