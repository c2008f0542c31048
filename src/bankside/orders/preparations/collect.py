"""For whom an order of steps collects, and who pays it: by a code, or from the account it names."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bankside.bank.accounts import may_pay
from bankside.orders import parties
from bankside.orders.model import Order, PlanStep
from bankside.orders.preparations.room import Form, Prepare, Prepared, Room
from bankside.orders.pricing import terms


async def creating(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """The merchant's accounts and terms. Raises MerchantUnknown, CurrencyRefused."""
    expires = {name: form[name] for name in ("expires_in_seconds",) if name in form}
    if "merchant" not in form:
        return Prepared(order, expires)
    assert room.ticket is not None, "orders are opened by requests"
    amount = order.money(order.amount)
    merchant = await parties.merchant(room.db, room.ticket.scope, form["merchant"], amount)
    return Prepared(
        replace(
            order,
            subject=merchant.settlement_ledger_account,
            terms=terms(room.ticket.product, order.currency, merchant),
            roles={
                **order.roles,
                "merchant": merchant.settlement_ledger_account,
                "merchant_pending": merchant.pending_ledger_account,
            },
        ),
        expires,
    )


async def confirming(room: Room, order: Order, step: PlanStep, form: Form) -> Prepared:
    """The payer behind a code, or the caller's own account. Raises the payer's refusals."""
    if "payer_token" in form:
        payer = await parties.payer(
            room.db, room.desk.clock, form["payer_token"], order, environment=room.environment
        )
        return Prepared(order, {"payer": payer.ledger}, payer.writes)
    asked: dict[str, Any] = {}
    payer_field = step.roles.get("debit", "account")
    if payer_field in form:
        assert room.ticket is not None, "a payer is named by a request"
        own = await parties.own_account(room.db, room.ticket.scope, form[payer_field])
        may_pay(own)
        asked["payer"] = own.ledger_account
    return Prepared(order, asked)


PREPARATIONS: Mapping[str, Prepare] = {
    "collect.create": creating,
    "collect.confirm": confirming,
}
