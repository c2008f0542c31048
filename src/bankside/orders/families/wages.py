"""Family ``wage_account``: wages of a building site stand apart, and are paid by attendance.

Always true: the whole sum stands in an account opened for it before anybody works; every payee is
the worker whose name the line states; a line is paid once, and only when attendance was confirmed
for it; what is not paid stays on that account. Source: State Council decree 724 (2019).
"""

from dataclasses import replace
from typing import Any, Final

from bankside.bank import ledger
from bankside.kernel.call import Answer
from bankside.kernel.db import Connection
from bankside.kernel.jobs import enqueue
from bankside.kernel.money import Money
from bankside.orders import carry, engine, limits, parties, preparations, store_lines
from bankside.orders.desk import Desk, Ticket
from bankside.orders.families import payout
from bankside.orders.inputs import LIST_MAX, Faults, fault, read_body, refuse
from bankside.orders.model import Line, Order
from bankside.orders.preparations import Room

SUBMIT: Final = "payout.submit"
DAYS_MAX: Final = 31


async def create(desk: Desk, ticket: Ticket) -> Answer:
    """Open the account, fill it with the whole sum, and check every worker's name.

    Raises InputInvalid, PayoutTotalMismatch, PayoutCountMismatch, AccountUnknown,
    VerificationFailed, limits, the ledger's refusals.
    """
    form = read_body(ticket.operation.inputs, ticket.call.body)
    total: Money = form["total"]
    payout.checked(form["lines"], total, form["count"])
    payout.within_limit(ticket, form["lines"])
    async with desk.reading() as db:
        named = {"/payer_account": form["payer_account"]}
        payer = (await parties.accounts(db, ticket.scope, named, total))[form["payer_account"]]
        lines = await payout.resolved(db, ticket, [_line(each) for each in form["lines"]])
        drafted = payout.drafted(desk, ticket, form, total, payer.ledger_account)
        order = replace(drafted, reference=form.get("batch_no"), output={"branch": payer.branch})
        same = await carry.same_number(desk, db, order)
        if same is not None:
            return same
        use = order.plan[0].use
        prepared = await preparations.of_change(Room(desk, db, ticket), order, use, form)
        spending = await limits.admitted_today(
            db,
            ticket.product,
            partner=order.partner,
            subject=payer.ledger_account,
            amount=total,
            at=ticket.at,
        )
        await ledger.carry_out(db, *prepared.ahead)
    beginning = carry.Beginning(
        order=prepared.order,
        ask=prepared.ask,
        use=use,
        spending=spending,
        writes=store_lines.inserted(order.partner, order.id, lines, at=ticket.at),
        narrative=form["project"],
    )
    return await carry.begin(desk, ticket, beginning)


async def confirm(desk: Desk, ticket: Ticket) -> Answer:
    """Send the lines whose attendance is confirmed; the others are passed over for good.

    Raises InputInvalid for a line that is not of this order, or when nobody was there.
    """
    form = read_body(ticket.operation.inputs, ticket.call.body)

    async def decide(db: Connection, order: Order) -> carry.Act:
        carry.made_by(ticket, order)
        engine.entrance(order, SUBMIT)
        lines = await store_lines.prepared(db, order.partner, order.id, limit=LIST_MAX)
        there = _there(form["attendance"], lines)
        missing = [line.no for line in lines if line.no not in there]
        total = sum(line.amount for line in lines if line.no in there)
        payload = {"partner": order.partner, "order": order.id}
        writes = [enqueue(payout.JOB, payload, dedupe_key=f"{order.id}:submitted")]
        if missing:
            writes.append(
                store_lines.passed_over(
                    order.partner, order.id, missing, reason=payout.ABSENT, at=ticket.at
                )
            )
        return carry.Act(
            change=engine.run(order, SUBMIT, {"sum": total}, ticket.at),
            writes=writes,
            narrative=str(order.input["project"]),
            status=carry.ACCEPTED,
        )

    return await carry.act(desk, ticket, carry.path_id(ticket), decide)


def _there(attendance: Any, lines: list[Line]) -> frozenset[int]:
    """The numbers of the lines that are to be paid."""
    known = {line.no for line in lines}
    faults: Faults = []
    for index, each in enumerate(attendance):
        at = f"/attendance/{index}"
        if each["line_no"] not in known:
            faults.append(fault(f"{at}/line_no", "line.unknown", "no such line waits"))
        if not 0 <= each["days"] <= DAYS_MAX:
            faults.append(fault(f"{at}/days", "field.range", f"expected 0 to {DAYS_MAX} days"))
    there = frozenset(each["line_no"] for each in attendance if each["days"] > 0)
    if not faults and not there:
        faults.append(fault("/attendance", payout.ABSENT, "nobody was there"))
    refuse(faults)
    return there


def _line(each: dict[str, Any]) -> Line:
    return Line(
        no=each["line_no"],
        payee_account=each["payee_account"],
        ledger_account=None,
        amount=each["amount"].minor,
        remark=each.get("remark", ""),
    )
