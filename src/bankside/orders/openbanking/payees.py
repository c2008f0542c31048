"""Beneficiaries and standing orders as a consent shows them: Detail names whom they pay.

Source: UK Open Banking Account and Transaction API 3.1 (OBBeneficiary5, OBStandingOrder6).
"""

from datetime import date, datetime, time

from bankside.bank.beneficiaries import Beneficiary, beneficiaries_of
from bankside.bank.standing_orders import StandingOrder, standing_orders_of
from bankside.identity.consents import Permission
from bankside.kernel.call import Answer
from bankside.kernel.clock import BANK_ZONE, rfc3339
from bankside.orders.desk import Desk, Ticket
from bankside.orders.openbanking.consulting import allowed, noted, opened
from bankside.orders.openbanking.reading import SCHEME, read_query, shown_amount
from bankside.orders.openbanking.showing import Shown, done, optional, shown

BENEFICIARIES = (Permission.BENEFICIARIES_BASIC, Permission.BENEFICIARIES_DETAIL)
STANDING_ORDERS = (Permission.STANDING_ORDERS_BASIC, Permission.STANDING_ORDERS_DETAIL)


async def beneficiaries(desk: Desk, ticket: Ticket) -> Answer:
    """The payees kept for the account in the path, or for every account."""
    read_query(ticket)
    async with desk.reading() as db:
        found = await opened(desk, db, ticket, BENEFICIARIES)
        kept = await beneficiaries_of(db, ticket.call.caller.partner, found)
        await noted(desk, db, found.values())
    items = [
        _beneficiary(
            each,
            in_detail=allowed(found[each.account], each.account, Permission.BENEFICIARIES_DETAIL),
        )
        for each in kept
    ]
    return done(ticket, shown(desk, ticket, {"Beneficiary": items}))


async def standing_orders(desk: Desk, ticket: Ticket) -> Answer:
    """The standing orders of the account in the path, or of every account."""
    read_query(ticket)
    async with desk.reading() as db:
        found = await opened(desk, db, ticket, STANDING_ORDERS)
        kept = await standing_orders_of(db, ticket.call.caller.partner, found)
        await noted(desk, db, found.values())
    items = [
        _standing_order(
            each,
            in_detail=allowed(found[each.account], each.account, Permission.STANDING_ORDERS_DETAIL),
        )
        for each in kept
    ]
    return done(ticket, shown(desk, ticket, {"StandingOrder": items}))


def _beneficiary(kept: Beneficiary, *, in_detail: bool) -> Shown:
    facts: Shown = {
        "AccountId": kept.account,
        "BeneficiaryId": kept.id,
        "BeneficiaryType": "Trusted" if kept.trusted else "Ordinary",
    } | optional(Reference=kept.reference)
    if not in_detail:
        return facts
    return facts | {"CreditorAccount": _payee(kept.creditor_account, kept.name)}


def _standing_order(order: StandingOrder, *, in_detail: bool) -> Shown:
    facts: Shown = {
        "AccountId": order.account,
        "StandingOrderId": order.id,
        "Frequency": order.frequency,
        "StandingOrderStatusCode": "Active" if order.is_active else "Inactive",
        "NextPaymentAmount": shown_amount(order.amount),
    } | optional(
        Reference=order.reference,
        FirstPaymentDateTime=_morning(order.first_on),
        NextPaymentDateTime=_morning(order.next_on),
        FinalPaymentDateTime=_morning(order.final_on),
    )
    if not in_detail:
        return facts
    return facts | {"CreditorAccount": _payee(order.payee_account, order.payee_name)}


def _payee(number: str, name: str) -> Shown:
    return {"SchemeName": SCHEME, "Identification": number} | optional(Name=name)


def _morning(day: date | None) -> str | None:
    """The start of a bank day."""
    return rfc3339(datetime.combine(day, time(), BANK_ZONE)) if day else None
