"""Reconciliation: orders, ledger and a channel's file of a date agree, or there is a break.

Owns the files channels sent, the runs of dates, and the breaks with their owners and adjustments.
Always true: a date is reconciled after it closed, against one file, and every later run of it finds
byte for byte the same; a break is adjusted only by a new posting that a second person approved;
money that nobody can name waits in suspense with an open break, never on a guess.

Public: run, was_run, write_own, Day, Orders, Outcome; read, ChannelFile, Head, head_line,
record_line, trailer_line; list_breaks, find, Chosen, age_days, assign, propose, approve, close,
Adjustment; Break, BreakKind, BreakStatus, Found, Record, Source, KINDS, RECEIPT, OWN,
LINE_OCTETS_MAX; books (the ledger's records of some hours); errors.
"""

from bankside.bank.reconciliation.adjusting import (
    Chosen,
    age_days,
    approve,
    assign,
    close,
    find,
    list_breaks,
    propose,
)
from bankside.bank.reconciliation.channel_file import (
    LINE_OCTETS_MAX,
    ChannelFile,
    Head,
    head_line,
    read,
    record_line,
    trailer_line,
)
from bankside.bank.reconciliation.errors import (
    AdjustmentInvalid,
    AdjustmentRefused,
    BreakNotFound,
    BreaksTooMany,
    BreakTransitionRefused,
    ChannelFileInvalid,
    ChannelFileMismatch,
    ChannelFileReplaced,
    ChannelFileTotalWrong,
    ChannelFileTruncated,
    DateChanged,
    DateNotSealed,
    FourEyesRequired,
    ReferenceCrowded,
)
from bankside.bank.reconciliation.model import (
    KINDS,
    OWN,
    RECEIPT,
    Adjustment,
    Break,
    BreakKind,
    BreakStatus,
    Found,
    Outcome,
    Record,
    Source,
)
from bankside.bank.reconciliation.service import Day, Orders, run, was_run, write_own
from bankside.bank.reconciliation.store import ledger_records as books

__all__ = [
    "KINDS",
    "LINE_OCTETS_MAX",
    "OWN",
    "RECEIPT",
    "Adjustment",
    "AdjustmentInvalid",
    "AdjustmentRefused",
    "Break",
    "BreakKind",
    "BreakNotFound",
    "BreakStatus",
    "BreakTransitionRefused",
    "BreaksTooMany",
    "ChannelFile",
    "ChannelFileInvalid",
    "ChannelFileMismatch",
    "ChannelFileReplaced",
    "ChannelFileTotalWrong",
    "ChannelFileTruncated",
    "Chosen",
    "DateChanged",
    "DateNotSealed",
    "Day",
    "Found",
    "FourEyesRequired",
    "Head",
    "Orders",
    "Outcome",
    "Record",
    "ReferenceCrowded",
    "Source",
    "age_days",
    "approve",
    "assign",
    "books",
    "close",
    "find",
    "head_line",
    "list_breaks",
    "propose",
    "read",
    "record_line",
    "run",
    "trailer_line",
    "was_run",
    "write_own",
]
