"""What the files imply but do not hold: opening balances and postings, derived by a fixed rule.

The published set has no transactions here; these stand in for them, and each one says so (its
narrative begins with ``derived:``). The rule is deterministic, so two loads give the same books:

1. The books end on 31 December of the latest year in the files.
2. A loan is paid out to its account on the day it was granted (loan book > account).
3. Instalments of ``payments`` follow each month after the grant, up to the loan's duration and the
   end of the books, when its status says that all was paid so far (A, C). Of B and D the files say
   that payments are missing, not which ones: none is derived.
4. A permanent order is paid on the 5th of each of the last three months of the books after its
   account was opened (account > clearing). An order of category LO on an account with a loan is
   that loan's instalment and is not paid a second time.
5. An account opens with what the postings of rules 2 to 4 lack at their lowest point, rounded up to
   1,000 CZK, and 1,000 CZK more (opening balances > account): no derived posting overdraws it.
"""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from bankside.bank.berka.model import DerivedPosting, Files, Loan

STANDING_MONTHS = 3
STANDING_DAY = 5
OPENING_STEP_MINOR = 100_000

# Kinds in the order in which they are posted on one day.
KINDS = ("openings", "loan_grants", "instalments", "standing_payments")


def kind_of(posting: DerivedPosting) -> str:
    """Which of KINDS a derived posting is: the first word of its key."""
    return posting.key.split("/")[0]


def derive(files: Files) -> list[DerivedPosting]:
    """All derived postings, oldest first; on one day in the order of KINDS, then by key."""
    end = _end_of_books(files)
    opened = {account.account_id: account.create_date for account in files.accounts}
    postings = [*_loans(files.loans, end), *_standing_payments(files, opened, end)]
    postings += _openings(opened, postings)
    return sorted(postings, key=_order)


def _order(posting: DerivedPosting) -> tuple[date, int, str]:
    return posting.on, KINDS.index(kind_of(posting)), posting.key


def _end_of_books(files: Files) -> date:
    days = [account.create_date for account in files.accounts]
    days += [loan.granted_date for loan in files.loans]
    days += [card.issued_date for card in files.cards]
    return date(max(days).year, 12, 31) if days else date.min


def _loans(loans: Iterable[Loan], end: date) -> Iterable[DerivedPosting]:
    for loan in loans:
        name = f"loan {loan.loan_id}"
        yield DerivedPosting(
            key=f"loan_grants/{loan.loan_id}",
            on=loan.granted_date,
            account_id=loan.account_id,
            against="loan-book",
            amount=loan.amount,
            narrative=f"derived: {name} paid out",
        )
        if loan.status not in {"A", "C"}:
            continue
        for number in range(1, loan.duration + 1):
            due = _months_later(loan.granted_date, number)
            if due > end:
                break
            yield DerivedPosting(
                key=f"instalments/{loan.loan_id}/{number}",
                on=due,
                account_id=loan.account_id,
                against="loan-book",
                amount=-loan.payments,
                narrative=f"derived: {name} instalment {number} of {loan.duration}",
            )


def _standing_payments(
    files: Files, opened: dict[int, date], end: date
) -> Iterable[DerivedPosting]:
    borrowers = {loan.account_id for loan in files.loans}
    days = [_months_later(end.replace(day=STANDING_DAY), -back) for back in range(STANDING_MONTHS)]
    for order in files.orders:
        if order.category == "LO" and order.account_id in borrowers:
            continue
        for day in days:
            if day < opened[order.account_id]:
                continue
            yield DerivedPosting(
                key=f"standing_payments/{order.order_id}/{day:%Y-%m}",
                on=day,
                account_id=order.account_id,
                against="clearing",
                amount=-order.amount,
                narrative=(
                    f"derived: permanent order {order.order_id}"
                    f" to {order.bank_to} {order.account_to}"
                ),
            )


def _openings(opened: dict[int, date], postings: Iterable[DerivedPosting]) -> list[DerivedPosting]:
    running: dict[int, int] = defaultdict(int)
    lowest: dict[int, int] = defaultdict(int)
    for posting in sorted(postings, key=_order):
        running[posting.account_id] += posting.amount
        lowest[posting.account_id] = min(lowest[posting.account_id], running[posting.account_id])
    return [
        DerivedPosting(
            key=f"openings/{account}",
            on=day,
            account_id=account,
            against="opening",
            amount=(-(lowest[account] // OPENING_STEP_MINOR) + 1) * OPENING_STEP_MINOR,
            narrative="derived: opening balance",
        )
        for account, day in opened.items()
    ]


def _months_later(day: date, months: int) -> date:
    """The same day of another month, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))
