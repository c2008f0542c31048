"""Primitive operation ``account.charge``: what keeping an account costs, taken by the clock.

Money: opened account to fee income, as far as the account covers it and never further; what it does
not cover stays owed in the order's book. The conventions are those of ``orders.interest.upkeep``.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from bankside.orders.interest import upkeep
from bankside.orders.interest.upkeep import Upkeep
from bankside.orders.model import AccountFee, Order, PlanStep
from bankside.orders.primitives.deposit import bank_day
from bankside.orders.primitives.effect import Ask, Effect, Primitive, account, kept, legs, section

NOUN = "upkeep"
USE = "account.charge"


def of(order: Order) -> Upkeep:
    """The account's fees in the order's book."""
    facts = {name.removeprefix("_"): value for name, value in section(order, NOUN).items()}
    return msgspec.convert(facts, Upkeep)


def fee_of(order: Order) -> AccountFee:
    """The price the account began with."""
    assert order.terms.account is not None, "its plan charges"
    return order.terms.account


def begun(order: Order, at: datetime) -> Order:
    """The order with a new account's fees, if its product has any; it wakes at the first one."""
    if order.terms.account is None:
        return order
    return _kept(order, upkeep.opened(bank_day(at), order.terms.account))


def charge(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """A period that is over is charged; then what is owed is taken as far as the account covers it.

    ``ask["upkeep"]``: ``can_pay`` (minor units; None: the account is closed, and nothing is charged
    on it any more) and ``lowest`` (of the period that is over).
    """
    asked = ask[NOUN]
    before = of(order)
    if asked["can_pay"] is None:
        return Effect(replace(order, status="closed"), ends=True)
    ended = at >= upkeep.due_at(before.next_on)
    due = upkeep.period_over(before, fee_of(order), asked["lowest"]) if ended else before
    paid, amount = upkeep.taken(due, asked["can_pay"])
    after = upkeep.tried(paid, bank_day(at))
    moves = legs(
        order, (_account(order, step), account(order, step, "credit", "fee_income"), amount)
    )
    owes_more = len(after.owed) > len(before.owed)
    return Effect(
        _kept(order, after),
        moves,
        stays=True,
        event="fee_charged" if amount else "fee_owed" if owes_more else None,
        output={"taken": amount, "owed": after.owed_minor, "periods": upkeep.periods(due.owed)},
    )


def narrative(order: Order, at: datetime) -> str:
    """The periods that a charge at the instant is for, in words of a statement."""
    book = of(order)
    ended = (
        upkeep.period_over(book, fee_of(order), None) if at >= upkeep.due_at(book.next_on) else book
    )
    return f"账户管理费 account fee {upkeep.periods(ended.owed)}"


def _account(order: Order, step: PlanStep) -> str:
    return account(order, step, "debit", "opened_account")


def settled(order: Order) -> Order:
    """The order whose fees were taken with the closing of its account."""
    book = of(order)
    paid, _ = upkeep.taken(book, book.owed_minor)
    return replace(_kept(order, replace(paid, try_on=None)), wake_at=None)


def _kept(order: Order, book: Upkeep) -> Order:
    facts: dict[str, Any] = msgspec.to_builtins(book)
    shown = {
        "next_on": facts.pop("next_on"),
        "taken_minor": facts.pop("taken_minor"),
        "owed": facts.pop("owed"),
    }
    hidden = {f"_{name}": value for name, value in facts.items()}
    return replace(kept(order, NOUN, {**shown, **hidden}), wake_at=book.wakes)


CHARGE = Primitive(charge)
