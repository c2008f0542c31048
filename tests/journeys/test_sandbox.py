"""A sandbox app's own space over the running platform: signed calls, every process, a terminal."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.clients.customer import Customer
from tests.journeys.dialects import Native, Party
from tests.journeys.native_app import NativeApp
from tests.journeys.parties import native_key
from tests.journeys.raw import send
from tests.platform import Platform

from bankside.kernel.calendar import business_date
from bankside.kernel.clock import BANK_ZONE
from bankside.orders.interest import month_after

pytestmark = pytest.mark.xdist_group("journeys")

# A snapshot comes within a second; a machine full of other tests is given thirty.
HEARD_SECONDS = 30.0


class Space:
    """One app with its own space, as `bankside sandbox create` made it."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        parent = platform.demo["apps"][0]["partner"]
        self.facts = self.terminal("create", "--partner", parent, "--name", "journey")
        self.app = str(self.facts["app"])
        key = native_key(
            {name: self.facts[name] for name in ("key_id", "alg", "private_key_file")},
            platform.demo["bank_keys"]["native"],
        )
        self.caller = NativeApp(platform.edge, Native(Party(app_id=self.app, payment={}, **key)))
        self.heard(lambda: self.get("/v1/sandbox/spaces").get("space") == self.facts["space"])
        self.people = self.get("/v1/sandbox/people")

    def terminal(self, *arguments: str) -> dict[str, Any]:
        """A command of `bankside sandbox` and what it printed."""
        done = self.platform.bankside("sandbox", *arguments, "--json")
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    def get(self, path: str) -> dict[str, Any]:
        return dict(self.caller.call("GET", path).body)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.caller.call("POST", path, body)
        assert answer.status < 300, answer
        return dict(answer.body)

    def heard(self, is_so: Callable[[], bool]) -> None:
        """Wait until every edge worker says so, ten times in a row."""
        deadline = time.monotonic() + HEARD_SECONDS
        row = 0
        while row < 10:
            # Slower than the app's own rate, which a busy loop would run into.
            time.sleep(0.1)
            row = row + 1 if is_so() else 0
            assert time.monotonic() < deadline, self.platform.logs()

    def balance(self, account: str) -> str:
        """What can be paid from an account of the space."""
        return str(self.get(f"/v1/account-balances/{account}")["available"]["amount"])

    def account(self, who: int) -> str:
        return str(self.people["people"][who]["accounts"][0]["account"])


@pytest.fixture(scope="module")
def space(platform: Platform) -> Iterator[Space]:
    """One space for the module; its clock only goes forwards."""
    yield Space(platform)


def test_the_space_is_made_from_the_terminal_and_used_by_signed_calls(space: Space) -> None:
    assert Path(space.facts["private_key_file"]).stat().st_mode & 0o077 == 0
    names = [each["name_en"] for each in space.people["people"]]
    assert names[0] == "Lin Xiaoyu"
    paid = space.post(
        "/v1/internal-transfers",
        {
            "payer_account": space.account(0),
            "payee_account": space.account(1),
            "amount": {"amount": "5.00", "currency": "CNY"},
        },
    )
    assert paid["status"] == "completed"


def test_other_apps_of_the_partner_know_nothing_of_it(space: Space, platform: Platform) -> None:
    app = platform.demo["apps"][0]
    key = native_key(app["wires"]["native"]["keys"][0], platform.demo["bank_keys"]["native"])
    other = NativeApp(platform.edge, Native(Party(app_id=app["app_id"], payment={}, **key)))

    answer = other.call("GET", f"/v1/account-balances/{space.account(0)}")
    shared = other.call("POST", "/v1/sandbox/clock-advances", {"days": 1})

    assert (answer.status, answer.code) == (404, "account.not_found")
    assert (shared.status, shared.code) == (404, "sandbox.space_unknown")


def test_a_signed_advance_is_heard_by_every_edge_and_by_the_worker(space: Space) -> None:
    placed = space.post(
        "/v1/term-deposits",
        {
            "account": space.account(5),
            "product_code": "TD-3M",
            "amount": {"amount": "1000.00", "currency": "CNY"},
        },
    )
    before = space.get("/v1/sandbox/spaces")

    told = space.post("/v1/sandbox/clock-advances", {"days": 30})

    assert told["reached"]
    assert told["ahead_seconds"] >= before["ahead_seconds"] + 30 * 86_400
    space.heard(lambda: space.get("/v1/sandbox/spaces")["now"] >= told["now"])
    deposit = space.get(f"/v1/term-deposits/{placed['id']}")["result"]["deposit"]
    assert float(deposit["accrued"]["amount"]) > 0


def test_money_and_time_are_given_from_the_terminal_too(space: Space) -> None:
    account = space.account(2)
    funded = space.terminal("fund", "--app", space.app, "--account", account, "--amount", "9.50")
    told = space.terminal("advance", "--app", space.app, "--days", "2")

    people = space.terminal("people", "--app", space.app)
    shown = space.terminal("show", "--app", space.app)

    assert funded["available"]["amount"] == "10.00"
    assert people["people"][2]["accounts"][0]["available"]["amount"] == "10.00"
    assert shown["ahead_seconds"] == told["ahead_seconds"]


def test_a_jump_clears_pays_standing_orders_and_charges_accounts_in_its_own_time(
    platform: Platform,
) -> None:
    """Paid and split, over the cut-off and the value date, to the month's end and the next one."""
    space = Space(platform)
    company = next(each for each in space.people["people"] if each["login"].startswith("kuaican@"))
    shop = next(each for each in space.people["merchants"] if each["cleared_net"])
    lin = space.people["people"][0]
    current, savings = (each["account"] for each in lin["accounts"][:2])
    opened = space.post("/v1/business-accounts", _a_company(company["customer"]))
    account = opened["result"]["account"]["id"]
    space.post("/v1/sandbox/fundings", {"account": account, "amount": _cny("100.00")})
    paid = space.post(
        "/v1/split-orders",
        {
            "merchant": shop["merchant"],
            "order_no": "JUMP-1",
            "amount": _cny("200.00"),
            "payer_token": lin["payer_token"],
        },
    )
    space.post(f"/v1/split-orders/{paid['id']}/finishes", {})
    now = datetime.fromisoformat(space.get("/v1/sandbox/spaces")["now"]).astimezone(BANK_ZONE)
    paid_on, before = business_date(now), space.balance(company["accounts"][0]["account"])
    month_end = month_after(now.date().replace(day=1), 2) - timedelta(days=1)

    told = _advanced(space, f"{month_end}T23:30:00+08:00")

    assert told["reached"]
    # The settlement of the date, and its file.
    settled = Decimal(space.balance(company["accounts"][0]["account"])) - Decimal(before)
    asked = {
        "subject": company["accounts"][0]["account"],
        "period": paid_on.isoformat(),
        "format": "settlement",
    }
    report = space.post("/v1/merchant-reconciliations", asked)
    path = f"/v1/merchant-reconciliations/{report['id']}/content"
    heard = send(platform.edge, space.caller.message("GET", path))
    assert heard.status == 200, heard
    lines = heard.body.decode().splitlines()
    assert lines[0].startswith(f"H,1,{space.facts['space']},,{shop['merchant']},{paid_on},")
    assert f",{settled}," in lines[1] and Decimal(190) < settled < Decimal(200)
    # Lin's standing order, on the fifth of each month.
    moved = Decimal("58000.00") - Decimal(space.balance(savings))
    assert moved in {Decimal(500), Decimal(1000)}
    assert Decimal(space.balance(current)) == Decimal("20000.00") - 200 + moved
    # The first month of an account is free, the second is charged.
    upkeep = space.get(f"/v1/business-accounts/{opened['id']}")["result"]["upkeep"]
    assert upkeep["taken"] == _cny("30.00")
    assert space.balance(account) == "70.00"
    proof = platform.bankside("ledger", "verify", "--json")
    assert proof.returncode == 0, proof.stderr


def _advanced(space: Space, to: str) -> dict[str, Any]:
    """The clock stands at the instant: a long jump takes several calls."""
    for _ in range(20):
        told = space.post("/v1/sandbox/clock-advances", {"to": to})
        if told["reached"]:
            break
    space.heard(lambda: space.get("/v1/sandbox/spaces")["now"] >= told["now"])
    return told


def _a_company(customer: str) -> dict[str, Any]:
    """What a company of the space opens a business account with."""
    return {
        "holder": customer,
        "document_no": "91110199MADEM00387",
        "mobile": "13800000000",
        "account_kind": "basic",
        "legal_representative": "林晓雨",
        "legal_representative_no": "110199199206149921",
    }


def _cny(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CNY"}


def test_an_advance_that_is_none_is_refused_with_its_exit_code(
    space: Space, platform: Platform
) -> None:
    for arguments, code in (
        (("advance", "--app", space.app, "--to", "2020-01-01T00:00:00Z"), 1),
        (("advance", "--app", space.app), 2),
        (("show", "--app", "app_nobody"), 1),
        (("advance", "--app", platform.demo["apps"][0]["app_id"], "--days", "1"), 1),
    ):
        done = platform.bankside("sandbox", *arguments)
        assert done.returncode == code, done.stderr


def test_people_of_a_space_and_of_the_demo_log_in_at_their_own_pages(
    space: Space, platform: Platform
) -> None:
    # Their names are the same, and this page knows no space: the login alone leads to theirs.
    known = [each["login"] for each in platform.demo["customers"]]
    told = next(each for each in space.people["people"] if each["login"].startswith("wang.sitong"))
    demos = next(each for each in platform.demo["customers"] if each["login"] == "wang.sitong")
    assert told["login"] not in known

    for facts in (told, demos):
        person = Customer(platform.web, facts)
        page = person.open("/my/consents")
        assert page.status_code == 200
        person.close()


def test_a_reset_begins_again_with_the_same_app_and_key(space: Space, platform: Platform) -> None:
    old = space.get("/v1/sandbox/spaces")["space"]

    made = space.post("/v1/sandbox/resets", {"app": space.app})

    space.heard(lambda: space.get("/v1/sandbox/spaces").get("space") == made["space"] != old)
    assert space.get("/v1/sandbox/spaces")["ahead_seconds"] == 0
    money = space.get("/v1/sandbox/people")["people"][0]["accounts"][0]["available"]
    assert money["amount"] == "20000.00"
    proof = platform.bankside("ledger", "verify", "--json")
    assert proof.returncode == 0, proof.stderr
