"""Gifts of units: whoever shows the code takes the position over, as a holding of their own.

Always true: the gift's position ends and the new holding begins in one commit, with the same units
at the same value; nothing is sold, and the pool holds what it held.
"""

from dataclasses import replace
from typing import Any

import msgspec

from bankside.bank.accounts import Account
from bankside.bank.shelf import FUNDS
from bankside.kernel.call import Answer
from bankside.kernel.db import Connection
from bankside.orders import carry, engine, parties, preparations
from bankside.orders.desk import Desk, Ticket
from bankside.orders.families import drafts
from bankside.orders.inputs import read_body
from bankside.orders.model import Order
from bankside.orders.preparations import Room
from bankside.orders.primitives import invest
from bankside.orders.primitives.effect import kept

# The product a taken gift is a holding of: marked daily, redeemed like any other.
HOLDING = "metalbond.gold-purchases"


async def take(desk: Desk, ticket: Ticket) -> Answer:
    """Redeem the gift's code to an account. Raises TicketUsed, TicketCodeWrong, AccountUnknown."""
    form = read_body(ticket.operation.inputs, ticket.call.body)

    async def decide(db: Connection, gift: Order) -> carry.Act:
        carry.made_by(ticket, gift)
        named = {"/payee_account": form["payee_account"]}
        found = await parties.accounts(db, ticket.scope, named, gift.money(0))
        room = Room(desk, db, ticket)
        prepared = await preparations.of_change(room, gift, "ticket.redeem", form)
        taken = _holding(desk, ticket, gift, found[form["payee_account"]])
        told = kept(prepared.order, "gift", {"holding": taken.id})
        change = engine.run(told, "ticket.redeem", prepared.ask, ticket.at)
        fund = FUNDS[invest.of(gift).product_code]
        own = engine.run(taken, "invest.value", {"invest": {"fund": fund}}, ticket.at)
        return carry.Act(change=change, more=(own,), narrative=ticket.product.name.zh)

    return await carry.act(desk, ticket, carry.path_id(ticket), decide)


def _holding(desk: Desk, ticket: Ticket, gift: Order, account: Account) -> Order:
    """The receiver's holding: the gift's units at the value they stand at."""
    position = invest.of(gift)
    worth = gift.money(position.value_minor)
    own = replace(position, paid_in_minor=worth.minor, paid_out_minor=0)
    asked: dict[str, Any] = {
        "account": account.id,
        "product_code": position.product_code,
        "amount": worth,
    }
    product = desk.catalogue.product(HOLDING)
    order = drafts.draft(
        desk,
        replace(ticket, product=product),
        asked,
        amount=worth,
        subject=account.ledger_account,
    )
    return replace(
        order,
        scope=f"gift:{gift.id}",
        parent=gift.id,
        status="held",
        paid=worth.minor,
        roles={"account": account.ledger_account, **parties.house(gift.currency)},
        output={"branch": account.branch},
        book={invest.NOUN: msgspec.to_builtins(own)},
    )
