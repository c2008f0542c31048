"""The biller of a bill, found when it is issued; its payer, found when it is paid."""

from collections.abc import Mapping
from dataclasses import replace

from bankside.orders import limits, parties, rules, store_keys
from bankside.orders.errors_papers import BillClosed, BillPaid
from bankside.orders.model import Order, PlanStep
from bankside.orders.preparations.room import Form, Prepare, Prepared, Room
from bankside.orders.pricing import terms
from bankside.orders.primitives.bill import CLOSED


async def issuing(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """The merchant that is owed; the product's limit binds the bill. Raises MerchantUnknown."""
    assert room.ticket is not None, "bills are issued by requests"
    amount = order.money(order.amount)
    merchant = await parties.merchant(room.db, room.ticket.scope, form["merchant"], amount)
    product = room.ticket.product
    if product.limits is not None:
        rules.within_transaction_limit(amount, product.limits.per_transaction_minor)
    return Prepared(
        replace(
            order,
            subject=merchant.settlement_ledger_account,
            terms=terms(product, order.currency, merchant),
            roles={**order.roles, "merchant": merchant.settlement_ledger_account},
        )
    )


async def paying(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """The payer behind the code, and the day's limit. Raises the payer's refusals, LimitPerDay."""
    assert room.ticket is not None, "bills are paid by requests"
    if order.paid:
        raise BillPaid
    if order.status == CLOSED:
        raise BillClosed
    payer = await parties.payer(
        room.db,
        room.desk.clock,
        form["payer_token"],
        order,
        environment=room.environment,
    )
    spending = await limits.admitted(
        room.db,
        room.ticket.product,
        partner=order.partner,
        subject=order.subject,
        amount=order.money(order.amount),
        at=room.ticket.at,
    )
    spent = (store_keys.spent(spending),) if spending else ()
    return Prepared(order, {"bill": {"payer": payer.ledger}}, (*payer.writes, *spent))


PREPARATIONS: Mapping[str, Prepare] = {"bill.issue": issuing, "bill.pay": paying}
