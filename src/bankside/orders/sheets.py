"""Rows and bytes of the CSV files that reports are made of, with Chinese and English heads."""

import csv
import io
from collections.abc import Sequence

from bankside.bank.accounts import Statement, Transaction

TRANSACTION_HEAD = (
    "序号 sequence",
    "记账日 booking_date",
    "起息日 value_date",
    "借贷 credit_debit",
    "金额 amount",
    "余额 balance_after",
    "对方户名 counterparty",
    "摘要 narrative",
    "类型 kind",
    "流水号 group",
)
# A spreadsheet runs what begins like this; a text that a payer chose must stay a text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def transaction_row(entry: Transaction) -> tuple[str, ...]:
    """One line of a report, in the order of TRANSACTION_HEAD; a debit's amount is negative."""
    return (
        str(entry.sequence),
        entry.booking_date.isoformat(),
        entry.value_date.isoformat(),
        entry.credit_debit,
        str(entry.amount),
        str(entry.balance_after),
        cell(entry.counterparty.name_zh),
        cell(entry.narrative),
        entry.kind,
        str(entry.group),
    )


def statement_bytes(statement: Statement) -> bytes:
    """The statement file: its facts, the entries oldest first, and the balances around them."""
    account = statement.account
    facts = [
        ("账号 account", account.number),
        ("币种 currency", account.currency),
        ("起始日 from", statement.from_date.isoformat()),
        ("截止日 to", statement.to_date.isoformat()),
        ("期初余额 opening", str(statement.opening)),
        ("期末余额 closing", str(statement.closing)),
        ("笔数 rows", str(len(statement.rows))),
    ]
    return csv_bytes((), [*facts, TRANSACTION_HEAD, *map(transaction_row, statement.rows)])


def csv_bytes(head: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """A CSV file (RFC 4180) with a byte order mark, so that spreadsheets read its Chinese."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    if head:
        writer.writerow(head)
    writer.writerows(rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def cell(text: str) -> str:
    """A text of somebody's choosing, as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
