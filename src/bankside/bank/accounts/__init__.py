"""Accounts: numbers, owners and status of customer accounts, what their holders read, who pays.

Always true: an account belongs to one data space (``partner``) and one owner; its number has 19
digits and a right check digit; its money stands in the ledger and nowhere else, and a frozen or
closed account is blocked or closed there in the same transaction. A statement reconciles: opening
balance plus entries is the closing balance. A payment code pays once (sandbox codes of the demo
excepted) and only its hash is stored.

Public: open_account, account, accounts_by_reference, accounts_of, admit_disponent, dispositions,
freeze, unfreeze, close; balance, transactions, statement; issue_payer_token, put_sandbox_token,
payer_of_token, spent, SPENT_ONCE; House, house_account, ensure_house_accounts; may_pay,
may_receive, masked_number; the values of ``model`` and the refusals of ``errors``.
"""

from bankside.bank.accounts.errors import (
    AccountClosed,
    AccountExists,
    AccountFrozen,
    AccountNotEmpty,
    AccountNotFound,
    AccountNumberInvalid,
    AccountTransitionRefused,
    PayerTokenExpired,
    PayerTokenReusable,
    PayerTokenTaken,
    PayerTokenUnknown,
    PayerTokenUsed,
    PeriodInvalid,
    StatementTooLong,
)
from bankside.bank.accounts.house import House, ensure_house_accounts, house_account
from bankside.bank.accounts.model import (
    Account,
    AccountBalance,
    AccountStatus,
    Counterparty,
    Disposition,
    DispositionRole,
    Opening,
    PayerToken,
    ProductClass,
    Statement,
    Transaction,
)
from bankside.bank.accounts.rules import (
    CHOSEN_SERIAL_MIN,
    account_number,
    masked_number,
    may_pay,
    may_receive,
)
from bankside.bank.accounts.service import (
    account,
    accounts_by_reference,
    accounts_of,
    admit_disponent,
    close,
    dispositions,
    freeze,
    issue_payer_token,
    open_account,
    payer_of_token,
    put_sandbox_token,
    spent,
    unfreeze,
)
from bankside.bank.accounts.statements import balance, statement, transactions
from bankside.bank.accounts.store import SPENT_ONCE

__all__ = [
    "CHOSEN_SERIAL_MIN",
    "SPENT_ONCE",
    "Account",
    "AccountBalance",
    "AccountClosed",
    "AccountExists",
    "AccountFrozen",
    "AccountNotEmpty",
    "AccountNotFound",
    "AccountNumberInvalid",
    "AccountStatus",
    "AccountTransitionRefused",
    "Counterparty",
    "Disposition",
    "DispositionRole",
    "House",
    "Opening",
    "PayerToken",
    "PayerTokenExpired",
    "PayerTokenReusable",
    "PayerTokenTaken",
    "PayerTokenUnknown",
    "PayerTokenUsed",
    "PeriodInvalid",
    "ProductClass",
    "Statement",
    "StatementTooLong",
    "Transaction",
    "account",
    "account_number",
    "accounts_by_reference",
    "accounts_of",
    "admit_disponent",
    "balance",
    "close",
    "dispositions",
    "ensure_house_accounts",
    "freeze",
    "house_account",
    "issue_payer_token",
    "masked_number",
    "may_pay",
    "may_receive",
    "open_account",
    "payer_of_token",
    "put_sandbox_token",
    "spent",
    "statement",
    "transactions",
    "unfreeze",
]
