"""The terms of a mandate, as one request gives them; contradictions are refused here."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from bankside.kernel.clock import BANK_ZONE
from bankside.kernel.money import Money
from bankside.orders.errors_papers import MandateTermsInvalid
from bankside.orders.inputs import Faults, fault
from bankside.orders.model import Order, PlanStep
from bankside.orders.preparations.room import Form, Prepare, Prepared, Room
from bankside.orders.primitives.mandate import PERIODS

ON_DEMAND = "on-demand"
# What bounds a debit, by the field of the request.
_BOUNDS = {"limit": "per_debit_minor", "per_day": "per_day_minor", "total": "total_minor"}


async def creating(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """Limits, period and dates. Raises MandateTermsInvalid with every contradiction.

    Without a limit of its own a mandate allows the amount it was given with, again and again.
    """
    today = room.desk.clock.now().astimezone(BANK_ZONE).date()
    faults: Faults = []
    period = form.get("period", ON_DEMAND)
    first: date | None = form.get("first_on")
    until: date | None = form.get("until")
    amount: Money | None = form.get("amount")
    terms: dict[str, Any] = {
        "period": period,
        "first_on": first.isoformat() if first else None,
        "next_on": first.isoformat() if first else None,
        "until": until.isoformat() if until else None,
    }
    bounds = {name: form[name] for name in _BOUNDS if isinstance(form.get(name), Money)}
    if not bounds and amount is not None:
        bounds = {"limit": amount}
    for name, bound in bounds.items():
        terms[_BOUNDS[name]] = bound.minor
        if bound.currency != order.currency:
            faults.append(fault(f"/{name}", "payment.currency_mismatch", f"not {order.currency}"))
    if amount is not None:
        terms["amount_minor"] = amount.minor
        for name, bound in bounds.items():
            if amount.minor > bound.minor:
                faults.append(fault("/amount", "mandate.limit", f"the amount is above {name}"))
    if first is not None and (period not in PERIODS or amount is None):
        faults.append(fault("/first_on", "mandate.schedule", "needs an amount and a period"))
    if first is not None and first < today:
        faults.append(fault("/first_on", "mandate.schedule", "the first date is over"))
    if until is not None and until < max(today, first or today):
        faults.append(fault("/until", "mandate.until", "ends before it begins"))
    if faults:
        raise MandateTermsInvalid(faults[0]["detail"], errors=faults)
    return Prepared(order, {"mandate": terms})


PREPARATIONS: Mapping[str, Prepare] = {"mandate.create": creating}
