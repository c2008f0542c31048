"""Payments that leave the bank get a worker; transfers of all that is left get their amount."""

from collections.abc import Mapping
from dataclasses import replace

from bankside.bank import ledger
from bankside.kernel.jobs import enqueue
from bankside.kernel.money import Money
from bankside.orders.errors import CurrencyRefused
from bankside.orders.inputs import fault
from bankside.orders.model import Order, PlanStep
from bankside.orders.preparations.room import Form, Prepare, Prepared, Room

JOB = "orders.resume"
# Who is paid at the other bank: fields of the order, or of the request that sends it.
_PAYEE = ("payee_account_no", "payee_name", "payee_bank", "remark")
# Archetypes that move all that is left above what they keep.
_ALL_THAT_IS_LEFT = frozenset({"acct_close", "sweep"})


async def sending(_room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """A worker asks the network as soon as the money stands in clearing."""
    if order.book.get("transfer"):
        return Prepared(order)
    payload = {"partner": order.partner, "order": order.id}
    job = enqueue(JOB, payload, dedupe_key=f"{order.id}:sent")
    payee = {name: form[name] for name in _PAYEE if name in form}
    asked = {"transfer": {"payee": payee}} if payee else {}
    return Prepared(order, asked, (job,))


async def executing(room: Room, order: Order, step: PlanStep, form: Form) -> Prepared:
    """What is left on the account is the amount of a closing and of a sweep. CurrencyRefused."""
    if order.family not in _ALL_THAT_IS_LEFT or order.amount:
        return Prepared(order)
    source = order.roles[step.roles["debit"]]
    left = (await ledger.balance(room.db, source)).available
    nothing = Money(0, left.currency)
    keep, at_least = form.get("keep", nothing), form.get("at_least", nothing)
    for name, each in (("keep", keep), ("at_least", at_least)):
        if each.currency != left.currency:
            detail = f"the account is kept in {left.currency}"
            raise CurrencyRefused(detail, errors=[fault(f"/{name}", CurrencyRefused.code, detail)])
    amount = max(left.minor - keep.minor, 0)
    # A surplus too small to be worth a transfer stays where it is.
    amount = amount if amount >= at_least.minor else 0
    return Prepared(replace(order, currency=left.currency, amount=amount))


PREPARATIONS: Mapping[str, Prepare] = {
    "transfer.out": sending,
    "transfer.execute": executing,
}
