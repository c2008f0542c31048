"""Family ``collect``: codes, scanned payments, checkouts and split orders, from order to payment.

A payment that brings the payer's token is paid in the call; one without waits and is paid by its
payer at its hosted page (``desk_page``; a code to scan leads there too), or in the sandbox by
``platform.payer-confirmations.create``.
"""

from dataclasses import replace

from bankside.kernel.call import Answer
from bankside.kernel.db import Connection
from bankside.orders import carry, engine, events, limits, parties
from bankside.orders.conditions import asked
from bankside.orders.desk import Desk, Ticket
from bankside.orders.errors_money import NetworkUnavailable
from bankside.orders.families import desk_page, drafts
from bankside.orders.inputs import read_body
from bankside.orders.model import Order


async def create(desk: Desk, ticket: Ticket) -> Answer:
    """Open the order; with a payer's token it is paid at once.

    Raises InputInvalid, MerchantUnknown, CurrencyRefused, ReturnAddressRefused,
    ReturnAddressForeign, limits, the payer's refusals, NumberReused, and NetworkUnavailable for
    simulated money in live.
    """
    if ticket.product.simulated and ticket.environment != "sandbox":
        raise NetworkUnavailable("no digital currency operator is connected outside the sandbox")
    async with desk.reading() as db:
        body = await parties.with_merchant(db, ticket.scope, ticket.operation, ticket.call.body)
        form = asked(ticket, body)
        order = await _opened(db, desk, ticket, form)
        same = await carry.same_number(desk, db, order)
        if same is not None:
            return same
        order, notified = events.called_back(order, ticket.call.callback)
        if "payer_token" not in form:
            order, opened = await desk_page.addressed(db, desk, ticket, order, form)
            notified = (*notified, *opened)
        beginning = carry.Beginning(
            order=order,
            writes=notified,
            ask={name: form[name] for name in ("expires_in_seconds",) if name in form},
            use=ticket.operation.runs or order.plan[0].use,
            narrative=order.reference or "",
        )
        if "payer_token" in form:
            beginning = await _paid(db, desk, ticket, beginning, form["payer_token"])
    return await carry.begin(desk, ticket, beginning)


async def confirm(desk: Desk, ticket: Ticket, order_id: str, token: str) -> Answer:
    """The payer of a waiting order pays it. Raises OrderAlreadyPaid, OrderClosed, refusals."""

    async def decide(db: Connection, order: Order) -> carry.Act:
        engine.entrance(order, "collect.confirm")
        payer = await parties.payer(db, desk.clock, token, order, environment=ticket.environment)
        spending = await limits.admitted(
            db,
            await desk.editions.of(db, order.product, order.product_version),
            partner=order.partner,
            subject=order.subject,
            amount=order.money(order.amount),
            at=ticket.at,
        )
        return carry.Act(
            change=engine.run(order, "collect.confirm", {"payer": payer.ledger}, ticket.at),
            spending=spending,
            writes=payer.writes,
            narrative=order.reference or "",
        )

    return await carry.act(desk, ticket, order_id, decide)


async def close(desk: Desk, ticket: Ticket) -> Answer:
    """Close an order nobody has paid. Raises OrderAlreadyPaid, OrderClosed."""
    form = read_body(ticket.operation.inputs, ticket.call.body)

    async def decide(_db: Connection, order: Order) -> carry.Act:
        carry.made_by(ticket, order)
        why = form.get("reason", "closed by the partner")
        return carry.Act(change=engine.close(order, ticket.at, why=why))

    return await carry.act(desk, ticket, carry.path_id(ticket), decide)


async def _opened(db: Connection, desk: Desk, ticket: Ticket, form: drafts.Form) -> Order:
    merchant = await parties.merchant(db, ticket.scope, form["merchant"], form["amount"])
    declared = {
        f"/receivers/{index}/account": each["account"]
        for index, each in enumerate(form.get("receivers", ()))
    }
    if declared:
        await parties.accounts(db, ticket.scope, declared, form["amount"])
    order = drafts.draft(
        desk, ticket, form, amount=form["amount"], subject=merchant.settlement_ledger_account
    )
    return replace(
        order,
        scope=drafts.orders_scope(ticket.call.caller.tenant),
        reference=form["order_no"],
        output={"simulated": True} if ticket.product.simulated else {},
        terms=drafts.terms(ticket.product, order.currency, merchant),
        roles={
            "merchant": merchant.proceeds_ledger_account,
            "merchant_pending": merchant.pending_ledger_account,
            **parties.house(order.currency),
        },
    )


async def _paid(
    db: Connection, desk: Desk, ticket: Ticket, beginning: carry.Beginning, token: str
) -> carry.Beginning:
    order = beginning.order
    payer = await parties.payer(db, desk.clock, token, order, environment=ticket.environment)
    return replace(
        beginning,
        order=replace(order, output={**order.output, "branch": payer.branch}),
        ask={**beginning.ask, "payer": payer.ledger},
        writes=(*beginning.writes, *payer.writes),
        spending=await limits.admitted(
            db,
            ticket.product,
            partner=order.partner,
            subject=order.subject,
            amount=order.money(order.amount),
            at=ticket.at,
        ),
    )
