"""Domestic payments: the payment a customer agreed to, made once, as a transfer like every other.

Always true: what is paid is what the consent says, to the last digit; using up the consent, the
postings, the order and the kept answer are one commit, so a consent pays once whatever races; a
payment whose outcome is not known is pending, never rejected.
Source: UK Open Banking Payment Initiation API 3.1, domestic-payments.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bankside.bank.accounts import Account
from bankside.bank.customers import customer as find_customer
from bankside.identity.consents import Consent, ConsentKind, consumption
from bankside.kernel.call import Answer
from bankside.kernel.clock import rfc3339
from bankside.kernel.db import Connection, Write
from bankside.kernel.ids import is_reference
from bankside.kernel.money import Money
from bankside.orders import engine, parties, store
from bankside.orders.desk import Desk, Ticket, Unit
from bankside.orders.errors import SameAccount, by_code
from bankside.orders.families import drafts
from bankside.orders.model import Order
from bankside.orders.openbanking.accounts import account_name
from bankside.orders.openbanking.consulting import agreed
from bankside.orders.openbanking.errors import ConsentMismatch, ResourceUnknown
from bankside.orders.openbanking.payment_consents import creditor_of, payer_of
from bankside.orders.openbanking.reading import amount, read_body, read_query
from bankside.orders.openbanking.showing import Shown, done, payment_status, shown

Node = Mapping[str, Any]
ITEM = "DomesticPaymentId"
_RUNS = "transfer.execute"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One payment under a consent: what its order keeps (``told``) and what rides along."""

    consent: Consent
    payee: Account
    amount: Money
    told: Mapping[str, Any]
    writes: Sequence[Write]
    narrative: str


async def create(desk: Desk, ticket: Ticket) -> Answer:
    """Make the payment of a consent. Raises ConsentUnknown, ConsentNotActive, ConsentMismatch and
    what the ledger refuses."""
    body = read_body(desk, ticket)
    data = body["Data"]
    # One after another in this process; between processes the commit decides.
    async with desk.turn(data["ConsentId"]):
        async with desk.reading() as db:
            consent = await agreed(desk, db, ticket, ConsentKind.PAYMENT, data["ConsentId"])
        writes = consumption(desk.clock, consent)
        paid = same_as_agreed(consent, data["Initiation"], body["Risk"])
        payee = await creditor_of(desk, ticket, data["Initiation"], paid.currency)
        remittance = data["Initiation"].get("RemittanceInformation", {})
        instruction = Instruction(
            consent=consent,
            payee=payee,
            amount=paid,
            told={"resource": ITEM, "initiation": data["Initiation"]},
            writes=writes,
            narrative=remittance.get("Unstructured") or remittance.get("Reference") or "",
        )
        return await pay(desk, ticket, instruction)


async def query(desk: Desk, ticket: Ticket) -> Answer:
    """The client's payment and its status. Raises ResourceUnknown."""
    read_query(ticket)
    async with desk.reading() as db:
        order = await _own(desk, db, ticket, ITEM)
    return done(ticket, shown(desk, ticket, payment_shown(order)))


async def details(desk: Desk, ticket: Ticket) -> Answer:
    """What became of the client's payment, and why. Raises ResourceUnknown."""
    read_query(ticket)
    (item,) = ticket.call.path
    async with desk.reading() as db:
        order = await _own(desk, db, ticket, item)
    status: Shown = {
        "PaymentTransactionId": order.id,
        "Status": payment_status(order),
        "StatusUpdateDateTime": rfc3339(order.updated_at),
    }
    code = order.output.get("code")
    if code:
        status["StatusDetail"] = {
            "Status": by_code(code).iso_reason or code,
            "StatusReason": "ProprietaryRejection",
            "StatusReasonDescription": str(order.output.get("detail") or code)[:256],
        }
    return done(ticket, shown(desk, ticket, {"PaymentStatus": [status]}))


async def query_recurring(desk: Desk, ticket: Ticket) -> Answer:
    """The client's payment under a recurring consent. Raises ResourceUnknown."""
    read_query(ticket)
    async with desk.reading() as db:
        order = await _own(desk, db, ticket, "DomesticVRPId")
    return done(ticket, shown(desk, ticket, payment_shown(order)))


async def pay(desk: Desk, ticket: Ticket, instruction: Instruction) -> Answer:
    """The order of the payment is begun, run and committed with what rides along."""
    consent, money = instruction.consent, instruction.amount
    async with desk.reading() as db:
        payer = await payer_of(db, consent)
        owner = await find_customer(db, consent.partner, payer.customer)
    if payer.id == instruction.payee.id:
        raise SameAccount
    form = {
        **instruction.told,
        "consent": consent.id,
        "payer_account": payer.id,
        "payee_account": instruction.payee.id,
    }
    if (consent.stated or {}).get("ReadRefundAccount") == "Yes":
        form["refund"] = account_name(payer, owner)
    order = drafts.draft(desk, ticket, form, amount=money, subject=payer.ledger_account)
    order = replace(
        order,
        scope=f"consent:{consent.id}",
        roles={
            "payer_account": payer.ledger_account,
            "payee_account": instruction.payee.ledger_account,
            **parties.house(money.currency),
        },
        output={"branch": payer.branch},
    )
    change = engine.run(order, _RUNS, {}, ticket.at)
    data = payment_shown(change.after)
    body = shown(desk, ticket, data, item=order.id)
    answer = done(ticket, body, branch=payer.branch)
    answer = Answer(answer.status, answer.body, facts={**answer.facts, "order": order.id})
    await desk.commit(
        Unit(
            changes=(change,),
            refused=lambda group: engine.refused(order, _RUNS, group, ticket.at),
            writes=instruction.writes,
            ticket=ticket,
            answer=answer,
            narrative=instruction.narrative,
        )
    )
    return answer


def same_as_agreed(consent: Consent, initiation: Node, risk: Node) -> Money:
    """The amount, when the request is the consent's, member by member, amounts as numbers.

    Raises ConsentMismatch.
    """
    stated = consent.stated or {}
    paid = amount(initiation["InstructedAmount"], "Data.Initiation.InstructedAmount.Amount")
    agreed_amount = consent.payment.amount if consent.payment else None
    bare = {name: value for name, value in initiation.items() if name != "InstructedAmount"}
    said = stated.get("Initiation", {})
    agreed_bare = {name: value for name, value in said.items() if name != "InstructedAmount"}
    if paid != agreed_amount:
        raise mismatch("Data.Initiation.InstructedAmount")
    if bare != agreed_bare:
        raise mismatch("Data.Initiation")
    if risk != stated.get("Risk", {}):
        raise mismatch("Risk")
    return paid


def mismatch(path: str) -> ConsentMismatch:
    """The refusal that names where request and consent differ."""
    detail = "this is not what the customer agreed to"
    code = ConsentMismatch.uk_code or ConsentMismatch.code
    return ConsentMismatch(detail, errors=[{"pointer": path, "code": code, "detail": detail}])


def payment_shown(order: Order) -> Shown:
    """A payment as its client sees it, whichever consent it was made under."""
    facts: Shown = {
        order.input["resource"]: order.id,
        "ConsentId": order.input["consent"],
        "CreationDateTime": rfc3339(order.created_at),
        "Status": payment_status(order),
        "StatusUpdateDateTime": rfc3339(order.updated_at),
        "Initiation": order.input["initiation"],
    }
    if "instruction" in order.input:
        facts["Instruction"] = order.input["instruction"]
    if "refund" in order.input:
        facts["Refund"] = {"Account": order.input["refund"]}
    return facts


async def _own(desk: Desk, db: Connection, ticket: Ticket, item: str) -> Order:
    """The client's payment of a kind that the path names."""
    named = ticket.call.path[item]
    order = await store.find(db, ticket.scope, named) if is_reference(named) else None
    if order is None or order.product != ticket.product.id or order.app != ticket.call.caller.app:
        raise ResourceUnknown
    if order.input.get("resource") != item:
        raise ResourceUnknown
    return await desk.explained(db, order)
