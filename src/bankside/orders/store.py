"""SQL of orders and their journal. Every question takes the partner (and tenant).

Reads take a connection; whatever changes is a ``Write``, so that it commits with the postings it
belongs to. JSON columns hold what ``msgspec`` writes; plans and terms are rebuilt as they were.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from bankside.kernel.db import Connection, Row, Write
from bankside.orders.model import Entry, Order, PlanStep, State, Terms

_COLUMNS = (
    "partner_id, order_id, tenant_id, app_id, psu_id, product, product_version, family, state,"
    " status, plan, position, waits_for, wake_at, due_on, scope, reference, content_hash, subject,"
    " parent_id, currency, amount, paid, refunded, split, pending, held, settled, fee, requests,"
    " shares, terms, roles, input, output, book, revision, event_seq, created_at, updated_at"
)
_INSERT = (
    f"insert into orders.orders ({_COLUMNS}) values ("  # noqa: S608 - constant column list
    "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text::jsonb, $12, $13, $14, $15, $16, $17, $18,"
    " $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31::text::jsonb,"
    " $32::text::jsonb, $33::text::jsonb, $34::text::jsonb, $35::text::jsonb, $36::text::jsonb,"
    " $37, $38, $39, $40)"
)
_UPDATE = (
    "update orders.orders set state = $4, status = $5, position = $6, waits_for = $7,"
    " wake_at = $8, due_on = $9, paid = $10, refunded = $11, split = $12, pending = $13,"
    " held = $14, settled = $15, fee = $16, requests = $17, shares = $18::text::jsonb,"
    " roles = $19::text::jsonb, output = $20::text::jsonb, book = $21::text::jsonb,"
    " revision = revision + 1, event_seq = $22, updated_at = $23"
    " where partner_id = $1 and order_id = $2 and revision = $3"
)
_JOURNAL = (
    "insert into orders.journal (partner_id, order_id, revision, n, step_id, use, status,"
    " reference, content_hash, group_id, output, at)"
    " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text::jsonb, $12)"
)
# A caller without a tenant is the partner itself and sees what it did for all of its tenants.
_VISIBLE = "partner_id = $1 and ($2::text is null or tenant_id = $2)"


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose orders and accounts a question is about.

    ``accounts``: ids of the only accounts it may reach; None: all that are its own.
    """

    partner: str
    tenant: str | None
    accounts: frozenset[str] | None = None


def inserted(order: Order) -> Write:
    """The row of a new order."""
    return Write(
        _INSERT,
        (
            order.partner,
            order.id,
            order.tenant,
            order.app,
            order.psu,
            order.product,
            order.product_version,
            order.family,
            order.state.value,
            order.status,
            _json(order.plan),
            order.position,
            order.waits_for,
            order.wake_at,
            order.due_on,
            order.scope,
            order.reference,
            order.content_hash,
            order.subject,
            order.parent,
            order.currency,
            order.amount,
            *_sums(order),
            order.requests,
            _json(order.shares),
            _json(order.terms),
            _json(order.roles),
            _json(order.input),
            _json(order.output),
            _json(order.book),
            order.revision,
            order.event_seq,
            order.created_at,
            order.updated_at,
        ),
    )


def updated(order: Order, *, revision: int) -> Write:
    """The row of a changed order that stood at ``revision`` before."""
    return Write(
        _UPDATE,
        (
            order.partner,
            order.id,
            revision,
            order.state.value,
            order.status,
            order.position,
            order.waits_for,
            order.wake_at,
            order.due_on,
            *_sums(order),
            order.requests,
            _json(order.shares),
            _json(order.roles),
            _json(order.output),
            _json(order.book),
            order.event_seq,
            order.updated_at,
        ),
    )


def journaled(
    order: Order, entries: Sequence[Entry], *, revision: int, group: UUID | None
) -> list[Write]:
    """The journal rows of one change. A second writer from ``revision`` violates their key."""
    return [
        Write(
            _JOURNAL,
            (
                order.partner,
                order.id,
                revision,
                n,
                entry.step_id,
                entry.use,
                entry.status,
                entry.reference,
                entry.content_hash,
                group,
                _json(entry.output),
                order.updated_at,
            ),
        )
        for n, entry in enumerate(entries)
    ]


async def find(db: Connection, scope: Scope, order_id: str) -> Order | None:
    """The order with this id that the caller may see."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from orders.orders where {_VISIBLE} and order_id = $3",  # noqa: S608
        scope.partner,
        scope.tenant,
        order_id,
    )
    return _order(row) if row else None


async def find_by_reference(
    db: Connection, partner: str, scopes: Sequence[str], reference: str
) -> Order | None:
    """The order with the partner's own number in one of its number spaces, oldest first."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from orders.orders"  # noqa: S608 - constant column list
        " where partner_id = $1 and scope = any($2::text[]) and reference = $3"
        " order by order_id limit 1",
        partner,
        list(scopes),
        reference,
    )
    return _order(row) if row else None


async def waiting_on(db: Connection, partner: str, subject: str, use: str) -> Order | None:
    """The order about a ledger account that waits at a step of this primitive."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from orders.orders where partner_id = $1 and subject = $2"  # noqa: S608
        " and waits_for = $3 order by order_id desc limit 1",
        partner,
        subject,
        use,
    )
    return _order(row) if row else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which orders a list shows; None asks for nothing; times are half-open.

    ``about`` is a ledger account: the order's subject, or a holder of the instrument it is.
    """

    product: str | None = None
    families: Sequence[str] | None = None
    reference: str | None = None
    subject: str | None = None
    parent: str | None = None
    about: str | None = None
    status: str | None = None
    since: datetime | None = None
    until: datetime | None = None


# One condition a field of Filter: only what is asked stands in the statement, so that each question
# finds its index.
_CONDITIONS = {
    "product": "product = ${}",
    "families": "family = any(${}::text[])",
    "reference": "reference = ${}",
    "subject": "subject = ${}",
    "parent": "parent_id = ${}",
    "status": "status = ${}",
    # Whose subject an account is, or who holds a part of a paper.
    "about": "(subject = ${0} or (scope like 'instr:%' and shares ? ${0})"
    " or (scope like 'policy:%' and roles ->> 'account' = ${0}))",
    "since": "created_at >= ${}",
    "until": "created_at < ${}",
}


async def page(
    db: Connection, scope: Scope, chosen: Filter, *, before: str, limit: int
) -> list[Order]:
    """Up to ``limit`` orders with an id below ``before`` (empty: all), newest first."""
    where = [_VISIBLE]
    values: list[Any] = [scope.partner, scope.tenant]
    asked = {name: getattr(chosen, name) for name in _CONDITIONS} | {"before": before or None}
    for name, value in asked.items():
        if value is not None:
            values.append(value)
            where.append(_CONDITIONS.get(name, "order_id < ${}").format(len(values)))
    values.append(limit)
    rows = await db.fetch(
        f"select {_COLUMNS} from orders.orders where {' and '.join(where)}"  # noqa: S608 - constants
        f" order by order_id desc limit ${len(values)}",
        *values,
    )
    return [_order(row) for row in rows]


async def to_wake(
    db: Connection,
    at: datetime,
    *,
    after: tuple[datetime, str, str],
    limit: int,
    apart: Collection[str] = (),
) -> list[Order]:
    """Orders whose time has come, longest overdue first, beyond (wake_at, partner, id) ``after``.

    Reads over all partners but those ``apart``, which live by clocks of their own: the sweeper
    acts for the bank, not for a caller.
    """
    rows = await db.fetch(
        f"select {_COLUMNS} from orders.orders where wake_at <= $1"  # noqa: S608 - constant
        " and (wake_at, partner_id, order_id) > ($2, $3, $4) and partner_id <> all($6::text[])"
        " order by wake_at, partner_id, order_id limit $5",
        at,
        *after,
        limit,
        list(apart),
    )
    return [_order(row) for row in rows]


async def to_settle(
    db: Connection,
    on: date,
    *,
    after: tuple[str, str],
    limit: int,
    apart: Collection[str] = (),
) -> list[Order]:
    """Paid orders due on a business date or before, by (partner, id) above ``after``.

    Reads over all partners but those ``apart``: the end of day is the bank's own.
    """
    rows = await db.fetch(
        f"select {_COLUMNS} from orders.orders"  # noqa: S608 - constant column list
        " where due_on <= $1 and waits_for is not null and (partner_id, order_id) > ($2, $3)"
        " and partner_id <> all($5::text[]) order by partner_id, order_id limit $4",
        on,
        *after,
        limit,
        list(apart),
    )
    return [_order(row) for row in rows]


async def journal(db: Connection, partner: str, order_id: str) -> list[Entry]:
    """The order's journal, oldest first."""
    rows = await db.fetch(
        "select step_id, use, status, output, reference, content_hash from orders.journal"
        " where partner_id = $1 and order_id = $2 order by revision, n",
        partner,
        order_id,
    )
    return [
        Entry(
            row["step_id"],
            row["use"],
            row["status"],
            msgspec.json.decode(row["output"]),
            row["reference"],
            row["content_hash"],
        )
        for row in rows
    ]


async def journaled_number(db: Connection, order: Order, use: str, reference: str) -> bytes | None:
    """The content hash of the step that used the partner's number on this order before."""
    found: bytes | None = await db.fetchval(
        "select content_hash from orders.journal where partner_id = $1 and order_id = $2"
        " and use = $3 and reference = $4 and status = 'done'",
        order.partner,
        order.id,
        use,
        reference,
    )
    return found


def _sums(order: Order) -> tuple[int, ...]:
    return (
        order.paid,
        order.refunded,
        order.split,
        order.pending,
        order.held,
        order.settled,
        order.fee,
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _order(row: Row) -> Order:
    values = dict(row)
    return Order(
        partner=values.pop("partner_id"),
        id=values.pop("order_id"),
        tenant=values.pop("tenant_id"),
        app=values.pop("app_id"),
        psu=values.pop("psu_id"),
        parent=values.pop("parent_id"),
        state=State(values.pop("state")),
        plan=msgspec.json.decode(values.pop("plan"), type=tuple[PlanStep, ...]),
        terms=msgspec.json.decode(values.pop("terms"), type=Terms),
        **{name: msgspec.json.decode(values.pop(name)) for name in _OBJECTS},
        **values,
    )


_OBJECTS = ("shares", "roles", "input", "output", "book")
