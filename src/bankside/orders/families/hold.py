"""Family ``hold_capture`` (preauthorizations, escrow): hold, capture in parts, release."""

from dataclasses import replace

from bankside.kernel.call import Answer
from bankside.kernel.db import Connection
from bankside.orders import carry, engine, limits, parties
from bankside.orders.conditions import asked
from bankside.orders.conditions.collecting import released
from bankside.orders.desk import Desk, Ticket
from bankside.orders.errors import CurrencyRefused
from bankside.orders.families import drafts
from bankside.orders.families.split import used
from bankside.orders.inputs import read_body
from bankside.orders.model import Order


async def create(desk: Desk, ticket: Ticket) -> Answer:
    """Hold the amount on the payer's account until it is captured, released or out of time."""
    async with desk.reading() as db:
        body = await parties.with_merchant(db, ticket.scope, ticket.operation, ticket.call.body)
        form = asked(ticket, body)
        merchant = await parties.merchant(db, ticket.scope, form["merchant"], form["amount"])
        order = drafts.draft(
            desk, ticket, form, amount=form["amount"], subject=merchant.settlement_ledger_account
        )
        order = replace(
            order,
            scope=drafts.orders_scope(ticket.call.caller.tenant),
            reference=form["order_no"],
            terms=drafts.terms(ticket.product, order.currency, merchant),
            roles={
                "merchant": merchant.proceeds_ledger_account,
                **parties.house(order.currency),
            },
        )
        same = await carry.same_number(desk, db, order)
        if same is not None:
            return same
        payer = await parties.payer(
            db, desk.clock, form["payer_token"], order, environment=ticket.environment
        )
        spending = await limits.admitted(
            db,
            ticket.product,
            partner=order.partner,
            subject=payer.ledger,
            amount=form["amount"],
            at=ticket.at,
        )
    ask = {name: form[name] for name in ("expires_in_seconds",) if name in form}
    beginning = carry.Beginning(
        order=replace(order, output={"branch": payer.branch}),
        ask={**ask, "payer": payer.ledger},
        use=ticket.operation.runs or order.plan[0].use,
        spending=spending,
        writes=payer.writes,
        narrative=f"hold {order.reference}",
    )
    return await carry.begin(desk, ticket, beginning)


async def capture(desk: Desk, ticket: Ticket) -> Answer:
    """Pay (part of) the held amount to the merchant. Raises CaptureExceedsHeld, HoldExpired."""
    form = read_body(ticket.operation.inputs, ticket.call.body)

    async def decide(db: Connection, order: Order) -> carry.Act | Answer:
        carry.made_by(ticket, order)
        if form["amount"].currency != order.currency:
            raise CurrencyRefused(f"the order is in {order.currency}")
        released(order.input, form)
        number = form.get("capture_no")
        wrap = carry.with_fields(capture_no=number)
        content = drafts.content_hash("hold.capture", form)
        if number and await used(db, order, "hold.capture", number, content):
            return carry.repeated(order, wrap)
        ask = {"amount": form["amount"], "number": number}
        change = engine.run(order, "hold.capture", ask, ticket.at)
        return carry.Act(
            change=engine.numbered(change, content),
            wrap=wrap,
            narrative=f"capture {order.reference}",
        )

    return await carry.act(desk, ticket, carry.path_id(ticket), decide)


async def release(desk: Desk, ticket: Ticket) -> Answer:
    """Free what is still held. Raises OrderStateRefused when nothing is."""
    read_body(ticket.operation.inputs, ticket.call.body)

    async def decide(_db: Connection, order: Order) -> carry.Act:
        carry.made_by(ticket, order)
        return carry.Act(
            change=engine.run(order, "hold.release", {}, ticket.at),
            narrative=f"release {order.reference}",
        )

    return await carry.act(desk, ticket, carry.path_id(ticket), decide)
