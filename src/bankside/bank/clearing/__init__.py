"""Clearing: a date is sealed, netted a merchant, and paid out from supervised accounts at T+1.

Owns the batch of each business date, the positions of merchants, their payouts and their terms.
Always true: a sealed date is a range of the ledger's chain that nothing can enter; a re-run of it
finds the same bytes; a merchant gets at most one payment a date, in its own currency, and never
twice; unknown is never failed; proceeds stand on the bank's book sub-accounts, where no product of
a platform can reach them.

Each data space of the sandbox is cleared by itself, by its own clock; BANK is all the rest.

Public: seal, seal_space, seals_next, steps_next, advance, reconciled, may_pay, read_batch,
unfinished, newest; agree, terms, Terms, Outside, fund_reserve, platform_reserve, refund_funding,
supervised, Supervised; release, payouts_of, payout_counts, positions, partners_of, batches;
write_file, give_out, Whose, Written, Statement, Form, Sign; Batch, BatchState, Position, Payout,
PayoutState, FINAL, AVAILABLE, BANK, clears; errors.
"""

from bankside.bank.clearing.errors import (
    BatchNotFound,
    BatchTransitionRefused,
    BatchUnbalanced,
    DateNotClosed,
    DatePassed,
    PayoutNotFound,
    PayoutTransitionRefused,
    ReleaseFourEyesRequired,
    ReserveRefused,
    StatementChanged,
    TermsInvalid,
)
from bankside.bank.clearing.model import (
    AVAILABLE,
    BANK,
    FINAL,
    Batch,
    BatchState,
    Outside,
    Payout,
    PayoutState,
    Position,
    Terms,
    clears,
)
from bankside.bank.clearing.sealing import seal, seal_space, seals_next, steps_next
from bankside.bank.clearing.service import (
    Supervised,
    agree,
    fund_reserve,
    platform_reserve,
    read_batch,
    refund_funding,
    release,
    supervised,
)
from bankside.bank.clearing.statement import (
    Form,
    Sign,
    Statement,
    Whose,
    Written,
    give_out,
    write_file,
)
from bankside.bank.clearing.store import batches, newest, positions, terms, unfinished
from bankside.bank.clearing.store import partners as partners_of
from bankside.bank.clearing.store_payouts import payout_counts, payouts_of
from bankside.bank.clearing.workflow import advance, may_pay, reconciled

__all__ = [
    "AVAILABLE",
    "BANK",
    "FINAL",
    "Batch",
    "BatchNotFound",
    "BatchState",
    "BatchTransitionRefused",
    "BatchUnbalanced",
    "DateNotClosed",
    "DatePassed",
    "Form",
    "Outside",
    "Payout",
    "PayoutNotFound",
    "PayoutState",
    "PayoutTransitionRefused",
    "Position",
    "ReleaseFourEyesRequired",
    "ReserveRefused",
    "Sign",
    "Statement",
    "StatementChanged",
    "Supervised",
    "Terms",
    "TermsInvalid",
    "Whose",
    "Written",
    "advance",
    "agree",
    "batches",
    "clears",
    "fund_reserve",
    "give_out",
    "may_pay",
    "newest",
    "partners_of",
    "payout_counts",
    "payouts_of",
    "platform_reserve",
    "positions",
    "read_batch",
    "reconciled",
    "refund_funding",
    "release",
    "seal",
    "seal_space",
    "seals_next",
    "steps_next",
    "supervised",
    "terms",
    "unfinished",
    "write_file",
]
