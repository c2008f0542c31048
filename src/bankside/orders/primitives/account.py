"""Primitive ``account``: an account is opened, blocked for debits, freed, swept out and closed.

The register's rows (``bank.accounts``) commit with the step that asked for them. Opening and
closing undo each other; so do freezing and unfreezing.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from bankside.bank.accounts import AccountStatus, ProductClass, Standing, moved_to, opened
from bankside.kernel.clock import rfc3339
from bankside.kernel.ids import AccountId
from bankside.orders.errors import OrderStateRefused
from bankside.orders.interest import cards
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives import card, upkeep
from bankside.orders.primitives.deposit import bank_day
from bankside.orders.primitives.effect import (
    Ask,
    Effect,
    Primitive,
    account,
    kept,
    legs,
    section,
)

NOUN = "account"


def open_(order: Order, _step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """The drafted account stands open and empty, in the role ``opened_account``.

    ``ask["account"]``: ``opening`` (the drafted account) and ``floor`` in minor units, below zero
    for the limit of a credit account.
    """
    drafted, floor = ask[NOUN]["opening"], ask[NOUN].get("floor", 0)
    after = replace(
        order,
        subject=order.subject or drafted.ledger_account,
        roles={**order.roles, "opened_account": drafted.ledger_account},
        status="open",
    )
    facts: dict[str, Any] = {
        "id": drafted.id,
        "number": drafted.number,
        "class": drafted.product_class.value,
        "currency": drafted.currency,
        "holder": drafted.customer,
        "status": AccountStatus.OPEN.value,
        "opened_at": rfc3339(drafted.opened_at),
        "closed_at": None,
    }
    if drafted.account_class is not None:
        facts["account_class"] = drafted.account_class
    if floor:
        facts["limit"] = after.money(-floor).to_json()
    if drafted.product_class is ProductClass.CREDIT:
        after = card.begun(after, cards.opened(bank_day(at)))
    after = upkeep.begun(after, at)
    return Effect(
        kept(after, NOUN, facts),
        event="account_opened",
        writes=opened(drafted, floor=floor),
        output={"account": drafted.id},
    )


def undo_open(order: Order, step: PlanStep, at: datetime) -> Effect:
    """The opened account is closed; what had been paid into it went back before.

    One that its holder closed in the meantime stays closed.
    """
    if section(order, NOUN).get("status") == AccountStatus.CLOSED.value:
        return Effect(order)
    return _moved(order, step, _of_book(order), AccountStatus.CLOSED, at)


def freeze(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """The account takes credits only. ``ask["account"]["standing"]`` is the account as it is."""
    effect = _moved(order, step, ask[NOUN]["standing"], AccountStatus.FROZEN, at)
    return replace(effect, event="account_frozen")


def unfreeze(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """The account pays again."""
    effect = _moved(order, step, ask[NOUN]["standing"], AccountStatus.OPEN, at)
    return replace(effect, event="account_unfrozen")


def undo_freeze(order: Order, step: PlanStep, at: datetime) -> Effect:
    """The account pays again because what froze it came to nothing."""
    return _moved(order, step, _of_book(order), AccountStatus.OPEN, at)


def close(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """What is left is swept to ``credit``, and the account is closed for ever.

    ``ask["account"]``: ``standing``, ``balance`` (minor units to sweep) and ``sweep_to`` (a ledger
    account, None when nothing is left). What is owed for keeping the account is taken first.
    """
    asked, now = ask[NOUN], order
    left, target = asked["balance"], asked.get("sweep_to") or ""
    charged = bool(section(order, upkeep.NOUN))
    owed = upkeep.of(order).owed_minor if charged else 0
    if charged:
        now = upkeep.settled(order)
    closes = asked["standing"].ledger_account
    effect = _moved(now, step, asked["standing"], AccountStatus.CLOSED, at)
    moves = legs(order, (closes, order.roles.get("fee_income", ""), owed), (closes, target, left))
    # Nothing is billed on a card, or charged on an account, that is closed.
    ends = charged or bool(section(order, card.NOUN))
    output = {"swept": left, "taken": owed} if owed else {"swept": left}
    return replace(effect, legs=moves, event="account_closed", ends=ends, output=output)


def _of_book(order: Order) -> Standing:
    facts = section(order, NOUN)
    return Standing(
        order.partner,
        AccountId(facts["id"]),
        order.roles.get("opened_account") or facts["ledger"],
        AccountStatus(facts["status"]),
    )


def _moved(
    order: Order, _step: PlanStep, standing: Standing, to: AccountStatus, at: datetime
) -> Effect:
    reason = str(order.input.get("reason") or order.input.get("purpose") or order.product)
    facts = {"id": standing.id, "ledger": standing.ledger_account, "status": to.value}
    if to is AccountStatus.CLOSED:
        facts["closed_at"] = rfc3339(at)
    after = replace(kept(order, NOUN, facts), status=to.value)
    return Effect(after, writes=moved_to(standing, to, reason=reason[:140], at=at))


def role_of_account(order: Order, step: PlanStep) -> str:
    """The ledger account the step is about. Raises OrderStateRefused when it names none."""
    if "account" in step.roles or "account" in order.roles:
        return account(order, step, "account", "account")
    found = order.roles.get("opened_account")
    if found is None:
        raise OrderStateRefused(f"order {order.id} is about no account")
    return found


OPEN = Primitive(open_, reverse=undo_open)
FREEZE = Primitive(freeze, reverse=undo_freeze)
UNFREEZE = Primitive(unfreeze)
CLOSE = Primitive(close)
