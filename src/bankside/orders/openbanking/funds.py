"""Confirmation of funds for card issuers: yes or no, under a consent for one account.

Source: UK Open Banking Confirmation of Funds API 3.1.
"""

from bankside.identity.consents import FUNDS_PERMISSIONS, Consent, ConsentKind
from bankside.kernel.call import Answer
from bankside.kernel.clock import rfc3339
from bankside.kernel.ids import new_id
from bankside.orders.desk import Desk, Ticket
from bankside.orders.openbanking import asking
from bankside.orders.openbanking.consulting import agreed, noted
from bankside.orders.openbanking.payment_consents import covers
from bankside.orders.openbanking.reading import (
    amount,
    optional_instant,
    own_account,
    read_body,
)
from bankside.orders.openbanking.showing import (
    Shown,
    consent_status,
    created_and_changed,
    done,
    shown,
)

_KIND = ConsentKind.FUNDS_CONFIRMATION


async def create_consent(desk: Desk, ticket: Ticket) -> Answer:
    """A consent to confirm funds on one account awaits its customer."""
    data = read_body(desk, ticket)["Data"]
    terms = {
        "permissions": FUNDS_PERMISSIONS,
        "debtor_account": own_account(data["DebtorAccount"], "Data.DebtorAccount"),
        "valid_until": optional_instant(data, "ExpirationDateTime", "Data"),
        "stated": dict(data),
    }
    return await asking.ask(desk, ticket, _KIND, terms, _show)


async def query_consent(desk: Desk, ticket: Ticket) -> Answer:
    """The consent as it stands now."""
    return await asking.read(desk, ticket, _KIND, _show)


async def revoke_consent(desk: Desk, ticket: Ticket) -> Answer:
    """The client has given the consent back."""
    return await asking.end(desk, ticket, _KIND)


async def confirm(desk: Desk, ticket: Ticket) -> Answer:
    """Whether the account could pay an amount now. Raises ConsentUnknown, ConsentNotActive."""
    data = read_body(desk, ticket)["Data"]
    asked = amount(data["InstructedAmount"], "Data.InstructedAmount.Amount")
    async with desk.reading() as db:
        consent = await agreed(desk, db, ticket, _KIND, data["ConsentId"])
        enough = await covers(db, consent, asked)
        await noted(desk, db, [consent])
    told: Shown = {
        "FundsConfirmationId": new_id("funds_confirmation", desk.clock),
        "ConsentId": consent.id,
        "CreationDateTime": rfc3339(desk.clock.now()),
        "FundsAvailable": enough,
        "Reference": data["Reference"],
        "InstructedAmount": data["InstructedAmount"],
    }
    return done(ticket, shown(desk, ticket, told))


def _show(consent: Consent) -> tuple[Shown, None]:
    data = created_and_changed(consent) | {
        "Status": consent_status(consent),
        "ExpirationDateTime": rfc3339(consent.valid_until),
        "DebtorAccount": (consent.stated or {}).get("DebtorAccount", {}),
    }
    return data, None
