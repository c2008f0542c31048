"""Wages, supervised money and sweeps between own accounts."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from bankside.bank.accounts import Account
from bankside.orders.conditions.condition import Among, Condition, Form, refusing
from bankside.orders.errors_core import MilestonesMismatch, OtherHolder, PayPeriodRefused
from bankside.orders.model import Terms
from bankside.orders.rules import in_currency

WHOLE_BP = 10_000
# What the banks on the way take, in hundredths of the currency: a flat sandbox figure.
ABROAD_CENTS = 2_500


def wages(form: Form, today: date) -> None:
    """Wages are paid for a month that has begun: nobody worked in a later one."""
    if form["period"] > f"{today:%Y-%m}":
        raise refusing(PayPeriodRefused, "period", "this month has not begun")


def supervised(form: Form, _today: date) -> None:
    """Milestones, where there are any, are named once and share the whole amount."""
    milestones = form.get("milestones")
    if milestones is None:
        return
    shares = {each["name"]: each["share_bp"] for each in milestones}
    if len(shares) != len(milestones) or sum(shares.values()) != WHOLE_BP:
        detail = f"names once each, shares of {WHOLE_BP} together"
        raise refusing(MilestonesMismatch, "milestones", detail)


def priced(form: Form, terms: Terms, currency: str) -> Terms:
    """The price with its charges option (SWIFT field 71A).

    SHA: each side pays its bank; OUR: the payer pays the banks on the way too; BEN: the payee pays
    all, out of what arrives.
    """
    match form.get("charges"):
        case "OUR":
            more = in_currency(ABROAD_CENTS, currency)
            return replace(
                terms,
                fee_min=(terms.fee_min or 0) + more,
                fee_max=None if terms.fee_max is None else terms.fee_max + more,
            )
        case "BEN":
            return Terms()
    return terms


def one_holder(named: Mapping[str, Account]) -> None:
    """A wallet is filled from and paid out to accounts of the same person.

    Source: PBOC announcement 2015-43, article 10 (payment accounts and the same name).
    """
    if named["payer_account"].customer != named["payee_account"].customer:
        raise refusing(OtherHolder, "payee_account", "the accounts belong to different customers")


AMONG: Mapping[str, Among] = {
    "wallet.wallet-topups.create": one_holder,
    "wallet.wallet-withdrawals.create": one_holder,
}
CONDITIONS: Mapping[str, Condition] = {
    "payroll.salary-payments.create": wages,
    "treasury.supervised-funds.create": supervised,
}
