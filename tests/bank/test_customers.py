"""Customers: check characters of papers, one customer a paper, isolation of data spaces."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankside.bank.branches import Branch, BranchNotFound, branch, branches, open_branch
from bankside.bank.customers import (
    BirthDateMismatch,
    CreditCodeInvalid,
    CustomerExists,
    CustomerKind,
    CustomerNameInvalid,
    CustomerNotFound,
    CustomerPapersMismatch,
    Registration,
    ResidentIdInvalid,
    checked_credit_code,
    checked_resident_id,
    customer,
    customers,
    masked_resident_id,
    register,
)
from bankside.bank.customers.rules import (
    _CREDIT_CHARACTERS,
    credit_check_character,
    resident_check_character,
)
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Connection
from bankside.kernel.ids import BranchId
from bankside.kernel.paging import CursorInvalid, LimitInvalid

TODAY = date(2026, 3, 2)
# The worked example of GB 11643-1999.
STANDARD_EXAMPLE = "11010519491231002X"
# A sample code that is widely printed to explain GB 32100-2015.
CREDIT_EXAMPLE = "91350100M000100Y43"


def person(**changes: object) -> Registration:
    facts = {
        "kind": CustomerKind.RETAIL,
        "name_zh": "林晓雨",
        "name_en": "Lin Xiaoyu",
        "resident_id": STANDARD_EXAMPLE,
    }
    return Registration(**(facts | changes))


def company(**changes: object) -> Registration:
    facts = {
        "kind": CustomerKind.CORPORATE,
        "name_zh": "海棠餐饮有限公司",
        "name_en": "Begonia Catering Ltd",
        "credit_code": CREDIT_EXAMPLE,
    }
    return Registration(**(facts | changes))


def test_the_example_numbers_of_the_standards_are_accepted() -> None:
    assert checked_resident_id(STANDARD_EXAMPLE.lower(), today=TODAY) == (
        STANDARD_EXAMPLE,
        date(1949, 12, 31),
    )
    assert checked_credit_code(CREDIT_EXAMPLE.lower()) == CREDIT_EXAMPLE


@given(st.integers(0, 16), st.integers(1, 9))
def test_one_mistyped_digit_of_a_resident_id_is_always_found(place: int, shift: int) -> None:
    digit = (int(STANDARD_EXAMPLE[place]) + shift) % 10
    wrong = STANDARD_EXAMPLE[:place] + str(digit) + STANDARD_EXAMPLE[place + 1 :]

    with pytest.raises(ResidentIdInvalid):
        checked_resident_id(wrong, today=TODAY)


@given(st.integers(0, 16), st.sampled_from(_CREDIT_CHARACTERS))
def test_one_mistyped_character_of_a_credit_code_is_always_found(place: int, typed: str) -> None:
    wrong = CREDIT_EXAMPLE[:place] + typed + CREDIT_EXAMPLE[place + 1 :]

    if wrong != CREDIT_EXAMPLE:
        with pytest.raises(CreditCodeInvalid):
            checked_credit_code(wrong)


@given(st.text(max_size=24))
def test_any_text_gets_an_answer_or_a_refusal_as_a_paper(text: str) -> None:
    for check in (
        lambda: checked_resident_id(text, today=TODAY),
        lambda: checked_credit_code(text),
    ):
        try:
            check()
        except (ResidentIdInvalid, CreditCodeInvalid):
            continue


@pytest.mark.parametrize(
    "body", ["11010519490230002", "11010520990101002", "00010519491231002", "11010518791231002"]
)
def test_a_resident_id_of_an_impossible_place_or_day_is_refused(body: str) -> None:
    with pytest.raises(ResidentIdInvalid):
        checked_resident_id(body + resident_check_character(body), today=TODAY)


def test_a_credit_code_of_an_unknown_department_is_refused() -> None:
    body = "H1350100M000100Y4"

    with pytest.raises(CreditCodeInvalid):
        checked_credit_code(body + credit_check_character(body))


def test_a_resident_id_is_shown_masked_and_stays_out_of_logs() -> None:
    assert masked_resident_id(STANDARD_EXAMPLE) == "11***************X"
    assert STANDARD_EXAMPLE not in repr(person())


async def test_a_registered_customer_is_found_in_its_own_data_space_only(
    db: Connection, clock: FixedClock
) -> None:
    made = await register(db, clock, "prt_a", person())

    assert await customer(db, "prt_a", made.id) == made
    assert made.birth_date == date(1949, 12, 31)
    with pytest.raises(CustomerNotFound):
        await customer(db, "prt_b", made.id)


async def test_one_paper_belongs_to_one_customer_of_a_data_space(
    db: Connection, clock: FixedClock
) -> None:
    for asked in (person(), company()):
        await register(db, clock, "prt_a", asked)
        await register(db, clock, "prt_b", asked)
        with pytest.raises(CustomerExists):
            await register(db, clock, "prt_a", asked)


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        (person(credit_code=CREDIT_EXAMPLE), CustomerPapersMismatch),
        (company(resident_id=STANDARD_EXAMPLE), CustomerPapersMismatch),
        (company(birth_date=date(2000, 1, 1)), CustomerPapersMismatch),
        (person(birth_date=date(1950, 1, 1)), BirthDateMismatch),
        (person(resident_id=None, birth_date=date(2026, 3, 3)), BirthDateMismatch),
        (person(name_zh=" "), CustomerNameInvalid),
        (person(name_en="Lin\0"), CustomerNameInvalid),
        (person(name_en="\ud800"), CustomerNameInvalid),
        (person(branch=BranchId("brn_none")), BranchNotFound),
        (person(branch=BranchId("brn\0")), BranchNotFound),
    ],
)
async def test_a_registration_that_does_not_fit_is_refused(
    db: Connection, clock: FixedClock, asked: Registration, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await register(db, clock, "prt_a", asked)

    assert (await customers(db, "prt_a")).items == ()


async def test_pages_of_customers_show_each_one_once(db: Connection, clock: FixedClock) -> None:
    made = [await register(db, clock, "prt_a", company(credit_code=None)) for _ in range(5)]

    seen, cursor = [], None
    while True:
        page = await customers(db, "prt_a", cursor=cursor, limit=2)
        seen += page.items
        cursor = page.next_cursor
        if cursor is None:
            break

    assert sorted(seen, key=lambda each: each.id) == sorted(made, key=lambda each: each.id)
    assert len(seen) == 5


async def test_a_page_of_no_or_too_many_items_or_with_a_strange_cursor_is_refused(
    db: Connection,
) -> None:
    for limit in (0, 201, -1):
        with pytest.raises(LimitInvalid):
            await customers(db, "prt_a", limit=limit)
    with pytest.raises(CursorInvalid):
        await customers(db, "prt_a", cursor="\0")


async def test_a_branch_is_found_by_id_or_code_and_opened_once(db: Connection) -> None:
    opened = Branch(
        id=BranchId("brn_1"),
        partner="prt_a",
        code="SH-01",
        name_zh="上海外滩支行",
        name_en="Shanghai Bund",
        region="Shanghai",
        facts={"employees": 12},
    )
    await open_branch(db, opened)
    await open_branch(db, opened)

    assert await branch(db, "prt_a", "SH-01") == await branch(db, "prt_a", "brn_1") == opened
    assert (await branches(db, "prt_a")).items == (opened,)
    with pytest.raises(BranchNotFound):
        await branch(db, "prt_b", "SH-01")
