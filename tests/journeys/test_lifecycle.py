"""Products move on a running platform: from a file to a route, to its end; and under load."""

import asyncio
import base64
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.catalog.lifecycle.world import a_new_product
from tests.journeys.dialects import Icbc, Wish
from tests.journeys.native_app import Answered, NativeApp
from tests.journeys.newcomer import PUBLISHED_SECONDS, WORKERS, arrives
from tests.journeys.newcomer import Terms as Agreed
from tests.journeys.raw import Heard, line, send
from tests.platform import Platform

from bankside.app.publish import publish_snapshot
from bankside.catalog import lifecycle
from bankside.catalog.lifecycle import Outcome, State, Terms
from bankside.catalog.lifecycle import Wish as Asked
from bankside.cli.product import world
from bankside.identity.people import NewPerson, create_person, person_with
from bankside.identity.realms import BANK, Realm
from bankside.kernel.clock import SystemClock
from bankside.kernel.db import transaction
from bankside.kernel.metering.store import make_days

pytestmark = pytest.mark.xdist_group("journeys")

TIPS, GIFTS = "payment.tip-payments", "payment.gift-transfers"
# Lives through its whole end; `LAST` takes its place.
ENDING, LAST = "payment.farewell-transfers", "payment.internal-transfers"
# Live all the while, deprecated and live again while calls run; nobody's orders are touched.
TOGGLED = "merchant.collection-codes"
CALLS = 1_000
TURNS = 5
APPROVERS = ("lc.first", "lc.second")
# What told its caller that the product is gone is nobody's use of it.
_CALLED = (
    "select count(*) from kernel.call_records"
    " where product = $1 and stage not in ('offer', 'named')"
)


@dataclass
class Staff:
    """Three people of the bank at the command line."""

    platform: Platform
    logins: tuple[str, str, str] = ("lc.author", *APPROVERS)

    async def enter(self, pool: Any) -> None:
        """They stand in the table of people, with their roles."""
        roles = ("product-manager", "approver", "approver")
        async with transaction(pool) as db:
            for login, role in zip(self.logins, roles, strict=True):
                new = NewPerson(
                    realm=Realm.STAFF, partner=BANK, login=login, name=login, roles=(role,)
                )
                await create_person(db, SystemClock(), new)

    def says(self, *arguments: str) -> dict[str, Any]:
        """A command that works, and its answer."""
        done = self.platform.bankside("product", *arguments, "--json")
        assert done.returncode == 0, done.stderr.decode()
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def refused(self, *arguments: str) -> str:
        """What is told of a command that is refused."""
        done = self.platform.bankside("product", *arguments, "--json")
        assert done.returncode == 1, done
        return done.stderr.decode()

    def recorded(self) -> int:
        """How often the ending product was called, once no more records come."""

        async def counted(pool: Any) -> int:
            async with pool.acquire() as db:
                return int(await db.fetchval(_CALLED, ENDING))

        count, deadline = -1, time.monotonic() + PUBLISHED_SECONDS
        while time.monotonic() < deadline:
            before, count = count, asyncio.run(self.platform.in_database(counted))
            if count == before > 0:
                return count
            time.sleep(2)
        raise AssertionError(f"calls are still recorded: {count}")


class Tips(Icbc):
    """The ICBC-style name of a product that exists only since this journey."""

    operations: ClassVar = {"tips": "/api/payment/tip-payments/create/V1"}


@dataclass
class Caller:
    """An app that holds the products the journey makes, on two wires."""

    platform: Platform
    partner: str
    app: str
    native: NativeApp
    icbc: Tips

    def call(self, path: str, body: Any = None) -> Answered:
        return self.native.call("POST", path, body if body is not None else {})

    def until(self, path: str, changed: Callable[[Heard], bool]) -> None:
        """Wait until every worker of the edge answers so."""
        deadline = time.monotonic() + PUBLISHED_SECONDS
        knowing: set[str] = set()
        while len(knowing) < WORKERS:
            message = self.native.message("POST", path, {})
            with line(self.platform.edge) as opened:
                heard = opened.send(message)
            if changed(heard):
                knowing.add(heard.headers["x-request-id"][:16])
            assert time.monotonic() < deadline, f"{path} did not change\n{self.platform.logs()}"


@pytest.fixture(scope="module")
def staff(platform: Platform) -> Staff:
    made = Staff(platform)
    asyncio.run(platform.in_database(made.enter))
    return made


@pytest.fixture(scope="module")
def caller(platform: Platform) -> Iterator[Caller]:
    newcomer = arrives(
        platform,
        Agreed(products=[TIPS, GIFTS, TOGGLED, ENDING], rate_per_second=50_000, burst=50_000),
    )
    by_wire = {each.wire: each for each in newcomer.dialects}
    native = NativeApp(platform.edge, by_wire["native"])  # type: ignore[arg-type]
    icbc = Tips(by_wire["icbc"].party)
    yield Caller(platform, newcomer.partner, newcomer.app, native, icbc)


def test_a_product_goes_from_a_file_to_a_route_and_to_its_end(
    platform: Platform, staff: Staff, caller: Caller, tmp_path: Path
) -> None:
    author, first, second = staff.logins
    what = a_new_product()
    file = tmp_path / "tips.yaml"
    file.write_text(json.dumps(what), encoding="utf-8")

    # Draft and review: no route.
    assert staff.says("draft", str(file), "--by", author)["state"] == "draft"
    assert caller.call("/v1/tip-payments").code == "route.not_found"
    staff.says("move", TIPS, "--to", "review", "--by", author)
    assert caller.call("/v1/tip-payments").code == "route.not_found"

    # Two people, neither the author, who confirm what they read.
    terms = Terms(confirmed=(what["risk_tier"], what["data_class"]))
    one = asyncio.run(_agrees(platform, first, TIPS, State.SANDBOX, terms))
    assert (one.moved, len(one.agreed), one.needed) == (False, 1, 2)
    both = staff.says("move", TIPS, "--to", "sandbox", "--by", second)
    assert (both["moved"], both["state"]) == (True, "sandbox")
    assert [each["partner"] for each in both["impact"]["partners"]] == [caller.partner]

    # It runs, on each wire, without a line of code.
    caller.until("/v1/tip-payments", lambda heard: heard.status == 422)
    message = caller.icbc.message(Wish(operation="tips", content=b'{"idempotency_key": "k1"}'))
    said = caller.icbc.read(send(platform.edge, message), message)
    assert (said.code, said.content["error_code"]) == ("400011", "request.invalid")


def test_what_is_still_called_stays_and_what_nobody_calls_any_more_ends(
    platform: Platform, staff: Staff, caller: Caller
) -> None:
    """Deprecated, called; not called any more, gone; and the proof of it."""
    _, first, second = staff.logins
    path = "/v1/farewell-transfers"
    asyncio.run(platform.in_database(_stands_live))
    ends = ("move", ENDING, "--to", "deprecated", "--by")
    staff.says(*ends, first, "--successor", LAST, "--notice-days", "1")
    assert staff.says(*ends, second)["state"] == "deprecated"
    caller.until(path, lambda heard: "sunset" in heard.headers)

    # Its day is over, and it is still called: neither withdrawn nor proven gone.
    asyncio.run(platform.in_database(lambda pool: _later(pool, days=2)))
    called = staff.recorded()
    for command in (("move", ENDING, "--to", "offline", "--by", first), ("proof", ENDING)):
        told = staff.refused(*command)
        assert f"called in the last 30 days by {caller.partner} ({called})" in told, told
    assert caller.call(path).status == 422
    assert staff.recorded() == called + 1

    # Nobody called it for 30 days.
    asyncio.run(platform.in_database(lambda pool: _later(pool, days=31)))
    staff.says("move", ENDING, "--to", "offline", "--by", first)
    assert staff.says("move", ENDING, "--to", "offline", "--by", second)["state"] == "offline"
    caller.until(path, lambda heard: heard.status == 410)
    gone = caller.call(path)
    assert (gone.code, gone.body["successor"]) == ("product.offline", LAST)

    # The proof is given once what was under way has ended.
    assert "product.proof_not_yet" in staff.refused("proof", ENDING)
    staff.recorded()
    asyncio.run(platform.in_database(lambda pool: _later(pool, minutes=2)))
    proof = staff.says("proof", ENDING)
    document = proof["document"]
    assert document["snapshot"]["routes_that_run"] == 0
    assert document["snapshot"]["routes_that_say_it_is_gone"] > 0
    assert document["calls"]["reached_the_bank"] == document["orders_in_flight"] == 0
    assert document["successor"] == LAST
    assert [each["partner"] for each in document["notices"]].count(caller.partner) == 2
    assert staff.says("proof", ENDING)["sha256"] == proof["sha256"]


def test_no_call_is_answered_wrong_while_products_move(
    platform: Platform, staff: Staff, caller: Caller
) -> None:
    """One product goes back and forth, another goes offline; thousands of calls meanwhile."""
    asyncio.run(platform.in_database(lambda pool: _stands_deprecated(platform, pool)))
    caller.until("/v1/gift-transfers", lambda heard: heard.status == 422)
    _waives(staff, caller)
    done, faults = threading.Event(), list[str]()
    gone: set[str] = set()
    kinds: Counter[str] = Counter()

    def load(number: int) -> None:
        paths = ("/v1/collection-codes", "/v1/gift-transfers", "/v1/platform/echoes")
        with line(platform.edge) as opened:
            for count in range(CALLS):
                path = paths[(count + number) % len(paths)]
                heard = opened.send(caller.native.message("POST", path, {}))
                kinds[f"{path} {heard.status}"] += 1
                fault = _fault(path, heard, gone)
                if fault:
                    faults.append(fault)
        done.set()

    threads = [threading.Thread(target=load, args=(number,)) for number in range(3)]
    for each in threads:
        each.start()
    turns = asyncio.run(_turned(platform, done))
    for each in threads:
        each.join()

    assert not faults, (faults[:10], kinds)
    assert sum(kinds.values()) == 3 * CALLS
    assert turns >= 1
    caller.until("/v1/gift-transfers", lambda heard: heard.status == 410)
    last = caller.call("/v1/gift-transfers")
    assert (last.status, last.code) == (410, "product.offline")
    assert last.body["successor"] == "payment.internal-transfers"
    caller.until("/v1/collection-codes", lambda heard: "sunset" not in heard.headers)


def _waives(staff: Staff, caller: Caller) -> None:
    """The partner gives the product up before its day, and signs for it."""
    text = staff.platform.bankside("product", "waiver", GIFTS, "--partner", caller.partner).stdout
    party = caller.native.dialect.party
    signature = base64.b64encode(party.sign(text)).decode()
    staff.says(
        *("waive", GIFTS, "--partner", caller.partner, "--app", caller.app),
        *("--key", party.key_id, "--signature", signature),
    )


def _fault(path: str, heard: Heard, gone: set[str]) -> str:
    """What is wrong with an answer, whatever snapshot it was served from; empty when nothing."""
    worker = heard.headers["x-request-id"][:16]
    if path.endswith("echoes"):
        return "" if heard.status == 200 else f"{path} {heard.status}"
    if path.endswith("codes"):
        whole = ("deprecation" in heard.headers) == ("sunset" in heard.headers)
        return "" if heard.status == 422 and whole else f"{path} {heard.status} {heard.headers}"
    if heard.status == 410:
        gone.add(worker)
        return ""
    # A worker that once said it is gone never carries it out again.
    fine = heard.status == 422 and worker not in gone
    return "" if fine else f"{path} {heard.status} after it was gone"


async def _stands_deprecated(platform: Platform, pool: Any) -> None:
    """A product that was live for long: nobody waits half a year for a test."""
    clock, what = SystemClock(), a_new_product("gift-transfers")
    async with transaction(pool) as db:
        await lifecycle.register_draft(
            db, clock, product=GIFTS, definition=what, by="usr_1", kind="orders"
        )
        await db.execute(
            "update catalog.product_versions set state = 'deprecated', deprecated_at = $2,"
            " sunset_at = $2, successor = 'payment.internal-transfers' where product_id = $1",
            GIFTS,
            clock.now() + timedelta(days=90),
        )
    await publish_snapshot(platform.home, pool, clock)


async def _stands_live(pool: Any) -> None:
    clock, what = SystemClock(), a_new_product("farewell-transfers")
    async with transaction(pool) as db:
        await lifecycle.register_draft(
            db, clock, product=ENDING, definition=what, by="usr_1", kind="orders"
        )
        await db.execute(
            "update catalog.product_versions set state = 'live' where product_id = $1", ENDING
        )


async def _later(pool: Any, **passed: float) -> None:
    """As if so much time had passed since everything that happened to the product so far."""
    span = timedelta(**passed)
    async with transaction(pool) as db:
        calls = await db.fetch(
            "select distinct ((started_at - $2::interval) at time zone 'utc')::date as day"
            " from kernel.call_records where product = $1",
            ENDING,
            span,
        )
        await make_days(db, [each["day"] for each in calls])
        await db.execute(
            "update kernel.call_records set started_at = started_at - $2::interval"
            " where product = $1",
            ENDING,
            span,
        )
        await db.execute(
            "update catalog.product_versions set deprecated_at = deprecated_at - $2::interval,"
            " sunset_at = sunset_at - $2::interval, offline_at = offline_at - $2::interval"
            " where product_id = $1",
            ENDING,
            span,
        )


async def _turned(platform: Platform, done: threading.Event) -> int:
    """Move products while calls run; how often one went back and forth."""
    turns = 0
    while turns < TURNS and not done.is_set():
        for to in (State.DEPRECATED, State.LIVE):
            await _both(platform, TOGGLED, to)
        turns += 1
        if turns == 1:
            await _both(platform, GIFTS, State.OFFLINE)
    return turns


async def _both(platform: Platform, product: str, to: State) -> None:
    for login in APPROVERS:
        await _agrees(platform, login, product, to)


async def _agrees(
    platform: Platform, login: str, product: str, to: State, terms: Terms | None = None
) -> Outcome:
    """What `bankside product move` does, without starting a process for it."""
    clock = SystemClock()

    async def work(pool: Any) -> Outcome:
        async with transaction(pool) as db:
            person = await person_with(db, Realm.STAFF, BANK, login)
            asked = Asked(to=to, reason="a journey", terms=terms)
            outcome = await lifecycle.move(db, clock, world(), person, asked, product=product)
        if outcome.moved:
            await publish_snapshot(platform.home, pool, clock)
        return outcome

    found: Outcome = await platform.in_database(work)
    return found
