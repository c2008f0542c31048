"""What a run does next: one pure decision over the run, its orders and its credentials.

Steps begin in the order of their definition; what began last is given back first. A step whose
value nobody has (its source was skipped) is skipped with it; a step without its credential waits
for a call that brings it. Source: catalogue guide, sections 5 and 9.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bankside.catalog import STANDS, Solution, SolutionStep
from bankside.catalog.solutions import Missing, Path, comparison, holds, parse, paths, resolve
from bankside.orders.model import State
from bankside.orders.solutions.model import (
    GIVES_BACK,
    SETTLED,
    Branch,
    BranchState,
    Run,
    RunState,
    is_over,
)

CALL, INPUT = "call", "input"
# An order in one of these will not become anything else by itself.
_ENDED = frozenset(
    {State.COMPLETED.value, State.REFUSED.value, State.COMPENSATED.value, State.EXPIRED.value}
)


@dataclass(frozen=True, slots=True)
class Begin:
    """Call the step's operation with this body."""

    step: SolutionStep
    body: Mapping[str, Any]
    acts_on: str | None


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Call what undoes the step."""

    step: SolutionStep
    body: Mapping[str, Any]
    acts_on: str


@dataclass(frozen=True, slots=True)
class Note:
    """The run as its orders show it to be; nothing is called."""

    run: Run


Move = Begin | GiveBack | Note


@dataclass(frozen=True, slots=True)
class Seen:
    """What a decision looks at: answers by step (as reads show them), credentials, the bank's day.

    ``secrets`` are empty once they cannot be opened any more; ``later`` are steps whose call got no
    answer just now: they are tried again another time.
    """

    answers: Mapping[str, Mapping[str, Any]]
    secrets: Mapping[str, str]
    today: str
    later: frozenset[str] = frozenset()


def next_move(run: Run, seen: Seen) -> Move | None:
    """What is to be done now; None: the run rests as it is."""
    if is_over(run.state) or run.state is RunState.RECONCILING:
        return None
    looked = _looked_at(run, seen)
    if looked.branches != run.branches:
        return Note(looked)
    if run.state is RunState.COMPENSATING:
        return _back(run, seen)
    ended = _failure(run)
    if ended is not None:
        return Note(ended)
    for step in run.solution.steps:
        move = _step(run, step, seen)
        if move is not None:
            return move
    return _rest(run)


def fed_by_call(solution: Solution) -> frozenset[str]:
    """Inputs that only steps begun by a call of their own read: they may come with that call."""
    late: set[str] = set()
    early: set[str] = set()
    for step in solution.steps:
        read = {each.parts[0] for each in _paths(step) if each.source == "input"}
        (late if step.trigger == CALL else early).update(read)
    return frozenset(late - early)


def reads(step: SolutionStep) -> frozenset[str]:
    """The inputs that a step's own call may bring."""
    return frozenset(each.parts[0] for each in _paths(step) if each.source == "input")


def waits(run: Run, step: SolutionStep) -> bool:
    """Whether the step could begin by a call now."""
    branch = run.branch(step.id)
    return (
        run.state in (RunState.RUNNING, RunState.WAITING)
        and branch.state is BranchState.PENDING
        and _is_due(run, step)
        and (step.trigger == CALL or branch.waits_for == INPUT)
    )


def _looked_at(run: Run, seen: Seen) -> Run:
    """The run with what its orders have become."""
    for branch in run.branches:
        if branch.state is not BranchState.BEGUN:
            continue
        step = run.solution.step(branch.step)
        assert step is not None, "branches are made of the solution's steps"
        answer = seen.answers.get(branch.step, {})
        words = {answer.get("state"), answer.get("status"), STANDS}
        if words & set(step.until):
            run = run.with_branch(replace(branch, state=BranchState.DONE, waits_for=None))
        elif answer.get("state") in _ENDED:
            code = answer.get("code") or f"order.{answer.get('status')}"
            run = run.with_branch(
                replace(
                    branch,
                    state=BranchState.FAILED,
                    waits_for=None,
                    code=code,
                    detail=answer.get("detail") or f"its order is {answer.get('status')}",
                )
            )
        else:
            waits_for = str(answer.get("waits_for") or answer.get("status"))
            run = run.with_branch(replace(branch, waits_for=waits_for))
    return run


def _failure(run: Run) -> Run | None:
    """The run after a step failed that does not let it go on; None: it goes on."""
    for branch in run.branches:
        step = run.solution.step(branch.step)
        if branch.state is not BranchState.FAILED or step is None or step.on_failure == "continue":
            continue
        over = tuple(_given_up(each) for each in run.branches)
        state = RunState.STOPPED if step.on_failure == "stop" else RunState.COMPENSATING
        return replace(run, state=state, code=branch.code, branches=over)
    return None


def _given_up(branch: Branch) -> Branch:
    if branch.state is not BranchState.PENDING:
        return branch
    return replace(
        branch,
        state=BranchState.SKIPPED,
        waits_for=None,
        code="solution_run.ended",
        detail="the run ended before it",
    )


def ended_by_partner(run: Run, code: str) -> Run:
    """The run begins nothing more and gives back what it did."""
    branches = tuple(_given_up(each) for each in run.branches)
    return replace(run, state=RunState.COMPENSATING, code=code, branches=branches)


def _back(run: Run, seen: Seen) -> Move | None:
    """Give back what began last; at the end the run is compensated, or a person has to look."""
    left = [each for each in run.branches if each.state in GIVES_BACK and each.code != _TRIED]
    if not left:
        stuck = any(each.state is BranchState.STUCK for each in run.branches)
        state = RunState.RECONCILING if stuck else RunState.COMPENSATED
        return Note(replace(run, state=state))
    branch = max(left, key=lambda each: each.turn)
    step = run.solution.step(branch.step)
    assert step is not None and branch.order is not None, "a branch that began has its order"
    if step.id in seen.later:
        return None
    if step.undo is None:
        kept = replace(branch, state=BranchState.KEPT, waits_for=None)
        return Note(run.with_branch(kept))
    sources = _sources(run, branch, seen)
    if not all(_holds(each, sources) for each in step.undo.conditions):
        nothing_left = replace(branch, state=BranchState.UNDONE, waits_for=None)
        return Note(run.with_branch(nothing_left))
    try:
        body = _body(run, step.undo.bindings, sources)
    except Missing as missing:
        return Note(run.with_branch(stuck_of(branch, "link.empty", f"{missing} is empty")))
    acts_on = run.branch(step.of).order if step.of else branch.order
    return GiveBack(step, body, acts_on or branch.order)


_TRIED = "undo.refused"


def stuck_of(branch: Branch, code: str, detail: str) -> Branch:
    """What gives the branch back was refused."""
    return replace(
        branch,
        state=BranchState.STUCK,
        waits_for=None,
        code=_TRIED,
        detail=f"{detail} [{code}]",
        refused=branch.refused + 1,
    )


def tried_again(run: Run) -> Run:
    """A run that was stuck tries to give back what is left."""
    branches = tuple(
        replace(each, code=None, detail=None) if each.state is BranchState.STUCK else each
        for each in run.branches
    )
    return replace(run, state=RunState.COMPENSATING, branches=branches)


def _step(run: Run, step: SolutionStep, seen: Seen) -> Move | None:
    """What a pending step does now; None when it waits, or is no longer pending."""
    branch = run.branch(step.id)
    if branch.state is not BranchState.PENDING or step.id in seen.later or not _is_due(run, step):
        return None
    sources = _sources(run, branch, seen)
    failing = next((each for each in step.conditions if not _holds(each, sources)), None)
    if failing is not None:
        return Note(run.with_branch(_skipped(branch, "condition.not_met", failing)))
    if step.trigger == CALL and not branch.called:
        return _noted(run, replace(branch, waits_for=CALL))
    try:
        body = _body(run, step.bindings, sources)
    except Missing as missing:
        if str(missing).startswith("$input."):
            return _noted(run, replace(branch, waits_for=INPUT, detail=f"{missing} is needed"))
        return Note(run.with_branch(_skipped(branch, "link.empty", f"{missing} is empty")))
    acts_on = run.branch(step.of).order if step.of else None
    if step.of and acts_on is None:
        return Note(run.with_branch(_skipped(branch, "link.empty", f"{step.of} has no order")))
    return Begin(step, body, acts_on)


def _noted(run: Run, branch: Branch) -> Note | None:
    return None if run.branch(branch.step) == branch else Note(run.with_branch(branch))


def _skipped(branch: Branch, code: str, detail: str) -> Branch:
    return replace(branch, state=BranchState.SKIPPED, waits_for=None, code=code, detail=detail)


def _is_due(run: Run, step: SolutionStep) -> bool:
    return all(run.branch(each).state in SETTLED for each in step.after)


def _holds(text: str, sources: Mapping[str, Any]) -> bool:
    return holds(comparison(text), sources)


def _rest(run: Run) -> Note | None:
    """The run when nothing can be done now."""
    over = all(each.state in SETTLED for each in run.branches)
    state = RunState.COMPLETED if over else RunState.WAITING
    return None if run.state is state else Note(replace(run, state=state))


def _sources(run: Run, branch: Branch, seen: Seen) -> dict[str, Any]:
    """What the branch's links read: inputs (those of its own call first), answers, run facts."""
    skipped = {
        each.step
        for each in run.branches
        if each.state in (BranchState.SKIPPED, BranchState.FAILED)
    }
    return {
        "input": {**run.input, **seen.secrets, **branch.given},
        "steps": {step: each for step, each in seen.answers.items() if step not in skipped},
        "run": {
            "id": run.id,
            "no": run.number or run.id.rpartition("_")[2],
            "date": seen.today,
            "month": seen.today[:7],
        },
    }


def _body(run: Run, bindings: Mapping[str, Any], sources: Mapping[str, Any]) -> dict[str, Any]:
    """The request that links make; fields whose optional input was not given are left out.

    Raises Missing for an answer, a credential or a required input that is not there.
    """
    optional = {f"$input.{each.name}" for each in run.solution.inputs if not each.field.required}
    body: dict[str, Any] = {}
    for name, raw in bindings.items():
        try:
            body[name] = resolve(parse(raw), sources)
        except Missing as missing:
            if str(missing) not in optional:
                raise
    return body


def _paths(step: SolutionStep) -> list[Path]:
    bound = [parse(each) for each in step.bindings.values()]
    conditions = step.conditions
    if step.undo is not None:
        bound += [parse(each) for each in step.undo.bindings.values()]
        conditions += step.undo.conditions
    found = [each for value in bound for each in paths(value)]
    return found + [each for text in conditions for each in comparison(text).paths]
