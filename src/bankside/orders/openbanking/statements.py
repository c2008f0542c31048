"""Monthly statements as a consent shows them: Detail tells the balances before and after.

Always true: a statement is a whole month of the bank's calendar that is over; it is shown only when
the month lies within the consent's period. It is derived from the ledger, never stored.
Source: UK Open Banking Account and Transaction API 3.1 (OBStatement2).
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from bankside.bank.accounts import Account
from bankside.bank.ledger import Period, turnover
from bankside.identity.consents import Consent, Permission
from bankside.kernel.call import Answer
from bankside.kernel.clock import BANK_ZONE, rfc3339
from bankside.kernel.db import Connection
from bankside.kernel.money import Money
from bankside.orders.desk import Desk, Ticket
from bankside.orders.openbanking.consulting import allowed, kept_accounts, noted, opened
from bankside.orders.openbanking.reading import read_query, shown_amount
from bankside.orders.openbanking.showing import Shown, done, shown

STATEMENTS = (Permission.STATEMENTS_BASIC, Permission.STATEMENTS_DETAIL)
# Two years, newest first; a year later they are asked for by a consent of their own time.
MONTHS_MAX = 24


async def statements(desk: Desk, ticket: Ticket) -> Answer:
    """The statements of the account in the path, or of every account."""
    read_query(ticket)
    today = desk.clock.now().astimezone(BANK_ZONE).date()
    items: list[Shown] = []
    async with desk.reading() as db:
        found = await opened(desk, db, ticket, STATEMENTS)
        for account in await kept_accounts(db, ticket, found):
            consent = found[account.id]
            in_detail = allowed(consent, account.id, Permission.STATEMENTS_DETAIL)
            for first, last in _months(account, consent, today):
                items.append(_statement(account, first, last))
                if in_detail:
                    items[-1]["StatementAmount"] = await _amounts(db, account, first, last)
        await noted(desk, db, found.values())
    return done(ticket, shown(desk, ticket, {"Statement": items}))


def _months(account: Account, consent: Consent, today: date) -> Iterator[tuple[date, date]]:
    """First and last day of each month that has a statement, newest first."""
    opened_on = account.opened_at.astimezone(BANK_ZONE).date()
    last = today.replace(day=1) - timedelta(days=1)
    for _ in range(MONTHS_MAX):
        first = last.replace(day=1)
        if last < opened_on:
            return
        begins, ends = _midnight(first), _midnight(last + timedelta(days=1))
        after = consent.entries_from is None or begins >= consent.entries_from
        before = consent.entries_to is None or ends <= consent.entries_to
        if after and before:
            yield first, last
        last = first - timedelta(days=1)


def _statement(account: Account, first: date, last: date) -> Shown:
    ends = rfc3339(_midnight(last + timedelta(days=1)))
    return {
        "AccountId": account.id,
        "StatementId": f"{account.id}.{first:%Y-%m}",
        "Type": "RegularPeriodic",
        "StartDateTime": rfc3339(_midnight(first)),
        "EndDateTime": ends,
        "CreationDateTime": ends,
    }


async def _amounts(db: Connection, account: Account, first: date, last: date) -> list[Shown]:
    """The balances before and after the month."""
    moved = await turnover(db, account.ledger_account, period=Period(first=first, last=last))
    return [
        _amount("PreviousClosingBalance", moved.opening),
        _amount("ClosingBalance", moved.closing),
    ]


def _amount(kind: str, money: Money) -> Shown:
    return {
        "CreditDebitIndicator": "Credit" if money.minor >= 0 else "Debit",
        "Type": f"UK.OBIE.{kind}",
        "Amount": shown_amount(money),
    }


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), BANK_ZONE)
