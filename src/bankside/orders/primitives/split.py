"""Primitive ``split``: shares of a paid order go to receivers, come back, and the rest is freed."""

from dataclasses import replace
from datetime import datetime

from bankside.bank.merchants import (
    drafted_merchant,
    registered,
)
from bankside.orders import rules
from bankside.orders.errors import OrderNotPaid, SplitReturnExceeded
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives import collect
from bankside.orders.primitives.effect import (
    Ask,
    Effect,
    Primitive,
    account,
    kept,
    legs,
    section,
)


def register(order: Order, _step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """Admits the receivers declared with the order; they stand in its input.

    An order that takes a merchant in (``ask["merchant"]``: terms, id) registers it with the account
    it has just opened; one that stands admits a receiver (``writes``, ``receiver``).
    """
    asked = ask.get("merchant")
    if asked is not None and "terms" in asked:
        made = drafted_merchant(
            order.partner, ask["account"]["opening"], asked["terms"], merchant_id=asked["id"], at=at
        )
        facts = {"id": made.id, "name_zh": made.name_zh, "name_en": made.name_en, "receivers": 0}
        after = replace(kept(order, "merchant", facts), status="registered")
        return Effect(after, event="registered", writes=registered(made), output={"id": made.id})
    if asked is not None:
        count = section(order, "merchant")["receivers"] + 1
        return Effect(
            kept(order, "merchant", {"receivers": count}),
            event="receiver_admitted",
            writes=asked["writes"],
            output={"receiver": asked["receiver"]},
        )
    return Effect(order, output={"receivers": len(order.input.get("receivers", ()))})


def execute(order: Order, step: PlanStep, ask: Ask, _at: datetime) -> Effect:
    """Pending to receivers within the cap.

    ``ask["shares"]``: entries with ``account`` (id) and ``amount``; ``ask["accounts"]``: id ->
    ledger account; ``ask["registered"]``: ids the merchant registered; ``ask["number"]``.
    """
    if not rules.is_pending(order):
        raise OrderNotPaid("shares come out of a paid order before it is settled")
    amounts: dict[str, int] = {}
    for each in ask["shares"]:
        amounts[each["account"]] = amounts.get(each["account"], 0) + each["amount"].minor
    rules.may_split(order, amounts, ask["registered"])
    total = sum(amounts.values())
    shares = dict(order.shares)
    for receiver, minor in amounts.items():
        shares[receiver] = shares.get(receiver, 0) + minor
    pending = account(order, step, "debit", "merchant_pending")
    after = replace(
        order,
        shares=shares,
        requests=order.requests + 1,
        split=order.split + total,
        pending=order.pending - total,
    )
    return Effect(
        after,
        legs(order, *((pending, ask["accounts"][each], minor) for each, minor in amounts.items())),
        stays=True,
        event="split",
        reference=ask.get("number"),
        output={each: str(order.money(minor)) for each, minor in amounts.items()},
    )


def returned(order: Order, _step: PlanStep, ask: Ask, _at: datetime) -> Effect:
    """A receiver gives (part of) its share back to pending; the order goes on waiting as it was.

    After the order was settled the returned share goes on to the merchant in the same posting,
    because nothing would ever settle it again. ``ask``: account (id), payer (ledger), amount.
    """
    receiver, minor = ask["account"], ask["amount"].minor
    share = order.shares.get(receiver, 0)
    if minor > share:
        raise SplitReturnExceeded(
            f"{receiver} holds {order.money(share)} {order.currency} of this order"
        )
    shares = {**order.shares, receiver: share - minor}
    after = replace(order, shares=shares, split=order.split - minor)
    pending = order.roles["merchant_pending"]
    moves = [(ask["payer"], pending, minor)]
    if rules.is_pending(order):
        after = replace(after, pending=order.pending + minor)
    else:
        after = replace(after, settled=order.settled + minor)
        moves.append((pending, order.roles["merchant"], minor))
    return Effect(
        after,
        legs(order, *moves),
        event="split_returned",
        reference=ask.get("number"),
        output={receiver: str(order.money(minor))},
    )


REGISTER = Primitive(register, lasting=True)
EXECUTE = Primitive(execute)
RETURN = Primitive(returned)
FINISH = Primitive(collect.settle, ready=lambda ask: ask.get("finish") is True)
