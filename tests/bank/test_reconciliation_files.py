"""Channels' files: taken whole or refused with line and column; written byte for byte alike."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankside.bank.reconciliation import (
    ChannelFileInvalid,
    ChannelFileTotalWrong,
    ChannelFileTruncated,
    Head,
    Record,
    head_line,
    read,
    record_line,
    trailer_line,
)

DAY = date(2026, 3, 2)
HEAD = Head("unionpay", "prt_1", DAY, date(2026, 3, 3), frozenset({"payment", "refund"}))
GOOD = (
    b"H,1,unionpay,prt_1,2026-03-02,2026-03-03,payment refund\n"
    b"L,r2,acc_1,payment,12.34,CNY,2026-03-02,posted,ord_1\n"
    b"L,r1,acc_1,refund,1.00,CNY,2026-03-02,posted,\n"
    b"L,r3,acc_2,payment,5.00,USD,2026-03-02,refused,\n"
    b"T,3,CNY,13.34\n"
)


def taken(content: bytes) -> list[Record]:
    return list(read(content.splitlines(keepends=True)).records)


def test_a_good_file_is_read_with_its_lines_in_whatever_order() -> None:
    file = read(GOOD.splitlines(keepends=True))

    assert file.head == HEAD
    assert [each.reference for each in file.records] == ["r2", "r1", "r3"]
    assert file.lines == 3
    assert len(file.sha256) == 32


@pytest.mark.parametrize(
    ("old", "new", "error", "where"),
    [
        (b"T,3,CNY,13.34\n", b"", ChannelFileTruncated, "after 3 lines"),
        (b"13.34\n", b"13.34", ChannelFileTruncated, "line 5"),
        (b"T,3", b"T,4", ChannelFileTruncated, "line 5, column 2"),
        (b"CNY,13.34\n", b"CNY,13.35\n", ChannelFileTotalWrong, "line 5, column 3: .*13.34 CNY"),
        (b"CNY,13.34\n", b"CNY,13.34,USD,5.00\n", ChannelFileTotalWrong, "line 5"),
        (b"12.34", b"12.345", ChannelFileInvalid, "line 2, column 5"),
        (b"12.34", b"1e2", ChannelFileInvalid, "line 2, column 5"),
        (b"12.34", b"-12.34", ChannelFileInvalid, "line 2, column 5"),
        (b"12.34", b"0.00", ChannelFileInvalid, "line 2, column 5"),
        (b"12.34,CNY", b"12.34,XXX", ChannelFileInvalid, "line 2, column 5"),
        (b"acc_1,payment", b"acc_1,bribe", ChannelFileInvalid, "line 2, column 4"),
        (
            b"2026-03-02,posted,ord",
            b"2026-02-30,posted,ord",
            ChannelFileInvalid,
            "line 2, column 7",
        ),
        (b"refused", b"lost", ChannelFileInvalid, "line 4, column 8"),
        (b"L,r1,", b"L,r 1,", ChannelFileInvalid, "line 3, column 2"),
        (b"L,r1,", b"L,\xff,", ChannelFileInvalid, "line 3, column 3"),
        (b"L,r1,", b"L,", ChannelFileInvalid, "line 3, column 1"),
        (b"H,1,", b"H,2,", ChannelFileInvalid, "line 1, column 1"),
        (b"unionpay", b"Union Pay", ChannelFileInvalid, "line 1, column 3"),
        (b"payment refund", b"payment bribe", ChannelFileInvalid, "line 1, column 7"),
        (b"13.34\n", b"13.34\nL,r4\n", ChannelFileInvalid, "line 6"),
        (GOOD, b"", ChannelFileTruncated, "line 1"),
        (b"ord_1", b"o" * 2_000, ChannelFileInvalid, "line 2"),
    ],
)
def test_a_damaged_file_is_refused_with_line_and_column(
    old: bytes, new: bytes, error: type[Exception], where: str
) -> None:
    damaged = GOOD.replace(old, new)
    assert damaged != GOOD

    with pytest.raises(error, match=where):
        taken(damaged)


@given(st.integers(0, len(GOOD) - 1))
def test_a_file_cut_off_anywhere_is_refused(at: int) -> None:
    with pytest.raises((ChannelFileTruncated, ChannelFileInvalid)):
        taken(GOOD[:at])


RECORDS = st.builds(
    Record,
    st.from_regex(r"[a-z0-9-]{1,36}", fullmatch=True).filter(lambda text: text[0] != "-"),
    st.just("acc_1"),
    st.sampled_from(["payment", "refund"]),
    st.integers(1, 10**12),
    st.sampled_from(["CNY", "JPY", "KWD"]),
    st.just(DAY),
    st.sampled_from(["posted", "refused"]),
    st.sampled_from(["", "ord_1"]),
)


@given(st.lists(RECORDS, max_size=20))
def test_what_is_written_is_read_again_the_same(records: list[Record]) -> None:
    totals: dict[str, int] = {}
    for each in records:
        if each.status == "posted":
            totals[each.currency] = totals.get(each.currency, 0) + (each.amount or 0)
    text = head_line(HEAD) + "".join(map(record_line, records)) + trailer_line(len(records), totals)

    assert taken(text.encode()) == records
