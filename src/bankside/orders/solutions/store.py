"""SQL of solution runs, their journal and their children. Every question takes the partner."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from bankside.catalog import Solution
from bankside.kernel.db import Connection, Row, Write
from bankside.orders.solutions.model import Branch, Run, RunState
from bankside.orders.store import Scope

_COLUMNS = (
    "partner_id, run_id, tenant_id, app_id, environment, solution, definition, run_no, key,"
    " request_hash, content_hash, state, code, input, sealed, branches, revision, event_seq,"
    " wake_at, created_at, updated_at"
)
_INSERT = (
    f"insert into orders.solution_runs ({_COLUMNS}) values ("  # noqa: S608 - constant columns
    "$1, $2, $3, $4, $5, $6, $7::text::jsonb, $8, $9, $10, $11, $12, $13, $14::text::jsonb, $15,"
    " $16::text::jsonb, $17, $18, $19, $20, $21)"
)
_UPDATE = (
    "update orders.solution_runs set state = $3, code = $4, input = $5::text::jsonb, sealed = $6,"
    " branches = $7::text::jsonb, revision = revision + 1, event_seq = $8, wake_at = $9,"
    " updated_at = $10 where partner_id = $1 and run_id = $2"
)
_LOOKED_AT = (
    "update orders.solution_runs set wake_at = $4"
    " where partner_id = $1 and run_id = $2 and revision = $3 and wake_at is not null"
)
_JOURNAL = (
    "insert into orders.solution_journal (partner_id, run_id, revision, state, branches, at)"
    " values ($1, $2, $3, $4, $5::text::jsonb, $6)"
)
_CHILD = (
    "insert into orders.solution_children (partner_id, order_id, run_id, step_id)"
    " values ($1, $2, $3, $4) on conflict do nothing"
)
# A caller without a tenant is the partner itself and sees the runs of all of its tenants.
_VISIBLE = "partner_id = $1 and ($2::text is null or tenant_id = $2)"


def inserted(run: Run) -> list[Write]:
    """The rows of a new run, at revision 1."""
    row = Write(
        _INSERT,
        (
            run.partner,
            run.id,
            run.tenant or "",
            run.app,
            run.environment,
            run.solution.id,
            _json(run.solution),
            run.number,
            run.key,
            run.request_hash,
            run.content_hash,
            run.state.value,
            run.code,
            _json(run.input),
            run.sealed,
            _json(run.branches),
            1,
            run.event_seq,
            run.wake_at,
            run.created_at,
            run.updated_at,
        ),
    )
    return [row, _journaled(run, run.branches, revision=0)]


def updated(before: Run, run: Run) -> list[Write]:
    """The rows of a changed run; a second writer of ``before`` violates the journal's key."""
    changed = [each for each, was in zip(run.branches, before.branches, strict=True) if each != was]
    row = Write(
        _UPDATE,
        (
            run.partner,
            run.id,
            run.state.value,
            run.code,
            _json(run.input),
            run.sealed,
            _json(run.branches),
            run.event_seq,
            run.wake_at,
            run.updated_at,
        ),
    )
    children = [
        Write(_CHILD, (run.partner, each.order, run.id, each.step))
        for each in changed
        if each.order
    ]
    return [row, _journaled(run, changed, revision=before.revision), *children]


def looked_at(run: Run, *, again: datetime) -> Write:
    """The run was looked at and rests as it is until ``again``."""
    return Write(_LOOKED_AT, (run.partner, run.id, run.revision, again))


def _journaled(run: Run, changed: Sequence[Branch], *, revision: int) -> Write:
    return Write(
        _JOURNAL,
        (run.partner, run.id, revision, run.state.value, _json(list(changed)), run.updated_at),
    )


async def find(db: Connection, scope: Scope, run_id: str) -> Run | None:
    """The run with this id that the caller may see."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from orders.solution_runs where {_VISIBLE} and run_id = $3",  # noqa: S608
        scope.partner,
        scope.tenant,
        run_id,
    )
    return _run(row) if row else None


async def find_by_key(db: Connection, partner: str, tenant: str, app: str, key: str) -> Run | None:
    """The run that a key of an app began."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from orders.solution_runs"  # noqa: S608 - constant columns
        " where partner_id = $1 and tenant_id = $2 and app_id = $3 and key = $4",
        partner,
        tenant,
        app,
        key,
    )
    return _run(row) if row else None


async def find_by_number(db: Connection, partner: str, tenant: str, number: str) -> Run | None:
    """The run that has the partner's own number."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from orders.solution_runs"  # noqa: S608 - constant columns
        " where partner_id = $1 and tenant_id = $2 and run_no = $3",
        partner,
        tenant,
        number,
    )
    return _run(row) if row else None


async def page(
    db: Connection, scope: Scope, *, solution: str | None, before: str, limit: int
) -> list[Run]:
    """Up to ``limit`` runs with an id below ``before`` (empty: all), newest first."""
    rows = await db.fetch(
        f"select {_COLUMNS} from orders.solution_runs where {_VISIBLE}"  # noqa: S608 - constant
        " and ($3::text is null or solution = $3) and ($4 = '' or run_id < $4)"
        " order by run_id desc limit $5",
        scope.partner,
        scope.tenant,
        solution,
        before,
        limit,
    )
    return [_run(row) for row in rows]


async def of_child(db: Connection, partner: str, order_id: str) -> list[str]:
    """The runs that wait for an order."""
    rows = await db.fetch(
        "select distinct run_id from orders.solution_children"
        " where partner_id = $1 and order_id = $2",
        partner,
        order_id,
    )
    return [row["run_id"] for row in rows]


async def to_wake(
    db: Connection, at: datetime, *, after: tuple[datetime, str, str], limit: int
) -> list[tuple[datetime, str, str]]:
    """(wake_at, partner, run) of runs whose time has come, beyond ``after``.

    Reads over all partners: the sweeper acts for the bank, not for a caller.
    """
    rows = await db.fetch(
        "select wake_at, partner_id, run_id from orders.solution_runs where wake_at <= $1"
        " and (wake_at, partner_id, run_id) > ($2, $3, $4)"
        " order by wake_at, partner_id, run_id limit $5",
        at,
        *after,
        limit,
    )
    return [(row["wake_at"], row["partner_id"], row["run_id"]) for row in rows]


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _run(row: Row) -> Run:
    values = dict(row)
    values.pop("solution")
    return Run(
        partner=values.pop("partner_id"),
        id=values.pop("run_id"),
        tenant=values.pop("tenant_id") or None,
        app=values.pop("app_id"),
        solution=msgspec.json.decode(values.pop("definition"), type=Solution),
        number=values.pop("run_no"),
        state=RunState(values.pop("state")),
        input=msgspec.json.decode(values.pop("input")),
        branches=msgspec.json.decode(values.pop("branches"), type=tuple[Branch, ...]),
        **values,
    )
