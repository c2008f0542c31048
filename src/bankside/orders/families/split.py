"""Family ``collect_split``: shares of a paid order, their return, and the end of splitting.

Shares can also be taken out of an ordinary collected payment until its end of day (Alipay-style
``trade.order.settle``): its money stands in the same pending account under the same cap.
"""

from typing import Any

from bankside.kernel.call import Answer
from bankside.kernel.db import Connection
from bankside.orders import carry, engine, parties, store
from bankside.orders.desk import Desk, Ticket
from bankside.orders.errors import NumberReused, OrderNotFound, SplitReturnExceeded
from bankside.orders.families import drafts
from bankside.orders.inputs import read_body
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives import PRIMITIVES
from bankside.orders.primitives import split as primitive

SPLITTABLE = frozenset({"collect", "collect_split"})
_SHARE = PlanStep("split", "split.execute", "event", "compensate")
_RETURN = PlanStep("return", "split.return", "request", "compensate")


async def execute(desk: Desk, ticket: Ticket) -> Answer:
    """Pay shares to receivers; with ``finish`` the rest is freed to the merchant at once."""
    form = read_body(ticket.operation.inputs, ticket.call.body)

    async def decide(db: Connection, order: Order) -> carry.Act | Answer:
        splittable(order)
        number = form.get("split_no")
        content = drafts.content_hash("split.execute", form)
        if number and await used(db, order, "split.execute", number, content):
            return carry.repeated(order, carry.with_fields(split_no=number))
        named = {
            f"/receivers/{index}/account": each["account"]
            for index, each in enumerate(form["receivers"])
        }
        found = await parties.accounts(db, ticket.scope, named, order.money(0))
        parties.same_currency(form["receivers"], order.currency, "/receivers")
        ask = {
            "shares": [
                {"account": found[each["account"]].id, "amount": each["amount"]}
                for each in form["receivers"]
            ],
            "accounts": {each.id: each.ledger_account for each in found.values()},
            "registered": await parties.registered(db, order),
            "number": number,
            "finish": form.get("finish", False),
        }
        return carry.Act(
            change=engine.numbered(_change(order, ask, ticket), content),
            wrap=carry.with_fields(split_no=number),
            narrative=f"split {order.reference}",
        )

    return await carry.act(desk, ticket, carry.path_id(ticket), decide)


async def give_back(desk: Desk, ticket: Ticket) -> Answer:
    """A receiver's share comes back to the order. Raises SplitReturnExceeded, ledger refusals."""
    form = read_body(ticket.operation.inputs, ticket.call.body)

    async def decide(db: Connection, order: Order) -> carry.Act | Answer:
        splittable(order)
        number = form.get("return_no")
        content = drafts.content_hash("split.return", form)
        if number and await used(db, order, "split.return", number, content):
            return carry.repeated(order, carry.with_fields(return_no=number))
        named = {"/account": form["account"]}
        found = await parties.accounts(db, ticket.scope, named, form["amount"])
        receiver = found[form["account"]]
        if receiver.currency != order.currency:
            raise SplitReturnExceeded(f"{receiver.id} holds nothing of this order")
        ask = {
            "account": receiver.id,
            "payer": receiver.ledger_account,
            "amount": form["amount"],
            "number": number,
        }
        effect = PRIMITIVES[_RETURN.use].run(order, _RETURN, ask, ticket.at)
        change = engine.amend(order, _RETURN, effect, ticket.at)
        return carry.Act(
            change=engine.numbered(change, content),
            wrap=carry.with_fields(return_no=number),
            narrative=f"split return {order.reference}",
        )

    return await carry.act(desk, ticket, carry.path_id(ticket), decide)


async def finish(desk: Desk, ticket: Ticket) -> Answer:
    """End splitting: the rest goes to the merchant less the fee."""
    read_body(ticket.operation.inputs, ticket.call.body)

    async def decide(_db: Connection, order: Order) -> carry.Act:
        splittable(order)
        use = "split.finish" if order.family == "collect_split" else "collect.settle"
        return carry.Act(
            change=engine.run(order, use, {}, ticket.at), narrative=f"settle {order.reference}"
        )

    return await carry.act(desk, ticket, carry.path_id(ticket), decide)


def splittable(order: Order) -> None:
    """OrderNotFound for an order that no split route is about."""
    if order.family not in SPLITTABLE:
        raise OrderNotFound


async def used(db: Connection, order: Order, use: str, number: str, content: bytes) -> bool:
    """Whether the partner's number named this very act of the order before; NumberReused else."""
    before = await store.journaled_number(db, order, use, number)
    if before is not None and before != content:
        raise NumberReused(f"{number} was used for something else on order {order.id}")
    return before is not None


def _change(order: Order, ask: dict[str, Any], ticket: Ticket) -> engine.Change:
    if order.family == "collect_split":
        return engine.run(order, "split.execute", ask, ticket.at)
    effect = primitive.execute(order, _SHARE, ask, ticket.at)
    if not ask["finish"]:
        return engine.amend(order, _SHARE, effect, ticket.at)
    return engine.run_after(order, _SHARE, effect, "collect.settle", ticket.at)
