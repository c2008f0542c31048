"""Consents made beforehand that a request names: the client's own, of its kind, still waiting.

Asked when the request comes in, so that the client hears of it, and again at every page, because
in between the consent may have been answered, given back or run out. Source: RFC 9396 section 5
(invalid_authorization_details); the kinds are those of UK Open Banking's consents.
"""

from collections.abc import Mapping, Sequence

from bankside.identity.authorisations.model import Detail
from bankside.identity.consents import (
    Consent,
    ConsentInvalid,
    ConsentKind,
    ConsentStatus,
    ConsentUnknown,
    consent_of_client,
)
from bankside.identity.errors import DetailsInvalid
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection

# What kinds of consent made beforehand an entry of each type may name.
_KINDS: Mapping[str, frozenset[ConsentKind]] = {
    "account_information": frozenset({ConsentKind.ACCOUNT_ACCESS}),
    "payment_initiation": frozenset({ConsentKind.PAYMENT, ConsentKind.RECURRING_PAYMENTS}),
    "funds_confirmation": frozenset({ConsentKind.FUNDS_CONFIRMATION}),
}


async def named_consent(
    db: Connection, clock: Clock, client: tuple[str, str], entry: Detail
) -> Consent:
    """The consent an entry names; ``client`` is (partner, id). Raises ConsentInvalid."""
    partner, client_id = client
    try:
        found = await consent_of_client(db, clock, partner, entry["consent_id"], client=client_id)
    except ConsentUnknown as unknown:
        raise ConsentInvalid("the client has no such consent") from unknown
    if found.kind not in _KINDS[entry["type"]]:
        raise ConsentInvalid(f"the consent is not one for {entry['type']}")
    if found.status is not ConsentStatus.AWAITING_AUTHORISATION:
        raise ConsentInvalid(f"the consent is {found.status}")
    return found


async def check_named(
    db: Connection, clock: Clock, client: tuple[str, str], details: Sequence[Detail]
) -> None:
    """Every consent that the entries name can be answered, each once; or DetailsInvalid."""
    named = [entry for entry in details if "consent_id" in entry]
    if len({entry["consent_id"] for entry in named}) != len(named):
        raise DetailsInvalid("a consent is named twice")
    for entry in named:
        try:
            await named_consent(db, clock, client, entry)
        except ConsentInvalid as error:
            raise DetailsInvalid(f"{entry['type']}: {error.detail}") from error
