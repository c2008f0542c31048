"""Loans: granted, drawn, accrued by the day, repaid in order; every figure exact."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.orders.little_bank import LittleBank, cny

from bankside.orders.errors import (
    InputInvalid,
    OrderStateRefused,
)
from bankside.orders.errors_money import (
    CreditDeclined,
    LoanLimitExceeded,
    LoanMethodUnknown,
    LoanNotDrawn,
    LoanOverpaid,
)
from bankside.orders.interest import Method, schedule
from bankside.orders.interest.loanbook import LoanBook, accrued, drawn, owed, payoff, repaid

APPLY = "loan.personal-loans.applications-create"
DRAW = "loan.personal-loans.drawdowns"
REPAY = "loan.personal-loans.repayments"
QUERY = "loan.personal-loans.query"


async def _applied(bank: LittleBank, **more: Any) -> dict[str, Any]:
    account = await bank.account("1000.00")
    body = {
        "borrower": bank.customer,
        "account": account.id,
        "amount": cny("12000.00"),
        "term_months": 12,
        **more,
    }
    shown = await bank.shown(APPLY, body)
    return {"order": shown["id"], "account": account, "shown": shown}


async def test_an_application_grants_a_limit_and_moves_nothing(bank: LittleBank) -> None:
    applied = await _applied(bank)

    loan = applied["shown"]["result"]["loan"]
    assert applied["shown"]["state"] == "waiting"
    assert (loan["limit"], loan["rate_bp"]) == (cny("12000.00"), 435)
    assert loan["decision"] == {"source": "sandbox", "simulated": True, "reasons": []}
    assert await bank.balance(applied["account"]) == "1000.00"


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"amount": cny("300000.01")}, CreditDeclined),
        ({"amount": cny("5666.00")}, CreditDeclined),
        ({"term_months": 61}, InputInvalid),
        ({"term_months": 0}, InputInvalid),
        ({"method": "someday"}, InputInvalid),
    ],
)
async def test_a_declined_application_leaves_nothing(
    bank: LittleBank, change: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await _applied(bank, **change)


async def test_a_loan_is_only_repaid_in_its_own_ways(bank: LittleBank) -> None:
    account = await bank.account()
    body = {
        "borrower": bank.customer,
        "account": account.id,
        "amount": cny("100.00"),
        "term_months": 6,
        "method": "bullet",
        "property_no": "P-1",
        "document_no": "D-1",
    }

    with pytest.raises(LoanMethodUnknown):
        await bank.call("loan.mortgages.applications-create", body)


async def test_a_drawing_pays_the_borrower_and_makes_a_schedule(bank: LittleBank) -> None:
    applied = await _applied(bank)

    shown = await bank.shown(DRAW, {"amount": cny("12000.00")}, path=applied["order"])

    lines = shown["result"]["loan"]["lines"]
    assert await bank.balance(applied["account"]) == "13000.00"
    assert len(lines) == 12
    assert (lines[0]["due"], lines[-1]["due"]) == ("2026-04-02", "2027-03-02")
    # 12,000.00 at 4.35 % in 12 equal instalments: 1,023.72 a month, 43.50 of it interest at first.
    assert lines[0]["interest"] == cny("43.50")
    assert lines[0]["principal"] == cny("980.22")
    assert sum(float(each["principal"]["amount"]) for each in lines) == pytest.approx(12000)


async def test_drawings_never_exceed_the_limit(bank: LittleBank) -> None:
    applied = await _applied(bank)
    await bank.shown(DRAW, {"amount": cny("8000.00")}, path=applied["order"])

    with pytest.raises(LoanLimitExceeded) as refused:
        await bank.call(DRAW, {"amount": cny("4000.01")}, path=applied["order"])
    await bank.shown(DRAW, {"amount": cny("4000.00")}, path=applied["order"])

    assert refused.value.extra["drawable"] == cny("4000.00")
    assert await bank.balance(applied["account"]) == "13000.00"


async def test_the_day_takes_what_is_due(bank: LittleBank) -> None:
    applied = await _applied(bank)
    await bank.shown(DRAW, {}, path=applied["order"])
    bank.clock.advance(timedelta(days=31))

    await bank.orders.expire()

    loan = (await bank.shown(QUERY, path=applied["order"]))["result"]["loan"]
    assert loan["outstanding"] == cny("11019.78")
    assert loan["due_now"] == cny("0.00")
    assert await bank.balance(applied["account"]) == "11976.28"


async def test_what_is_not_covered_is_overdue_and_earns_penalty_interest(bank: LittleBank) -> None:
    applied = await _applied(bank)
    await bank.shown(DRAW, {}, path=applied["order"])
    other = await bank.account()
    away = {
        "payer_account": applied["account"].id,
        "payee_account": other.id,
        "amount": cny("13000.00"),
    }
    await bank.call("payment.internal-transfers.create", away)
    bank.clock.advance(timedelta(days=31 + 10))
    await bank.orders.expire()

    loan = (await bank.shown(QUERY, path=applied["order"]))["result"]["loan"]

    # 980.22 for 10 days at 4.35 % + 2.17 %, over 360: 1.775... half-even 1.78
    assert (loan["status"], loan["overdue_days"]) == ("overdue", 10)
    assert loan["penalty"] == cny("1.78")
    back = away | {"payer_account": other.id, "payee_account": applied["account"].id}
    await bank.call("payment.internal-transfers.create", back)
    bank.clock.advance(timedelta(days=1))
    await bank.orders.expire()
    loan = (await bank.shown(QUERY, path=applied["order"]))["result"]["loan"]
    assert (loan["status"], loan["overdue_days"]) == ("active", 0)


async def test_a_loan_is_paid_off_early_with_interest_to_the_day(bank: LittleBank) -> None:
    applied = await _applied(bank)
    await bank.shown(DRAW, {}, path=applied["order"])
    bank.clock.advance(timedelta(days=10))

    with pytest.raises(LoanOverpaid) as refused:
        await bank.call(REPAY, {"amount": cny("12500.00")}, path=applied["order"])
    shown = await bank.shown(REPAY, {}, path=applied["order"])

    # 43.50 * 10 / 31 = 14.03
    assert refused.value.extra["payoff"] == cny("12014.03")
    assert (shown["state"], shown["status"]) == ("completed", "repaid")
    assert shown["result"]["loan"]["outstanding"] == cny("0.00")
    assert await bank.balance(applied["account"]) == "985.97"
    with pytest.raises(OrderStateRefused):
        await bank.call(DRAW, {}, path=applied["order"])


async def test_a_part_repaid_early_makes_later_instalments_smaller(bank: LittleBank) -> None:
    applied = await _applied(bank)
    await bank.shown(DRAW, {}, path=applied["order"])
    bank.clock.advance(timedelta(days=10))

    body = {"amount": cny("6014.03"), "repayment_no": "R-1"}
    shown = await bank.shown(REPAY, body, path=applied["order"])
    again = await bank.call(REPAY, body, path=applied["order"])

    loan = shown["result"]["loan"]
    assert loan["outstanding"] == cny("6000.00")
    assert again.hit
    future = [each for each in loan["lines"] if each["due"] > "2026-03-12"]
    assert len(future) == 12
    assert {each["due"] for each in future} >= {"2026-04-02", "2027-03-02"}


async def test_nothing_is_repaid_before_it_is_drawn(bank: LittleBank) -> None:
    applied = await _applied(bank)

    with pytest.raises((LoanNotDrawn, OrderStateRefused)):
        await bank.call(REPAY, {"amount": cny("1.00")}, path=applied["order"])


async def test_a_patent_is_pledged_for_a_loan(bank: LittleBank) -> None:
    account = await bank.account()
    body = {
        "borrower": bank.customer,
        "account": account.id,
        "amount": cny("200000.00"),
        "term_months": 24,
        "patent_no": "ZL202310000001",
        "document_no": "PLEDGE-1",
    }

    shown = await bank.shown("loan.ip-loans.applications-create", body)
    drawing = await bank.shown("loan.ip-loans.drawdowns", {}, path=shown["id"])

    assert shown["request"]["patent_no"] == "ZL202310000001"
    assert drawing["result"]["loan"]["outstanding"] == cny("200000.00")
    assert await bank.balance(account) == "200000.00"


async def test_an_advance_on_wages_comes_back_at_its_due_date(bank: LittleBank) -> None:
    account = await bank.account()
    body = {"borrower": bank.customer, "account": account.id, "amount": cny("500.00")}
    shown = await bank.shown("payroll.wage-advances.applications-create", body)
    await bank.shown("payroll.wage-advances.drawdowns", {}, path=shown["id"])
    assert await bank.balance(account) == "500.00"

    bank.clock.advance(timedelta(days=32))
    await bank.orders.expire()

    done = await bank.shown("payroll.wage-advances.query", path=shown["id"])
    assert done["status"] == "repaid"
    assert await bank.balance(account) == "0.00"


@given(
    st.integers(1, 10**11),
    st.integers(0, 2400),
    st.integers(1, 60),
    st.sampled_from(list(Method)),
)
def test_the_lines_of_a_schedule_add_up_to_the_loan(
    principal: int, rate_bp: int, months: int, method: Method
) -> None:
    lines = schedule(principal, rate_bp, months, date(2026, 1, 31), method)

    assert sum(line.principal for line in lines) == principal
    assert all(line.principal >= 0 and line.interest >= 0 for line in lines)
    assert [line.start for line in lines[1:]] == [line.due for line in lines[:-1]]


_acts = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 10**7), st.integers(0, 60)), max_size=15
)


@settings(max_examples=60)
@given(_acts, st.integers(0, 2000), st.sampled_from(list(Method)))
def test_no_cent_of_a_loan_is_made_or_lost(
    acts: list[tuple[int, int, int]], rate_bp: int, method: Method
) -> None:
    book = LoanBook(rate_bp=rate_bp, penalty_bp=rate_bp // 2, method=method.value)
    day, drawings, principal, interest = date(2026, 1, 15), 0, 0, 0
    for kind, minor, days in acts:
        before = book.accrued_minor
        book = accrued(book, day)
        assert book.accrued_minor >= before
        if kind == 0 or not book.lines:
            book = drawn(book, minor, 1 + minor % 24, day)
            drawings += minor
        else:
            most = owed(book, day).total if kind == 1 else payoff(book, day).total
            posted = book.accrued_minor
            book, paid = repaid(book, min(minor, most), day)
            assert paid.total == min(minor, most)
            assert accrued(book, day).accrued_minor == posted
            principal += paid.principal
            interest += paid.interest + paid.penalty
        day += timedelta(days=days)
    book = accrued(book, day)
    assert book.outstanding == drawings - principal
    assert book.interest_paid == interest
    book, _last = repaid(book, payoff(book, day).total, day)
    assert book.outstanding == 0
    assert book.accrued_minor == book.interest_paid
