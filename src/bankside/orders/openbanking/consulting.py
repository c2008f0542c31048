"""Which consent a call stands on: asked at the moment of use, always.

Always true: a customer's token opens what the consents of its own grant allow at this instant, and
nothing else; a consent of another client, grant or data space is unknown. What is not among the
chosen accounts is unknown too, whether or not it exists.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from bankside.bank.accounts import Account, accounts_by_reference
from bankside.identity.consents import (
    Consent,
    ConsentKind,
    ConsentNotActive,
    ConsentStatus,
    ConsentUnknown,
    Permission,
    consent_of_client,
    consents_of_grant,
    record_use,
)
from bankside.kernel.db import Connection
from bankside.kernel.ids import AccountId
from bankside.orders.desk import Desk, Ticket
from bankside.orders.openbanking.errors import PermissionMissing, ResourceUnknown

# A consent used a moment ago is not written again (identity.consents notes uses by the minute).
_NOTED_WITHIN = timedelta(minutes=1)


async def granted(
    desk: Desk, db: Connection, ticket: Ticket, kind: ConsentKind
) -> tuple[Consent, ...]:
    """The consents of the caller's grant of a kind that count now, oldest first.

    Raises PermissionMissing when the grant has none, ConsentNotActive when none counts.
    """
    caller = ticket.call.caller
    found: Sequence[Consent] = ()
    if caller.grant is not None:
        found = await consents_of_grant(db, desk.clock, caller.partner, caller.grant)
    # A grant belongs to one client and one customer; both are asked again where it matters most.
    mine = [
        each
        for each in found
        if each.kind is kind and each.client == caller.app and each.customer == caller.psu
    ]
    if not mine:
        raise PermissionMissing
    active = tuple(each for each in mine if each.status is ConsentStatus.AUTHORISED)
    if not active:
        raise ConsentNotActive(f"the consent is {mine[0].status}")
    return active


async def agreed(
    desk: Desk, db: Connection, ticket: Ticket, kind: ConsentKind, consent_id: str
) -> Consent:
    """The consent that a request names, of the caller's own grant, whatever its status.

    Raises ConsentUnknown.
    """
    caller = ticket.call.caller
    found = await consent_of_client(db, desk.clock, caller.partner, consent_id, client=caller.app)
    if found.kind is not kind or found.grant is None or found.grant != caller.grant:
        raise ConsentUnknown
    if found.customer != caller.psu:
        raise ConsentUnknown
    return found


async def opened(
    desk: Desk,
    db: Connection,
    ticket: Ticket,
    any_of: Collection[Permission],
) -> dict[AccountId, Consent]:
    """The accounts on which the customer gave one of the permissions, each with its consent.

    With an account in the path it is that one alone. Raises PermissionMissing, ResourceUnknown,
    ConsentNotActive.
    """
    consents = await granted(desk, db, ticket, ConsentKind.ACCOUNT_ACCESS)
    asked = ticket.call.path.get("AccountId")
    if asked is not None and not any(asked in each.accounts for each in consents):
        raise ResourceUnknown
    found: dict[AccountId, Consent] = {}
    for each in consents:
        for account, permissions in each.accounts.items():
            if asked in (None, account) and permissions.intersection(any_of):
                found.setdefault(account, each)
    if not found:
        raise PermissionMissing(f"the consent has none of {', '.join(sorted(any_of))}")
    return found


async def kept_accounts(
    db: Connection, ticket: Ticket, opened: Mapping[AccountId, Consent]
) -> list[Account]:
    """The accounts themselves, by id."""
    found = await accounts_by_reference(db, ticket.call.caller.partner, opened)
    return sorted(found.values(), key=lambda each: each.id)


def allowed(consent: Consent, account: str, permission: Permission) -> bool:
    """Whether the customer gave the permission on the account."""
    return permission in consent.accounts.get(AccountId(account), frozenset())


async def noted(desk: Desk, db: Connection, consents: Collection[Consent]) -> None:
    """The consents were used just now."""
    now = desk.clock.now()
    for each in {consent.id: consent for consent in consents}.values():
        if each.last_used_at is None or each.last_used_at + _NOTED_WITHIN <= now:
            await record_use(db, desk.clock, each.partner, each.id)
