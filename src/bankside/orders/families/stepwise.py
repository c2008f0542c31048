"""Orders of mixed steps: one handler for every product that is a line of primitives and no more.

Driven by the definition alone: a create begins the plan, every other write runs what the operation
``runs`` on the order its path names, as a step of the plan or beside it. What a step has to know is
read by its preparation (``orders.preparations``).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time
from typing import Any

from bankside.bank import ledger
from bankside.bank.accounts import Account
from bankside.bank.customers import CustomerNotFound, customer
from bankside.catalog import Input
from bankside.kernel.call import Answer
from bankside.kernel.clock import BANK_ZONE
from bankside.kernel.db import Connection, Write
from bankside.kernel.errors import Refused
from bankside.kernel.money import CurrencyUnknown, Money, minor_digits
from bankside.orders import (
    carry,
    consented,
    engine,
    limits,
    parties,
    preparations,
    rules,
    store,
)
from bankside.orders.conditions import among, asked
from bankside.orders.conditions.payments import priced
from bankside.orders.desk import Desk, Ticket
from bankside.orders.engine import Change
from bankside.orders.errors import (
    AlreadyPosted,
    CurrencyRefused,
    HolderUnknown,
    NothingToRetry,
    SameAccount,
)
from bankside.orders.errors_money import (
    NetworkUnavailable,
)
from bankside.orders.families import drafts
from bankside.orders.families.split import used
from bankside.orders.inputs import fault, read_body, refuse
from bankside.orders.model import Order, PlanStep, State, is_terminal
from bankside.orders.preparations import Form, Room
from bankside.orders.primitives import PRIMITIVES, Effect
from bankside.orders.primitives.effect import kept
from bankside.orders.store_keys import Spending

# Credentials are used while the call runs and never kept, not even in a hash.
_NEVER_KEPT = frozenset({"secret", "token"})
# The partner's own numbers, and the space each is unique in.
_NUMBERS = {
    "order_no": drafts.orders_scope,
    "end_to_end_id": drafts.transfers_scope,
    "batch_no": drafts.batches_scope,
}
# Numbers of single acts on an order: each is used once on it.
_ACT_NUMBERS = ("split_no", "capture_no", "drawdown_no", "repayment_no")
CURRENCY_DEFAULT = "CNY"


async def create(desk: Desk, ticket: Ticket) -> Answer:
    """Begin the product's plan and run it to its first wait.

    Under a consent, exactly the payment agreed to. Raises InputInvalid, AccountUnknown,
    HolderUnknown, CurrencyRefused, PaymentDiffers, limits, and whatever the steps refuse.
    """
    form = asked(ticket)
    async with desk.reading() as db:
        order = await _opened(db, desk, ticket, form)
        same = await carry.same_number(desk, db, order)
        if same is not None:
            return same
        agreed = await _agreed(db, desk, ticket, form)
        use = ticket.operation.runs or order.plan[0].use
        prepared = await preparations.of_change(Room(desk, db, ticket), order, use, form)
        order = prepared.order
        if ticket.product.limits is not None:
            ceiling = ticket.product.limits.per_transaction_minor
            rules.within_transaction_limit(order.money(order.amount), ceiling)
        # What counts against the day is what moves now, or later without a further request; not
        # what a paper promises.
        after = engine.run(order, use, prepared.ask, ticket.at)
        counts = bool(after.legs) or _moves_by_itself(desk, ticket, after.after)
        spending = await _spending(db, ticket, order, order.money(order.amount if counts else 0))
        await ledger.carry_out(db, *prepared.ahead)
    beginning = carry.Beginning(
        order=prepared.order,
        ask=prepared.ask,
        use=use,
        spending=spending,
        writes=(*prepared.writes, *agreed),
        narrative=str(form.get("remark") or form.get("purpose") or ticket.product.name.zh),
    )
    return await carry.begin(desk, ticket, beginning)


async def act(desk: Desk, ticket: Ticket) -> Answer:
    """Run what the operation runs on the order its path names. Raises what the step refuses."""
    form = read_body(ticket.operation.inputs, ticket.call.body)

    async def decide(db: Connection, order: Order) -> carry.Act | Answer:
        carry.made_by(ticket, order)
        use = ticket.operation.runs or ""
        number = next((form[name] for name in _ACT_NUMBERS if name in form), None)
        content = drafts.content_hash(use, form)
        if number and await used(db, order, use, number, content):
            return carry.repeated(order)
        change, writes = await decided(Room(desk, db, ticket), order, form)
        amount = form.get("amount") or order.money(_newly_paid(order, change))
        spending = None
        if isinstance(amount, Money) and change.legs:
            spending = await _spending(db, ticket, order, amount)
        return carry.Act(
            change=engine.numbered(change, content),
            writes=writes,
            spending=spending,
            narrative=str(form.get("remark") or ticket.product.name.zh),
        )

    return await carry.act(desk, ticket, carry.path_id(ticket), decide)


async def decided(room: Room, order: Order, form: Form) -> tuple[Change, tuple[Any, ...]]:
    """The change that the ticket's operation makes of a standing order, and rows beside it.

    A step of the plan that lies ahead is run; one that lies behind is run again in place; one that
    the plan does not have stands beside it (an account is closed, a contract amended).
    """
    assert room.ticket is not None
    use = room.ticket.operation.runs
    assert use is not None and use in PRIMITIVES, "the catalogue checked what a write runs"
    at = room.ticket.at
    places = [n for n, step in enumerate(order.plan) if step.use == use]
    lies_ahead = bool(places) and _lies_ahead(order, use)
    if places and (lies_ahead or not PRIMITIVES[use].lasting):
        engine_runs = lies_ahead or places[-1] >= order.position or is_terminal(order.state)
        if engine_runs:
            engine.entrance(order, use)
        prepared = await preparations.of_change(room, order, use, form)
        run = engine.run if engine_runs else engine.again
        return run(prepared.order, use, prepared.ask, at), prepared.writes
    roles = order.plan[places[-1]].roles if places else {}
    step = PlanStep(room.ticket.operation.word, use, "request", "compensate", roles)
    prepared = await preparations.of_step(room, order, step, form)
    effect = PRIMITIVES[use].run(prepared.order, step, prepared.ask, at)
    return engine.amend(prepared.order, step, effect, at), prepared.writes


def _lies_ahead(order: Order, use: str) -> bool:
    """Whether the plan comes to the step from where the order waits."""
    try:
        engine.entrance(order, use)
    except Refused:
        return False
    return True


async def amend(desk: Desk, ticket: Ticket) -> Answer:
    """Record new particulars of the order (a name, a purpose); they move nothing.

    Raises InputInvalid when nothing is given.
    """
    form = read_body(ticket.operation.inputs, ticket.call.body)
    facts = drafts.kept(_kept(ticket.operation.inputs, form))
    if not facts:
        refuse([fault("", "field.missing", "give what is to be changed")])

    async def decide(_db: Connection, order: Order) -> carry.Act:
        carry.made_by(ticket, order)
        step = PlanStep("amend", "order.amend", "request", "continue")
        effect = Effect(kept(order, "amended", facts), event="amended", output=facts)
        return carry.Act(change=engine.amend(order, step, effect, ticket.at))

    return await carry.act(desk, ticket, carry.path_id(ticket), decide)


async def retry(desk: Desk, ticket: Ticket) -> Answer:
    """Try at once what the order waits for the clock to do. Raises NothingToRetry."""
    read_body(ticket.operation.inputs, ticket.call.body)

    async def decide(db: Connection, order: Order) -> carry.Act:
        carry.made_by(ticket, order)
        use = order.waits_for
        if use is None or order.wake_at is None:
            raise NothingToRetry(f"the order is {order.status}")
        prepared = await preparations.of_change(Room(desk, db, ticket), order, use, {})
        return carry.Act(
            change=engine.run(prepared.order, use, prepared.ask, ticket.at),
            writes=prepared.writes,
            narrative=ticket.product.name.zh,
        )

    return await carry.act(desk, ticket, carry.path_id(ticket), decide)


async def cancel(desk: Desk, ticket: Ticket) -> Answer:
    """Undo the order as far as it stands. Raises AlreadyPosted once it is completed.

    What was posted returns as new legs, linked by the order's journal; an order that posted
    nothing is closed.
    """
    form = read_body(ticket.operation.inputs, ticket.call.body)

    async def decide(db: Connection, order: Order) -> carry.Act | Answer:
        carry.made_by(ticket, order)
        if order.state in {State.EXPIRED, State.COMPENSATED, State.REFUSED}:
            return carry.repeated(order)
        sent = order.book.get("transfer", {}).get("status") == "sent"
        used = order.book.get("ticket", {}).get("ticket_status") == "redeemed"
        if is_terminal(order.state) or order.state is State.RECONCILING or sent or used:
            raise AlreadyPosted(f"the order is {order.status}")
        done = await store.journal(db, order.partner, order.id)
        steps = [entry.step_id for entry in done if entry.status == "done"]
        if not any(step.id in steps and _undoes(step) for step in order.plan):
            why = form.get("reason", "cancelled by the partner")
            return carry.Act(change=engine.close(order, ticket.at, why=why))
        return carry.Act(
            change=engine.compensate(order, steps, "order.cancelled", ticket.at),
            narrative=f"cancelled: {ticket.product.name.zh}",
        )

    return await carry.act(desk, ticket, carry.path_id(ticket), decide)


def _moves_by_itself(desk: Desk, ticket: Ticket, order: Order) -> bool:
    """Whether the clock or the network moves the order's amount next, without anybody asking.

    What happens daily is interest and value, not the amount.
    """
    started = {each.runs for each in ticket.product.all_operations}
    for step in order.plan[order.position :]:
        found = desk.catalogue.primitive(step.use)
        if found is not None and found.posts and step.when != "daily":
            return step.use not in started
    return False


def _newly_paid(order: Order, change: Change) -> int:
    """What an act pays that names no amount: a bill, points. What was held was counted before."""
    return 0 if order.held else max(change.after.paid - order.paid, 0)


def _undoes(step: PlanStep) -> bool:
    return PRIMITIVES[step.use].reverse is not None


async def _opened(db: Connection, desk: Desk, ticket: Ticket, form: Form) -> Order:
    """The new order: accounts in their roles, price, number, and the input without credentials."""
    named = {
        f"/{each.name}": form[each.name]
        for each in ticket.operation.inputs
        if each.type == "account" and each.name in form
    }
    debited = {f"/{step.roles['debit']}" for step in ticket.product.steps if "debit" in step.roles}
    found = await parties.known(db, ticket.scope, named, debited=debited)
    await _customers(db, ticket, form)
    holders = {name[1:]: found[reference] for name, reference in named.items()}
    among(ticket, holders)
    amount = _amount(form, holders)
    _distinct(holders)
    _same_currency(holders, ticket, amount.currency)
    kept = _kept(ticket.operation.inputs, form)
    # An account that a new one is bound to is not what the order is about.
    first = next((each for name, each in holders.items() if name != "bound_account"), None)
    order = drafts.draft(
        desk, ticket, kept, amount=amount, subject=first.ledger_account if first else ""
    )
    number = next((name for name in (*_NUMBERS, "reference") if name in form), None)
    tenant = ticket.call.caller.tenant
    return replace(
        order,
        scope=_NUMBERS[number](tenant)
        if number in _NUMBERS
        else f"{ticket.product.family}:{tenant or ''}",
        reference=form[number] if number else None,
        terms=priced(form, drafts.terms(ticket.product, order.currency), order.currency),
        roles={
            **{name: each.ledger_account for name, each in holders.items()},
            **parties.house(order.currency),
        },
        output=_facts(ticket, first),
        # What the network is to bring, or the clock to pay, is looked for from then on.
        wake_at=_first_wake(desk, ticket, form),
    )


async def _agreed(db: Connection, desk: Desk, ticket: Ticket, form: Form) -> tuple[Write, ...]:
    """The writes that use up the consent to this payment to another bank; none without one."""
    if ticket.accounts is None or not ticket.operation.moves_money:
        return ()
    found = await parties.known(db, ticket.scope, {"/payer_account": form["payer_account"]})
    payment = consented.Payment(
        payer=found[form["payer_account"]],
        payee=consented.Payee.elsewhere(
            number=form["payee_account_no"], bank=form["payee_bank"], name=form["payee_name"]
        ),
        amount=form["amount"],
        remittance_information=form.get("remark", ""),
        end_to_end_id=form.get("end_to_end_id", ""),
    )
    return await consented.agreed_payment(desk, db, ticket, payment)


def _first_wake(desk: Desk, ticket: Ticket, form: Form) -> datetime | None:
    """When a worker looks first at an order that waits for the network or for a day to pay.

    Raises NetworkUnavailable for a plan that needs a network, where none is.
    """
    uses = {step.use for step in ticket.product.steps}
    outside = bool(uses & {"transfer.in", "transfer.out"})
    if outside and ticket.environment != "sandbox" and not desk.network.real:
        raise NetworkUnavailable("no payment network is connected outside the sandbox")
    if "pension.payout" in uses and "pay_on" in form:
        return max(ticket.at, datetime.combine(form["pay_on"], time(), BANK_ZONE))
    comes_in = "transfer.in" in uses and "transfer.out" not in uses
    return ticket.at if comes_in or "pension.payout" in uses else None


def _same_currency(holders: Mapping[str, Account], ticket: Ticket, currency: str) -> None:
    """Every account is kept in the order's currency, unless the plan exchanges it."""
    if any(step.use == "fx.quote" for step in ticket.product.steps):
        return
    for name, each in holders.items():
        if each.currency != currency:
            detail = f"the account is kept in {each.currency}"
            raise CurrencyRefused(detail, errors=[fault(f"/{name}", CurrencyRefused.code, detail)])


def _facts(ticket: Ticket, first: Account | None) -> dict[str, Any]:
    """Where the order belongs, and that its outside world is acted when it is."""
    facts: dict[str, Any] = {"branch": first.branch} if first else {}
    return facts | ({"simulated": True} if ticket.product.simulated else {})


async def _customers(db: Connection, ticket: Ticket, form: Form) -> None:
    """Every party the request names is a customer of the data space. Raises HolderUnknown."""
    for each in ticket.operation.inputs:
        if each.type == "party" and each.name in form:
            try:
                await customer(db, ticket.scope.partner, form[each.name])
            except CustomerNotFound as error:
                detail = "there is no such customer"
                raise HolderUnknown(
                    detail, errors=[fault(f"/{each.name}", HolderUnknown.code, detail)]
                ) from error


def _amount(form: Form, holders: Mapping[str, Account]) -> Money:
    """The amount asked for, or nothing in the currency of the request or its first account."""
    for name in ("amount", "total", "limit"):
        if isinstance(form.get(name), Money):
            found: Money = form[name]
            return found
    currency = form.get("currency")
    if currency is None:
        first = next(iter(holders.values()), None)
        currency = first.currency if first else CURRENCY_DEFAULT
    try:
        minor_digits(currency)
    except CurrencyUnknown as unknown:
        pointer = fault("/currency", CurrencyUnknown.code, unknown.detail)
        raise CurrencyUnknown(unknown.detail, errors=[pointer]) from unknown
    return Money(0, currency)


def _distinct(holders: Mapping[str, Account]) -> None:
    payer, payee = holders.get("payer_account"), holders.get("payee_account")
    if payer is not None and payee is not None and payer.id == payee.id:
        detail = "payer and payee are one"
        raise SameAccount(detail, errors=[fault("/payee_account", SameAccount.code, detail)])


def _kept(inputs: tuple[Input, ...], form: Form) -> dict[str, Any]:
    secret = {each.name for each in inputs if each.type in _NEVER_KEPT}
    return {name: value for name, value in form.items() if name not in secret}


async def _spending(db: Connection, ticket: Ticket, order: Order, amount: Money) -> Spending | None:
    if not amount.minor or not ticket.operation.moves_money:
        return None
    return await limits.admitted(
        db,
        ticket.product,
        partner=order.partner,
        subject=order.subject,
        amount=amount,
        at=ticket.at,
    )
