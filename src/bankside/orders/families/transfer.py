"""Family ``transfer``: money moves between two accounts of the bank at once."""

from dataclasses import replace

from bankside.bank.accounts import Account
from bankside.bank.customers import customer
from bankside.kernel.call import Answer
from bankside.kernel.db import Connection
from bankside.orders import carry, consented, limits, parties
from bankside.orders.conditions import asked
from bankside.orders.desk import Desk, Ticket
from bankside.orders.errors import SameAccount, TransferPosted
from bankside.orders.errors_core import PayeeNameDiffers
from bankside.orders.families import drafts
from bankside.orders.inputs import fault, read_body


async def create(desk: Desk, ticket: Ticket) -> Answer:
    """Move the amount from payer to payee; under a consent, exactly the payment agreed to.

    Raises AccountUnknown, CurrencyRefused, SameAccount, PayeeNameDiffers, PaymentDiffers,
    ConsentNotActive.
    """
    form = asked(ticket)
    async with desk.reading() as db:
        named = {
            "/payer_account": form["payer_account"],
            "/payee_account": form["payee_account"],
        }
        found = await parties.accounts(db, ticket.scope, named, form["amount"])
        payer, payee = found[form["payer_account"]], found[form["payee_account"]]
        if payer.id == payee.id:
            pointer = fault("/payee_account", "payment.same_account", "payer and payee are one")
            raise SameAccount(errors=[pointer])
        await _named(db, payee, form.get("payee_name"))
        order = drafts.draft(
            desk, ticket, form, amount=form["amount"], subject=payer.ledger_account
        )
        order = replace(
            order,
            scope=drafts.transfers_scope(ticket.call.caller.tenant),
            reference=form.get("end_to_end_id"),
            terms=drafts.terms(ticket.product, order.currency),
            roles={
                "payer_account": payer.ledger_account,
                "payee_account": payee.ledger_account,
                **parties.house(order.currency),
            },
            output={"branch": payer.branch},
        )
        same = await carry.same_number(desk, db, order)
        if same is not None:
            return same
        payment = consented.Payment(
            payer=payer,
            payee=consented.Payee.here(payee),
            amount=form["amount"],
            remittance_information=form.get("remark", ""),
            end_to_end_id=form.get("end_to_end_id", ""),
        )
        agreed = await consented.agreed_payment(desk, db, ticket, payment)
        spending = await limits.admitted(
            db,
            ticket.product,
            partner=order.partner,
            subject=payer.ledger_account,
            amount=form["amount"],
            at=ticket.at,
        )
    beginning = carry.Beginning(
        order=order,
        ask={},
        use=ticket.operation.runs or order.plan[0].use,
        spending=spending,
        writes=agreed,
        narrative=form.get("remark", ""),
    )
    return await carry.begin(desk, ticket, beginning)


async def _named(db: Connection, payee: Account, name: str | None) -> None:
    """The name on the request, where there is one, is the account holder's: PayeeNameDiffers."""
    if name is None:
        return
    holder = await customer(db, payee.partner, payee.customer)
    if name.casefold() not in {holder.name_zh.casefold(), holder.name_en.casefold()}:
        detail = "the account belongs to another name"
        raise PayeeNameDiffers(detail, errors=[fault("/payee_name", PayeeNameDiffers.code, detail)])


async def cancel(desk: Desk, ticket: Ticket) -> Answer:
    """A transfer is posted when it is answered, there is nothing to cancel: TransferPosted."""
    read_body(ticket.operation.inputs, ticket.call.body)
    async with desk.reading() as db:
        await carry.of_product(desk, db, ticket)
    raise TransferPosted
