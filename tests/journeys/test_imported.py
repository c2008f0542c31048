"""A service of the bank joins: its description, two people, signed calls on every wire, its faults.

The service is a real process (`little_core`); the edge, web and worker are the running platform.
"""

import asyncio
import copy
import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.catalog.imports.descriptions import TIPS
from tests.journeys.dialects import AlipayV2, AlipayV3, Dialect, Icbc, Said, Wish
from tests.journeys.native_app import Answered, NativeApp
from tests.journeys.newcomer import PUBLISHED_SECONDS, WORKERS, Newcomer, Terms, arrives
from tests.journeys.raw import Heard, line, send
from tests.platform import Platform
from tools.count_apis import counted, counted_in, in_force

from bankside.app.publish import publish_snapshot
from bankside.catalog import lifecycle, load
from bankside.catalog.lifecycle import PROVEN, SHADOW, VOUCHED, GateClosed, State
from bankside.catalog.lifecycle.judge import CALLS_MIN
from bankside.cli.product import world as ground
from bankside.identity.people import NewPerson, create_person, person_with
from bankside.identity.realms import BANK, Realm
from bankside.kernel.clock import SystemClock
from bankside.kernel.db import Pool, transaction
from bankside.orders import Orders

# Starting the platform and a few commands, each a process, on a machine that does other things too.
pytestmark = [pytest.mark.xdist_group("journeys"), pytest.mark.timeout(400)]

PRODUCT = "imported.waiter-tips"
PATH = "/v1/waiter-tips"
# The same service under another name: the set that goes live.
GIFTS = "imported.waiter-gifts"
GIFTS_PATH = "/v1/waiter-gifts"
# What the judge wants to see of a canary (`lifecycle.judge`), and how long records may take.
CANARY_CALLS = CALLS_MIN
RECORDED_SECONDS = 60.0
LOGINS = ("im.author", "im.first", "im.second")
TIP = {"amount": {"amount": "12.34", "currency": "CNY"}, "phone": None}
# An answer of ours comes in this time, whatever the service does: its own time, and a busy machine.
BOUND_SECONDS = 15.0


class _Icbc(Icbc):
    operations: ClassVar = {
        "create": "/api/imported/waiter-tips/tips-create/V1",
        "ask": "/api/imported/waiter-tips/tips-query/V1",
    }


class _Alipay(AlipayV2):
    operations: ClassVar = {
        "create": "bankside.imported.waiter_tips.tips_create",
        "ask": "bankside.imported.waiter_tips.tips_query",
    }


class _Alipay3(AlipayV3):
    operations: ClassVar = _Alipay.operations


FORMS: dict[str, type[Dialect]] = {"icbc": _Icbc, "alipay": _Alipay, "alipay3": _Alipay3}


@dataclass
class Core:
    """The service behind, as its own people see it."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/core"

    def mood(self, word: str) -> None:
        address = f"http://127.0.0.1:{self.port}/mood"
        urllib.request.urlopen(address, data=word.encode(), timeout=10).close()

    def seen(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/seen", timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found


@dataclass
class World:
    """The platform, the service, an app on every wire, and what the command line said."""

    platform: Platform
    core: Core
    newcomer: Newcomer
    native: NativeApp
    said: dict[str, Any] = field(default_factory=dict)

    def cli(self, *arguments: str) -> dict[str, Any]:
        done = self.platform.bankside(*arguments)
        assert done.returncode == 0, done.stderr.decode()
        found: dict[str, Any] = json.loads(done.stdout) if done.stdout.strip() else {}
        return found

    def get(self, tip: str) -> Answered:
        return self.native.call("GET", f"{PATH}/tips/{tip}")

    def until(
        self,
        changed: Callable[[Heard], bool],
        path: str = f"{PATH}/tips/none",
        *,
        method: str = "GET",
    ) -> None:
        """Wait until every worker of the edge answers so."""
        deadline = time.monotonic() + PUBLISHED_SECONDS
        knowing: set[str] = set()
        while len(knowing) < WORKERS:
            message = self.native.message(method, path)
            with line(self.platform.edge) as opened:
                heard = opened.send(message)
            if changed(heard):
                knowing.add(heard.headers["x-request-id"][:16])
            assert time.monotonic() < deadline, f"nothing changed\n{self.platform.logs()}"


def description() -> dict[str, Any]:
    """The service's own description."""
    made = copy.deepcopy(TIPS)
    made["info"]["title"] = "Waiter tips"
    made["paths"] = {
        path.replace("/v1/tips", "/tips"): entry for path, entry in made["paths"].items()
    }
    made["paths"]["/tips"]["head"] = {"responses": {"200": {"description": "there"}}}
    # It keeps no idempotency keys itself.
    del made["paths"]["/tips"]["post"]["parameters"]
    return made


@pytest.fixture(scope="module")
def core() -> Iterator[Core]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.journeys.little_core"], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    yield Core(process, int(process.stdout.readline()))
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def world(
    platform: Platform, core: Core, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Imported, reviewed, agreed to by two people, and known to every worker."""
    newcomer = arrives(
        platform, Terms(products=[PRODUCT, GIFTS], rate_per_second=10_000, burst=10_000)
    )
    by_wire = {each.wire: each for each in newcomer.dialects}
    made = World(platform, core, newcomer, NativeApp(platform.edge, by_wire["native"]))  # type: ignore[arg-type]
    _joins(made, tmp_path_factory.mktemp("import"))
    yield made


def _joins(world: World, folder: Path) -> None:
    author, first, second = LOGINS
    asyncio.run(world.platform.in_database(_staff))
    file, review, secret = folder / "tips.json", folder / "tips.yaml", folder / "secret"
    file.write_text(json.dumps(description(), indent=1), "utf-8")
    secret.write_text("Bearer core-secret\n", "utf-8")

    world.said["import"] = world.cli(
        *("import", "openapi", str(file), "--upstream", world.core.url, "--by", author),
        *("--review", str(review), "--json"),
    )
    world.said["draft"] = world.get("none")
    text = review.read_text("utf-8")
    for proposed, ours in (
        ("credential_header: ''", "credential_header: authorization"),
        ("answer_ms: 5000", "answer_ms: 2000"),
        ("slow_ms: 3000", "slow_ms: 1000"),
    ):
        assert proposed in text
        text = text.replace(proposed, ours)
    review.write_text(text, "utf-8")
    world.said["unconfirmed"] = world.platform.bankside(
        "product", "move", PRODUCT, "--to", "review", "--by", author
    )
    world.said["review"] = world.cli(
        "import", "review", str(review), "--by", author, "--confirm-all", "--json"
    )
    done = world.platform.bankside("import", "credential", PRODUCT, str(secret), "--by", author)
    assert done.returncode == 0, done.stderr
    _agrees(world, author, State.REVIEW)
    world.said["in review"] = world.get("none")
    traits = lifecycle.Terms(confirmed=("R3", "C2"))
    world.said["one"] = _agrees(world, first, State.SANDBOX, traits)
    world.said["two"] = _agrees(world, second, State.SANDBOX, traits)
    world.until(lambda heard: b"route.not_found" not in heard.body)


async def _staff(pool: Pool) -> None:
    """Who writes it and the two who agree."""
    for login, role in zip(LOGINS, ("product-manager", "approver", "approver"), strict=True):
        new = NewPerson(realm=Realm.STAFF, partner=BANK, login=login, name=login, roles=(role,))
        async with transaction(pool) as db:
            await create_person(db, SystemClock(), new)


def _agrees(
    world: World,
    login: str,
    to: State,
    terms: lifecycle.Terms | None = None,
    product: str = PRODUCT,
) -> Any:
    """What `bankside product move` does, without starting a process for it."""
    clock = SystemClock()

    async def work(pool: Pool) -> lifecycle.Outcome:
        async with transaction(pool) as db:
            person = await person_with(db, Realm.STAFF, BANK, login)
            wish = lifecycle.Wish(to=to, reason="a journey", terms=terms)
            found = await lifecycle.move(db, clock, ground(), person, wish, product=product)
        if found.moved:
            await publish_snapshot(world.platform.home, pool, clock)
        return found

    return asyncio.run(world.platform.in_database(work))


@pytest.fixture(autouse=True)
def well(world: World) -> Iterator[None]:
    """Each story begins with a service that is well, and with closed circuits."""
    if world.core.process.poll() is None:
        world.core.mood("well")
        world.until(lambda heard: b"upstream.not_found" in heard.body)
        # Writes have a circuit of their own.
        world.until(lambda heard: heard.status == 204, method="DELETE")
    yield


def test_nobody_meets_it_before_two_people_agreed(world: World) -> None:
    said = world.said

    assert (said["import"]["operations"], said["import"]["state"]) == (4, "draft")
    assert said["import"]["lost"], "what is not carried over is listed"
    assert (said["draft"].status, said["draft"].code) == (404, "route.not_found")
    assert said["unconfirmed"].returncode != 0
    assert b"4 operations are not confirmed" in said["unconfirmed"].stderr
    assert said["review"]["confirmed"] == 4
    assert (said["in review"].status, said["in review"].code) == (404, "route.not_found")
    assert (said["one"].moved, said["two"].moved) == (False, True)


def test_a_signed_call_is_answered_on_every_wire_and_the_service_hears_it_once(
    world: World,
) -> None:
    before = len(world.core.seen())
    first = world.native.call("POST", f"{PATH}/tips", TIP, key="native-1")
    again = world.native.call("POST", f"{PATH}/tips", TIP, key="native-1")
    other = world.native.call("POST", f"{PATH}/tips", {**TIP, "phone": "1"}, key="native-1")
    read = world.get(first.body["id"])

    assert (first.status, again.status, again.hit) == (201, 201, True)
    assert again.body == first.body
    assert (other.status, other.code) == (422, "idempotency.key_reused")
    assert read.body == first.body
    assert first.body["amount"] == 1234
    posts = [each for each in world.core.seen()[before:] if each["method"] == "POST"]
    assert len(posts) == 1
    headers = {name.lower(): value for name, value in posts[0]["headers"].items()}
    assert headers["authorization"] == "Bearer core-secret"
    assert headers["x-request-id"] == first.request_id
    assert not headers.keys() & {"signature", "signature-input", "idempotency-key"}

    for dialect in _forms(world):
        content = json.dumps({**TIP, "idempotency_key": f"{dialect.wire}-1"}).encode()
        made = _said(world, dialect, Wish(operation="create", content=content))
        asked = json.dumps({"id": _tip(made)["id"]}).encode()
        found = _said(world, dialect, Wish(operation="ask", content=asked))
        assert _tip(found)["currency"] == "CNY", (dialect.wire, found)
        assert _tip(found)["id"] == _tip(made)["id"]


def test_its_routes_are_counted_as_imported(world: World) -> None:
    figures = world.cli("catalogue", "count", "--json")
    served = counted_in(in_force(world.platform.home))
    shipped = counted(load(), Orders.runnable)

    assert figures["imported_routes"] == 4
    assert served["imported"] == {"answering": 4, "described": 0}
    assert shipped["imported"] == {"answering": 0, "described": 0}
    assert sum(each["answering"] for each in served.values()) == figures["routes_answering"]
    for kind in ("product", "platform", "access"):
        assert served[kind] == shipped[kind], kind


def test_a_set_goes_from_its_description_past_every_gate_to_live(
    world: World, tmp_path: Path
) -> None:
    """Another set of the same service: sandbox, a canary of one partner and 200 calls, live."""
    author, first, second = LOGINS
    both = Terms(products=[GIFTS], rate_per_second=10_000, burst=10_000, environment="live")
    partner = arrives(world.platform, both)
    by_wire = {each.wire: each for each in partner.dialects}
    live = NativeApp(world.platform.edge, by_wire["native"])  # type: ignore[arg-type]
    _second_set(world, tmp_path)
    traits = lifecycle.Terms(confirmed=("R3", "C2"))
    for login, to in ((author, State.REVIEW), (first, State.SANDBOX), (second, State.SANDBOX)):
        _agrees(world, login, to, traits if to is State.SANDBOX else None, GIFTS)
    world.until(_is_offered, f"{GIFTS_PATH}/tips")

    # In the sandbox: nobody live meets it, every operation is called, checks are vouched for.
    assert live.call("GET", f"{GIFTS_PATH}/tips").code == "route.not_found"
    made = world.native.call("POST", f"{GIFTS_PATH}/tips", TIP, key="gift-1")
    one = f"{GIFTS_PATH}/tips/{made.body['id']}"
    tried = [
        made,
        world.native.call("GET", f"{GIFTS_PATH}/tips"),
        world.native.call("GET", one),
        world.native.call("DELETE", one),
    ]
    assert [each.status for each in tried] == [201, 200, 200, 204]
    pilots = lifecycle.Terms(pilots=(partner.partner,))
    with pytest.raises(GateClosed):
        _agrees(world, first, State.CANARY, pilots, GIFTS)
    _proven(world)
    _vouched(world, VOUCHED)
    _agrees_once_recorded(world, first, State.CANARY, pilots)
    assert _agrees(world, second, State.CANARY, pilots, GIFTS).moved

    # On trial: the named partner's live app meets it; too few calls hold.
    _until_offered_to(world, live)
    with pytest.raises(GateClosed):
        _agrees(world, first, State.LIVE, None, GIFTS)
    with line(world.platform.edge) as opened:
        for _ in range(CANARY_CALLS):
            assert live.call("GET", f"{GIFTS_PATH}/tips", through=opened).status == 200
    _vouched(world, (SHADOW,))
    _agrees_once_recorded(world, first, State.LIVE, None)
    assert _agrees(world, second, State.LIVE, None, GIFTS).version.state is State.LIVE

    # Live: a call, the shelf and the public document.
    paid = live.call("POST", f"{GIFTS_PATH}/tips", TIP, key="gift-live")
    assert (paid.status, paid.body["amount"]) == (201, 1234)
    assert world.platform.get(f"{world.platform.web}/products/{GIFTS}")[0] == 200
    document = json.loads(world.platform.get(f"{world.platform.web}/openapi.json")[1])
    assert f"{GIFTS_PATH}/tips" in document["paths"]
    assert f"{PATH}/tips" not in document["paths"], "what is on trial is in no public document"


def _second_set(world: World, folder: Path) -> None:
    """The same description under another name, confirmed as it was proposed."""
    file, review = folder / "gifts.json", folder / "gifts.yaml"
    file.write_text(json.dumps(description(), indent=1), "utf-8")
    world.cli(
        *("import", "openapi", str(file), "--upstream", world.core.url, "--by", LOGINS[0]),
        *("--name", GIFTS.partition(".")[2], "--review", str(review), "--json"),
    )
    world.cli("import", "review", str(review), "--by", LOGINS[0], "--confirm-all", "--json")


def _proven(world: World) -> None:
    """As if `bankside product prove` had found nothing: `test_product_proof.py` runs it."""

    async def work(pool: Pool) -> None:
        async with transaction(pool) as db:
            (version,) = await lifecycle.versions(db, GIFTS)
            runs = [lifecycle.Run(what=each, passed=True, facts={}) for each in PROVEN]
            digest = lifecycle.digest_of(ground(), version)
            await lifecycle.keep_runs(db, SystemClock(), version, runs, digest=digest)

    asyncio.run(world.platform.in_database(work))


def _vouched(world: World, checks: Sequence[str]) -> None:
    async def work(pool: Pool) -> None:
        async with transaction(pool) as db:
            (version,) = await lifecycle.versions(db, GIFTS)
            for login in LOGINS[1:]:
                person = await person_with(db, Realm.STAFF, BANK, login)
                for each in checks:
                    word = lifecycle.Word(each, "journey")
                    await lifecycle.vouch(db, SystemClock(), ground(), person, version, word)

    asyncio.run(world.platform.in_database(work))


def _agrees_once_recorded(
    world: World, login: str, to: State, terms: lifecycle.Terms | None
) -> None:
    """The gates read call records, which the worker ships a moment after the calls."""
    deadline = time.monotonic() + RECORDED_SECONDS
    while True:
        try:
            _agrees(world, login, to, terms, GIFTS)
        except GateClosed as closed:
            assert time.monotonic() < deadline, closed.detail
            time.sleep(0.5)
        else:
            return


def _until_offered_to(world: World, live: NativeApp) -> None:
    deadline = time.monotonic() + PUBLISHED_SECONDS
    knowing: set[str] = set()
    while len(knowing) < WORKERS:
        answered = live.call("GET", f"{GIFTS_PATH}/tips")
        if answered.status == 200:
            knowing.add(answered.request_id[:16])
        assert time.monotonic() < deadline, f"nothing changed\n{world.platform.logs()}"


def _is_offered(heard: Heard) -> bool:
    return b"route.not_found" not in heard.body


def test_every_call_is_recorded_like_any_other(world: World) -> None:
    done = world.native.call("POST", f"{PATH}/tips", TIP)

    record = world.platform.call_record(done.request_id)

    assert (record.operation, record.product) == (f"{PRODUCT}.tips-create", PRODUCT)
    assert (record.outcome, record.risk_tier, record.data_class) == ("ok", "R3", "C2")


def test_the_same_checks_stand_before_it(world: World) -> None:
    seen = len(world.core.seen())
    keyless = world.native.dialect.message(Wish())
    assert keyless.method == "POST"
    wrong = world.native.call("POST", f"{PATH}/tips", {**TIP, "amount": {"amount": "1"}})
    unknown = world.native.call("GET", f"{PATH}/tips", query={"colour": "red"})
    forged = world.native.message("POST", f"{PATH}/tips", TIP)
    replayed = [send(world.platform.edge, forged) for _ in range(2)]

    assert (wrong.status, wrong.code) == (422, "request.invalid")
    assert (unknown.status, unknown.code) == (422, "request.invalid")
    assert [each.status for each in replayed] == [201, 401]
    assert len(world.core.seen()) == seen + 1


def test_a_refusal_of_the_service_is_told_in_our_words(world: World) -> None:
    world.core.mood("refuse")

    refused = world.native.call("POST", f"{PATH}/tips", TIP)

    assert (refused.status, refused.code) == (422, "upstream.refused")
    assert "core-db" not in json.dumps(refused.body)


def test_in_the_sandbox_an_answer_that_breaks_its_description_is_refused_and_listed(
    world: World,
) -> None:
    world.core.mood("wrong")

    refused = world.get("tip1")

    assert (refused.status, refused.code) == (502, "upstream.answer_mismatch")
    found = world.cli("import", "show", PRODUCT, "--json")["mismatches"]
    assert [each["operation"] for each in found] == [f"{PRODUCT}.tips-query"]
    assert "Ning" not in json.dumps(found)


@pytest.mark.parametrize("mood", ["hang", "drip", "storm", "garbage", "head"])
def test_each_fault_ends_bounded_and_leaves_other_products_alone(world: World, mood: str) -> None:
    """F6: calls in parallel meet the fault while echoes go on; then the circuit is open."""
    before = len(world.core.seen())
    world.core.mood(mood)
    ends: Counter[str] = Counter()
    longest: list[float] = []

    def ask(number: int) -> None:
        for count in range(3):
            began = time.monotonic()
            if number % 2:
                got = world.get("tip1")
            else:
                got = world.native.call("POST", f"{PATH}/tips", TIP, key=f"{mood}{number}-{count}")
            longest.append(time.monotonic() - began)
            ends[f"{got.status} {got.code}"] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(24)]
    for each in threads:
        each.start()
    echoes = [world.native.call("POST", "/v1/platform/echoes", {"n": n}) for n in range(50)]
    for each in threads:
        each.join()

    assert all(each.status == 200 for each in echoes)
    assert max(longest) < BOUND_SECONDS, longest
    assert sum(ends.values()) == 72
    assert set(ends) <= {
        *("504 upstream.timed_out", "504 upstream.outcome_unknown", "503 upstream.busy"),
        *("502 upstream.failed", "502 upstream.answer_invalid", "503 upstream.circuit_open"),
    }, ends
    assert len(world.core.seen()) - before <= 72 * 1.1 + 2 * WORKERS


def test_a_write_nobody_heard_of_again_is_unknown_and_is_not_sent_twice(world: World) -> None:
    world.core.mood("head")
    before = len(world.core.seen())

    answers = [world.native.call("POST", f"{PATH}/tips", TIP, key="lost-1") for _ in range(3)]

    assert {(each.status, each.code) for each in answers} == {(504, "upstream.outcome_unknown")}
    assert answers[0].body["outcome"] == "unknown"
    assert len(world.core.seen()) == before + 1


def test_a_service_that_died_is_unreachable_and_comes_back(world: World) -> None:
    """The last story: it ends with the service gone."""
    world.core.process.kill()
    world.core.process.wait()

    ends = Counter(world.get("tip1").code for _ in range(60))
    written = world.native.call("POST", f"{PATH}/tips", TIP)

    assert set(ends) <= {"upstream.unreachable", "upstream.circuit_open"}, ends
    assert ends["upstream.circuit_open"], "it is left alone after a while"
    # The circuit of the writes may still be open from the stories before.
    assert written.code in {"upstream.unreachable", "upstream.circuit_open"}
    assert written.status == 503
    assert "outcome" not in written.body, "nothing happened, and that is certain"


def _forms(world: World) -> list[Dialect]:
    parties = {each.wire: each.party for each in world.newcomer.dialects}
    return [FORMS[wire](parties[wire]) for wire in FORMS]


def _said(world: World, dialect: Dialect, wish: Wish) -> Said:
    message = dialect.message(wish)
    said = dialect.read(send(world.platform.edge, message), message)
    assert said.code in {"0", "10000", "200"}, said
    return said


def _tip(said: Said) -> dict[str, Any]:
    found: Any = said.content.get("result", said.content)
    made: dict[str, Any] = json.loads(found) if isinstance(found, str) else dict(found)
    return made
