"""Use cases of the backchannel slice; each runs in the caller's transaction."""

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta

from bankside.identity import events
from bankside.identity.authorisations import Approval, Grant, begin_grant, check_named
from bankside.identity.backchannel import rules, store
from bankside.identity.backchannel.errors import ApprovalFinished, ApprovalUnknown
from bankside.identity.backchannel.model import INTERVAL_SECONDS, WAITING_MAX, Waiting
from bankside.identity.clients import Client, ClientUnknown, active_client
from bankside.identity.credentials import person_of_login
from bankside.identity.errors import (
    AccessDenied,
    AuthorizationPending,
    GrantInvalid,
    SlowDown,
    UserUnknown,
)
from bankside.identity.values import AUTH_REQ_ID, mint, place_of, slot_at
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection

_APPROVAL_ID = re.compile(r"[0-7][A-Za-z0-9_-]{22}")


async def ask_approval(
    db: Connection, clock: Clock, client: Client, form: Mapping[str, str]
) -> tuple[str, int, int]:
    """The request waits for the customer: (auth_req_id, seconds it lives, seconds between polls).

    ``form`` is what the request says, its signature checked and taken off. Raises RequestInvalid
    and its siblings, UserUnknown (also for another data space's customer), AccessDenied when too
    many requests of this client wait for the customer already.
    """
    wish, at = rules.checked_wish(form, client), clock.now()
    await check_named(db, clock, (client.partner, client.id), wish.details)
    customer = await person_of_login(db, client.partner, wish.login)
    if customer is None:
        raise UserUnknown("login_hint names no customer of this client's data space")
    if await store.count_waiting(db, (client.partner, client.id), customer, at) >= WAITING_MAX:
        raise AccessDenied(f"{WAITING_MAX} requests wait for this customer already")
    value, place = mint(AUTH_REQ_ID, at)
    waiting = Waiting(
        id=f"{slot_at(at)}{secrets.token_urlsafe(16)}",
        partner=client.partner,
        client_id=client.id,
        client_name=client.name,
        scopes=wish.scopes,
        authorization_details=wish.details,
        opened_at=at,
        expires_at=at + timedelta(seconds=wish.seconds),
        customer=customer,
        binding_message=wish.binding_message,
    )
    await store.insert(db, waiting, place, interval=INTERVAL_SECONDS)
    of = (client.partner, waiting.id, 1)
    facts = {"client_id": client.id, "subject": customer, "binding_message": wish.binding_message}
    await events.publish(db, clock, events.APPROVAL_REQUESTED, of=of, **facts)
    return value, wish.seconds, INTERVAL_SECONDS


async def redeem(db: Connection, clock: Clock, client: tuple[str, str], auth_req_id: str) -> str:
    """The id of the grant that answers the request; ``client`` is (partner, id).

    Raises AuthorizationPending, SlowDown (five seconds more between polls from now on), and what
    ``rules.granted`` raises.
    """
    place, at = place_of(AUTH_REQ_ID, auth_req_id), clock.now()
    found = await store.hold(db, client, place) if place else None
    grant = rules.granted(found, at)
    assert found is not None and place is not None
    if grant is not None:
        if not await store.use(db, client, place, at):
            raise GrantInvalid("the auth_req_id was used before")
        return grant
    too_soon = rules.is_too_soon(found, at)
    await store.note_poll(db, client, place, at, slower=too_soon)
    if too_soon:
        raise SlowDown
    raise AuthorizationPending


async def waiting_approvals(
    db: Connection, clock: Clock, partner: str, customer: str
) -> Sequence[Waiting]:
    """What waits for the customer's answer now, oldest first."""
    found = await store.waiting(db, partner, customer, clock.now())
    return [each for each in found if await _client_of(db, each) is not None]


async def waiting_approval(
    db: Connection, clock: Clock, partner: str, customer: str, approval_id: str
) -> Waiting:
    """One of them. Raises ApprovalUnknown (also for another customer's), ApprovalFinished."""
    found = None
    if _APPROVAL_ID.fullmatch(approval_id):
        found = await store.find(db, (partner, customer), approval_id)
    if found is None:
        raise ApprovalUnknown
    waiting, answered = found
    if answered:
        raise ApprovalFinished
    if waiting.expires_at <= clock.now() or await _client_of(db, waiting) is None:
        raise ApprovalUnknown
    return waiting


async def approve(db: Connection, clock: Clock, found: Waiting, approval: Approval) -> Grant:
    """The customer said yes: the client's next poll gets tokens of the grant.

    Raises ApprovalTooLarge, ApprovalFinished.
    """
    if approval.subject != found.customer:
        raise ApprovalUnknown
    grant = await begin_grant(db, clock, found, approval)
    if not await store.answer(db, found, clock.now(), grant=grant.id):
        raise ApprovalFinished
    return grant


async def deny(db: Connection, clock: Clock, found: Waiting) -> None:
    """The customer said no: the client's next poll is told so. Raises ApprovalFinished."""
    if not await store.answer(db, found, clock.now(), grant=None):
        raise ApprovalFinished


async def _client_of(db: Connection, found: Waiting) -> Client | None:
    """The client that asks; None when it was blocked meanwhile."""
    try:
        return await active_client(db, found.client_id)
    except ClientUnknown:
        return None
