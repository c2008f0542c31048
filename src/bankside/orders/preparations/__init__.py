"""What each step has to read before it decides, by the primitive operation.

A step without an entry needs nothing but the order. The reads of one change happen in the order of
its steps; their asks are merged by noun.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bankside.orders.model import Order, PlanStep, State
from bankside.orders.preparations import (
    account,
    bill,
    collect,
    contract,
    deposit,
    file,
    fx,
    hold,
    instrument,
    invest,
    invoice,
    loan,
    mandate,
    match,
    notify,
    pension,
    score,
    split,
    ticket,
    transfer,
    verify,
)
from bankside.orders.preparations.room import Form, Prepare, Prepared, Room

PREPARATIONS: Mapping[str, Prepare] = {
    **account.PREPARATIONS,
    **bill.PREPARATIONS,
    **collect.PREPARATIONS,
    **contract.PREPARATIONS,
    **deposit.PREPARATIONS,
    **file.PREPARATIONS,
    **fx.PREPARATIONS,
    **hold.PREPARATIONS,
    **instrument.PREPARATIONS,
    **invoice.PREPARATIONS,
    **invest.PREPARATIONS,
    **loan.PREPARATIONS,
    **pension.PREPARATIONS,
    **mandate.PREPARATIONS,
    **match.PREPARATIONS,
    **notify.PREPARATIONS,
    **score.PREPARATIONS,
    **split.PREPARATIONS,
    **ticket.PREPARATIONS,
    **transfer.PREPARATIONS,
    **verify.PREPARATIONS,
}
# An event step runs at once when the request brings what it waits for.
_READY_BY: Mapping[str, frozenset[str]] = {
    "collect.confirm": frozenset({"payer_token", "account", "payer_account"}),
}

__all__ = ["PREPARATIONS", "Form", "Prepare", "Prepared", "Room", "of_change", "of_step"]


async def of_change(room: Room, order: Order, use: str, form: Form) -> Prepared:
    """Everything the change that begins at ``use`` asks for: that step and those that follow."""
    prepared = Prepared(order)
    for step in _steps(order, use, form):
        prepared = await _joined(room, prepared, step, form)
    return prepared


async def of_step(room: Room, order: Order, step: PlanStep, form: Form) -> Prepared:
    """What a step outside the plan asks for."""
    return await _joined(room, Prepared(order), step, form)


async def _joined(room: Room, before: Prepared, step: PlanStep, form: Form) -> Prepared:
    prepare = PREPARATIONS.get(step.use)
    if prepare is None:
        return before
    found = await prepare(room, before.order, step, form)
    return replace(
        found,
        ask=_merged(before.ask, found.ask),
        writes=(*before.writes, *found.writes),
        ahead=(*before.ahead, *found.ahead),
    )


def _merged(before: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(before)
    for noun, facts in more.items():
        known = merged.get(noun)
        merged[noun] = (
            {**known, **facts}
            if isinstance(known, Mapping) and isinstance(facts, Mapping)
            else facts
        )
    return merged


def _steps(order: Order, use: str, form: Form) -> tuple[PlanStep, ...]:
    """The plan's step ``use`` and those after it that run in the same change."""
    first = order.position if order.state is not State.CREATED else 0
    index = next(
        (n for n in range(first, len(order.plan)) if order.plan[n].use == use),
        next((n for n, each in enumerate(order.plan) if each.use == use), len(order.plan)),
    )
    steps = list(order.plan[index : index + 1])
    for step in order.plan[index + 1 :]:
        if step.when == "event" and _READY_BY.get(step.use, frozenset()) & set(form):
            steps.append(step)
        elif step.when != "next":
            break
        else:
            steps.append(step)
    return tuple(steps)
