"""Clients of the authorization server, registered by their partner through a signed call.

Only the sandbox's clients are: a live one needs two people's yes, which the portal will ask for;
until then the bank's operator registers it (docs/decisions/0014-what-a-clients-record-says.md).
"""

from collections.abc import Mapping
from typing import Any

from bankside.identity.clients import (
    Client,
    NewClient,
    amend_client,
    create_client,
    list_clients,
    read_client,
)
from bankside.kernel.call import Answer
from bankside.kernel.clock import rfc3339
from bankside.kernel.db import transaction
from bankside.kernel.ids import PartnerId
from bankside.orders.desk import Desk, Ticket
from bankside.orders.errors import SandboxOnly
from bankside.orders.inputs import read_body, read_query
from bankside.partners import read_app

CREATED, OK = 201, 200
_SETTINGS = (
    "sender_constraint",
    "request_object_signing_alg",
    "authorization_signed_response_alg",
    "backchannel",
)


async def create(desk: Desk, ticket: Ticket) -> Answer:
    """An app of the caller's partner (the calling one, unless named) is a client.

    Raises SandboxOnly and the refusals of ``identity.create_client``; the same app twice is
    ClientExists, so a repeated call changes nothing.
    """
    form, caller = _form(ticket), ticket.call.caller
    partner, app = PartnerId(caller.partner), form.get("app", caller.app)
    async with transaction(desk.pool) as db:
        owner = await read_app(db, partner, app)
        if owner.environment != "sandbox":
            raise SandboxOnly
        made = await create_client(db, desk.clock, partner, _wish(owner.name, form), app=app)
    return Answer(CREATED, _shown(made))


async def listed(desk: Desk, ticket: Ticket) -> Answer:
    """A page of the partner's clients, by id."""
    asked = read_query(ticket.operation.inputs, ticket.call.query)
    async with desk.reading() as db:
        page = await list_clients(
            db, ticket.call.caller.partner, cursor=asked.get("cursor"), limit=asked.get("limit")
        )
    items = [_shown(each) for each in page.items]
    return Answer(OK, {"items": items, "next_cursor": page.next_cursor})


async def amend(desk: Desk, ticket: Ticket) -> Answer:
    """The whole record of a client is as the call says. Raises what ``create`` does."""
    form, partner = _form(ticket), ticket.call.caller.partner
    async with transaction(desk.pool) as db:
        standing = await read_client(db, partner, form["client"])
        owner = await read_app(db, PartnerId(partner), standing.id)
        if owner.environment != "sandbox":
            raise SandboxOnly
        made = await amend_client(db, partner, standing.id, _wish(standing.name, form))
    return Answer(OK, _shown(made))


def _form(ticket: Ticket) -> Mapping[str, Any]:
    if ticket.environment != "sandbox":
        raise SandboxOnly
    return read_body(ticket.operation.inputs, ticket.call.body)


def _wish(name: str, form: Mapping[str, Any]) -> NewClient:
    keys = form.get("keys")
    return NewClient(
        name=name,
        jwks={"keys": [dict(each) for each in keys]} if keys is not None else None,
        jwks_uri=form.get("jwks_uri"),
        redirect_uris=[each["uri"] for each in form["redirect_uris"]],
        scopes=form["scope"].split(),
        **{each: form[each] for each in _SETTINGS if each in form},
    )


def _shown(client: Client) -> dict[str, Any]:
    return {
        "client": client.id,
        "name": client.name,
        "redirect_uris": [{"uri": each} for each in client.redirect_uris],
        "scope": " ".join(sorted(client.scopes)),
        "keys": [dict(each) for each in client.jwks],
        "jwks_uri": client.jwks_uri,
        "sender_constraint": client.sender_constraint,
        "request_object_signing_alg": client.request_object_signing_alg,
        "authorization_signed_response_alg": client.authorization_signed_response_alg,
        "backchannel": client.backchannel,
        "version": client.version,
        "created_at": rfc3339(client.created_at),
    }
