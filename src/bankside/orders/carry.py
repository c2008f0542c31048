"""How a call becomes one committed change: a new order begun, or a standing order acted upon.

Gather (reads), decide (`engine`, pure), write (`Desk.commit`): every family's handlers end here.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bankside.kernel.call import Answer
from bankside.kernel.db import Connection, Write
from bankside.kernel.errors import BanksideError
from bankside.kernel.ids import is_reference
from bankside.orders import engine, events, parties, store, store_keys
from bankside.orders.answers import Shown, show
from bankside.orders.desk import Desk, Ticket, Unit
from bankside.orders.engine import Change
from bankside.orders.errors import NumberReused, OrderNotFound, by_code
from bankside.orders.model import Order, State, is_terminal
from bankside.orders.primitives import Ask
from bankside.orders.store_keys import Spending

CREATED, ACCEPTED, REPEATED = 201, 202, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """A new order and what its first step asks for; ``writes`` ride along when it is accepted."""

    order: Order
    ask: Ask
    use: str
    spending: Spending | None = None
    writes: Sequence[Write] = ()
    narrative: str = ""


def _as_it_is(shown: Shown) -> Shown:
    return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A decided change of a standing order.

    ``more`` are changes of other orders in the same commit; ``answers`` is the order to answer with
    when it is not the changed one; ``wrap`` gives the answer its last shape.
    """

    change: Change
    more: tuple[Change, ...] = ()
    spending: Spending | None = None
    writes: Sequence[Write] = ()
    refusals: Mapping[str, type[BanksideError]] = field(default_factory=dict)
    answers: Order | None = None
    wrap: Callable[[Shown], Shown] = _as_it_is
    narrative: str = ""
    status: int = CREATED


Decide = Callable[[Connection, Order], Awaitable[Act | Answer]]


async def begin(desk: Desk, ticket: Ticket, beginning: Beginning) -> Answer:
    """Begin the order and run it to its first wait.

    Answers 201 when it finished, 202 when it waits. Raises what the steps and the ledger refuse;
    a refused order keeps its number.
    """
    order, told = events.told_natively(beginning.order, ticket.call.callback)
    change = engine.run(order, beginning.use, beginning.ask, ticket.at)
    status = CREATED if is_terminal(change.after.state) else ACCEPTED
    answer = Answer(status, show(change.after), facts=facts(change.after))
    await desk.commit(
        Unit(
            changes=(change,),
            refused=lambda group: engine.refused(order, beginning.use, group, ticket.at),
            writes=_riders((*beginning.writes, *told), beginning.spending),
            ticket=ticket,
            answer=answer,
            narrative=beginning.narrative,
        )
    )
    return answer


async def act(desk: Desk, ticket: Ticket, order_id: str, decide: Decide) -> Answer:
    """Change one standing order, being its only writer in this process.

    ``decide`` reads what it needs and returns the change, or an Answer when there is nothing to do
    (the partner's own number was used for the same thing before). Raises OrderNotFound.
    """
    async with desk.turn(order_id):
        async with desk.reading() as db:
            order = await visible(desk, db, ticket, order_id)
            decided = await decide(db, order)
        if isinstance(decided, Answer):
            return decided
        return await _write(desk, ticket, decided)


async def _write(desk: Desk, ticket: Ticket, decided: Act) -> Answer:
    """Commit a decided act and answer it; the caller holds the order's turn."""
    change = decided.change
    order = decided.answers or change.after
    answer = Answer(decided.status, decided.wrap(show(order)), facts=facts(order))
    before = change.before or change.after
    use = change.entries[0].use
    await desk.commit(
        Unit(
            changes=(change, *decided.more),
            refused=lambda group: engine.refused(before, use, group, ticket.at),
            writes=_riders(decided.writes, decided.spending),
            ticket=ticket,
            answer=answer,
            narrative=decided.narrative,
            refusals=decided.refusals,
        )
    )
    return answer


async def visible(desk: Desk, db: Connection, ticket: Ticket, order_id: str) -> Order:
    """The order with this id that the caller may see, or OrderNotFound.

    Under a customer's consent: what this client ordered for an account the consent opens.
    """
    order = await store.find(db, ticket.scope, order_id) if is_reference(order_id) else None
    if order is None or not await _is_open(db, ticket, order):
        raise OrderNotFound
    return await desk.explained(db, order)


async def _is_open(db: Connection, ticket: Ticket, order: Order) -> bool:
    if ticket.accounts is None:
        return True
    opened = await parties.known_accounts(db, ticket.scope, ticket.accounts)
    return order.app == ticket.call.caller.app and order.subject in {
        account.ledger_account for account in opened.values()
    }


async def of_product(desk: Desk, db: Connection, ticket: Ticket) -> Order:
    """The order the path names, if the called product made it, or OrderNotFound."""
    return made_by(ticket, await visible(desk, db, ticket, path_id(ticket)))


def made_by(ticket: Ticket, order: Order) -> Order:
    """The order, if the called product made it, or OrderNotFound."""
    if order.product != ticket.product.id:
        raise OrderNotFound
    return order


def path_id(ticket: Ticket) -> str:
    """The one id in the path of an item route."""
    (value,) = ticket.call.path.values()
    return value


async def same_number(desk: Desk, db: Connection, order: Order) -> Answer | None:
    """The order that already has this number, when it is about the same thing.

    None when the number is free. Raises NumberReused, and the stored refusal of a refused order:
    its number stays used.
    """
    if order.reference is None:
        return None
    found = await store.find_by_reference(db, order.partner, [order.scope], order.reference)
    if found is None:
        return None
    if found.content_hash != order.content_hash:
        raise NumberReused(f"{order.reference} already names order {found.id}")
    if found.state is State.REFUSED:
        why = (await desk.explained(db, found)).output
        raise by_code(why["code"])(why["detail"])
    return repeated(found)


def repeated(order: Order, wrap: Callable[[Shown], Shown] = _as_it_is) -> Answer:
    """The answer of something that had been done before: the order as it is now."""
    return Answer(REPEATED, wrap(show(order)), hit=True, facts=facts(order))


def with_fields(**fields: Any) -> Callable[[Shown], Shown]:
    """Adds fields of this very request to the shown order."""
    return lambda shown: {**shown, **fields}


def shown_as(decided: Act, order: Order, wrap: Callable[[Shown], Shown]) -> Act:
    """The act, answered with another of its orders in another shape."""
    return replace(decided, answers=order, wrap=wrap)


def facts(order: Order) -> dict[str, str]:
    """What the call record keeps: never shown to the caller."""
    known = {"order": order.id, "branch": order.output.get("branch")}
    return {name: value for name, value in known.items() if value}


def _riders(writes: Sequence[Write], spending: Spending | None) -> tuple[Write, ...]:
    return (*writes, store_keys.spent(spending)) if spending else tuple(writes)
