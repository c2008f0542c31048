"""Family ``policy``: claims and surrenders of the policies that were sold.

A claim and a surrender are orders of their own below the policy, and commit with its count of them.
"""

from dataclasses import replace

from bankside.kernel.call import Answer
from bankside.kernel.clock import BANK_ZONE
from bankside.kernel.db import Connection
from bankside.kernel.jobs import enqueue
from bankside.kernel.money import Money
from bankside.orders import carry, engine, parties, preparations, store_lines
from bankside.orders.desk import Desk, Ticket
from bankside.orders.errors import OrderNotFound
from bankside.orders.errors_papers import CoverRefused
from bankside.orders.families import drafts
from bankside.orders.families.payout import JOB
from bankside.orders.inputs import fault, read_body
from bankside.orders.model import Line, Order, PlanStep
from bankside.orders.preparations import Room
from bankside.orders.primitives import contract, policy
from bankside.orders.primitives.effect import Effect, kept, section

CLAIMS, SURRENDERS = "insurance.insurance-claims", "insurance.policy-surrenders"
_CLAIM = PlanStep("claim", "policy.claim", "request", "compensate")
_SURRENDER = PlanStep("surrender", "contract.terminate", "request", "compensate")
_DAYS_KNOWN = "incident_on"


async def claim(desk: Desk, ticket: Ticket) -> Answer:
    """Claim under the policy the body names. Raises the refusals of ``policy.claimed``."""
    form = read_body(ticket.operation.inputs, ticket.call.body)
    return await _claim(desk, ticket, form["policy"], form)


async def claim_of(desk: Desk, ticket: Ticket) -> Answer:
    """Claim under the policy the path names."""
    form = read_body(ticket.operation.inputs, ticket.call.body)
    return await _claim(desk, ticket, carry.path_id(ticket), form)


async def claim_again(desk: Desk, ticket: Ticket) -> Answer:
    """A further claim under the policy of the claim or surrender the path names."""
    form = read_body(ticket.operation.inputs, ticket.call.body)
    async with desk.reading() as db:
        before = await carry.of_product(desk, db, ticket)
    return await _claim(desk, ticket, before.parent or "", form)


async def surrender(desk: Desk, ticket: Ticket) -> Answer:
    """End a policy; the premium of the days left goes back from the insurer to the payer."""
    form = read_body(ticket.operation.inputs, ticket.call.body)

    async def decide(db: Connection, sold: Order) -> carry.Act | Answer:
        _sold(sold)
        after, back = policy.surrendered(sold, ticket.at)
        own = _below(desk, ticket, sold, form, back, SURRENDERS)
        same = await carry.same_number(desk, db, own)
        if same is not None:
            return same
        own = replace(
            own,
            book={"contract": dict(section(sold, "contract"))},
            roles={
                **sold.roles,
                "payer_account": sold.roles["merchant"],
                "payee_account": sold.roles["account"],
            },
        )
        ended = contract.terminate(after, _SURRENDER, {}, ticket.at)
        effect = replace(ended, order=replace(ended.order, status="surrendered"))
        plan = own.plan if back.minor else own.plan[:1]
        began = engine.run(replace(own, plan=plan), plan[0].use, {}, ticket.at)
        return carry.Act(
            change=engine.amend(sold, _SURRENDER, effect, ticket.at),
            more=(began,),
            answers=began.after,
            narrative="退保 surrender",
        )

    return await carry.act(desk, ticket, form["policy"], decide)


async def _claim(desk: Desk, ticket: Ticket, policy_id: str, form: drafts.Form) -> Answer:
    async def decide(db: Connection, sold: Order) -> carry.Act | Answer:
        _sold(sold)
        amount: Money = form["amount"]
        incident = form.get(_DAYS_KNOWN) or ticket.at.astimezone(BANK_ZONE).date()
        own = _below(desk, ticket, sold, form, amount, CLAIMS)
        same = await carry.same_number(desk, db, own)
        if same is not None:
            return same
        after = policy.claimed(sold, amount, incident, ticket.at)
        named = {"/account": form.get("account", sold.input["account"])}
        payee = next(iter((await parties.accounts(db, ticket.scope, named, amount)).values()))
        if payee.customer not in {sold.input["insured"], sold.input.get("beneficiary")}:
            detail = "a claim is paid to the insured or the beneficiary"
            raise CoverRefused(detail, errors=[fault("/account", CoverRefused.code, detail)])
        own = replace(own, roles={**sold.roles, "payer_account": sold.roles["merchant"]})
        uses = own.plan[0].use
        prepared = await preparations.of_change(Room(desk, db, ticket), own, uses, form)
        line = Line(1, payee.id, payee.ledger_account, amount.minor, "理赔 claim")
        payload = {"partner": own.partner, "order": own.id}
        effect = Effect(after, output={"claim": own.id, "amount": str(amount)})
        began = engine.run(prepared.order, uses, {**prepared.ask, "sum": amount.minor}, ticket.at)
        return carry.Act(
            change=engine.amend(sold, _CLAIM, effect, ticket.at),
            more=(began,),
            answers=began.after,
            writes=[
                *prepared.writes,
                *store_lines.inserted(own.partner, own.id, [line], at=ticket.at),
                enqueue(JOB, payload, dedupe_key=f"{own.id}:submitted"),
            ],
            narrative="理赔 claim",
            status=carry.ACCEPTED,
        )

    return await carry.act(desk, ticket, policy_id, decide)


def _sold(order: Order) -> None:
    """OrderNotFound for an order that is no policy."""
    if order.family != "insurance":
        raise OrderNotFound


def _below(
    desk: Desk, ticket: Ticket, sold: Order, form: drafts.Form, amount: Money, product: str
) -> Order:
    """The new order of a claim or surrender below the policy."""
    ticket = replace(ticket, product=desk.catalogue.product(product))
    secrets = {each.name for each in ticket.operation.inputs if each.type == "secret"}
    plain = {name: value for name, value in form.items() if name not in secrets}
    own = drafts.draft(
        desk, ticket, {**plain, "policy": sold.id}, amount=amount, subject=sold.roles["merchant"]
    )
    return replace(
        own,
        tenant=sold.tenant,
        scope=f"policy:{sold.id}",
        reference=form.get("reference"),
        parent=sold.id,
        book=kept(own, "policy", {"policy": sold.id}).book,
    )
