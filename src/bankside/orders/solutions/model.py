"""A run of a solution and its branches as values, and the one table of its states.

Always true: a ``Run`` is never changed, only replaced; the solution in it is the one it began with;
a branch that has begun names its order for ever, whatever becomes of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from bankside.catalog import Solution
from bankside.orders.solutions.errors import RunStateRefused


class RunState(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    # A step failed whose definition says `stop`: nothing more begins, what was done stands.
    STOPPED = "stopped"
    COMPENSATING = "compensating"
    COMPENSATED = "compensated"
    # Something could not be given back: a person decides, or its partner tries again.
    RECONCILING = "reconciling"


_NEXT: Mapping[RunState, frozenset[RunState]] = {
    RunState.RUNNING: frozenset(
        {RunState.WAITING, RunState.COMPLETED, RunState.STOPPED, RunState.COMPENSATING}
    ),
    RunState.WAITING: frozenset(
        {RunState.RUNNING, RunState.COMPLETED, RunState.STOPPED, RunState.COMPENSATING}
    ),
    RunState.COMPENSATING: frozenset({RunState.COMPENSATED, RunState.RECONCILING}),
    RunState.RECONCILING: frozenset({RunState.COMPENSATING}),
}


def moved(state: RunState, to: RunState) -> RunState:
    """The next state, or RunStateRefused. Ended runs have no row."""
    if to not in _NEXT.get(state, frozenset()):
        raise RunStateRefused(f"a run that is {state} does not become {to}")
    return to


def is_over(state: RunState) -> bool:
    """Whether the run has ended for good."""
    return state not in _NEXT


class BranchState(StrEnum):
    """Where one step of a run stands."""

    PENDING = "pending"
    # Its order stands, and is not yet what the definition waits for.
    BEGUN = "begun"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNDONE = "undone"
    # The run was compensated; nothing gives this step back, as its definition says.
    KEPT = "kept"
    # What gives it back was refused.
    STUCK = "stuck"


SETTLED = frozenset({BranchState.DONE, BranchState.SKIPPED, BranchState.FAILED})
GIVES_BACK = frozenset({BranchState.BEGUN, BranchState.DONE, BranchState.STUCK})


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One step of a run.

    ``turn`` counts beginnings from 1: what began last is given back first. ``waits_for`` says what
    a pending branch waits for: ``call``, ``input``, ``retry`` or nothing in particular; ``given``
    is what its own call brought. ``code`` and ``detail`` say why it ended as it did;
    ``undone_by`` is the order that gave it back, ``refused`` how often giving back was refused:
    what was refused moved nothing, and the next attempt has a key of its own.
    """

    step: str
    state: BranchState = BranchState.PENDING
    order: str | None = None
    turn: int = 0
    waits_for: str | None = None
    called: bool = False
    given: Mapping[str, Any] = field(default_factory=dict)
    code: str | None = None
    detail: str | None = None
    undone_by: str | None = None
    refused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A solution at work for one caller.

    ``number`` is the partner's own; ``input`` the request without its credentials, which stand in
    ``sealed`` until the run has ended. ``revision`` counts changes from 1.
    """

    partner: str
    id: str
    tenant: str | None
    app: str
    environment: str
    solution: Solution
    number: str | None
    key: str
    request_hash: bytes
    content_hash: bytes
    state: RunState = RunState.RUNNING
    code: str | None = None
    input: Mapping[str, Any]
    sealed: bytes = b""
    branches: tuple[Branch, ...]
    revision: int = 0
    event_seq: int = 0
    wake_at: datetime | None = None
    created_at: datetime
    updated_at: datetime

    def branch(self, step: str) -> Branch:
        """The branch of a step of its solution."""
        return next(each for each in self.branches if each.step == step)

    def with_branch(self, changed: Branch) -> "Run":
        """The run with one branch changed."""
        branches = tuple(changed if each.step == changed.step else each for each in self.branches)
        return replace(self, branches=branches)
