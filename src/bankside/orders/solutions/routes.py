"""The platform operations of solutions: what there is, runs begun, shown, listed, cancelled.

Another partner's or tenant's run is as unknown as one that does not exist.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from bankside.catalog import Solution, SolutionStep
from bankside.catalog.solutions import broken, closed, find, offered
from bankside.kernel.call import Answer
from bankside.kernel.db import Connection
from bankside.kernel.ids import is_reference, new_id
from bankside.kernel.paging import Page, checked_cursor, checked_limit
from bankside.orders.desk import Desk, Ticket
from bankside.orders.errors import KeyReused, NumberReused
from bankside.orders.inputs import fault, read_body, read_query, refuse
from bankside.orders.solutions import asking, rules, service, showing, standing, store
from bankside.orders.solutions.errors import (
    RunNotFound,
    RunStateRefused,
    SolutionNotFound,
    SolutionNotRunnable,
)
from bankside.orders.solutions.model import Branch, Run, RunState, is_over, moved

OK, CREATED, ACCEPTED = 200, 201, 202
CANCELLED = "solution_run.cancelled"

Handler = Callable[[Desk, Ticket], Awaitable[Answer]]


async def solutions(desk: Desk, ticket: Ticket) -> Answer:
    """Every solution the caller's partner may run; ``runnable`` is said of the calling app."""
    read_query(ticket.operation.inputs, ticket.call.query)
    async with desk.reading() as db:
        caller = ticket.call.caller
        asker = await standing.asker(db, desk, caller, desk.catalogue)
        found = await offered(db, desk.catalogue, await standing.contract_of(db, caller.partner))
    items = [
        showing.solution_listed(
            each.solution,
            bool(each.partner),
            runnable=not closed(each.solution, desk.catalogue, asker),
        )
        for each in found
    ]
    return Answer(OK, {"items": items, "next_cursor": None})


async def solution(desk: Desk, ticket: Ticket) -> Answer:
    """One solution with its inputs, its steps and what is broken of it for the calling app."""
    caller = ticket.call.caller
    async with desk.reading() as db:
        asked = await _solution(db, desk, ticket, _path_id(ticket))
        asker = await standing.asker(db, desk, caller, desk.catalogue)
    own = asked.id not in desk.catalogue.solutions
    faults = broken(asked, desk.catalogue, asker)
    return Answer(OK, showing.solution_shown(asked, own, faults))


async def create(desk: Desk, ticket: Ticket) -> Answer:
    """Begin a run and drive it as far as it goes: 201 when it has ended, 202 when it waits.

    Raises SolutionNotFound, SolutionNotRunnable with each broken link, InputInvalid, NumberReused.
    """
    asked = asking.asked(ticket.call.body)
    async with desk.reading() as db:
        run = await _of_key(db, ticket)
        solution = run.solution if run else await _solution(db, desk, ticket, asked.solution)
        asker = await standing.asker(db, desk, ticket.call.caller, desk.catalogue)
    given = asking.given(solution, desk.catalogue, asked.input)
    if run is None:
        faults = broken(solution, desk.catalogue, asker)
        if faults:
            shown = [showing.fault_shown(each) for each in faults]
            raise SolutionNotRunnable(str(faults[0]), errors=shown)
        new = _new(desk, ticket, solution, asked.number, given)
        same = await _same_number(desk, new)
        if same is not None:
            return await _answered(desk, same, OK, hit=True)
        run = await service.begun(desk, new)
    run = await service.drive(desk, run.partner, run.id, given.secret)
    answer = await _answered(desk, run, CREATED if is_over(run.state) else ACCEPTED)
    return await desk.keep(ticket, partial(_kept, answer))


async def item(desk: Desk, ticket: Ticket) -> Answer:
    """One run, every branch as it is now. Raises RunNotFound."""
    return await _answered(desk, await _visible(desk, ticket), OK)


async def listed(desk: Desk, ticket: Ticket) -> Answer:
    """A page of runs, newest first."""
    asked = read_query(ticket.operation.inputs, ticket.call.query)
    size, before = checked_limit(asked.get("limit")), checked_cursor(asked.get("cursor"))
    async with desk.reading() as db:
        rows = await store.page(
            db, ticket.scope, solution=asked.get("solution"), before=before, limit=size + 1
        )
    page = Page.cut(rows, size, key=lambda each: each.id)
    items = [showing.run_listed(each) for each in page.items]
    return Answer(OK, {"items": items, "next_cursor": page.next_cursor})


async def step(desk: Desk, ticket: Ticket) -> Answer:
    """Begin a step that waits for a call, with what the call brings.

    A repeated call finds the step begun, and drives the run on. Raises RunNotFound,
    RunStateRefused, InputInvalid.
    """
    run = await _visible(desk, ticket)
    name, body = asking.asked_step(ticket.call.body)
    wanted = run.solution.step(name)
    if wanted is None:
        refuse([fault("/step", "field.choice", "the solution has no such step")])
        raise RunStateRefused
    given = asking.given_to(run.solution, desk.catalogue, wanted, body)
    run = await _called(desk, run, wanted, given)
    run = await service.drive(desk, run.partner, run.id, given.secret)
    answer = await _answered(desk, run, CREATED)
    return await desk.keep(ticket, partial(_kept, answer))


async def cancel(desk: Desk, ticket: Ticket) -> Answer:
    """End the run and give back what it did, newest first; a stuck one tries again.

    Cancelling twice changes nothing more. Raises RunNotFound, RunStateRefused for a run that has
    ended otherwise.
    """
    run = await _visible(desk, ticket)
    read_body(ticket.operation.inputs, ticket.call.body)
    if run.state is RunState.COMPENSATED:
        return await _answered(desk, run, OK, hit=True)
    if run.state is not RunState.COMPENSATING:
        moved(run.state, RunState.COMPENSATING)
        if run.state is RunState.RECONCILING:
            after = rules.tried_again(run)
        else:
            after = rules.ended_by_partner(run, CANCELLED)
        run = await service.changed(desk, run, after)
    run = await service.drive(desk, run.partner, run.id, {})
    answer = await _answered(desk, run, CREATED if is_over(run.state) else ACCEPTED)
    return await desk.keep(ticket, partial(_kept, answer))


async def _called(desk: Desk, run: Run, wanted: SolutionStep, given: asking.Given) -> Run:
    """The run in which the step was called; one that was called so before stays as it is."""
    branch = run.branch(wanted.id)
    if not rules.waits(run, wanted):
        if branch.called and branch.given == given.plain:
            return run
        raise RunStateRefused(f"step {wanted.id} does not wait for a call")
    called = run.with_branch(
        replace(branch, called=True, waits_for=None, given={**branch.given, **given.plain})
    )
    if given.secret:
        called = replace(called, sealed=service.resealed(desk, run, given.secret))
    return await service.changed(desk, run, called)


HANDLERS: Mapping[str, Handler] = {
    "platform.solutions.list": solutions,
    "platform.solutions.query": solution,
    "platform.solution-runs.create": create,
    "platform.solution-runs.list": listed,
    "platform.solution-runs.query": item,
    "platform.solution-runs.steps": step,
    "platform.solution-runs.cancellations": cancel,
}


async def _kept(answer: Answer, _db: Connection) -> Answer:
    return answer


def _new(
    desk: Desk, ticket: Ticket, solution: Solution, number: str | None, given: asking.Given
) -> Run:
    assert ticket.key is not None, "running a solution can move money, so it needs a key"
    caller, run_id = ticket.call.caller, new_id("solution_run", desk.clock)
    return Run(
        partner=caller.partner,
        id=run_id,
        tenant=caller.tenant,
        app=caller.app,
        environment=caller.environment,
        solution=solution,
        number=number,
        key=ticket.key.key,
        request_hash=ticket.request_hash,
        content_hash=asking.content_hash(solution, given.plain),
        input=given.plain,
        sealed=service.sealed(desk, run_id, given.secret),
        branches=tuple(Branch(step=each.id) for each in solution.steps),
        created_at=ticket.at,
        updated_at=ticket.at,
    )


async def _of_key(db: Connection, ticket: Ticket) -> Run | None:
    """The run this very request began before it was cut off. Raises KeyReused."""
    assert ticket.key is not None, "running a solution can move money, so it needs a key"
    key = ticket.key
    run = await store.find_by_key(db, key.partner, key.tenant, key.app, key.key)
    if run is not None and run.request_hash != ticket.request_hash:
        raise KeyReused
    return run


async def _same_number(desk: Desk, new: Run) -> Run | None:
    """The run that has the number already, for the same thing. Raises NumberReused."""
    if new.number is None:
        return None
    async with desk.reading() as db:
        found = await store.find_by_number(db, new.partner, new.tenant or "", new.number)
    if found is not None and found.content_hash != new.content_hash:
        raise NumberReused(f"{new.number} already names run {found.id}")
    return found


async def _solution(db: Connection, desk: Desk, ticket: Ticket, name: str) -> Solution:
    if not is_reference(name):
        raise SolutionNotFound
    partner = await standing.contract_of(db, ticket.call.caller.partner)
    found = await find(db, desk.catalogue, partner, name)
    if found is None:
        raise SolutionNotFound(f"there is no solution {name}")
    return found


async def _visible(desk: Desk, ticket: Ticket) -> Run:
    run_id = _path_id(ticket)
    async with desk.reading() as db:
        run = await store.find(db, ticket.scope, run_id) if is_reference(run_id) else None
    if run is None:
        raise RunNotFound
    return run


async def _answered(desk: Desk, run: Run, status: int, *, hit: bool = False) -> Answer:
    shown: dict[str, Any] = showing.run_shown(run, await service.answers(desk, run))
    return Answer(status, shown, hit=hit, facts={"solution": run.solution.id})


def _path_id(ticket: Ticket) -> str:
    (value,) = ticket.call.path.values()
    return value
