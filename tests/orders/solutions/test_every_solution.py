"""Every solution of the catalogue runs whole: its steps are orders, and the books balance."""

import pytest
from tests.orders.solutions.inputs import inputs
from tests.orders.solutions.solution_bank import (
    STEPS,
    RunningBank,
    made_before,
    people,
)

from bankside.bank.ledger import verify
from bankside.catalog import load

SOLUTIONS = sorted(load().solutions)
SETTLED = {"done", "skipped"}


@pytest.mark.parametrize("solution", SOLUTIONS)
async def test_a_solution_runs_to_its_end_and_the_books_balance(
    runs: RunningBank, solution: str
) -> None:
    world = await people(runs)
    given = inputs(solution, world, **await made_before(runs, solution, world))

    begun = await runs.run(solution, given)
    shown = await runs.worked_on(begun["id"])
    for each in load().solutions[solution].steps:
        if each.trigger == "call":
            shown = await runs.shown(STEPS, {"step": each.id}, path=begun["id"])
    shown = await runs.worked_on(begun["id"])

    states = {each["step"]: each["state"] for each in shown["branches"]}
    assert set(states.values()) == {"done"}, [
        (
            each["step"],
            each["state"],
            each["order_status"],
            each["waits_for"],
            each["code"],
            each["detail"],
        )
        for each in shown["branches"]
    ]
    assert shown["state"] == "completed"
    async with runs.pool.acquire() as db:
        assert (await verify(db)).fault is None
