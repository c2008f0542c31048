"""Primitive ``hold``: an amount of the payer is reserved, captured in parts, and the rest freed."""

from dataclasses import replace
from datetime import datetime, timedelta

from bankside.kernel.clock import rfc3339
from bankside.orders.errors import CaptureExceedsHeld, HoldExpired
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives.effect import Ask, Effect, Primitive, account, legs
from bankside.orders.rules import fee_on

# Card schemes free a pre-authorisation after 7 to 30 days; ours without a word of its own after 7.
HELD_SECONDS_DEFAULT = 7 * 24 * 60 * 60
HELD_SECONDS_MAX = 30 * 24 * 60 * 60


def place(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """Available to held until the hold's time is over; ``ask["payer"]`` is a ledger account."""
    debit_role = step.roles.get("debit", "payer")
    order = replace(order, roles={**order.roles, debit_role: ask["payer"], "payer": ask["payer"]})
    payer = account(order, step, "debit", "payer")
    held = account(order, step, "credit", "held")
    seconds = ask.get("expires_in_seconds", HELD_SECONDS_DEFAULT)
    after = replace(
        order, held=order.amount, status="held", wake_at=at + timedelta(seconds=seconds)
    )
    return Effect(after, legs(order, (payer, held, order.amount)), hold="place", event="held")


def capture(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """Held to the merchant less the fee on the captured part; the rest stays held."""
    minor = ask["amount"].minor
    if order.wake_at is not None and at >= order.wake_at:
        raise HoldExpired
    if minor > order.held:
        raise CaptureExceedsHeld(
            f"{order.money(order.held)} {order.currency} are still held",
            extra={"held": order.money(order.held).to_json()},
        )
    fee = fee_on(ask["amount"], order.terms).minor
    held = account(order, step, "debit", "held")
    merchant = account(order, step, "credit", "merchant")
    income = account(order, step, "fee", "fee_income")
    rest = order.held - minor
    after = replace(
        order,
        held=rest,
        paid=order.paid + minor,
        settled=order.settled + minor - fee,
        fee=order.fee + fee,
        status="held" if rest else "captured",
        output={"paid_at": rfc3339(at), **order.output},
        wake_at=order.wake_at if rest else None,
    )
    return Effect(
        after,
        legs(order, (held, merchant, minor - fee), (held, income, fee)),
        hold="capture",
        stays=rest > 0,
        skips=frozenset() if rest else frozenset({"hold.release"}),
        event="captured",
        reference=ask.get("number"),
        output=ask["amount"].to_json(),
    )


def release(order: Order, step: PlanStep, _ask: Ask, _at: datetime) -> Effect:
    """Held back to available; what was captured stays captured."""
    held = account(order, step, "debit", "held")
    payer = account(order, step, "credit", "payer")
    # A letter of credit frees its margin on the day it is paid: the clock has one more step to do.
    pays = any(each.use == "instrument.settle" for each in order.plan)
    after = replace(
        order,
        held=0,
        status="captured" if order.paid else "released",
        wake_at=order.wake_at if pays else None,
    )
    return Effect(after, legs(order, (held, payer, order.held)), hold="release", event="released")


def free(order: Order, step: PlanStep, at: datetime) -> Effect:
    """Undoes ``place`` as far as it stands."""
    back = replace(step, roles={"debit": step.roles.get("credit", "held"), "credit": "payer"})
    return release(order, back, {}, at)


PLACE = Primitive(place, reverse=free)
CAPTURE = Primitive(capture)
RELEASE = Primitive(release)
