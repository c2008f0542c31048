"""Family ``file``: a report is asked for, built in the call, and downloaded by its order's id.

The file is kept as it was built; its SHA-256 stands in the order, so that a copy can be verified.
"""

import calendar
import hashlib
from dataclasses import replace
from datetime import date

from bankside.bank.accounts import statement
from bankside.kernel.call import Answer
from bankside.kernel.clock import BANK_ZONE
from bankside.kernel.db import Connection
from bankside.kernel.money import Money
from bankside.orders import carry, parties, store_lines
from bankside.orders.clearing_file import FORMS, settlement_file
from bankside.orders.desk import Desk, Ticket
from bankside.orders.errors import OrderNotFound, PeriodRefused
from bankside.orders.families import digests, drafts
from bankside.orders.inputs import DATE_MAX, DATE_MIN, fault, read_body
from bankside.orders.sheets import csv_bytes, statement_bytes

CSV = "text/csv; charset=utf-8"


async def create(desk: Desk, ticket: Ticket) -> Answer:
    """The product's file about an account over a day or a month, as CSV: a statement, unless said.

    A period that is not over yet is reported up to now; a settlement file is of a cleared date and
    says what its batch says. Raises AccountUnknown, PeriodRefused, and
    StatementTooLong of the accounts.
    """
    form = {"format": "csv", **read_body(ticket.operation.inputs, ticket.call.body)}
    first, last = period(form["period"])
    if not DATE_MIN <= first <= DATE_MAX or first > ticket.at.astimezone(BANK_ZONE).date():
        pointer = fault("/period", PeriodRefused.code, "the period has not begun")
        raise PeriodRefused("the period has not begun", errors=[pointer])
    async with desk.reading() as db:
        named = {"/subject": form["subject"]}
        account = (await parties.known(db, ticket.scope, named))[form["subject"]]
        asked = digests.Asked(ticket.scope, account, first, last, form.get("kind"))
        kind = CSV
        if form["format"] in FORMS:
            kind = FORMS[form["format"]][1]
            content, rows = await settlement_file(db, asked, form["format"])
        else:
            content, rows = await _built(db, ticket, asked)
    digest = hashlib.sha256(content)
    facts = {
        "content_type": kind,
        "bytes": len(content),
        "rows": rows,
        "sha256": digest.hexdigest(),
    }
    order = drafts.draft(
        desk, ticket, form, amount=Money(0, account.currency), subject=account.ledger_account
    )
    order = replace(
        order, scope="file", status="completed", output={**facts, "branch": account.branch}
    )
    file = store_lines.File(kind, digest.digest(), content)
    beginning = carry.Beginning(
        order=order,
        ask={"file": facts},
        use=ticket.operation.runs or order.plan[0].use,
        writes=[store_lines.file_written(order.partner, order.id, file, at=ticket.at)],
    )
    return await carry.begin(desk, ticket, beginning)


async def _built(db: Connection, ticket: Ticket, asked: digests.Asked) -> tuple[bytes, int]:
    """The product's file and how many rows it has below its head."""
    build = digests.BUILDERS.get(ticket.product.id)
    if build is None:
        report = await statement(db, asked.account, from_date=asked.first, to_date=asked.last)
        return statement_bytes(report), len(report.rows)
    head, *rows = await build(db, asked)
    return csv_bytes(head, rows), len(rows)


async def content(desk: Desk, ticket: Ticket) -> Answer:
    """The file's bytes, the same at every download."""
    async with desk.reading() as db:
        order = await carry.of_product(desk, db, ticket)
        file = await store_lines.file(db, order.partner, order.id)
    if file is None:
        raise OrderNotFound
    return Answer(200, file.content, content_type=file.content_type, facts=carry.facts(order))


def period(text: str) -> tuple[date, date]:
    """First and last day of ``2026-02`` or ``2026-02-15``. Raises PeriodRefused for 2026-02-30."""
    try:
        if len(text) == len("2026-02"):
            first = date.fromisoformat(f"{text}-01")
            return first, first.replace(day=calendar.monthrange(first.year, first.month)[1])
        day = date.fromisoformat(text)
    except ValueError as error:
        pointer = fault("/period", PeriodRefused.code, "there is no such day")
        raise PeriodRefused("there is no such day", errors=[pointer]) from error
    return day, day
