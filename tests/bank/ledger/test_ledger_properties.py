"""Whatever is posted in whatever batches: the same books, balanced, and only the culprit refused.

Source: reliability guide 2.3 (end) and invariants I1, I4.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.bank.ledger.ledger_world import EQUITY, HOLD, MORNING, World, group

from bankside.bank.ledger import Capture, Group, Hold, Release, group_id
from bankside.kernel.db import Connection

ACCOUNTS = {"a": 0, "b": 0, "c": -300}
FUNDS = {"a": 500, "b": 200}
NAMES = st.sampled_from([*ACCOUNTS])
HOLD_NUMBERS = st.integers(0, 3)

settings.register_profile(
    "ledger",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
PROFILE = settings.get_profile("ledger")


@st.composite
def moves(draw: st.DrawFn) -> tuple[str, str, int]:
    debit, credit = draw(st.permutations([*ACCOUNTS]))[:2]
    return debit, credit, draw(st.integers(1, 400))


@st.composite
def asked(draw: st.DrawFn) -> tuple[Any, ...]:
    """What a caller may ask: transfers of one to three legs, and every act on four holds."""
    act = draw(st.sampled_from(["transfer", "transfer", "place", "capture", "release"]))
    if act == "transfer":
        return act, tuple(draw(st.lists(moves(), min_size=1, max_size=3)))
    hold = draw(HOLD_NUMBERS)
    if act == "place":
        return act, hold, draw(NAMES), draw(st.integers(1, 300)), draw(st.integers(-1, 2))
    if act == "capture":
        beside = tuple(draw(st.lists(moves(), max_size=1)))
        return act, hold, draw(NAMES), draw(st.integers(1, 300)), beside
    return act, hold


def as_group(number: int, wanted: tuple[Any, ...]) -> Group:
    match wanted:
        case "transfer", moves:
            return group(f"g{number}", *moves)
        case "place", hold, account, amount, hours:
            expires = MORNING + timedelta(hours=hours)
            return group(f"hold {hold}", (account, HOLD, amount), hold=Hold(expires))
        case "capture", hold, account, amount, beside:
            act = Capture(group_id(f"hold {hold}"))
            return group(f"g{number}", (HOLD, account, amount), *beside, hold=act)
        case _, hold:
            return Group(group_id(f"g{number}"), (), hold=Release(group_id(f"hold {hold}")))


GROUPS = st.lists(asked(), min_size=1, max_size=14).map(
    lambda wanted: [as_group(number, each) for number, each in enumerate(wanted)]
)


class Bench:
    """One event loop and one connection for many examples, each rolled back."""

    def __init__(self, url: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.db: Connection = self.loop.run_until_complete(
            asyncpg.connect(url, server_settings={"timezone": "UTC"})
        )

    def run(self, example: Callable[[Connection], Awaitable[None]]) -> None:
        async def rolled_back() -> None:
            transaction = self.db.transaction()
            await transaction.start()
            try:
                await example(self.db)
            finally:
                await transaction.rollback()

        self.loop.run_until_complete(rolled_back())

    def close(self) -> None:
        self.loop.run_until_complete(self.db.close())
        self.loop.close()


@pytest.fixture(scope="module")
def bench(database_url: str) -> Iterator[Bench]:
    made = Bench(database_url)
    yield made
    made.close()


async def funded(db: Connection) -> World:
    world = await World.open(db, ACCOUNTS)
    await world.fund(**FUNDS)
    return world


@settings(PROFILE, max_examples=60)
@given(groups=GROUPS, cuts=st.sets(st.integers(1, 13)))
def test_any_split_into_batches_gives_the_same_books(
    bench: Bench, groups: list[Group], cuts: set[int]
) -> None:
    async def example(db: Connection) -> None:
        one_by_one, split = await funded(db), await funded(db)
        verdicts = [(await one_by_one.post(each))[0] for each in groups]
        bounds = [0, *sorted(cut for cut in cuts if cut < len(groups)), len(groups)]
        batched = [
            verdict
            for start, end in itertools.pairwise(bounds)
            for verdict in await split.post(*groups[start:end])
        ]

        assert batched == verdicts
        assert await split.books() == await one_by_one.books()
        assert await split.outcomes() == await one_by_one.outcomes()
        assert (await split.verify()).fault is None

    bench.run(example)


@settings(PROFILE, max_examples=40)
@given(groups=GROUPS, position=st.integers(0, 13), amount=st.integers(10_000, 20_000))
def test_refusing_one_group_changes_no_other(
    bench: Bench, groups: list[Group], position: int, amount: int
) -> None:
    hopeless = group("hopeless", ("a", "b", 1), ("b", "c", amount))

    async def example(db: Connection) -> None:
        without, beside = await funded(db), await funded(db)
        verdicts = await without.post(*groups)
        place = min(position, len(groups))
        with_it = await beside.post(*groups[:place], hopeless, *groups[place:])

        assert with_it.pop(place).reason == "funds_insufficient"
        assert with_it == verdicts
        assert await beside.books() == await without.books()

    bench.run(example)


@settings(PROFILE, max_examples=40)
@given(groups=GROUPS, again=st.lists(st.integers(0, 13), max_size=10))
def test_repeats_in_any_order_change_nothing(
    bench: Bench, groups: list[Group], again: list[int]
) -> None:
    distinct = list({each.id: each for each in groups}.values())

    async def example(db: Connection) -> None:
        world = await funded(db)
        first = await world.post(*distinct)
        before = await world.books()
        repeated = [number % len(distinct) for number in again]

        verdicts = await world.post(*[distinct[number] for number in repeated])

        for number, verdict in zip(repeated, verdicts, strict=True):
            assert verdict.repeat
            assert (verdict.accepted, verdict.reason) == (
                first[number].accepted,
                first[number].reason,
            )
        assert await world.books() == before

    bench.run(example)


@dataclass
class HoldModel:
    """What the model thinks of a hold."""

    account: str
    rest: int
    expires: timedelta


@dataclass
class Model:
    """The bank on paper: free money by account, holds, the hours that have passed."""

    free: dict[str, int] = field(default_factory=lambda: {**FUNDS, "c": 0})
    holds: dict[str, HoldModel] = field(default_factory=dict)
    now: timedelta = timedelta()


class LedgerMachine(RuleBasedStateMachine):
    """Random life of three accounts: transfers, holds, captures, releases, time, repeats."""

    bench: Bench

    @initialize()
    def begin(self) -> None:
        self.model = Model()
        self.posted: list[tuple[Group, bool]] = []
        self.transaction = self.bench.db.transaction()
        self.do(self.transaction.start())
        self.world = self.do(funded(self.bench.db))

    def do(self, awaited: Awaitable[Any]) -> Any:
        async def step() -> Any:
            return await awaited

        return self.bench.loop.run_until_complete(step())

    def post(self, asked: Group) -> bool:
        verdict = self.do(self.world.post(asked))[0]
        self.posted.append((asked, verdict.accepted))
        return bool(verdict.accepted)

    def name(self) -> str:
        return f"step {len(self.posted)}"

    @rule(move=moves())
    def transfer(self, move: tuple[str, str, int]) -> None:
        debit, credit, amount = move
        covered = self.model.free[debit] - amount >= ACCOUNTS[debit]

        assert self.post(group(self.name(), move)) == covered

        if covered:
            self.model.free[debit] -= amount
            self.model.free[credit] += amount

    @rule(account=NAMES, amount=st.integers(1, 300), hours=st.integers(1, 48))
    def place(self, account: str, amount: int, hours: int) -> None:
        name, expires = self.name(), self.model.now + timedelta(hours=hours)
        covered = self.model.free[account] - amount >= ACCOUNTS[account]
        placed = group(name, (account, HOLD, amount), hold=Hold(MORNING + expires))

        assert self.post(placed) == covered

        if covered:
            self.model.free[account] -= amount
            self.model.holds[name] = HoldModel(account, amount, expires)

    @precondition(lambda self: self.model.holds)
    @rule(pick=st.integers(0, 99), payee=NAMES, amount=st.integers(1, 200))
    def capture(self, pick: int, payee: str, amount: int) -> None:
        name = sorted(self.model.holds)[pick % len(self.model.holds)]
        hold = self.model.holds[name]
        allowed = amount <= hold.rest and self.model.now < hold.expires
        drawn = group(self.name(), (HOLD, payee, amount), hold=Capture(group_id(name)))

        assert self.post(drawn) == allowed

        if allowed:
            hold.rest -= amount
            self.model.free[payee] += amount

    @precondition(lambda self: self.model.holds)
    @rule(pick=st.integers(0, 99))
    def release(self, pick: int) -> None:
        name = sorted(self.model.holds)[pick % len(self.model.holds)]
        hold = self.model.holds[name]

        act = Release(group_id(name))
        assert self.post(Group(group_id(self.name()), (), hold=act)) == (hold.rest > 0)

        self.model.free[hold.account] += hold.rest
        hold.rest = 0

    @rule(hours=st.integers(1, 24))
    def time_passes(self, hours: int) -> None:
        self.model.now += timedelta(hours=hours)
        self.world.clock.advance(timedelta(hours=hours))

    @precondition(lambda self: self.posted)
    @rule(pick=st.integers(0, 99))
    def repeat(self, pick: int) -> None:
        asked, accepted = self.posted[pick % len(self.posted)]

        verdict = self.do(self.world.post(asked))[0]

        assert (verdict.accepted, verdict.repeat) == (accepted, True)

    @invariant()
    def balances_are_those_on_paper(self) -> None:
        names = sorted(self.model.free)
        on_hold = sum(hold.rest for hold in self.model.holds.values())
        found = self.do(self.world.free(*names, EQUITY, HOLD))

        paper = [self.model.free[name] - ACCOUNTS[name] for name in names]
        assert found == [*paper, -sum(FUNDS.values()), on_hold]

    def teardown(self) -> None:
        if hasattr(self, "world"):
            report = self.do(self.world.verify())
            self.do(self.transaction.rollback())
            assert report.fault is None


def test_the_ledger_and_the_bank_on_paper_agree_whatever_happens(bench: Bench) -> None:
    LedgerMachine.bench = bench
    machine = LedgerMachine.TestCase
    machine.settings = settings(PROFILE, max_examples=25, stateful_step_count=25)
    machine().runTest()
