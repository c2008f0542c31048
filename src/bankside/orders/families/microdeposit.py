"""Family ``microdeposit``: an account is proven by whoever can tell two small payments to it.

Always true: the verification and its two payments begin in one commit; the payments are orders of
their own below it (``parent``), which a worker sends and a refusal of the network gives back; their
amounts are kept as a salted hash, may be entered three times, and are good for three days.
"""

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from bankside.bank.accounts import Account
from bankside.kernel.call import Answer
from bankside.kernel.db import Write
from bankside.kernel.money import Money
from bankside.orders import carry, engine, limits, parties, preparations, store_keys
from bankside.orders.answers import show
from bankside.orders.desk import Desk, Ticket, Unit
from bankside.orders.engine import Change
from bankside.orders.errors_money import NetworkUnavailable
from bankside.orders.families import drafts
from bankside.orders.inputs import read_body
from bankside.orders.model import Order
from bankside.orders.preparations import Form, Room, codes

# Two amounts of 1 to 99 minor units: three guesses at 4,950 pairs.
DEPOSIT_MINOR_MAX: Final = 99
# A deposit takes up to a working day to arrive, and people look at their statements later.
TTL: Final = timedelta(days=3)
# Each deposit is a payment to another bank like any other.
PAYMENT: Final = "payment.interbank-transfers"
_SECRET = frozenset({"document_no"})


async def create(desk: Desk, ticket: Ticket) -> Answer:
    """Check the papers and send both deposits.

    Raises InputInvalid, AccountUnknown, PartyUnknown, VerificationFailed, NetworkUnavailable,
    limits, the ledger's refusals.
    """
    form = read_body(ticket.operation.inputs, ticket.call.body)
    if ticket.environment != "sandbox" and not desk.network.real:
        raise NetworkUnavailable("no payment network is connected outside the sandbox")
    async with desk.reading() as db:
        named = {"/payer_account": form["payer_account"]}
        payer = (await parties.known(db, ticket.scope, named))[form["payer_account"]]
        order = _drafted(desk, ticket, form, payer)
        same = await carry.same_number(desk, db, order)
        if same is not None:
            return same
        room = Room(desk, db, ticket)
        checked = await preparations.of_step(room, order, order.plan[0], form)
        amounts = [1 + secrets.randbelow(DEPOSIT_MINOR_MAX) for _ in range(2)]
        deposits = [await _deposit(room, order, form, payer, each) for each in amounts]
        spending = await limits.admitted(
            db,
            ticket.product,
            partner=order.partner,
            subject=order.subject,
            amount=order.money(sum(amounts)),
            at=ticket.at,
        )
    asked = {
        "orders": [each.after.id for each, _ in deposits],
        "code": _code(ticket, order, amounts),
    }
    ask = {**checked.ask, "transfer": {"deposits": asked}}
    change = engine.run(order, order.plan[0].use, ask, ticket.at)
    answer = Answer(carry.ACCEPTED, show(change.after), facts=carry.facts(change.after))
    await desk.commit(
        Unit(
            changes=(change, *(each for each, _ in deposits)),
            refused=lambda group: engine.refused(order, order.plan[0].use, group, ticket.at),
            writes=(
                *(write for _, writes in deposits for write in writes),
                *((store_keys.spent(spending),) if spending else ()),
            ),
            ticket=ticket,
            answer=answer,
            narrative=ticket.product.name.zh,
        )
    )
    return answer


def _drafted(desk: Desk, ticket: Ticket, form: Form, payer: Account) -> Order:
    kept = {name: value for name, value in form.items() if name not in _SECRET}
    nothing = Money(0, payer.currency)
    order = drafts.draft(desk, ticket, kept, amount=nothing, subject=payer.ledger_account)
    return replace(
        order,
        scope=f"verify:{ticket.call.caller.tenant or ''}",
        reference=form.get("reference"),
        roles={"payer_account": payer.ledger_account, **parties.house(payer.currency)},
        output={"branch": payer.branch},
    )


async def _deposit(
    room: Room, order: Order, form: Form, payer: Account, minor: int
) -> tuple[Change, tuple[Write, ...]]:
    """One of the payments, begun, and the job that sends it."""
    assert room.ticket is not None, "verifications come by request"
    product = room.desk.catalogue.product(PAYMENT)
    amount = order.money(minor)
    asked: dict[str, Any] = {
        "payer_account": payer.id,
        "payee_account_no": form["payee_account_no"],
        "payee_name": form["name"],
        "payee_bank": form["payee_bank"],
        "amount": amount,
    }
    draft = drafts.draft(
        room.desk,
        replace(room.ticket, product=product),
        asked,
        amount=amount,
        subject=payer.ledger_account,
    )
    child = replace(
        draft,
        scope=f"deposit:{order.id}",
        parent=order.id,
        roles=order.roles,
        output=order.output,
    )
    use = child.plan[0].use
    prepared = await preparations.of_change(room, child, use, {})
    return engine.run(prepared.order, use, prepared.ask, room.ticket.at), prepared.writes


def _code(ticket: Ticket, order: Order, amounts: list[int]) -> dict[str, Any]:
    """The sandbox has no account at another bank to look at: there the order shows the amounts."""
    facts = codes.sealed(codes.of_amounts(amounts), ticket.at + TTL)
    shown = [order.money(each).to_json() for each in amounts]
    return facts | ({"sandbox_amounts": shown} if ticket.environment == "sandbox" else {})
