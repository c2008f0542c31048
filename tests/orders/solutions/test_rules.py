"""The decision of a run, driven in memory over random assemblies and random outcomes."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bankside.catalog import Solution, SolutionStep, Text, Undo
from bankside.orders.solutions import rules
from bankside.orders.solutions.model import (
    SETTLED,
    Branch,
    BranchState,
    Run,
    RunState,
    is_over,
)
from bankside.orders.solutions.rules import Begin, GiveBack, Note, Seen
from bankside.orders.solutions.service import MOVES_MAX

AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
WORDS = Text("步骤", "A step")
STEPS_MAX = 7


@st.composite
def solutions(draw: st.DrawFn) -> Solution:
    """Up to seven steps that wait for some of those before them."""
    steps: list[SolutionStep] = []
    for number in range(draw(st.integers(1, STEPS_MAX))):
        earlier = [each.id for each in steps]
        after = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        reads = draw(st.sampled_from(after)) if after and draw(st.booleans()) else None
        steps.append(
            SolutionStep(
                id=f"s{number}",
                product="p.products",
                operation="p.products.create",
                does=WORDS,
                after=tuple(after),
                trigger=draw(st.sampled_from(["at-once", "at-once", "call"])),
                conditions=("$input.ok == true",) if draw(st.booleans()) else (),
                bindings={"field": f"$steps.{reads}.id"} if reads else {},
                on_failure=draw(st.sampled_from(["stop", "compensate", "continue"])),
                undo=Undo("p.products.revoke") if draw(st.booleans()) else None,
            )
        )
    return Solution("s", WORDS, WORDS, ("I",), ("mall",), (), tuple(steps))


@dataclass
class Simulated:
    """A run whose orders are made up: what each call and each order comes to is drawn."""

    run: Run
    draw: Any
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    began: list[str] = field(default_factory=list)
    given_back: list[int] = field(default_factory=list)

    def driven(self) -> Run:
        """The run once nothing more can be done; a bounded number of moves."""
        for _ in range(MOVES_MAX):
            seen = Seen(answers=self.answers, secrets={}, today="2026-03-02")
            move = rules.next_move(self.run, seen)
            if move is None:
                return self.run
            self.carry_out(move)
        raise AssertionError("the run never rests")

    def carry_out(self, move: Any) -> None:
        match move:
            case Note(run):
                assert run != self.run
                self.run = run
            case Begin(step):
                self.begin(step)
            case GiveBack(step):
                self.give_back(step)

    def begin(self, step: SolutionStep) -> None:
        assert all(self.run.branch(each).state in SETTLED for each in step.after)
        assert step.id not in self.began
        self.began.append(step.id)
        branch = self.run.branch(step.id)
        if self.draw(st.sampled_from(["stands", "stands", "refused"])) == "refused":
            failed = replace(branch, state=BranchState.FAILED, code="x")
        else:
            turn = 1 + max(each.turn for each in self.run.branches)
            failed = replace(branch, state=BranchState.BEGUN, order=f"o{turn}", turn=turn)
            state = self.draw(st.sampled_from(["completed", "completed", "waiting", "refused"]))
            self.answers[step.id] = {"id": f"o{turn}", "state": state, "status": state}
        self.run = self.run.with_branch(failed)

    def give_back(self, step: SolutionStep) -> None:
        branch = self.run.branch(step.id)
        self.given_back.append(branch.turn)
        if self.draw(st.booleans()):
            self.run = self.run.with_branch(replace(branch, state=BranchState.UNDONE))
        else:
            self.run = self.run.with_branch(rules.stuck_of(branch, "x", "x"))


def new(solution: Solution, ok: bool) -> Run:
    return Run(
        partner="prt_1",
        id="run_1",
        tenant=None,
        app="app_1",
        environment="sandbox",
        solution=solution,
        number=None,
        key="k",
        request_hash=b"",
        content_hash=b"",
        input={"ok": ok},
        branches=tuple(Branch(step=each.id) for each in solution.steps),
        created_at=AT,
        updated_at=AT,
    )


@given(solutions(), st.booleans(), st.data())
def test_a_run_always_comes_to_rest_in_a_state_that_says_what_became_of_it(
    solution: Solution, ok: bool, data: st.DataObject
) -> None:
    run = Simulated(new(solution, ok), data.draw).driven()

    states = {each.state for each in run.branches}
    if run.state is RunState.COMPLETED:
        assert states <= SETTLED
    elif run.state is RunState.STOPPED:
        assert BranchState.PENDING not in states and BranchState.FAILED in states
    elif run.state is RunState.COMPENSATED:
        assert not states & {BranchState.BEGUN, BranchState.DONE, BranchState.PENDING}
        assert BranchState.STUCK not in states
    elif run.state is RunState.RECONCILING:
        assert BranchState.STUCK in states
    else:
        assert run.state is RunState.WAITING
        assert states & {BranchState.BEGUN, BranchState.PENDING}
        for branch in run.branches:
            step = solution.step(branch.step)
            assert step is not None
            due = all(run.branch(each).state in SETTLED for each in step.after)
            if branch.state is BranchState.PENDING and due:
                assert branch.waits_for == rules.CALL


@given(solutions(), st.data())
def test_what_began_last_is_given_back_first_and_only_once(
    solution: Solution, data: st.DataObject
) -> None:
    simulated = Simulated(new(solution, True), data.draw)
    run = simulated.driven()

    assert simulated.given_back == sorted(simulated.given_back, reverse=True)
    assert len(set(simulated.given_back)) == len(simulated.given_back)
    if run.state in (RunState.COMPENSATED, RunState.RECONCILING):
        for branch in run.branches:
            step = solution.step(branch.step)
            if branch.order is not None and step is not None and step.undo is None:
                assert branch.state in (BranchState.KEPT, BranchState.FAILED)


@given(solutions(), st.data())
def test_a_cancelled_run_begins_nothing_more(solution: Solution, data: st.DataObject) -> None:
    simulated = Simulated(new(solution, True), data.draw)
    run = simulated.driven()
    if is_over(run.state) or run.state is RunState.RECONCILING:
        return
    began = list(simulated.began)

    simulated.run = rules.ended_by_partner(run, "x")
    ended = simulated.driven()

    assert simulated.began == began
    assert ended.state in (RunState.COMPENSATED, RunState.RECONCILING)
