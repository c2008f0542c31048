"""The yearly cap of a pension account, and whether the condition for paying out is met."""

from collections.abc import Mapping
from datetime import date

from bankside.bank.accounts import Account, ProductClass, accounts_by_reference
from bankside.bank.customers import customer
from bankside.bank.registers import AuthoritySilent, Question
from bankside.kernel.db import Write
from bankside.kernel.money import Money
from bankside.orders import store_keys
from bankside.orders.errors_money import (
    NotAPensionAccount,
    PensionCapExceeded,
)
from bankside.orders.inputs import fault
from bankside.orders.model import Order, PlanStep
from bankside.orders.preparations.room import Form, Prepare, Prepared, Room
from bankside.orders.primitives.deposit import bank_day
from bankside.orders.primitives.pension import YEARLY_CAP_MINOR, amount_of
from bankside.orders.store_keys import Spending

# All products that pay in count together; the row stands under this name, on the year's last day.
_CAP = "pension.yearly-cap"
# Contributions of an employer's annuity plan have rules of their own (Order 36 of 2017).
_UNCAPPED = frozenset({"annuity", "pension_pay"})
# Statutory ages rise step by step until 2040; the sandbox keeps one: 60.
PAYOUT_AGE = 60


async def contributing(room: Room, order: Order, step: PlanStep, _form: Form) -> Prepared:
    """What may still be paid in this calendar year. Raises PensionCapExceeded."""
    role = step.roles.get("credit", "pension_account")
    await _pension_account(room, order, role)
    if order.family in _UNCAPPED:
        return Prepared(order)
    amount = amount_of(order, step)
    today = bank_day(room.desk.clock.now())
    spending = _yearly(order, order.roles[role], amount, today)
    spent = await store_keys.spent_today(room.db, spending)
    left = YEARLY_CAP_MINOR - spent
    if amount.minor > left:
        shown = Money(max(left, 0), "CNY")
        raise PensionCapExceeded(
            f"{shown} CNY can still be paid in in {today.year}", extra={"left": shown.to_json()}
        )
    asked = {"year": today.year, "left_this_year_minor": left - amount.minor}
    writes: tuple[Write, ...] = (store_keys.spent(spending),)
    return Prepared(order, {"pension": asked}, writes)


async def paying_out(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """Whether the holder is old enough, or an authority confirms the paper that says otherwise."""
    asked = {**order.input, **form}
    condition = str(asked.get("condition", "retirement_age"))
    found = await _pension_account(room, order, "pension_account")
    person = await customer(room.db, order.partner, found.customer)
    if condition == "retirement_age":
        born = person.birth_date
        today = bank_day(room.desk.clock.now())
        met = born is not None and _years(born, today) >= PAYOUT_AGE
        why = f"the holder is not {PAYOUT_AGE} yet"
    else:
        met = await _confirmed(room, str(asked.get("evidence_no", "")))
        why = f"nobody confirms {condition}"
    facts = {"met": met, "condition": condition, "why": why}
    return Prepared(order, {"pension": facts})


async def _confirmed(room: Room, number: str) -> bool:
    authority = room.desk.authority
    if not number or (room.environment != "sandbox" and not authority.real):
        return False
    try:
        return (await authority.ask(Question("document", number))).agrees
    except AuthoritySilent:
        return False


async def _pension_account(room: Room, order: Order, role: str) -> Account:
    reference = str(order.input.get("pension_account", order.roles.get(role, "")))
    found = await accounts_by_reference(room.db, order.partner, [reference])
    account = found.get(reference)
    if account is None or account.product_class is not ProductClass.PENSION:
        detail = "this is no pension account"
        raise NotAPensionAccount(
            detail, errors=[fault("/pension_account", NotAPensionAccount.code, detail)]
        )
    return account


def _yearly(order: Order, subject: str, amount: Money, today: date) -> Spending:
    return Spending(
        partner=order.partner,
        product=_CAP,
        subject=subject,
        currency=amount.currency,
        day=date(today.year, 12, 31),
        minor=amount.minor,
        ceiling=YEARLY_CAP_MINOR,
    )


def _years(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


PREPARATIONS: Mapping[str, Prepare] = {
    "pension.contribute": contributing,
    "pension.payout": paying_out,
}
