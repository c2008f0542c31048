"""Use cases from a pushed request to its answer.

A request is used up when the customer answers, not when a page loads: a reload or a link preview
does no harm. Approving writes grant, code and event in the caller's transaction.
"""

import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from bankside.identity import events
from bankside.identity.authorisations import rules, store, store_grants
from bankside.identity.authorisations.details import is_choice_of
from bankside.identity.authorisations.errors import (
    ApprovalTooLarge,
    InteractionFinished,
    InteractionUnknown,
    LinkUnusable,
)
from bankside.identity.authorisations.model import (
    CODE_SECONDS,
    INTERACTION_SECONDS,
    OPENED_MAX,
    REQUEST_SECONDS,
    Approval,
    Asked,
    Grant,
    Interaction,
    PushedRequest,
)
from bankside.identity.authorisations.named import check_named
from bankside.identity.clients import Client, ClientUnknown, active_client
from bankside.identity.messages import answer_token
from bankside.identity.signing_keys import Minter
from bankside.identity.values import CODE, REQUEST_URI, digest, mint, place_of, slot_at
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import new_id

_INTERACTION_ID = re.compile(r"[0-7][A-Za-z0-9_-]{22}")


async def push_request(
    db: Connection,
    clock: Clock,
    client: Client,
    form: Mapping[str, str],
    *,
    proof_jkt: str | None,
) -> tuple[str, int]:
    """The request stands for a minute; its request_uri and those seconds (RFC 9126).

    ``form`` is what the request says, its signature checked and taken off (``messages.unpacked``).
    Raises RequestInvalid, ScopeInvalid, DetailsInvalid and ResponseTypeUnsupported.
    """
    rules.check_shape(form, client)
    scopes, details = rules.asked_rights(form, client)
    await check_named(db, clock, (client.partner, client.id), details)
    uri, place = mint(REQUEST_URI, clock.now())
    request = PushedRequest(
        partner=client.partner,
        client_id=client.id,
        place=place,
        redirect_uri=form["redirect_uri"],
        scopes=scopes,
        details=details,
        state=form.get("state"),
        nonce=form.get("nonce"),
        code_challenge=form["code_challenge"],
        dpop_jkt=rules.bound_key(form, client, proof_jkt),
        created_at=clock.now(),
        response_mode=rules.asked_mode(form, client),
    )
    await store.insert_request(db, request)
    return uri, REQUEST_SECONDS


async def open_interaction(
    db: Connection, clock: Clock, *, client_id: str, request_uri: str, browser: str
) -> Interaction:
    """A new interaction of this browser with a pushed request; or LinkUnusable.

    ``browser`` is the secret in the browser's cookie: no other browser reaches the interaction.
    """
    place = place_of(REQUEST_URI, request_uri)
    try:
        client = await active_client(db, client_id)
    except ClientUnknown as unknown:
        raise LinkUnusable from unknown
    at = clock.now()
    owner = (client.partner, client.id)
    request = (
        await store.open_request(db, owner, place, at, opened_max=OPENED_MAX) if place else None
    )
    # The redirect URI may have left the client's record since the request was pushed.
    if request is None or request.redirect_uri not in client.redirect_uris:
        raise LinkUnusable
    slot = slot_at(at)
    interaction_id = f"{slot}{secrets.token_urlsafe(16)}"
    until = at + timedelta(seconds=INTERACTION_SECONDS)
    await store.insert_interaction(
        db, (slot, interaction_id), request, digest(browser), at=at, until=until
    )
    return _shown(interaction_id, client, request, until)


async def interaction(
    db: Connection, clock: Clock, interaction_id: str, *, browser: str
) -> Interaction:
    """This browser's open interaction. Raises InteractionUnknown, InteractionFinished."""
    found = None
    if _INTERACTION_ID.fullmatch(interaction_id):
        place = (int(interaction_id[0]), interaction_id)
        found = await store.find_interaction(db, place, digest(browser))
    if found is None:
        raise InteractionUnknown
    request, until, finished = found
    if finished:
        raise InteractionFinished
    if until <= clock.now():
        raise InteractionUnknown
    try:
        client = await active_client(db, request.client_id)
    except ClientUnknown as unknown:
        raise InteractionUnknown from unknown
    return _shown(interaction_id, client, request, until)


async def approve(
    db: Connection, clock: Clock, minter: Minter, found: Interaction, approval: Approval
) -> tuple[Grant, str]:
    """The customer said yes: the grant, and the address their browser goes to (303).

    The grant starts with a code of 60 s. Raises ApprovalTooLarge when more is approved than was
    asked, InteractionFinished when it was answered before or took too long.
    """
    _check_size(found, approval, clock.now())
    await _finish(db, clock, found)
    grant = await begin_grant(db, clock, found, approval)
    code, place = mint(CODE, clock.now())
    until = clock.now() + timedelta(seconds=CODE_SECONDS)
    await store.insert_code(db, found.request, grant.id, place, at=clock.now(), until=until)
    return grant, await _answer(db, clock, minter, found, code=code)


async def begin_grant(db: Connection, clock: Clock, asked: Asked, approval: Approval) -> Grant:
    """What the customer said yes to stands, and is told of. Raises ApprovalTooLarge.

    The caller decides, in the same transaction, that ``asked`` is answered once.
    """
    at = clock.now()
    _check_size(asked, approval, at)
    grant = Grant(
        partner=asked.partner,
        id=new_id("grant", clock),
        client_id=asked.client_id,
        subject=approval.subject,
        scopes=tuple(each for each in asked.scopes if each in approval.scopes),
        details=approval.authorization_details,
        auth_time=approval.auth_time,
        amr=approval.amr,
        created_at=at,
        expires_at=approval.until,
    )
    await store_grants.insert(db, grant)
    of = (grant.partner, grant.id, 1)
    facts = {"client_id": grant.client_id, "subject": grant.subject, "scopes": grant.scopes}
    await events.publish(db, clock, events.GRANT_AUTHORISED, of=of, **facts)
    return grant


async def deny(
    db: Connection,
    clock: Clock,
    minter: Minter,
    found: Interaction,
    *,
    error: str = "access_denied",
) -> str:
    """The customer said no: the address their browser goes to (303). Raises InteractionFinished."""
    await _finish(db, clock, found)
    return await _answer(db, clock, minter, found, error=error)


async def revoke_grant(db: Connection, clock: Clock, partner: str, grant_id: str) -> bool:
    """Every token of the grant is dead from now on; False when the grant had ended before."""
    version = await store_grants.revoke(db, partner, grant_id, clock.now())
    if version is None:
        return False
    await events.publish(db, clock, events.GRANT_REVOKED, of=(partner, grant_id, version))
    return True


def _check_size(asked: Asked, approval: Approval, at: datetime) -> None:
    """The approval is of what was asked, or less, and for some time; or ApprovalTooLarge."""
    too_many = approval.scopes - set(asked.scopes)
    if too_many or not is_choice_of(approval.authorization_details, asked.authorization_details):
        raise ApprovalTooLarge
    if approval.until <= at or not (approval.scopes or approval.authorization_details):
        raise ApprovalTooLarge("nothing is approved, or not for any time")


async def _finish(db: Connection, clock: Clock, found: Interaction) -> None:
    """This interaction, alone of all that opened the request, answers it."""
    place, at = (int(found.id[0]), found.id), clock.now()
    if not await store.finish_interaction(db, place, at):
        raise InteractionFinished
    # Two interactions of one request meet at the request's row, so exactly one goes on.
    if not await store.use_request(db, found.request, at):
        raise InteractionFinished


async def _answer(
    db: Connection, clock: Clock, minter: Minter, found: Interaction, **answer: str
) -> str:
    """The address that carries the answer, with ``iss`` beside it or inside its JWT."""
    request = found.request
    parameters: dict[str, str | None] = {**answer, "state": request.state, "iss": minter.issuer}
    if request.response_mode == "jwt":
        token = await answer_token(db, clock, minter, request.client_id, parameters)
        parameters = {"response": token}
    return rules.answer_address(request.redirect_uri, parameters)


def _shown(
    interaction_id: str, client: Client, request: PushedRequest, until: datetime
) -> Interaction:
    return Interaction(
        id=interaction_id,
        partner=client.partner,
        client_id=client.id,
        client_name=client.name,
        scopes=request.scopes,
        authorization_details=request.details,
        opened_at=until - timedelta(seconds=INTERACTION_SECONDS),
        expires_at=until,
        request=request,
    )
