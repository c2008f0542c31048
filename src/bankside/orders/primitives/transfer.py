"""Primitive ``transfer``: between accounts of the bank, out to another bank, and in from one.

Money on its way out stands in clearing until the network has said what became of it: done, and it
leaves for the bank's account with the network; refused, and it goes back; unknown, and it stays.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from bankside.bank.ledger import Leg
from bankside.bank.networks import Outcome
from bankside.kernel.clock import rfc3339
from bankside.kernel.money import Money
from bankside.orders.errors import OrderStateRefused
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives.effect import (
    Ask,
    Effect,
    Primitive,
    account,
    kept,
    legs,
    section,
)
from bankside.orders.rules import fee_on

NOUN = "transfer"
SENT, DONE, RETURNED = "sent", "done", "returned"


def execute(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """Debit to credit, and the fee from the debit side as a leg of its own.

    A part of an order whose money was counted before, such as the tax kept back from a batch
    (``ask["transfer"]["part"]``, minor units) or what was settled, moves without a fee of its own.
    """
    payer = account(order, step, "debit", "payer_account")
    payee = account(order, step, "credit", "payee_account")
    if step.roles.get("amount") == "bought":
        # What the order exchanged before moves on in its new currency.
        return Effect(order, (Leg(payer, payee, outgoing(order)),))
    part = ask.get("transfer", {}).get("part", order.settled or None)
    if part is not None:
        return Effect(order, legs(order, (payer, payee, part)), output={"part": part})
    fee = fee_on(order.money(order.amount), order.terms).minor
    after = replace(
        order,
        paid=order.amount,
        fee=fee,
        # What an earlier step of the order made of it (an open account, a loan) says more.
        status="completed" if order.status == "waiting" else order.status,
        output={**order.output, "paid_at": rfc3339(at)},
    )
    moves = [(payer, payee, order.amount)]
    if fee:
        moves.append((payer, account(order, step, "fee", "fee_income"), fee))
    return Effect(after, legs(order, *moves), event="paid")


def reverse(order: Order, step: PlanStep, _at: datetime) -> Effect:
    """Opposite legs, linked to the original by the order's journal; the fee goes back as well."""
    payer = account(order, step, "debit", "payer_account")
    payee = account(order, step, "credit", "payee_account")
    moves = [(payee, payer, order.paid)]
    if order.fee:
        moves.append((account(order, step, "fee", "fee_income"), payer, order.fee))
    after = replace(order, refunded=order.paid, fee=0, status="refunded")
    return Effect(after, legs(order, *moves))


def undo(order: Order, _step: PlanStep, _ask: Ask, at: datetime) -> Effect:
    """``transfer.reverse`` as a step: undoes the plan's own transfer. Raises OrderStateRefused."""
    paid = next((each for each in order.plan if each.use == "transfer.execute"), None)
    if paid is None or order.paid == 0 or order.refunded:
        raise OrderStateRefused("nothing of this order was paid, or it went back already")
    return replace(reverse(order, paid, at), event="refunded")


def outgoing(order: Order) -> Money:
    """What leaves the bank: what was exchanged or settled for it, else the order's amount."""
    bought = section(order, "fx").get("bought")
    if bought:
        return Money.parse(bought["amount"], bought["currency"])
    return order.money(order.settled or order.amount)


def out(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """First payer to clearing, then, when the network has done it, on to the network.

    The step stays until ``ask["transfer"]["outcome"]`` says done. Money that stands in clearing
    already, because it was exchanged into it, moves once only. Deposits that prove an account
    (``ask["transfer"]["deposits"]``) leave by orders of their own.
    """
    if "deposits" in ask.get(NOUN, {}):
        return _deposited(order, ask[NOUN]["deposits"])
    amount = outgoing(order)
    foreign = amount.currency != order.currency
    clearing = order.roles["clearing_to" if foreign else "clearing"]
    outcome: Outcome | None = ask.get(NOUN, {}).get("outcome")
    if outcome is None:
        told = kept(order, NOUN, {"_payee": ask.get(NOUN, {}).get("payee")})
        return _sent(told, step, amount, clearing, at)
    nostro = order.roles["nostro_to" if foreign else "nostro"]
    facts = {
        "status": DONE,
        "reference": outcome.reference,
        "source": outcome.source,
        "simulated": outcome.simulated,
        "done_at": rfc3339(at),
    }
    after = replace(kept(order, NOUN, facts), status="completed", wake_at=None)
    return Effect(
        after,
        (Leg(clearing, nostro, amount),),
        skips=frozenset({"transfer.in"}),
        event="paid",
        output={"reference": outcome.reference},
    )


def _deposited(order: Order, asked: Mapping[str, Any]) -> Effect:
    """Two small payments are on their way; their amounts are the code that proves the account."""
    facts = {"orders": list(asked["orders"])}
    after = kept(kept(order, "deposits", facts), "code", asked["code"])
    wake_at = datetime.fromisoformat(asked["code"]["expires_at"])
    return Effect(replace(after, status="sent", wake_at=wake_at), event="sent", output=facts)


def _sent(order: Order, step: PlanStep, amount: Money, clearing: str, at: datetime) -> Effect:
    payer = account(order, step, "debit", "payer_account")
    moves: list[Leg] = [] if payer == clearing else [Leg(payer, clearing, amount)]
    fee = 0
    if payer != clearing:
        fee = fee_on(order.money(order.amount), order.terms).minor
        moves += legs(order, (payer, account(order, step, "fee", "fee_income"), fee))
    facts = {
        "status": SENT,
        "amount": amount.to_json(),
        "fee_minor": fee,
        "attempts": 0,
        "sent_at": rfc3339(at),
        "reference": None,
    }
    after = replace(
        kept(order, NOUN, facts),
        paid=order.paid or order.amount,
        fee=order.fee + fee,
        status="sent",
        wake_at=at,
    )
    return Effect(after, tuple(moves), stays=True, event="sent")


def send_back(order: Order, step: PlanStep, _at: datetime) -> Effect:
    """Undoes what ``out`` reserved: clearing to payer, fee and all. Never after it was done."""
    facts = section(order, NOUN)
    if facts.get("status") != SENT:
        raise OrderStateRefused("what the network has paid does not come back by itself")
    amount = outgoing(order)
    clearing = order.roles["clearing" if amount.currency == order.currency else "clearing_to"]
    payer = account(order, step, "debit", "payer_account")
    moves: list[Leg] = [] if payer == clearing else [Leg(clearing, payer, amount)]
    fee = facts["fee_minor"]
    if fee:
        moves += legs(order, (account(order, step, "fee", "fee_income"), payer, fee))
    after = replace(
        kept(order, NOUN, {"status": RETURNED}),
        refunded=order.paid,
        fee=order.fee - fee,
        status="refunded",
    )
    return Effect(after, tuple(moves))


def in_(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """What the network brought: its account to clearing, and on to the payee.

    ``ask["transfer"]["outcome"]`` is the network's notice. Money that is exchanged next stays in
    clearing.
    """
    outcome: Outcome = ask[NOUN]["outcome"]
    amount: Money = ask[NOUN]["amount"]
    clearing, nostro = order.roles["clearing"], order.roles["nostro"]
    payee = account(order, step, "credit", "payee_account")
    moves = [Leg(nostro, clearing, amount)]
    if payee != clearing:
        moves.append(Leg(clearing, payee, amount))
    facts = {
        "status": DONE,
        "amount": amount.to_json(),
        "reference": outcome.reference,
        "source": outcome.source,
        "simulated": outcome.simulated,
        "done_at": rfc3339(at),
    }
    after = replace(
        kept(order, NOUN, facts),
        paid=order.amount,
        status="received",
        wake_at=None,
    )
    return Effect(after, tuple(moves), event="received")


EXECUTE = Primitive(execute, reverse=reverse)
REVERSE = Primitive(undo)
OUT = Primitive(out, reverse=send_back)
IN = Primitive(in_)
