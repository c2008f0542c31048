"""Family ``payout``: many payments in one order, each line with its own result.

Total and count are checked before anything is written, every line is written before anything is
sent, and a line that failed is sent again by an order of its own. Settling is worker's work
(``workflow.settle_payout``).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bankside.kernel.call import Answer
from bankside.kernel.db import Connection, Write
from bankside.kernel.errors import BanksideError
from bankside.kernel.jobs import enqueue
from bankside.kernel.money import Money
from bankside.kernel.paging import Page, checked_limit, checked_number
from bankside.orders import carry, engine, limits, parties, rules, store_lines
from bankside.orders.answers import show_line
from bankside.orders.conditions import asked
from bankside.orders.desk import Desk, Ticket
from bankside.orders.errors import (
    CurrencyRefused,
    NothingToRetry,
    PayoutCountMismatch,
    PayoutTotalMismatch,
)
from bankside.orders.families import drafts
from bankside.orders.inputs import Faults, fault, read_body, read_query, refuse
from bankside.orders.model import Line, Order, PlanStep
from bankside.orders.primitives.effect import Effect
from bankside.orders.withholding import withheld

JOB = "orders.resume"
# Why a line of wages was not sent; nobody was there, so it is not sent again either.
ABSENT = "wage.attendance_missing"
# The archetype whose lines are pay for services: income tax is kept back from them.
WITHHOLDS = "payout_tax"
_RETRY = PlanStep("retry", "order.retry", "request", "compensate")


async def create(desk: Desk, ticket: Ticket) -> Answer:
    """Submit the lines: their sum leaves the payer now, a worker pays them line by line.

    Raises PayoutTotalMismatch, PayoutCountMismatch, InputInvalid, AccountUnknown, limits.
    """
    form = asked(ticket)
    total: Money = form["total"]
    checked(form["lines"], total, form["count"])
    within_limit(ticket, form["lines"])
    async with desk.reading() as db:
        named = {"/payer_account": form["payer_account"]}
        payer = (await parties.accounts(db, ticket.scope, named, total))[form["payer_account"]]
        lines = await resolved(
            db,
            ticket,
            [_line(ticket, each) for each in form["lines"]],
        )
        order = drafted(desk, ticket, form, total, payer.ledger_account)
        order = replace(order, reference=form.get("batch_no"), output={"branch": payer.branch})
        same = await carry.same_number(desk, db, order)
        if same is not None:
            return same
        spending = await limits.admitted_today(
            db,
            ticket.product,
            partner=order.partner,
            subject=payer.ledger_account,
            amount=total,
            at=ticket.at,
        )
    beginning = carry.Beginning(
        order=order,
        ask={"sum": total.minor},
        use=ticket.operation.runs or order.plan[0].use,
        spending=spending,
        writes=_written(order, lines),
        narrative=form.get("remark", ""),
    )
    return await carry.begin(desk, ticket, beginning)


async def retry(desk: Desk, ticket: Ticket) -> Answer:
    """Send failed lines again (all, or those of ``line_nos``) as a new order.

    Raises NothingToRetry, InputInvalid for a line that has not failed or was sent again.
    """
    form = read_body(ticket.operation.inputs, ticket.call.body)

    async def decide(db: Connection, order: Order) -> carry.Act:
        carry.made_by(ticket, order)
        failed = await store_lines.failed(db, order.partner, order.id)
        failed = [each for each in failed if each.reason != ABSENT]
        lines = _chosen(failed, form.get("line_nos"))
        return await _again(db, desk, ticket, order, await resolved(db, ticket, lines))

    return await carry.act(desk, ticket, carry.path_id(ticket), decide)


async def lines(desk: Desk, ticket: Ticket) -> Answer:
    """A page of the order's lines with their results, by line number."""
    read_query(ticket.operation.inputs, ticket.call.query)
    asked = ticket.call.query
    size = checked_limit(int(asked["limit"]) if "limit" in asked else None)
    after = checked_number(asked.get("cursor")) or 0
    async with desk.reading() as db:
        order = await carry.of_product(desk, db, ticket)
        rows = await store_lines.page(
            db, order.partner, order.id, after=min(after, 2**31 - 1), limit=size + 1
        )
    cut = Page.cut(rows, size, key=lambda line: str(line.no))
    items = [show_line(line, order.currency) for line in cut.items]
    return Answer(200, {"items": items, "next_cursor": cut.next_cursor}, facts=carry.facts(order))


async def _again(
    db: Connection, desk: Desk, ticket: Ticket, order: Order, lines: Sequence[Line]
) -> carry.Act:
    total = order.money(sum(line.amount + line.withheld for line in lines))
    form = {
        "payer_account": order.input["payer_account"],
        "total": total,
        "count": len(lines),
        "lines": [line.no for line in lines],
    }
    child = drafted(desk, ticket, form, total, order.roles["payer_account"])
    child = replace(
        child,
        tenant=order.tenant,
        parent=order.id,
        terms=order.terms,
        roles=order.roles,
        output={"branch": order.output.get("branch")},
    )
    spending = await limits.admitted_today(
        db,
        ticket.product,
        partner=order.partner,
        subject=order.subject,
        amount=total,
        at=ticket.at,
    )
    sent = engine.run(child, "payout.submit", {"sum": total.minor}, ticket.at)
    effect = Effect(order, output={"order": child.id, "lines": len(lines)})
    return carry.Act(
        change=engine.amend(order, _RETRY, effect, ticket.at),
        more=(sent,),
        answers=sent.after,
        spending=spending,
        writes=[
            *_written(child, lines),
            *store_lines.retried(order.partner, order.id, lines, by=child.id, at=ticket.at),
        ],
        narrative="retry of failed lines",
        status=carry.ACCEPTED,
    )


def drafted(desk: Desk, ticket: Ticket, form: drafts.Form, total: Money, payer: str) -> Order:
    order = drafts.draft(desk, ticket, form, amount=total, subject=payer)
    return replace(
        order,
        scope=drafts.batches_scope(ticket.call.caller.tenant),
        terms=drafts.terms(ticket.product, total.currency),
        roles={"payer_account": payer, **parties.house(total.currency)},
        # The lines stand in their own table; the order keeps what all of them share.
        input={name: value for name, value in order.input.items() if name != "lines"},
    )


def _written(order: Order, lines: Sequence[Line]) -> list[Write]:
    job = enqueue(
        JOB, {"partner": order.partner, "order": order.id}, dedupe_key=f"{order.id}:submitted"
    )
    return [
        *store_lines.inserted(order.partner, order.id, lines, at=order.created_at),
        job,
    ]


def _line(ticket: Ticket, each: dict[str, Any]) -> Line:
    """One line of the request; a product that withholds tax pays out what is left of it."""
    gross: Money = each["amount"]
    tax = 0
    if ticket.product.archetype == WITHHOLDS:
        if gross.currency != "CNY":
            raise CurrencyRefused("income tax is withheld in CNY")
        tax = withheld(gross.minor)
    return Line(
        no=each["line_no"],
        payee_account=each["payee_account"],
        ledger_account=None,
        amount=gross.minor - tax,
        remark=each.get("remark", ""),
        withheld=tax,
    )


async def resolved(db: Connection, ticket: Ticket, lines: Sequence[Line]) -> list[Line]:
    """The lines with their payees' ledger accounts; an unknown payee fails its line later."""
    known = await parties.known_accounts(db, ticket.scope, [line.payee_account for line in lines])
    return [
        replace(line, ledger_account=known[line.payee_account].ledger_account)
        if line.payee_account in known
        else line
        for line in lines
    ]


def checked(lines: Sequence[dict[str, Any]], total: Money, count: int) -> None:
    """Raise unless line numbers are unique, and lines agree with total and count."""
    faults: Faults = []
    seen: set[int] = set()
    for index, line in enumerate(lines):
        at = f"/lines/{index}"
        if line["line_no"] < 1 or line["line_no"] in seen:
            faults.append(fault(f"{at}/line_no", "line.number", "numbers are unique, from 1"))
        if line["amount"].currency != total.currency:
            faults.append(
                fault(f"{at}/amount/currency", "payment.currency_mismatch", "not the total's")
            )
        seen.add(line["line_no"])
    refuse(faults)
    if count != len(lines):
        raise PayoutCountMismatch(f"{len(lines)} lines, not {count}", errors=[_at("/count")])
    found = Money(sum(line["amount"].minor for line in lines), total.currency)
    if found != total:
        raise PayoutTotalMismatch(
            f"the lines add up to {found} {found.currency}", errors=[_at("/total")]
        )


def within_limit(ticket: Ticket, lines: Sequence[dict[str, Any]]) -> None:
    """The product's limit for one transaction binds each line."""
    if ticket.product.limits is None:
        return
    for index, line in enumerate(lines):
        try:
            rules.within_transaction_limit(
                line["amount"], ticket.product.limits.per_transaction_minor
            )
        except BanksideError as error:
            pointer = fault(f"/lines/{index}/amount", error.code, error.detail)
            raise type(error)(error.detail, errors=[pointer], extra=error.extra) from error


def _chosen(failed: Sequence[Line], wanted: Sequence[int] | None) -> list[Line]:
    if not failed:
        raise NothingToRetry
    if wanted is None:
        return list(failed)
    by_no = {line.no: line for line in failed}
    refuse(
        [
            fault(f"/line_nos/{index}", "line.not_failed", "this line has not failed")
            for index, no in enumerate(wanted)
            if no not in by_no
        ]
    )
    return [by_no[no] for no in sorted(set(wanted))]


def _at(pointer: str) -> dict[str, str]:
    return fault(pointer, "payout.mismatch", "does not agree with the lines")
