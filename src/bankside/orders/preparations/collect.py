"""For whom an order of steps collects, and who pays it: by a code, or from the account it names."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from bankside.bank.accounts import may_pay
from bankside.orders import parties
from bankside.orders.errors_money import AmountBelowMinimum, NothingHeld
from bankside.orders.model import Order, PlanStep
from bankside.orders.preparations.invest import fund_of
from bankside.orders.preparations.room import Form, Prepare, Prepared, Room
from bankside.orders.pricing import terms
from bankside.orders.primitives import invest
from bankside.orders.primitives.deposit import bank_day
from bankside.orders.primitives.effect import kept


async def creating(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """The merchant's accounts and terms. Raises MerchantUnknown, CurrencyRefused."""
    asked: dict[str, Any] = {name: form[name] for name in ("expires_in_seconds",) if name in form}
    name = form.get("merchant") or order.input.get("merchant")
    if name is None:
        return Prepared(order, asked)
    if "invest" in order.book:
        asked["delivery"] = _bars(room, order, form)
    assert room.ticket is not None, "orders are opened by requests"
    exchanged = any(each.use == "fx.convert" for each in order.plan)
    amount = None if exchanged else order.money(order.amount)
    merchant = await parties.merchant(room.db, room.ticket.scope, name, amount)
    if exchanged:
        order = kept(order, "collect", {"settles_in": merchant.currency})
    return Prepared(
        replace(
            order,
            subject=merchant.settlement_ledger_account,
            terms=terms(room.ticket.product, order.currency, merchant),
            roles={
                **order.roles,
                "merchant": merchant.proceeds_ledger_account,
                "merchant_pending": merchant.pending_ledger_account,
            },
        ),
        asked,
    )


def _bars(room: Room, order: Order, form: Form) -> dict[str, int]:
    """The whole grams of the units that are sold for them, and their price today.

    A fraction of a gram stays on the account as money. Raises NothingHeld, and AmountBelowMinimum
    below one gram.
    """
    units = invest.of(order).held
    if units == 0:
        raise NothingHeld
    grams = int(units)
    if grams == 0:
        raise AmountBelowMinimum(f"{units} g are held; a bar has one gram or more")
    price = fund_of(order, form).price(bank_day(room.desk.clock.now()))
    price_minor = invest.value_of(Decimal(grams), price, order.currency)
    return {"grams": grams, "price_minor": price_minor}


async def confirming(room: Room, order: Order, step: PlanStep, form: Form) -> Prepared:
    """The payer behind a code, or the caller's own account. Raises the payer's refusals."""
    if "payer_token" in form:
        payer = await parties.payer(
            room.db, room.desk.clock, form["payer_token"], order, environment=room.environment
        )
        return Prepared(order, {"payer": payer.ledger}, payer.writes)
    asked: dict[str, Any] = {}
    payer_field = step.roles.get("debit", "account")
    reference = form.get(payer_field) or order.input.get(payer_field)
    if reference is not None:
        assert room.ticket is not None, "a payer is named by a request"
        own = await parties.own_account(room.db, room.ticket.scope, reference)
        may_pay(own)
        asked["payer"] = own.ledger_account
    return Prepared(order, asked)


PREPARATIONS: Mapping[str, Prepare] = {
    "collect.create": creating,
    "collect.confirm": confirming,
}
