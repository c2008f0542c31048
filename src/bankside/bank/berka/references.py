"""Whether the tables fit each other: references lead somewhere, each account has one owner."""

from collections.abc import Iterable, Iterator
from typing import Any

from bankside.bank.berka.errors import Fault
from bankside.bank.berka.model import Files


def reference_faults(files: Files) -> list[Fault]:
    """Everything that one file says and another contradicts, by file and line."""
    return [
        *_unknown(files, "client", files.clients, "district", files.districts),
        *_unknown(files, "account", files.accounts, "district", files.districts),
        *_unknown(files, "disp", files.disps, "client", files.clients),
        *_unknown(files, "disp", files.disps, "account", files.accounts),
        *_unknown(files, "order", files.orders, "account", files.accounts),
        *_unknown(files, "loan", files.loans, "account", files.accounts),
        *_unknown(files, "card", files.cards, "disp", files.disps),
        *_ownership(files),
        *_loans_of_open_accounts(files),
    ]


def _unknown(
    files: Files, table: str, rows: Iterable[Any], target: str, targets: Iterable[Any]
) -> Iterator[Fault]:
    column = f"{target}_id"
    known = {getattr(each, column) for each in targets}
    for row in rows:
        value = getattr(row, column)
        if value not in known:
            expected = f"the {column} of a row of {files.names[target]}"
            yield Fault(files.names[table], row.line, column, str(value), expected)


def _ownership(files: Files) -> Iterator[Fault]:
    """One owner an account, and one disposition for each pair of client and account."""
    owners: dict[int, int] = {}
    pairs: dict[tuple[int, int], int] = {}
    for disp in files.disps:
        pair = (disp.client_id, disp.account_id)
        if pair in pairs:
            expected = f"one disposition of a client over an account (line {pairs[pair]} has it)"
            yield Fault(files.names["disp"], disp.line, "client_id", str(disp.client_id), expected)
        pairs.setdefault(pair, disp.line)
        if disp.disp_type == "O":
            if disp.account_id in owners:
                expected = f"one owner of an account (line {owners[disp.account_id]} has it)"
                yield Fault(files.names["disp"], disp.line, "disp_type", "'O'", expected)
            owners.setdefault(disp.account_id, disp.line)
    for account in files.accounts:
        if account.account_id not in owners:
            expected = f"an account with an owner (disp_type 'O') in {files.names['disp']}"
            yield Fault(
                files.names["account"],
                account.line,
                "account_id",
                str(account.account_id),
                expected,
            )


def _loans_of_open_accounts(files: Files) -> Iterator[Fault]:
    opened = {account.account_id: account.create_date for account in files.accounts}
    for loan in files.loans:
        since = opened.get(loan.account_id)
        if since is not None and loan.granted_date < since:
            expected = f"a day on or after {since}, when account {loan.account_id} was opened"
            yield Fault(
                files.names["loan"], loan.line, "granted_date", str(loan.granted_date), expected
            )
