"""Runs solutions: begins their steps as orders, follows those, and gives back what failed runs did.

Always true: each step is one call of the runtime under a key derived from run and step, so that a
run that is driven again after a kill finds what it did and does nothing twice; each change of a run
is one transaction that only one driver wins; a step begins only while its app may call its product.
Source: catalogue guide, sections 5 and 9.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import structlog

from bankside.catalog import SolutionStep, route_of
from bankside.catalog.solutions import Asker
from bankside.kernel import outbox
from bankside.kernel.call import Answer, Call
from bankside.kernel.caller import Caller
from bankside.kernel.clock import booking_date
from bankside.kernel.db import transaction, write_all
from bankside.kernel.errors import BanksideError, NotBuilt, Throttled, Unavailable
from bankside.kernel.secrets import SealBroken
from bankside.orders import store as orders_store
from bankside.orders.answers import show
from bankside.orders.desk import Desk, Moved
from bankside.orders.errors import KeyInProgress, OrderNotFound
from bankside.orders.solutions import events, rules, store
from bankside.orders.solutions.errors import RunBusy
from bankside.orders.solutions.model import BranchState, Run, RunState, is_over
from bankside.orders.solutions.rules import Begin, GiveBack, Move, Note, Seen
from bankside.orders.solutions.standing import asker, is_blocked
from bankside.orders.store import Scope

# A definition has at most 32 steps; each is begun, seen done and perhaps given back once.
MOVES_MAX = 200
ATTEMPTS_MAX = 8
# Events wake a run at once; this is how soon it is looked at when one was lost.
LOOK_AGAIN = timedelta(minutes=10)
LOOK_SELDOM = timedelta(days=1)
RETRY = timedelta(seconds=30)
RETRY_LATER = "retry"
_FOR_LATER: tuple[type[BanksideError], ...] = (Unavailable, Throttled, KeyInProgress)

_log = structlog.get_logger("orders")


async def drive(desk: Desk, partner: str, run_id: str, secrets: Mapping[str, str]) -> Run:
    """The run as far as it goes now, being its only driver in this process.

    ``secrets`` come with a caller; without one the run's own are opened. Raises RunBusy.
    """
    async with desk.turn(run_id):
        for _ in range(ATTEMPTS_MAX):
            try:
                return await _driven(desk, partner, run_id, secrets)
            except Moved:
                continue
    raise RunBusy(retry_after=1)


async def begun(desk: Desk, run: Run) -> Run:
    """A new run stands; its partner's orders wake it from now on. Raises Moved for a lost race."""
    run = replace(run, event_seq=1, wake_at=_wake_at(desk, run))
    told = events.told(run, "started", desk.clock)
    listener = outbox.registered(
        f"{events.CHANNEL}:{run.partner}", events.CHILD_FACTS, partner=run.partner
    )
    try:
        async with transaction(desk.pool) as db:
            await write_all(db, [*store.inserted(run), listener, told])
    except asyncpg.UniqueViolationError as error:
        raise Moved from error
    return replace(run, revision=1)


async def changed(desk: Desk, before: Run, after: Run) -> Run:
    """The change of a run stands. Raises Moved when another driver was first."""
    over = is_over(after.state)
    fact = events.fact_of(before, after)
    after = replace(
        after,
        updated_at=desk.clock.now(),
        sealed=b"" if over else after.sealed,
        event_seq=before.event_seq + (fact is not None),
        wake_at=_wake_at(desk, after),
    )
    told = [events.told(after, fact, desk.clock)] if fact else []
    try:
        async with transaction(desk.pool) as db:
            await write_all(db, [*store.updated(before, after), *told])
    except asyncpg.UniqueViolationError as error:
        raise Moved from error
    return replace(after, revision=before.revision + 1)


async def answers(desk: Desk, run: Run) -> dict[str, Mapping[str, Any]]:
    """The present orders of a run's branches as reads show them, by step."""
    found: dict[str, Mapping[str, Any]] = {}
    async with desk.reading() as db:
        for branch in run.branches:
            if branch.order is None:
                continue
            order = await orders_store.find(db, Scope(run.partner, run.tenant), branch.order)
            if order is None:
                raise OrderNotFound
            found[branch.step] = show(await desk.explained(db, order))
    return found


def sealed(desk: Desk, run_id: str, secrets: Mapping[str, str]) -> bytes:
    """Credentials as the run keeps them until its end; without a vault they are not kept."""
    if not secrets or desk.vault is None:
        return b""
    return desk.vault.seal(msgspec.json.encode(dict(secrets)), purpose=_purpose(run_id))


def resealed(desk: Desk, run: Run, more: Mapping[str, str]) -> bytes:
    """The run's credentials with those that a call of a step brought."""
    return sealed(desk, run.id, {**_opened(desk, run), **more})


async def _driven(desk: Desk, partner: str, run_id: str, brought: Mapping[str, str]) -> Run:
    run: Run | None = None
    asking: Asker | None = None
    later: frozenset[str] = frozenset()
    for _ in range(MOVES_MAX):
        async with desk.reading() as db:
            run = await store.find(db, Scope(partner, None), run_id)
            assert run is not None, "a run is never deleted"
            if asking is None:
                asking = await asker(db, desk, _caller(desk, run), desk.catalogue)
                if run.state is not RunState.COMPENSATING and await is_blocked(db, run):
                    return await _left(desk, run)
        seen = Seen(
            answers=await answers(desk, run),
            secrets={**_opened(desk, run), **brought},
            today=booking_date(desk.clock).isoformat(),
            later=later,
        )
        move = rules.next_move(run, seen)
        if move is None:
            return await _left(desk, run)
        run = await _carried_out(desk, run, move, asking)
        later |= {each.step for each in run.branches if each.waits_for == RETRY_LATER}
    assert run is not None
    _log.error("run_needs_a_person", run=run.id, moves=MOVES_MAX)
    return run


async def _left(desk: Desk, run: Run) -> Run:
    """The run rests. Its events wake it; it is looked at ever more seldom should one be lost."""
    now = desk.real.now()
    if run.wake_at is not None and run.wake_at <= now:
        waited = min(max(now - run.updated_at, LOOK_AGAIN), LOOK_SELDOM)
        async with transaction(desk.pool) as db:
            await write_all(db, [store.looked_at(run, again=now + waited)])
    return run


async def _carried_out(desk: Desk, run: Run, move: Move, asking: Asker) -> Run:
    match move:
        case Note(noted):
            return await changed(desk, run, noted)
        case Begin():
            return await _begin(desk, run, move, asking)
        case GiveBack():
            return await _give_back(desk, run, move)


async def _begin(desk: Desk, run: Run, move: Begin, asking: Asker) -> Run:
    branch = run.branch(move.step.id)
    turn = 1 + max(each.turn for each in run.branches)
    try:
        _may_call(move.step, asking)
        answer = await _call(desk, run, move.step.operation, move, key=move.step.id)
    except BanksideError as error:
        if _is_for_later(error):
            return await _tried_later(desk, run, move.step.id, error)
        failed = replace(
            branch,
            state=BranchState.FAILED,
            waits_for=None,
            code=error.code,
            detail=_told(error),
        )
        return await changed(desk, run, run.with_branch(failed))
    begun_branch = replace(
        branch,
        state=BranchState.BEGUN,
        order=_order_of(answer, move.acts_on),
        turn=turn,
        waits_for=None,
        code=None,
        detail=None,
    )
    return await changed(desk, run, run.with_branch(begun_branch))


async def _give_back(desk: Desk, run: Run, move: GiveBack) -> Run:
    branch, undo = run.branch(move.step.id), move.step.undo
    assert undo is not None, "the rules only give back what the definition says how"
    try:
        key = f"{move.step.id}:undo:{branch.refused}"
        answer = await _call(desk, run, undo.operation, move, key=key)
    except BanksideError as error:
        if _is_for_later(error):
            return await _tried_later(desk, run, move.step.id, error)
        _log.error("run_needs_a_person", run=run.id, step=move.step.id, code=error.code)
        stuck = rules.stuck_of(branch, error.code, _told(error))
        return await changed(desk, run, run.with_branch(stuck))
    undone = replace(
        branch,
        state=BranchState.UNDONE,
        waits_for=None,
        code=None,
        detail=None,
        undone_by=_order_of(answer, move.acts_on),
    )
    return await changed(desk, run, run.with_branch(undone))


async def _tried_later(desk: Desk, run: Run, step: str, error: BanksideError) -> Run:
    """Nobody knows what became of the call: it is made again, under its key."""
    branch = replace(run.branch(step), waits_for=RETRY_LATER, detail=_told(error))
    return await changed(desk, run, run.with_branch(branch))


async def _call(
    desk: Desk, run: Run, operation_id: str, move: Begin | GiveBack, *, key: str
) -> Answer:
    operation = desk.catalogue.operations[operation_id]
    product = desk.catalogue.product(operation.product)
    on_path = "{" in operation.path
    name = operation.path.partition("{")[2].partition("}")[0]
    return await desk.perform(
        Call(
            operation=route_of(product, operation, available=True),
            caller=_caller(desk, run),
            path={name: move.acts_on} if on_path and move.acts_on else {},
            body=move.body if operation.method != "DELETE" else {},
            idempotency_key=f"run:{run.id}:{key}",
        )
    )


def _may_call(step: SolutionStep, asking: Asker) -> None:
    """Raises NotBuilt unless the app may call the step's product at this moment."""
    if step.product in asking.offline or step.product not in (asking.subscribed or ()):
        raise NotBuilt(f"{step.product} is not open to this app now")


def _caller(desk: Desk, run: Run) -> Caller:
    return Caller(
        run.partner,
        run.app,
        tenant=run.tenant,
        environment=run.environment,
        ahead_s=int(desk.ahead.total_seconds()),
    )


def _order_of(answer: Answer, acts_on: str | None) -> str | None:
    """The order that a call made or changed."""
    found = answer.facts.get("order")
    if found is None and isinstance(answer.body, Mapping):
        found = answer.body.get("id")
    return found or acts_on


def _wake_at(desk: Desk, run: Run) -> datetime | None:
    if is_over(run.state) or run.state is RunState.RECONCILING:
        return None
    # A run that is under way has a driver; should that one die, another takes over soon.
    under_way = run.state is not RunState.WAITING
    if under_way or any(each.waits_for == RETRY_LATER for each in run.branches):
        return desk.real.now() + RETRY
    return desk.real.now() + LOOK_AGAIN


def _is_for_later(error: BanksideError) -> bool:
    """Whether the same call may get another answer: nothing was decided, or nobody knows."""
    return isinstance(error, _FOR_LATER) or error.outcome_unknown


def _told(error: BanksideError) -> str:
    first = next((each["pointer"] for each in error.errors), "")
    return f"{first}: {error.detail}" if first and first not in error.detail else error.detail


def _opened(desk: Desk, run: Run) -> dict[str, str]:
    if not run.sealed or desk.vault is None:
        return {}
    try:
        opened = desk.vault.open(run.sealed, purpose=_purpose(run.id))
    except SealBroken:
        return {}
    return msgspec.json.decode(opened, type=dict[str, str])


def _purpose(run_id: str) -> str:
    return f"run:{run_id}"
