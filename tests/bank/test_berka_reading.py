"""Reading the Berka bank: right files become values, wrong ones are named by place."""

import gzip
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bank.berka_folder import SMALL, with_line, write_folder

from bankside.bank.berka import reading
from bankside.bank.berka.errors import FAULTS_SHOWN_MAX, FilesInvalid
from bankside.bank.berka.rules import derive, kind_of
from bankside.bank.berka.tables import TABLES, Unreadable


def test_a_right_folder_becomes_values(tmp_path: Path) -> None:
    files = reading.read(write_folder(tmp_path))

    assert [account.account_id for account in files.accounts] == [7, 8]
    assert files.orders[2].amount == 80
    assert files.orders[2].category == ""
    assert files.districts[1].facts["num_crimes95"] is None
    assert files.districts[0].facts["unemployment_rate95"] == "0.67"


def test_plain_files_in_another_column_order_are_read_too(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "card.csv.gz").unlink()
    (tmp_path / "card.csv").write_text(
        "issued_date,card_type,disp_id,card_id\r\n2018-10-16,G,1,9\r\n"
    )

    assert reading.read(tmp_path).cards[0].issued_date == date(2018, 10, 16)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            with_line("account", 1, "account_id,district_id,frequency"),
            "account.csv.gz line 1, create_date: found no such column",
        ),
        (
            with_line("card", 1, "card_id,disp_id,card_type,issued_date,colour"),
            "card.csv.gz line 1, 'colour': found an unknown column",
        ),
        (
            with_line("client", 3, "2,1965-02-30,M,1"),
            "client.csv.gz line 3, birth_date: found '1965-02-30', expected a date",
        ),
        (
            with_line("client", 3, "2,65-02-03,M,1"),
            "client.csv.gz line 3, birth_date: found '65-02-03', expected a date",
        ),
        (
            with_line("order", 2, "100,7,YZ,87144583,12a,HH"),
            "order.csv.gz line 2, amount: found '12a', expected an amount in CZK",
        ),
        (
            with_line("order", 2, "100,7,YZ,87144583,1.234,HH"),
            "order.csv.gz line 2, amount: found '1.234', expected an amount in CZK",
        ),
        (
            with_line("order", 2, "100,7,YZ,87144583,0.00,HH"),
            "order.csv.gz line 2, amount: found '0.00', expected an amount in CZK above zero",
        ),
        (
            with_line("order", 2, "100,7,YZ,87144583,-5.00,HH"),
            "order.csv.gz line 2, amount: found '-5.00'",
        ),
        (
            with_line("order", 2, "100,7,YZ,87144583,245.20,XX"),
            "order.csv.gz line 2, category: found 'XX', expected one of HH, IN, LO, LE, nothing",
        ),
        (
            with_line("order", 4, "102,9,QR,13943797,1.00,HH"),
            "order.csv.gz line 4, account_id: found 9, expected the account_id of a row",
        ),
        (
            with_line("disp", 3, "1,2,7,D"),
            "disp.csv.gz line 3, disp_id: found 1, expected an id not used before (line 2 has it)",
        ),
        (
            with_line("disp", 3, "2,2,7,O"),
            "disp.csv.gz line 3, disp_type: found 'O', expected one owner of an account",
        ),
        (
            with_line("disp", 4, "3,3,8,D"),
            "account.csv.gz line 3, account_id: found 8, expected an account with an owner",
        ),
        (
            with_line("disp", 3, "2,1,7,D"),
            "disp.csv.gz line 3, client_id: found 1, expected one disposition of a client",
        ),
        (
            with_line("loan", 2, "50,7,2015-08-31,3027.60,12,252.30,C"),
            "loan.csv.gz line 2, granted_date: found 2015-08-31, expected a day on or after",
        ),
        (
            with_line("client", 2, "1,1990-12-13,F"),
            "client.csv.gz line 2, row: found 3 fields, expected 4 fields",
        ),
        (
            with_line("client", 2, '1,"1990-12-13,F,1'),
            "client.csv.gz line 4, row: found unexpected end of data, expected a row of CSV",
        ),
        (
            with_line("district", 2, "1,Bad\0name,R,1,1,1,1,1,1,1,1,1,1,1,1,1"),
            "district.csv.gz line 2, district_name: found 'Bad\\x00name', expected 1 to 100",
        ),
        (
            with_line("client", 2, "99999999999999,1990-12-13,F,1"),
            "client.csv.gz line 2, client_id: found '99999999999999', expected a whole number",
        ),
        (
            {"client": gzip.compress(b"1,x\n" * 9000)[:-9]},
            "client.csv.gz line 8193, file: found a gzip file that is cut off",
        ),
        (
            {"client": b"client_id,birth_date\n"},
            "client.csv.gz: found bytes that do not unpack, expected a whole gzip file",
        ),
        (
            {
                "client": gzip.compress(
                    "client_id,birth_date,gender,district_id\n1,é".encode("latin-1")
                )
            },
            "client.csv.gz line 2, byte 3: found byte 0xe9, expected text in UTF-8",
        ),
        (
            {"client": gzip.compress(b"")},
            "client.csv.gz line 1, client_id: found no such column",
        ),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_column(
    tmp_path: Path, change: dict[str, list[str] | bytes], told: str
) -> None:
    write_folder(tmp_path, **change)

    with pytest.raises(FilesInvalid) as refusal:
        reading.read(tmp_path)

    assert told in refusal.value.detail


def test_a_missing_file_and_a_folder_that_is_none_are_told(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "loan.csv.gz").unlink()

    for folder, told in (
        (tmp_path, "loan.csv.gz: found no file"),
        (tmp_path / "disp.csv.gz", "disp.csv.gz: found a file, expected a folder"),
        (tmp_path / "nowhere", "nowhere: found no such folder"),
    ):
        with pytest.raises(FilesInvalid) as refusal:
            reading.read(folder)
        assert told in refusal.value.detail


def test_all_faults_of_all_files_are_found_in_one_run_and_the_first_are_shown(
    tmp_path: Path,
) -> None:
    orders = [SMALL["order"][0], *(f"{number},7,YZ,1,bad,HH" for number in range(1, 101))]
    write_folder(tmp_path, order=orders, **with_line("client", 2, "x,1990-12-13,Q,1"))

    with pytest.raises(FilesInvalid) as refusal:
        reading.read(tmp_path)

    assert len(refusal.value.faults) == 102
    assert len(refusal.value.errors) == FAULTS_SHOWN_MAX
    assert "and 82 more" in refusal.value.detail


@settings(max_examples=300)
@given(st.text(max_size=30), st.sampled_from([c for t in TABLES.values() for c in t.columns]))
def test_any_text_in_any_column_is_a_value_or_refused(text: str, column: object) -> None:
    with suppress(Unreadable):
        column.read(text)  # type: ignore[attr-defined]


def test_derived_postings_follow_the_written_rule(tmp_path: Path) -> None:
    derived = derive(reading.read(write_folder(tmp_path)))

    assert [(posting.key, posting.on.isoformat(), posting.amount) for posting in derived] == [
        ("openings/7", "2016-03-24", 100_000),
        ("loan_grants/50", "2018-08-31", 302_760),
        ("instalments/50/1", "2018-09-30", -25_230),
        ("standing_payments/100/2018-10", "2018-10-05", -24_520),
        ("instalments/50/2", "2018-10-31", -25_230),
        ("standing_payments/100/2018-11", "2018-11-05", -24_520),
        ("openings/8", "2018-11-20", 200_000),
        ("instalments/50/3", "2018-11-30", -25_230),
        ("standing_payments/100/2018-12", "2018-12-05", -24_520),
        ("standing_payments/102/2018-12", "2018-12-05", -80),
        ("instalments/50/4", "2018-12-31", -25_230),
    ]
    assert all(posting.narrative.startswith("derived: ") for posting in derived)


@pytest.mark.parametrize("status", ["B", "D"])
def test_no_instalment_is_derived_of_a_loan_with_missing_payments(
    tmp_path: Path, status: str
) -> None:
    loan = f"50,7,2018-08-31,3027.60,12,252.30,{status}"
    derived = derive(reading.read(write_folder(tmp_path, **with_line("loan", 2, loan))))

    assert "instalments" not in {kind_of(posting) for posting in derived}


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 10**9),
            st.integers(1, 10**8),
            st.integers(1, 72),
            st.sampled_from("ABCD"),
            st.integers(0, 1000),
        ),
        max_size=8,
    ),
    st.lists(st.integers(1, 10**8), max_size=8),
)
def test_no_derived_posting_ever_overdraws_its_account(
    tmp_path_factory: pytest.TempPathFactory,
    loans: list[tuple[int, int, int, str, int]],
    orders: list[int],
) -> None:
    def crowns(minor: int) -> str:
        return f"{minor // 100}.{minor % 100:02d}"

    folder = write_folder(
        tmp_path_factory.mktemp("berka"),
        loan=[
            SMALL["loan"][0],
            *(
                f"{number},7,{date.fromordinal(736_100 + late)},{crowns(amount)},{months},"
                f"{crowns(payment)},{status}"
                for number, (amount, payment, months, status, late) in enumerate(loans, 1)
            ),
        ],
        order=[
            SMALL["order"][0],
            *(f"{n},7,YZ,1,{crowns(amount)},HH" for n, amount in enumerate(orders, 1)),
        ],
    )

    balances = {7: 0, 8: 0}
    for posting in derive(reading.read(folder)):
        balances[posting.account_id] += posting.amount
        assert balances[posting.account_id] >= 0
