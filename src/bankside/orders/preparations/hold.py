"""Whose money a hold reserves, and until when, for orders that name the account themselves."""

from collections.abc import Mapping
from datetime import date

from bankside.orders.conditions.payments import WHOLE_BP
from bankside.orders.errors import CurrencyRefused
from bankside.orders.errors_core import MilestoneExceeded
from bankside.orders.inputs import fault
from bankside.orders.model import Order, PlanStep
from bankside.orders.preparations.room import Form, Prepare, Prepared, Room
from bankside.orders.primitives import hold as primitive
from bankside.orders.primitives.effect import kept
from bankside.orders.primitives.mandate import due_at

_PAYERS = ("payer_account", "drawer_account", "account")
# A margin of a paper without a maturity of its own stands this long.
SECONDS_DEFAULT = primitive.HELD_SECONDS_MAX


async def placing(room: Room, order: Order, step: PlanStep, form: Form) -> Prepared:
    """The payer's ledger account, and the seconds until maturity or as the request says."""
    role = step.roles.get("debit") or next(each for each in _PAYERS if each in order.roles)
    seconds = form.get("expires_in_seconds", SECONDS_DEFAULT)
    maturity: date | None = form.get("maturity") or form.get("value_date")
    if maturity is not None:
        seconds = int((due_at(maturity) - room.desk.clock.now()).total_seconds())
    return Prepared(order, {"payer": order.roles[role], "expires_in_seconds": max(seconds, 60)})


async def capturing(_room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """The part to capture: what the request names, else all that is still held.

    Raises CurrencyRefused for an amount of another currency, MilestoneExceeded.
    """
    amount = form.get("amount") or order.money(order.held)
    if amount.currency != order.currency:
        raise CurrencyRefused(f"the order is in {order.currency}")
    order = _milestone(order, form, amount.minor)
    return Prepared(order, {"amount": amount, "number": form.get("capture_no")})


def _milestone(order: Order, form: Form, minor: int) -> Order:
    """The order with what its milestone has now been paid: never above the milestone's share."""
    shares = {each["name"]: each["share_bp"] for each in order.input.get("milestones", ())}
    if not shares:
        return order
    name = form.get("milestone", "")
    paid = order.book.get("milestones", {}).get(f"{name}_minor", 0) + minor
    if name not in shares or paid * WHOLE_BP > order.amount * shares[name]:
        detail = f"name a milestone of {', '.join(shares)} and no more than is left of its share"
        raise MilestoneExceeded(
            detail, errors=[fault("/milestone", MilestoneExceeded.code, detail)]
        )
    return kept(order, "milestones", {f"{name}_minor": paid})


PREPARATIONS: Mapping[str, Prepare] = {"hold.place": placing, "hold.capture": capturing}
