"""Variable recurring payments: limits a customer agrees to once, payments within all of them.

Always true: a payment counts against every limit in the transaction that posts it, so payments
together never exceed a period's amount, whatever races; a payment to anybody but the consent's
creditor is refused.
Source: UK Open Banking Read/Write API 3.1.8 onwards, Domestic VRP consents and payments.
"""

from collections.abc import Mapping
from typing import Any

from bankside.identity.consents import (
    RECURRING_PERMISSIONS,
    Alignment,
    Consent,
    ConsentKind,
    PeriodLimit,
    PeriodType,
    RecurringTerms,
    spending,
)
from bankside.kernel.call import Answer
from bankside.kernel.clock import rfc3339
from bankside.kernel.ids import new_id
from bankside.orders.desk import Desk, Ticket
from bankside.orders.openbanking import asking
from bankside.orders.openbanking.consulting import agreed, noted
from bankside.orders.openbanking.payment_consents import covers, creditor_of, debtor_of
from bankside.orders.openbanking.payments import Instruction, mismatch, pay
from bankside.orders.openbanking.reading import (
    INVALID,
    amount,
    book_transfer,
    optional_instant,
    read_body,
    refuse,
)
from bankside.orders.openbanking.showing import (
    Shown,
    consent_status,
    created_and_changed,
    done,
    optional,
    shown,
)

_KIND = ConsentKind.RECURRING_PAYMENTS
_CONTROLS = "Data.ControlParameters"


async def create_consent(desk: Desk, ticket: Ticket) -> Answer:
    """A consent to payments within limits awaits its customer."""
    body = read_body(desk, ticket)
    data, initiation = body["Data"], body["Data"]["Initiation"]
    controls = data["ControlParameters"]
    most = amount(controls["MaximumIndividualAmount"], f"{_CONTROLS}.MaximumIndividualAmount")
    creditor = await creditor_of(desk, ticket, initiation, most.currency)
    begins = optional_instant(controls, "ValidFromDateTime", _CONTROLS)
    ends = optional_instant(controls, "ValidToDateTime", _CONTROLS)
    if begins and ends and begins >= ends:
        where = f"{_CONTROLS}.ValidToDateTime"
        refuse([{"pointer": where, "code": INVALID, "detail": "it ends before it begins"}])
    terms = {
        "permissions": RECURRING_PERMISSIONS,
        "recurring": RecurringTerms(
            creditor_name=initiation["CreditorAccount"]["Name"],
            creditor_account=f"number {creditor.number}",
            per_payment=most,
            limits=_limits(controls),
            reference=_reference(initiation),
            valid_from=begins,
        ),
        "debtor_account": debtor_of(initiation),
        "valid_until": ends,
        "stated": {**data, "Risk": body["Risk"]},
    }
    return await asking.ask(desk, ticket, _KIND, terms, _show)


async def query_consent(desk: Desk, ticket: Ticket) -> Answer:
    """The consent as it stands now."""
    return await asking.read(desk, ticket, _KIND, _show)


async def revoke_consent(desk: Desk, ticket: Ticket) -> Answer:
    """The client has given the consent back."""
    return await asking.end(desk, ticket, _KIND)


async def funds(desk: Desk, ticket: Ticket) -> Answer:
    """Whether the chosen account could pay an amount now. Raises ConsentUnknown."""
    data = read_body(desk, ticket)["Data"]
    named = ticket.call.path["ConsentId"]
    if data["ConsentId"] != named:
        raise mismatch("Data.ConsentId")
    asked = amount(data["InstructedAmount"], "Data.InstructedAmount.Amount")
    async with desk.reading() as db:
        consent = await agreed(desk, db, ticket, _KIND, named)
        enough = await covers(db, consent, asked)
        await noted(desk, db, [consent])
    now = rfc3339(desk.clock.now())
    told: Shown = {
        "FundsConfirmationId": new_id("funds_confirmation", desk.clock),
        "ConsentId": consent.id,
        "CreationDateTime": now,
        "Reference": data["Reference"],
        "FundsAvailableResult": {
            "FundsAvailableDateTime": now,
            "FundsAvailable": "Available" if enough else "NotAvailable",
        },
        "InstructedAmount": data["InstructedAmount"],
    }
    return done(ticket, shown(desk, ticket, told))


async def create_payment(desk: Desk, ticket: Ticket) -> Answer:
    """Make one payment within every limit.

    Raises ConsentUnknown, ConsentNotActive, ConsentMismatch, LimitOfConsentExceeded and what the
    ledger refuses.
    """
    body = read_body(desk, ticket)
    data, instruction = body["Data"], body["Data"]["Instruction"]
    async with desk.turn(data["ConsentId"]):
        paid = amount(instruction["InstructedAmount"], "Data.Instruction.InstructedAmount.Amount")
        book_transfer(instruction, "Data.Instruction")
        async with desk.reading() as db:
            consent = await agreed(desk, db, ticket, _KIND, data["ConsentId"])
            _as_agreed(consent, data, body["Risk"])
            writes = await spending(db, desk.clock, consent, paid)
        payee = await creditor_of(desk, ticket, data["Initiation"], paid.currency)
        remittance = instruction.get("RemittanceInformation", {})
        made = Instruction(
            consent=consent,
            payee=payee,
            amount=paid,
            told={
                "resource": "DomesticVRPId",
                "initiation": data["Initiation"],
                "instruction": instruction,
            },
            writes=writes,
            narrative=remittance.get("Unstructured") or remittance.get("Reference") or "",
        )
        return await pay(desk, ticket, made)


def _as_agreed(consent: Consent, data: Mapping[str, Any], risk: Mapping[str, Any]) -> None:
    """ConsentMismatch unless payer, payee, reference and circumstances are the consent's."""
    stated = consent.stated or {}
    initiation, instruction = data["Initiation"], data["Instruction"]
    if initiation != stated.get("Initiation", {}):
        raise mismatch("Data.Initiation")
    if instruction["CreditorAccount"] != initiation["CreditorAccount"]:
        raise mismatch("Data.Instruction.CreditorAccount")
    fixed = initiation.get("RemittanceInformation")
    if fixed is not None and instruction.get("RemittanceInformation", fixed) != fixed:
        raise mismatch("Data.Instruction.RemittanceInformation")
    if risk != stated.get("Risk", {}):
        raise mismatch("Risk")
    controls = stated.get("ControlParameters", {})
    if data["PSUAuthenticationMethod"] not in controls.get("PSUAuthenticationMethods", []):
        raise mismatch("Data.PSUAuthenticationMethod")
    if "VRPType" in data and data["VRPType"] not in controls.get("VRPType", []):
        raise mismatch("Data.VRPType")


def _limits(controls: Mapping[str, Any]) -> tuple[PeriodLimit, ...]:
    return tuple(
        PeriodLimit(
            PeriodType(each["PeriodType"]),
            Alignment(each["PeriodAlignment"]),
            amount(each, f"{_CONTROLS}.PeriodicLimits.{index}.Amount"),
        )
        for index, each in enumerate(controls["PeriodicLimits"])
    )


def _reference(initiation: Mapping[str, Any]) -> str:
    remittance = initiation.get("RemittanceInformation", {})
    text: str = remittance.get("Unstructured") or remittance.get("Reference") or ""
    return text


def _show(consent: Consent) -> tuple[Shown, Mapping[str, Any]]:
    stated = consent.stated or {}
    controls = {
        **stated.get("ControlParameters", {}),
        # What the consent's life was cut to is told, not what was asked for.
        "ValidToDateTime": rfc3339(consent.valid_until),
    }
    data = created_and_changed(consent) | {
        "Status": consent_status(consent),
        "ControlParameters": controls,
        "Initiation": stated.get("Initiation", {}),
    }
    told = data | optional(ReadRefundAccount=stated.get("ReadRefundAccount"))
    return told, stated.get("Risk", {})
