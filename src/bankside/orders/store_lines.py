"""SQL of bulk order lines and of files orders produced. Every question takes the partner."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bankside.kernel.db import Connection, Row, Write
from bankside.orders.model import Line

_INSERT = (
    "insert into orders.lines (partner_id, order_id, line_no, payee_account, ledger_account,"
    " amount, remark, state, updated_at, withheld)"
    " values ($1, $2, $3, $4, $5, $6, $7, 'prepared', $8, $9)"
)
_RETRIED = (
    "update orders.lines set retried_in = $4, updated_at = $5"
    " where partner_id = $1 and order_id = $2 and line_no = $3 and retried_in is null"
)
_ABSENT = (
    "update orders.lines set state = 'failed', reason = $4, updated_at = $5"
    " where partner_id = $1 and order_id = $2 and line_no = any($3::int[]) and state = 'prepared'"
)
_FILE = (
    "insert into orders.files (partner_id, order_id, content_type, sha256, content, created_at)"
    " values ($1, $2, $3, $4, $5, $6)"
)
_COLUMNS = (
    "line_no, payee_account, ledger_account, amount, remark, state, reason, group_id, retried_in,"
    " withheld"
)


@dataclass(frozen=True, slots=True)
class Sums:
    """What became of a bulk order's lines; amounts in minor units."""

    prepared: int
    confirmed: int
    confirmed_count: int
    failed: int
    failed_count: int
    withheld: int = 0


@dataclass(frozen=True, slots=True)
class File:
    """A file an order produced."""

    content_type: str
    sha256: bytes
    content: bytes


def inserted(partner: str, order_id: str, lines: Sequence[Line], *, at: datetime) -> list[Write]:
    """The rows of a bulk order's lines, each written before it is sent."""
    return [
        Write(
            _INSERT,
            (
                partner,
                order_id,
                line.no,
                line.payee_account,
                line.ledger_account,
                line.amount,
                line.remark,
                at,
                line.withheld,
            ),
        )
        for line in lines
    ]


def retried(
    partner: str, order_id: str, lines: Sequence[Line], *, by: str, at: datetime
) -> list[Write]:
    """Marks failed lines as sent again by the order ``by``."""
    return [Write(_RETRIED, (partner, order_id, line.no, by, at)) for line in lines]


def passed_over(
    partner: str, order_id: str, nos: Sequence[int], *, reason: str, at: datetime
) -> Write:
    """Lines that are not sent, with the code that says why."""
    return Write(_ABSENT, (partner, order_id, list(nos), reason, at))


async def prepared(db: Connection, partner: str, order_id: str, *, limit: int) -> list[Line]:
    """Lines that have no result yet, in order."""
    rows = await db.fetch(
        f"select {_COLUMNS} from orders.lines"  # noqa: S608 - constant column list
        " where partner_id = $1 and order_id = $2 and state = 'prepared'"
        " order by line_no limit $3",
        partner,
        order_id,
        limit,
    )
    return [_line(row) for row in rows]


async def finish(
    db: Connection, partner: str, order_id: str, lines: Sequence[Line], *, at: datetime
) -> None:
    """Write the lines' results, in the transaction that posted them."""
    await db.executemany(
        "update orders.lines set state = $4, reason = $5, group_id = $6, updated_at = $7"
        " where partner_id = $1 and order_id = $2 and line_no = $3 and state = 'prepared'",
        [(partner, order_id, line.no, line.state, line.reason, line.group, at) for line in lines],
    )


async def sums(db: Connection, partner: str, order_id: str) -> Sums:
    """What the lines add up to by result."""
    row = await db.fetchrow(
        "select count(*) filter (where state = 'prepared'),"
        " coalesce(sum(amount) filter (where state = 'confirmed'), 0)::bigint,"
        " count(*) filter (where state = 'confirmed'),"
        " coalesce(sum(amount) filter (where state = 'failed'), 0)::bigint,"
        " count(*) filter (where state = 'failed'),"
        " coalesce(sum(withheld) filter (where state = 'confirmed'), 0)::bigint"
        " from orders.lines where partner_id = $1 and order_id = $2",
        partner,
        order_id,
    )
    assert row is not None
    return Sums(*row)


async def failed(db: Connection, partner: str, order_id: str) -> list[Line]:
    """Failed lines that were not sent again, in order."""
    rows = await db.fetch(
        f"select {_COLUMNS} from orders.lines"  # noqa: S608 - constant column list
        " where partner_id = $1 and order_id = $2 and state = 'failed' and retried_in is null"
        " order by line_no",
        partner,
        order_id,
    )
    return [_line(row) for row in rows]


async def page(
    db: Connection, partner: str, order_id: str, *, after: int, limit: int
) -> list[Line]:
    """Up to ``limit`` lines with a number above ``after``."""
    rows = await db.fetch(
        f"select {_COLUMNS} from orders.lines"  # noqa: S608 - constant column list
        " where partner_id = $1 and order_id = $2 and line_no > $3 order by line_no limit $4",
        partner,
        order_id,
        after,
        limit,
    )
    return [_line(row) for row in rows]


def file_written(partner: str, order_id: str, file: File, *, at: datetime) -> Write:
    """The row of a file."""
    return Write(_FILE, (partner, order_id, file.content_type, file.sha256, file.content, at))


async def file(db: Connection, partner: str, order_id: str) -> File | None:
    """The file an order produced."""
    row = await db.fetchrow(
        "select content_type, sha256, content from orders.files"
        " where partner_id = $1 and order_id = $2",
        partner,
        order_id,
    )
    return File(row["content_type"], row["sha256"], row["content"]) if row else None


def _line(row: Row) -> Line:
    group: UUID | None = row["group_id"]
    return Line(
        no=row["line_no"],
        payee_account=row["payee_account"],
        ledger_account=row["ledger_account"],
        amount=row["amount"],
        remark=row["remark"],
        state=row["state"],
        reason=row["reason"],
        group=group,
        retried_in=row["retried_in"],
        withheld=row["withheld"],
    )
