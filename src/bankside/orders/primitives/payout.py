"""Primitive ``payout``: one sum leaves the payer for batch-clearing, each line is paid from there.

Always true: the money of a batch stands in batch-clearing from submission until its last line has
a result; then the fee on what was paid goes to income and the rest back to the payer.
"""

from dataclasses import replace
from datetime import datetime

from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives.effect import Ask, Effect, Primitive, account, legs
from bankside.orders.rules import fee_on


def submit(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """Payer to batch-clearing: the sum of the lines to send, and the most the fee can be.

    ``ask["sum"]`` in minor units. Due at once: a worker settles it, the sweeper if none did.
    """
    payer = account(order, step, "debit", "payer_account")
    clearing = account(order, step, "credit", "batch_clearing")
    held = ask["sum"] + _fee(order, ask["sum"])
    # What filled the batch's own account is counted anew, as it reaches its payees.
    paid = 0 if _is_funded(order) else order.paid
    after = replace(order, held=held, paid=paid, status="waiting", wake_at=at)
    return Effect(after, legs(order, (payer, clearing, held)), event="submitted")


def settle(order: Order, step: PlanStep, ask: Ask, _at: datetime) -> Effect:
    """Closes a batch whose lines all have a result.

    ``ask``: ``confirmed`` and ``failed`` (minor units of its lines) and their counts. The
    confirmed ones were posted line by line; here clearing pays the fee and gives back the rest.
    """
    clearing = account(order, step, "debit", "batch_clearing")
    income = account(order, step, "fee", "fee_income")
    submitted = next(each for each in order.plan if each.use == "payout.submit")
    payer = account(order, submitted, "debit", "payer_account")
    fee = _fee(order, ask["confirmed"])
    back = order.held - ask["confirmed"] - fee
    paid = order.paid + ask["confirmed"]
    after = replace(
        order,
        held=0,
        paid=paid,
        fee=order.fee + fee,
        status="completed" if paid else "refused",
        wake_at=None,
        output={
            **order.output,
            "paid_count": ask["confirmed_count"],
            "failed_count": ask["failed_count"],
        },
    )
    return Effect(
        after,
        legs(order, (clearing, income, fee), (clearing, payer, back)),
        event="completed",
        output={"confirmed": ask["confirmed"], "failed": ask["failed"]},
    )


def _fee(order: Order, minor: int) -> int:
    """The fee on the lines; none when it was paid with the money that filled the account."""
    return 0 if _is_funded(order) else fee_on(order.money(minor), order.terms).minor


def _is_funded(order: Order) -> bool:
    """Whether the batch is paid from an account that a transfer of the plan filled before."""
    uses = [each.use for each in order.plan]
    return "transfer.execute" in uses[: uses.index("payout.submit")]


SUBMIT = Primitive(submit)
SETTLE = Primitive(settle)
