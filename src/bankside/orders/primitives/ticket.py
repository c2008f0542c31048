"""Primitive ``ticket``: a right to something, used once, refunded unused, or run out of time.

Always true: a ticket is redeemed at most once and never after it was refunded or ran out. Money
behind it stands where it was paid: in the bank's benefit account (a funded coupon), or in the
merchant's pending account (a sold right) until the right was used.
"""

import hmac
from dataclasses import replace
from datetime import datetime
from typing import Any

from bankside.kernel.calendar import business_date
from bankside.kernel.clock import rfc3339
from bankside.orders.errors import OrderNotPaid
from bankside.orders.errors_papers import TicketCodeWrong, TicketUsed
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives.effect import Ask, Effect, Primitive, kept, legs, section

ISSUED, REDEEMED, REFUNDED, EXPIRED = "issued", "redeemed", "refunded", "expired"


def issue(order: Order, _step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """The right stands. ``ask["ticket"]``: code, holder, valid_until (an instant or None)."""
    prepared = ask["ticket"]
    until: datetime | None = prepared["valid_until"]
    facts = {
        "code": prepared["code"],
        "holder": prepared["holder"],
        "valid_until": rfc3339(until) if until else None,
        "ticket_status": ISSUED,
        "issued_at": rfc3339(at),
    }
    after = replace(kept(order, "ticket", facts), status=ISSUED, wake_at=until, due_on=None)
    return Effect(after, event="issued")


def redeem(order: Order, _step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """The right is used; a funded one pays who honours it (``ask["ticket"]["payee"]``).

    Raises TicketUsed, TicketCodeWrong.
    """
    known = _valid(order, at)
    prepared = ask.get("ticket", {})
    given = prepared.get("given_code")
    if given is not None and not hmac.compare_digest(given.encode(), known["code"].encode()):
        raise TicketCodeWrong
    facts = {"ticket_status": REDEEMED, "redeemed_at": rfc3339(at)}
    after = replace(kept(order, "ticket", facts), status=REDEEMED, wake_at=None)
    if order.pending:
        after = replace(after, due_on=business_date(at))
    elif "invest" in order.book:
        # The units of a gift stand in the holding of whoever took it from now on.
        after = kept(after, "invest", {"units": "0", "value_minor": 0, "status": "given"})
    funded = _funded(order)
    moves = [(order.roles["benefits"], prepared["payee"], funded)] if funded else []
    return Effect(
        replace(after, settled=after.settled + funded), legs(order, *moves), event="redeemed"
    )


def refund(order: Order, _step: PlanStep, _ask: Ask, at: datetime) -> Effect:
    """The unused right ends; what it was paid with goes back to its payer. Raises TicketUsed."""
    if section(order, "ticket").get("ticket_status") not in {ISSUED, None}:
        raise TicketUsed(f"the ticket is {section(order, 'ticket')['ticket_status']}")
    return _ended(order, REFUNDED, at)


def expire(order: Order, at: datetime) -> Effect:
    """Its time is over: like ``refund``, by the clock."""
    return _ended(order, EXPIRED, at)


def _ended(order: Order, status: str, at: datetime) -> Effect:
    facts = {"ticket_status": status, "ended_at": rfc3339(at)}
    back = _funded(order) or order.pending
    source = order.roles.get("benefits" if _funded(order) else "merchant_pending", "")
    payer = order.roles.get("account" if _funded(order) else "payer", "")
    after = replace(
        kept(order, "ticket", facts),
        refunded=order.refunded + back,
        pending=order.pending - (back if order.pending else 0),
        status=status,
        wake_at=None,
        due_on=None,
    )
    moves = [(source, payer, back)] if back else []
    return Effect(after, legs(order, *moves), event="refunded" if back else "closed", ends=True)


def _funded(order: Order) -> int:
    """What still stands behind the ticket in the benefit account."""
    if "benefits" not in order.roles or "merchant_pending" in order.roles:
        return 0
    if "invest" in order.book:  # What was paid for units stands in the pool.
        return 0
    return order.paid - order.refunded - order.settled


def _valid(order: Order, at: datetime) -> dict[str, Any]:
    known = dict(section(order, "ticket"))
    if "merchant_pending" in order.roles and not order.paid:
        raise OrderNotPaid
    if known.get("ticket_status") != ISSUED or (order.wake_at is not None and at >= order.wake_at):
        raise TicketUsed(f"the ticket is {known.get('ticket_status', 'not issued')}")
    return known


ISSUE = Primitive(issue)
REDEEM = Primitive(redeem, lasting=True)
REFUND = Primitive(refund, lasting=True)
