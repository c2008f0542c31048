"""What an account holder reads: balance, transactions and statements, all from the ledger.

A hold moves money to a hold account, so it is an entry like any other: ``kind`` says ``hold``, and
what comes back is a ``release``. Balances after an entry are what the account can still pay.
"""

from collections.abc import Sequence
from datetime import date

from bankside.bank import ledger
from bankside.bank.accounts import rules, store
from bankside.bank.accounts.errors import StatementTooLong
from bankside.bank.accounts.house import house_counterparty
from bankside.bank.accounts.model import (
    OUTSIDE,
    Account,
    AccountBalance,
    Statement,
    Transaction,
)
from bankside.bank.ledger import Entry, Period
from bankside.kernel.db import Connection
from bankside.kernel.paging import LIMIT_MAX, Page

# A statement is one answer or one file; 20,000 rows are about 4 MB of CSV.
STATEMENT_ROWS_MAX = 20_000


async def balance(db: Connection, of: Account) -> AccountBalance:
    """The account's money now."""
    found = await ledger.balance(db, of.ledger_account)
    return AccountBalance(booked=found.booked, available=found.available, held=found.held)


async def transactions(
    db: Connection,
    of: Account,
    *,
    from_date: date | None = None,
    to_date: date | None = None,
    cursor: str | None = None,
    limit: int | None = None,
) -> Page[Transaction]:
    """A page of the account's entries booked in the period (both days included), newest first.

    Raises PeriodInvalid, CursorInvalid, LimitInvalid.
    """
    rules.checked_period(from_date, to_date)
    found = await ledger.entries_page(
        db,
        of.ledger_account,
        period=Period(first=from_date, last=to_date),
        cursor=cursor,
        limit=limit,
    )
    return Page(await _shown(db, of, found.items), found.next_cursor)


async def statement(db: Connection, of: Account, *, from_date: date, to_date: date) -> Statement:
    """All entries booked in the period, oldest first, with the balances before and after.

    Raises PeriodInvalid, StatementTooLong.
    """
    rules.checked_period(from_date, to_date)
    period = Period(first=from_date, last=to_date)
    turnover = await ledger.turnover(db, of.ledger_account, period=period)
    if turnover.last_version - turnover.first_version >= STATEMENT_ROWS_MAX:
        raise StatementTooLong(f"a statement carries at most {STATEMENT_ROWS_MAX} entries")
    rows: list[Transaction] = []
    # Page by page up to the version the closing balance belongs to: what is posted meanwhile
    # comes after it and waits for the next statement.
    last = turnover.first_version - 1
    while last < turnover.last_version:
        page = await ledger.entries_page(
            db,
            of.ledger_account,
            newest_first=False,
            cursor=str(last),
            limit=min(LIMIT_MAX, turnover.last_version - last),
        )
        rows += await _shown(db, of, page.items)
        last = rows[-1].sequence
    return Statement(of, from_date, to_date, turnover.opening, turnover.closing, tuple(rows))


async def _shown(db: Connection, of: Account, entries: Sequence[Entry]) -> tuple[Transaction, ...]:
    """The entries as the account holder sees them, each with its other side's name."""
    others = sorted({entry.counterparty for entry in entries})
    known = await store.counterparties(db, of.partner, others) if others else {}
    return tuple(
        Transaction(
            sequence=entry.version,
            group=entry.group,
            kind=entry.kind,
            booking_date=entry.booking_date,
            value_date=entry.value_date,
            booked_at=entry.booked_at,
            amount=entry.amount,
            credit_debit="CRDT" if entry.amount.minor > 0 else "DBIT",
            balance_after=entry.balance_after,
            counterparty=known.get(entry.counterparty)
            or house_counterparty(entry.counterparty)
            or OUTSIDE,
            narrative=entry.narrative,
        )
        for entry in entries
    )
