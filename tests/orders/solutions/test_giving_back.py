"""A step that fails: what the run did before is given back, newest first, and the books balance."""

from dataclasses import replace

import pytest
from tests.orders.solutions.inputs import inputs
from tests.orders.solutions.solution_bank import RunningBank, made_before, people

from bankside.bank.ledger import verify
from bankside.catalog import load
from bankside.catalog.solution_definitions import Solution, SolutionStep

SOLUTIONS = sorted(load().solutions)
NOWHERE = {"account": "acc_nowhere", "party": "cus_nowhere", "merchant": "mch_nowhere"}


def failing(solution: Solution) -> tuple[Solution, str]:
    """The solution whose last step that can be made to fail names somebody unknown."""
    for step in reversed(solution.steps):
        if not step.after or step.trigger == "call":
            continue
        fields = {each.name: each.type for each in load().operations[step.operation].inputs}
        for name in step.bindings:
            if fields[name] in NOWHERE:
                bound = {**step.bindings, name: NOWHERE[fields[name]]}
                broken = replace(step, bindings=bound, on_failure="compensate")
                return with_step(solution, broken), step.id
    raise AssertionError(f"no step of {solution.id} can be made to fail")


def with_step(solution: Solution, changed: SolutionStep) -> Solution:
    steps = tuple(changed if each.id == changed.id else each for each in solution.steps)
    return replace(solution, steps=steps)


def _costs(step: SolutionStep) -> bool:
    return step.final is not None or step.product.startswith("insurance.")


async def of_everybody(bank: RunningBank) -> dict[str, int]:
    """What stands on every account of the bank's people, holds not included."""
    return dict(
        zip(
            [each.id for each in bank.accounts],
            await bank.money(*(each.ledger_account for each in bank.accounts)),
            strict=True,
        )
    )


@pytest.mark.parametrize("solution_id", SOLUTIONS)
async def test_a_failure_in_the_middle_gives_back_what_was_done(
    runs: RunningBank, monkeypatch: pytest.MonkeyPatch, solution_id: str
) -> None:
    solution, failed = failing(load().solutions[solution_id])
    monkeypatch.setitem(load().solutions, solution_id, solution)  # type: ignore[arg-type]
    world = await people(runs)
    given = inputs(solution_id, world, **await made_before(runs, solution_id, world))
    before = await of_everybody(runs)

    begun = await runs.run(solution_id, given)
    shown = await runs.worked_on(begun["id"])

    branches = {each["step"]: each for each in shown["branches"]}
    assert shown["state"] == "compensated", [
        (each["step"], each["state"], each["order_status"], each["code"], each["detail"])
        for each in shown["branches"]
    ]
    assert branches[failed]["state"] == "failed"
    steps = {each.id: each for each in solution.steps}
    for name, each in branches.items():
        if each["order"] is not None:
            assert each["state"] == ("undone" if steps[name].undo else "kept"), each
        elif name != failed:
            assert each["state"] == "skipped"
    # A surrendered cover costs the day it lasted; what is final stays where it went.
    costs = [name for name, each in branches.items() if each["order"] and _costs(steps[name])]
    if not costs:
        assert await of_everybody(runs) == before
    async with runs.pool.acquire() as db:
        assert (await verify(db)).fault is None
