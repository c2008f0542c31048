"""Bills, guarantees, loans on papers, coupons and consents."""

import re
from collections.abc import Mapping
from datetime import date

from bankside.orders.conditions.condition import Condition, Form, refusing
from bankside.orders.errors_core import (
    AboveTurnover,
    ConsentTooLong,
    CouponTermRefused,
    DueDatePassed,
    GuaranteeShareExceeded,
    SchoolYearInvalid,
    TaxGradeRefused,
)
from bankside.orders.interest import month_after

_SCHOOL_YEAR = re.compile(r"([0-9]{4})-([0-9]{4})")
# Regulations on Implementing the Bidding Law (State Council decree 613), articles 26 and 58:
# a bid bond is at most 2 % of the project, a performance bond at most 10 % of the contract.
_SHARES_BP = {"bid": 200, "performance": 1_000}
# State Taxation Administration 2019-113: loans on taxes are for grades A, B and M.
_GRADES_REFUSED = frozenset({"C", "D"})
# Sandbox rule: working capital of small firms is lent up to this share of a year's turnover.
TURNOVER_BP = 3_000
# Sandbox rule: a consent is renewed every year; a coupon is used within three.
CONSENT_MONTHS_MAX = 12
COUPON_MONTHS_MAX = 36


def bill(form: Form, today: date) -> None:
    """A bill falls due today or later."""
    if form.get("due_on", today) < today:
        raise refusing(DueDatePassed, "due_on", f"it falls due on {today} or later")


def education_fee(form: Form, today: date) -> None:
    """Like a bill; its school year is two years in a row."""
    bill(form, today)
    found = _SCHOOL_YEAR.fullmatch(form["school_year"])
    if found is None or int(found[2]) != int(found[1]) + 1:
        raise refusing(SchoolYearInvalid, "school_year", "expected years such as 2025-2026")


def guarantee(form: Form, _today: date) -> None:
    """A bond is a bounded share of the contract it secures, where its amount is stated."""
    whole, share = form.get("contract_amount"), _SHARES_BP.get(form["guarantee"])
    if whole is None or share is None:
        return
    same = whole.currency == form["amount"].currency
    if not same or form["amount"].minor * 10_000 > whole.minor * share:
        detail = f"at most {share / 100:g} % of the contract"
        raise refusing(GuaranteeShareExceeded, "amount", detail)


def small_business_loan(form: Form, _today: date) -> None:
    """The tax credit grade carries a loan, and the loan stays within the turnover."""
    if form.get("tax_grade") in _GRADES_REFUSED:
        raise refusing(TaxGradeRefused, "tax_grade", "grades A, B and M are lent to")
    turnover = form.get("annual_turnover")
    if turnover is None or turnover.currency != form["amount"].currency:
        return
    if form["amount"].minor * 10_000 > turnover.minor * TURNOVER_BP:
        detail = f"at most {TURNOVER_BP / 100:g} % of a year's turnover"
        raise refusing(AboveTurnover, "amount", detail)


def consent(form: Form, today: date) -> None:
    """A consent ends within a year."""
    until = form.get("until", today)
    if not today <= until <= month_after(today, CONSENT_MONTHS_MAX):
        raise refusing(ConsentTooLong, "until", f"at most {CONSENT_MONTHS_MAX} months")


def coupon(form: Form, today: date) -> None:
    """A coupon can be used today at least, and is used within three years."""
    until = form.get("valid_until", today)
    if not today <= until <= month_after(today, COUPON_MONTHS_MAX):
        raise refusing(CouponTermRefused, "valid_until", f"at most {COUPON_MONTHS_MAX} months")


CONDITIONS: Mapping[str, Condition] = {
    "payment.bill-payments.create": bill,
    "payment.education-fees.create": education_fee,
    "bill.bank-guarantees.create": guarantee,
    "loan.small-business-loans.applications-create": small_business_loan,
    "identity.consents.create": consent,
    "engage.coupons.create": coupon,
}
