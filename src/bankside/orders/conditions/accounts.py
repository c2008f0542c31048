"""Opening accounts and cards, measures on accounts, and reading what stands on them."""

from collections.abc import Mapping
from datetime import date, timedelta

from bankside.bank.accounts import Account, ProductClass
from bankside.bank.customers import ResidentIdInvalid, checked_resident_id
from bankside.orders.conditions.condition import Among, Condition, Form, refusing
from bankside.orders.errors_core import (
    AccountPaperMissing,
    AccountTermTooLong,
    BoundAccountRefused,
    CapitalInvalid,
    DeliveryAddressMissing,
    LimitAboveIncome,
    PeriodTooLong,
    SubAccountOfSub,
)
from bankside.orders.inputs import fault, refuse
from bankside.orders.interest import month_after

# A question about entries covers a year of days; longer ones are asked year by year.
DAYS_MAX = 366
# Sandbox rule: a card's limit is at most a year of the income its applicant states.
MONTHS_OF_INCOME = 12
# PBOC Order 2003-5, article 36: a temporary account is kept for two years at most.
TEMPORARY_MONTHS_MAX = 24
# Who may order a measure only by a paper of its own (Commercial Bank Law, articles 29 and 30).
BY_PAPER = frozenset({"court", "police", "tax"})


def business_account(form: Form, today: date) -> None:
    """The papers each kind of account needs: PBOC Order 2003-5, articles 11 to 21 and 36.

    A general account needs a basic one, a special or temporary one the paper of its purpose; a
    temporary account ends within two years.
    """
    try:
        checked_resident_id(form["legal_representative_no"], today=today)
    except ResidentIdInvalid as error:
        refuse([fault("/legal_representative_no", error.code, error.detail)])
    needed = {"general": "basic_permit_no", "special": "evidence_no", "temporary": "evidence_no"}
    paper = needed.get(form["account_kind"])
    if paper is not None and paper not in form:
        kind = form["account_kind"]
        raise refusing(AccountPaperMissing, paper, f"a {kind} account needs its {paper}")
    capital = form.get("registered_capital")
    if capital is not None and capital.currency != "CNY":
        raise refusing(CapitalInvalid, "registered_capital", "capital is registered in CNY")
    if form["account_kind"] != "temporary":
        return
    until = form.get("valid_until")
    if until is None or not today < until <= month_after(today, TEMPORARY_MONTHS_MAX):
        detail = f"a temporary account ends within {TEMPORARY_MONTHS_MAX} months"
        raise refusing(AccountTermTooLong, "valid_until", detail)


def debit_card(form: Form, _today: date) -> None:
    """A card of plastic that is sent needs an address; a virtual one is never sent."""
    by_post = form.get("delivery") == "post"
    if by_post and form.get("form") == "virtual":
        raise refusing(DeliveryAddressMissing, "delivery", "a virtual card is not sent")
    if by_post and "delivery_address" not in form:
        raise refusing(DeliveryAddressMissing, "delivery_address", "where is the card sent to?")


def credit_card(form: Form, _today: date) -> None:
    """The limit is at most a year of the stated income, where one is stated (sandbox rule)."""
    income = form.get("monthly_income")
    if income is None or income.currency != form["amount"].currency:
        return
    if form["amount"].minor > income.minor * MONTHS_OF_INCOME:
        detail = f"at most {MONTHS_OF_INCOME} months of income"
        raise refusing(LimitAboveIncome, "amount", detail)


def measure(form: Form, _today: date) -> None:
    """A court, the police or the tax office freezes by a paper, which the request names."""
    if form.get("ground") in BY_PAPER and "order_no" not in form:
        raise refusing(AccountPaperMissing, "order_no", f"the {form['ground']} orders by a paper")


def period(form: Form, today: date) -> None:
    """From a day to the same or a later one, a year of days at most; open ends are today."""
    if "from_date" not in form:
        return
    first, last = form["from_date"], form.get("to_date", max(today, form["from_date"]))
    if not first <= last < first + timedelta(days=DAYS_MAX):
        detail = f"a period ends no earlier than it begins, within {DAYS_MAX} days"
        raise refusing(PeriodTooLong, "to_date", detail)


def below_master(named: Mapping[str, Account]) -> None:
    """Sub-accounts stand one level below their master account."""
    if named["master_account"].product_class is ProductClass.SUB:
        raise refusing(SubAccountOfSub, "master_account", "this is a sub-account itself")


def personal_account(form: Form, _today: date) -> None:
    """A class II or III account is kept in CNY and bound to another one (PBOC notice 2016-302)."""
    if form.get("account_class", "I") == "I":
        return
    if "bound_account" not in form:
        raise refusing(BoundAccountRefused, "bound_account", "name the account it is bound to")
    if form.get("currency", "CNY") != "CNY":
        raise refusing(BoundAccountRefused, "currency", "it is kept in CNY")


AMONG: Mapping[str, Among] = {"account.sub-accounts.create": below_master}
CONDITIONS: Mapping[str, Condition] = {
    "account.personal-accounts.create": personal_account,
    "wallet.wallets.create": personal_account,
    "account.business-accounts.create": business_account,
    "account.account-controls.create": measure,
    "account.account-transactions.list": period,
    "account.account-transactions.exports": period,
    "card.debit-cards.create": debit_card,
    "card.credit-cards.create": credit_card,
}
