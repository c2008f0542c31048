"""Balances, entries, statements and payment statuses: what was booked is what is shown."""

import csv
import hashlib
import io
from datetime import date
from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import AccountNotFound
from bankside.kernel.db import Pool
from bankside.kernel.errors import BanksideError
from bankside.kernel.paging import CursorInvalid, LimitInvalid
from bankside.orders.errors import (
    AccountUnknown,
    InputInvalid,
    OrderNotFound,
    PeriodRefused,
    TransactionNotFound,
)

TRANSFER = "payment.internal-transfers.create"
ENTRIES = "account.account-transactions.list"


@pytest.fixture
def pool(fresh_pool: Pool) -> Pool:
    """Books of its own: elsewhere a test whose clock ran ahead dates the bank's own accounts."""
    return fresh_pool


async def _moved(bank: LittleBank, *amounts: str) -> tuple[Any, Any, list[str]]:
    payer, payee = await bank.account("100.00"), await bank.account()
    made = [
        (
            await bank.shown(
                TRANSFER,
                {
                    "payer_account": payer.id,
                    "payee_account": payee.id,
                    "amount": cny(amount),
                    "remark": f"=转账 {amount}",
                    "end_to_end_id": f"e{number}",
                },
            )
        )["id"]
        for number, amount in enumerate(amounts)
    ]
    return payer, payee, made


def _rows(content: bytes) -> list[list[str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


async def test_a_balance_is_shown_by_id_by_number_and_as_a_file(bank: LittleBank) -> None:
    payer, *_ = await _moved(bank, "12.34")

    item = await bank.shown("account.account-balances.query", path=payer.number)
    listed = await bank.shown("account.account-balances.list", query={"subject": payer.id})
    export = await bank.call("account.account-balances.exports", {"subject": payer.id})

    assert item["booked"] == item["available"] == cny("87.66")
    assert item["held"] == cny("0.00")
    assert item["number"].startswith(payer.number[:6] + "***")
    assert listed == {"items": [item], "next_cursor": None}
    assert export.content_type.startswith("text/csv")
    assert _rows(export.body)[1] == [payer.number, "CNY", "87.66", "87.66", "0.00"]


async def test_entries_are_shown_newest_first_page_by_page(bank: LittleBank) -> None:
    payer, payee, _made = await _moved(bank, "1.00", "2.00", "3.00")

    first = await bank.shown(ENTRIES, query={"subject": payer.id, "limit": "2"})
    rest = await bank.shown(
        ENTRIES, query={"subject": payer.id, "limit": "2", "cursor": first["next_cursor"]}
    )

    shown = first["items"] + rest["items"]
    assert [each["sequence"] for each in shown] == [4, 3, 2, 1]
    assert rest["next_cursor"] is None
    newest = shown[0]
    assert (newest["amount"], newest["credit_debit"]) == (cny("3.00"), "DBIT")
    assert newest["balance_after"] == cny("94.00")
    assert newest["counterparty"]["account"].endswith(payee.number[-4:])
    one = await bank.shown("account.account-transactions.query", path=newest["id"])
    assert one == newest


async def test_entries_of_a_period_are_those_booked_in_it(bank: LittleBank) -> None:
    payer, *_ = await _moved(bank, "1.00")
    day = {"subject": payer.id, "from_date": "2026-03-02", "to_date": "2026-03-02"}

    today = await bank.shown(ENTRIES, query=day)
    before = await bank.shown(
        ENTRIES, query=day | {"from_date": "2026-03-01", "to_date": "2026-03-01"}
    )
    export = await bank.call("account.account-transactions.exports", day)

    assert len(today["items"]) == 2
    assert before["items"] == []
    rows = _rows(export.body)
    assert len(rows) == 3
    assert rows[1][4:6] == ["-1.00", "99.00"]
    # A text that a payer chose never becomes a spreadsheet's formula.
    assert rows[1][7] == "'=转账 1.00"


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ({}, InputInvalid),
        ({"subject": "acc_nowhere"}, AccountUnknown),
        ({"subject": "\x00"}, InputInvalid),
        ({"subject": "SELF", "limit": "0"}, LimitInvalid),
        ({"subject": "SELF", "limit": "201"}, LimitInvalid),
        ({"subject": "SELF", "limit": "ten"}, InputInvalid),
        ({"subject": "SELF", "limit": "9" * 30}, InputInvalid),
        ({"subject": "SELF", "cursor": "here"}, CursorInvalid),
        ({"subject": "SELF", "from_date": "2026-02-30"}, InputInvalid),
        ({"subject": "SELF", "from_date": "20260302"}, InputInvalid),
        ({"subject": "SELF", "sort": "asc"}, InputInvalid),
        ({"subject": "SELF", "from_date": "2026-03-02", "to_date": "2026-03-01"}, BanksideError),
    ],
)
async def test_a_question_about_entries_that_is_just_invalid_is_refused(
    bank: LittleBank, query: dict[str, str], refusal: type[BanksideError]
) -> None:
    account = await bank.account("1.00")
    query = {name: account.id if each == "SELF" else each for name, each in query.items()}

    with pytest.raises(refusal):
        await bank.call(ENTRIES, query=query)


@pytest.mark.parametrize("sequence", ["2", "0", "-1", "x", "9" * 18, "", "1e3"])
async def test_an_entry_that_does_not_exist_is_not_found(bank: LittleBank, sequence: str) -> None:
    account = await bank.account("1.00")

    with pytest.raises(TransactionNotFound):
        await bank.call("account.account-transactions.query", path=f"{account.id}.{sequence}")
    with pytest.raises(AccountNotFound):
        await bank.call("account.account-balances.query", path="acc_\x00")


async def test_a_statement_reconciles_and_its_file_is_the_one_that_was_hashed(
    bank: LittleBank,
) -> None:
    payer, *_ = await _moved(bank, "10.00", "20.00")

    order = await bank.shown(
        "account.account-statements.create", {"subject": payer.id, "period": "2026-03"}
    )
    content = await bank.call("account.account-statements.content", path=order["id"])
    await bank.call(
        TRANSFER,
        {"payer_account": payer.id, "payee_account": bank.accounts[1].id, "amount": cny("1.00")},
    )
    again = await bank.call("account.account-statements.content", path=order["id"])

    assert (order["state"], order["rows"], order["period"]) == ("completed", 3, "2026-03")
    assert hashlib.sha256(content.body).hexdigest() == order["sha256"]
    assert again.body == content.body
    rows = _rows(content.body)
    facts = {row[0].split()[-1]: row[1] for row in rows[:7]}
    assert (facts["opening"], facts["closing"]) == ("0.00", "70.00")
    assert [row[4] for row in rows[8:]] == ["100.00", "-10.00", "-20.00"]


@pytest.mark.parametrize(
    ("period", "refusal"),
    [
        ("2026-02-30", PeriodRefused),
        ("2026-04", PeriodRefused),
        ("2026-03-03", PeriodRefused),
        ("2026-13", InputInvalid),
        ("0000-01", PeriodRefused),
        ("0001-01", PeriodRefused),
        ("March", InputInvalid),
    ],
)
async def test_a_period_that_is_none_or_has_not_begun_is_refused(
    bank: LittleBank, period: str, refusal: type[BanksideError]
) -> None:
    account = await bank.account()

    with pytest.raises(refusal):
        await bank.call(
            "account.account-statements.create", {"subject": account.id, "period": period}
        )


async def test_a_statement_of_a_quiet_day_has_no_rows(bank: LittleBank) -> None:
    account = await bank.account("5.00")

    order = await bank.shown(
        "account.account-statements.create", {"subject": account.id, "period": "2026-03-01"}
    )

    assert order["rows"] == 0


async def test_payment_statuses_speak_iso_20022(bank: LittleBank) -> None:
    payer, payee, made = await _moved(bank, "1.00")
    with pytest.raises(BanksideError):
        await bank.call(
            TRANSFER,
            {
                "payer_account": payer.id,
                "payee_account": payee.id,
                "amount": cny("1000.00"),
                "end_to_end_id": "short",
            },
        )

    paid = await bank.shown("payment.payment-statuses.query", path=made[0])
    refused = await bank.shown("payment.payment-statuses.query", path="short")
    listed = await bank.shown(
        "payment.payment-statuses.list",
        query={"subject": payer.id, "from_date": "2026-03-02", "to_date": "2026-03-02"},
    )
    none = await bank.shown(
        "payment.payment-statuses.list", query={"to_date": str(date(2026, 3, 1))}
    )
    export = await bank.call("payment.payment-statuses.exports", {"subject": payer.id})

    assert (paid["status"], paid["iso_status"], paid["code"]) == ("completed", "ACSC", None)
    assert (refused["iso_status"], refused["iso_reason"]) == ("RJCT", "AM04")
    assert {each["id"] for each in listed["items"]} == {paid["id"], refused["id"]}
    assert none["items"] == []
    assert {row[4] for row in _rows(export.body)[1:]} == {"ACSC", "RJCT"}


@pytest.mark.parametrize("limit_date", ["9999-12-31", "0001-01-01"])
async def test_dates_no_bank_ever_had_are_refused(bank: LittleBank, limit_date: str) -> None:
    account = await bank.account("1.00")
    query = {"subject": account.id, "from_date": limit_date, "to_date": limit_date}

    for operation in (ENTRIES, "payment.payment-statuses.list"):
        with pytest.raises(InputInvalid):
            await bank.call(operation, query=query)


async def test_an_unknown_order_is_not_found(bank: LittleBank) -> None:
    for path in ("ord_nowhere", "\x00", "../x", "x" * 500, "\ud800"):
        with pytest.raises(OrderNotFound):
            await bank.call("payment.internal-transfers.query", path=path)
        with pytest.raises(OrderNotFound):
            await bank.call("payment.payment-statuses.query", path=path)
