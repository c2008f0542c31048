"""The ledger: double entry in integer minor units, append-only, sealed in a chain of hashes.

Always true: every leg moves one positive amount between two accounts of one currency, so the sum of
all balances of a currency is zero; balance = credits - debits (a customer's money is positive, the
bank's assets negative); no balance is below its floor after any leg; a group is posted as a whole,
once, and a repeat of its id gets the first verdict; entries are never changed, only followed.

A reservation is a group with ``hold=Hold(expires_at)`` whose first leg credits an account of class
``hold``; ``Capture(hold)`` and ``Release(hold)`` take it from there. A hold's id is its group's id.

Many callers of one process post through ``Books`` (group commit); a worker that has a transaction
of its own uses ``post``. ``open_account``, ``set_status``, ``set_floor`` and ``open_ledger`` are
writes: riders of a unit, or ``carry_out(db, open_account(...))``.

Public: Books, post, group_id, Group, Leg, Hold, Capture, Release, Verdict, REASONS; NewAccount,
AccountClass, AccountStatus, open_account, set_status, set_floor, open_ledger, carry_out; balance,
balances, Balance, entries_page, Entry, Period, turnover, Turnover, lowest, transfer, Posted, hold,
space_books, HoldState, expire_holds; verify, Report, Fault, Head; errors.
"""

from bankside.bank.ledger.books import Books
from bankside.bank.ledger.errors import (
    FloorRefused,
    GroupInvalid,
    LedgerAccountClosed,
    LedgerAccountExists,
    LedgerAccountNotEmpty,
    LedgerAccountUnknown,
    LedgerBusy,
    LedgerUnavailable,
    LedgerUnknown,
    OutcomeUnknown,
)
from bankside.bank.ledger.model import (
    LEGS_MAX,
    MAIN,
    NARRATIVE_OCTETS_MAX,
    REASONS,
    AccountClass,
    AccountStatus,
    Balance,
    Capture,
    Entry,
    Group,
    Head,
    Hold,
    HoldState,
    Leg,
    NewAccount,
    Posted,
    Release,
    Verdict,
    group_id,
)
from bankside.bank.ledger.proof import Fault, Report, verify
from bankside.bank.ledger.service import (
    Period,
    Turnover,
    balance,
    balances,
    carry_out,
    entries_page,
    expire_holds,
    hold,
    lowest,
    open_account,
    open_ledger,
    post,
    set_floor,
    set_status,
    space_books,
    transfer,
    turnover,
)

__all__ = [
    "LEGS_MAX",
    "MAIN",
    "NARRATIVE_OCTETS_MAX",
    "REASONS",
    "AccountClass",
    "AccountStatus",
    "Balance",
    "Books",
    "Capture",
    "Entry",
    "Fault",
    "FloorRefused",
    "Group",
    "GroupInvalid",
    "Head",
    "Hold",
    "HoldState",
    "LedgerAccountClosed",
    "LedgerAccountExists",
    "LedgerAccountNotEmpty",
    "LedgerAccountUnknown",
    "LedgerBusy",
    "LedgerUnavailable",
    "LedgerUnknown",
    "Leg",
    "NewAccount",
    "OutcomeUnknown",
    "Period",
    "Posted",
    "Release",
    "Report",
    "Turnover",
    "Verdict",
    "balance",
    "balances",
    "carry_out",
    "entries_page",
    "expire_holds",
    "group_id",
    "hold",
    "lowest",
    "open_account",
    "open_ledger",
    "post",
    "set_floor",
    "set_status",
    "space_books",
    "transfer",
    "turnover",
    "verify",
]
