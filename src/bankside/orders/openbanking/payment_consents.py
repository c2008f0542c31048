"""Consents to one domestic payment, and whether the chosen account could pay it now.

Source: UK Open Banking Payment Initiation API 3.1, domestic-payment-consents.
"""

from collections.abc import Mapping
from typing import Any

from bankside.bank.accounts import Account, AccountNotFound, AccountStatus, balance
from bankside.bank.accounts import account as find_account
from bankside.identity.consents import (
    PAYMENT_PERMISSIONS,
    Consent,
    ConsentKind,
    ConsentNotActive,
    ConsentStatus,
    PaymentTerms,
)
from bankside.kernel.call import Answer
from bankside.kernel.clock import rfc3339
from bankside.kernel.db import Connection
from bankside.kernel.money import Money
from bankside.orders.desk import Desk, Ticket
from bankside.orders.openbanking import asking
from bankside.orders.openbanking.consulting import agreed, noted
from bankside.orders.openbanking.errors import AccountIdentifierUnsupported, CurrencyUnsupported
from bankside.orders.openbanking.reading import (
    amount,
    book_transfer,
    optional_instant,
    own_account,
    read_body,
    read_query,
)
from bankside.orders.openbanking.showing import (
    Shown,
    consent_status,
    created_and_changed,
    done,
    optional,
    shown,
)

_KIND = ConsentKind.PAYMENT
Node = Mapping[str, Any]


async def create(desk: Desk, ticket: Ticket) -> Answer:
    """A consent to one payment awaits its customer.

    Raises FieldsInvalid, AccountIdentifierUnsupported, InstrumentUnsupported, CurrencyUnsupported.
    """
    body = read_body(desk, ticket)
    data, initiation = body["Data"], body["Data"]["Initiation"]
    paid = amount(initiation["InstructedAmount"], "Data.Initiation.InstructedAmount.Amount")
    book_transfer(initiation, "Data.Initiation")
    creditor = await creditor_of(desk, ticket, initiation, paid.currency)
    remittance = initiation.get("RemittanceInformation", {})
    authorisation = data.get("Authorisation", {})
    completed_by = optional_instant(authorisation, "CompletionDateTime", "Data.Authorisation")
    terms = {
        "permissions": PAYMENT_PERMISSIONS,
        "payment": PaymentTerms(
            amount=paid,
            creditor_name=initiation["CreditorAccount"]["Name"],
            creditor_account=f"number {creditor.number}",
            remittance_information=remittance.get("Unstructured", ""),
            reference=remittance.get("Reference", ""),
            end_to_end_id=initiation["EndToEndIdentification"],
        ),
        "debtor_account": debtor_of(initiation),
        "stated": {**data, "Risk": body["Risk"]},
    }
    if completed_by is not None:
        terms["answer_by"] = completed_by
    return await asking.ask(desk, ticket, _KIND, terms, _show)


async def query(desk: Desk, ticket: Ticket) -> Answer:
    """The consent as it stands now."""
    return await asking.read(desk, ticket, _KIND, _show)


async def funds(desk: Desk, ticket: Ticket) -> Answer:
    """Whether the chosen account could pay it now. Raises ConsentUnknown, ConsentNotActive."""
    read_query(ticket)
    async with desk.reading() as db:
        named = ticket.call.path["ConsentId"]
        consent = await agreed(desk, db, ticket, _KIND, named)
        assert consent.payment is not None, "the kind has one"
        enough = await covers(db, consent, consent.payment.amount)
        await noted(desk, db, [consent])
    result = {"FundsAvailableDateTime": rfc3339(desk.clock.now()), "FundsAvailable": enough}
    return done(ticket, shown(desk, ticket, {"FundsAvailableResult": result}))


async def creditor_of(desk: Desk, ticket: Ticket, initiation: Node, currency: str) -> Account:
    """The account to be paid. Raises AccountIdentifierUnsupported, CurrencyUnsupported."""
    where = "Data.Initiation.CreditorAccount"
    number = own_account(initiation["CreditorAccount"], where)
    try:
        async with desk.reading() as db:
            found = await find_account(db, ticket.call.caller.partner, number)
    except AccountNotFound as error:
        detail = "this bank pays its own accounts only, and keeps none of this number"
        raise AccountIdentifierUnsupported(
            detail, errors=[_entry(f"{where}.Identification", AccountIdentifierUnsupported, detail)]
        ) from error
    if found.currency != currency:
        detail = f"the creditor's account is kept in {found.currency}"
        pointer = "Data.Initiation.InstructedAmount.Currency"
        raise CurrencyUnsupported(detail, errors=[_entry(pointer, CurrencyUnsupported, detail)])
    return found


def debtor_of(initiation: Node) -> str:
    """The number of the account to pay from, "" when the customer is free to choose."""
    if "DebtorAccount" not in initiation:
        return ""
    return own_account(initiation["DebtorAccount"], "Data.Initiation.DebtorAccount")


async def payer_of(db: Connection, consent: Consent) -> Account:
    """The one account that the customer chose."""
    (account,) = consent.accounts
    return await find_account(db, consent.partner, account)


async def covers(db: Connection, consent: Consent, asked: Money) -> bool:
    """Whether the consent's account could pay an amount now.

    Raises ConsentNotActive, CurrencyUnsupported.
    """
    if consent.status is not ConsentStatus.AUTHORISED:
        raise ConsentNotActive(f"the consent is {consent.status}")
    account = await payer_of(db, consent)
    if account.currency != asked.currency:
        raise CurrencyUnsupported(f"the account is kept in {account.currency}")
    money = await balance(db, account)
    return account.status is AccountStatus.OPEN and money.available >= asked


def _entry(
    pointer: str, error: type[AccountIdentifierUnsupported | CurrencyUnsupported], detail: str
) -> dict[str, str]:
    return {"pointer": pointer, "code": error.uk_code or error.code, "detail": detail}


def _show(consent: Consent) -> tuple[Shown, Node]:
    stated = consent.stated or {}
    data = created_and_changed(consent) | {
        "Status": consent_status(consent),
        "CutOffDateTime": rfc3339(consent.valid_until),
        "Initiation": stated.get("Initiation", {}),
    }
    return data | optional(
        ReadRefundAccount=stated.get("ReadRefundAccount"),
        Authorisation=stated.get("Authorisation"),
    ), stated.get("Risk", {})
