"""The facts runs publish: ``orders.solution_run.<fact>``, version 1.

``started``, ``waiting``, ``completed``, ``stopped``, ``compensated``, ``reconciling``: one a change
of state that its partner acts on. Bodies carry every branch, so that nobody has to call back.
"""

from bankside.kernel.clock import Clock, rfc3339
from bankside.kernel.db import Write
from bankside.kernel.events import Event
from bankside.kernel.ids import new_id
from bankside.kernel.outbox import publish
from bankside.orders.solutions.model import Run, RunState

# Wakes runs: one recipient a partner that has runs, told of its orders.
CHANNEL = "solutions"
CHILD_FACTS = ("orders.order.",)
_TOLD = {
    RunState.WAITING: "waiting",
    RunState.COMPLETED: "completed",
    RunState.STOPPED: "stopped",
    RunState.COMPENSATED: "compensated",
    RunState.RECONCILING: "reconciling",
}


def fact_of(before: Run | None, after: Run) -> str | None:
    """What a change tells; None: nothing."""
    if before is None:
        return "started"
    return None if before.state is after.state else _TOLD.get(after.state)


def told(run: Run, fact: str, clock: Clock) -> Write:
    """The event of a run whose ``event_seq`` already counts it."""
    return publish(
        Event(
            id=new_id("event", clock),
            type=f"orders.solution_run.{fact}",
            partner=run.partner,
            object_id=run.id,
            object_seq=run.event_seq,
            body={
                "run": run.id,
                "run_no": run.number,
                "solution": run.solution.id,
                "tenant": run.tenant,
                "app": run.app,
                "state": run.state.value,
                "code": run.code,
                "branches": [
                    {
                        "step": each.step,
                        "state": each.state.value,
                        "order": each.order,
                        "code": each.code,
                    }
                    for each in run.branches
                ],
                "at": rfc3339(run.updated_at),
            },
        )
    )
