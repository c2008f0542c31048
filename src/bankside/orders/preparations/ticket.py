"""The code, holder and end of a ticket; who honours it when it is used."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

from bankside.kernel.clock import BANK_ZONE
from bankside.orders import parties
from bankside.orders.errors import CurrencyRefused
from bankside.orders.inputs import fault, refuse
from bankside.orders.model import Order, PlanStep
from bankside.orders.preparations.room import Form, Prepare, Prepared, Room

# A right without an end of its own can be used for a year.
VALID_DAYS_DEFAULT = 365
# 80 random bits in the alphabet of Crockford's base 32: nobody guesses one.
_CODE_LENGTH = 16
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


async def issuing(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """The ticket's facts; a code of the caller's own is taken, else one is drawn."""
    today = room.desk.clock.now().astimezone(BANK_ZONE).date()
    last = form.get("valid_until") or today + timedelta(days=VALID_DAYS_DEFAULT)
    if last < today:
        refuse([fault("/valid_until", "ticket.validity", "this day is over")])
    ends = datetime.combine(last + timedelta(days=1), time(), BANK_ZONE)
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH))
    asked: dict[str, Any] = {
        "code": form.get("code") or order.input.get("code") or drawn,
        "holder": form.get("holder"),
        "valid_until": ends,
    }
    return Prepared(order, {"ticket": asked})


async def redeeming(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """The code that is shown, and the account that honours a funded ticket.

    Without ``payee_account`` the funds of a points payment and a coupon go to the account its
    issuer named. Raises AccountUnknown, CurrencyRefused.
    """
    asked: dict[str, Any] = {"given_code": form.get("code")}
    payee = order.roles.get("payee_account")
    if "payee_account" in form:
        assert room.ticket is not None, "tickets are used by requests"
        named = {"/payee_account": form["payee_account"]}
        found = await parties.known(room.db, room.ticket.scope, named)
        account = found[form["payee_account"]]
        if account.currency != order.currency:
            raise CurrencyRefused(f"the ticket is in {order.currency}")
        payee = account.ledger_account
        order = replace(order, roles={**order.roles, "payee_account": payee})
    if payee is None and order.paid and "benefits" in order.roles and not order.pending:
        refuse([fault("/payee_account", "field.missing", "who honours the ticket is not known")])
    asked["payee"] = payee
    return Prepared(order, {"ticket": asked})


PREPARATIONS: Mapping[str, Prepare] = {
    "ticket.issue": issuing,
    "ticket.redeem": redeeming,
}
