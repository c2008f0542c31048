"""Webhook endpoints, kept by their partner through signed calls of any dialect.

Always true: a caller that acts for a tenant reaches that tenant's endpoints only, and those are
told of that tenant's orders only; what a key is verified with is answered once, and is stored with
no idempotency key: the repeat of a call that made one answers without it.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from bankside.kernel.call import Answer
from bankside.kernel.clock import rfc3339
from bankside.kernel.db import Connection
from bankside.kernel.errors import NotBuilt
from bankside.kernel.ids import PartnerId
from bankside.kernel.outbox import Delivery
from bankside.orders.carry import path_id
from bankside.orders.desk import Desk, Ticket
from bankside.orders.inputs import fault, read_body, read_query, refuse
from bankside.partners.webhooks import (
    Again,
    Endpoint,
    EndpointChange,
    NewEndpoint,
    Webhooks,
    failure,
    list_deliveries,
    list_endpoints,
    read_endpoint,
    remove_endpoint,
    replay,
    send_test,
    told,
)

CREATED, OK = 201, 200
Form = Mapping[str, Any]


async def create(desk: Desk, ticket: Ticket) -> Answer:
    """An address that is told from now on. Raises EndpointInvalid, EndpointsTooMany."""
    form, (partner, tenant) = _form(ticket), _space(ticket)
    new = NewEndpoint(
        url=form["url"], types=_types(form), signing=form.get("signing", "hmac-sha256")
    )
    webhooks = _webhooks(desk)
    return await _keyed(
        desk, ticket, CREATED, lambda db: webhooks.create(db, partner, new, tenant=tenant)
    )


async def rotate(desk: Desk, ticket: Ticket) -> Answer:
    """A new key signs beside the old one. Raises EndpointUnknown, EndpointRotatedTooOften."""
    _form(ticket)
    webhooks, (partner, tenant) = _webhooks(desk), _space(ticket)
    name = path_id(ticket)
    return await _keyed(
        desk, ticket, CREATED, lambda db: webhooks.rotate(db, partner, name, tenant=tenant)
    )


async def listed(desk: Desk, ticket: Ticket) -> Answer:
    """A page of the caller's endpoints, by id."""
    asked, (partner, tenant) = _query(ticket), _space(ticket)
    async with desk.reading() as db:
        page = await list_endpoints(
            db, partner, tenant=tenant, cursor=asked.get("cursor"), limit=asked.get("limit")
        )
    items = [_shown(each) for each in page.items]
    return Answer(OK, {"items": items, "next_cursor": page.next_cursor})


async def item(desk: Desk, ticket: Ticket) -> Answer:
    """One endpoint. Raises EndpointUnknown."""
    _query(ticket)
    async with desk.reading() as db:
        return Answer(OK, _shown(await _named(db, ticket)))


async def amend(desk: Desk, ticket: Ticket) -> Answer:
    """Another address, other types, or another status. Raises EndpointUnknown, EndpointInvalid."""
    form, (partner, tenant) = _form(ticket), _space(ticket)
    webhooks, name = _webhooks(desk), path_id(ticket)
    if not form:
        refuse([fault("", "field.missing", "give url, types or status")])
    types = _types(form) if "types" in form else None
    change = EndpointChange(url=form.get("url"), types=types, status=form.get("status"))

    async def changed(db: Connection) -> Answer:
        return Answer(OK, _shown(await webhooks.amend(db, partner, name, change, tenant=tenant)))

    return await desk.keep(ticket, changed)


async def remove(desk: Desk, ticket: Ticket) -> Answer:
    """The endpoint is told nothing more; the answer shows what it was. Raises EndpointUnknown."""
    _form(ticket)
    (partner, tenant), name = _space(ticket), path_id(ticket)

    async def removed(db: Connection) -> Answer:
        gone = await remove_endpoint(db, partner, name, tenant=tenant)
        return Answer(OK, {**_shown(gone), "status": "removed"})

    return await desk.keep(ticket, removed)


async def test(desk: Desk, ticket: Ticket) -> Answer:
    """A message that says it is a test is on its way.

    Raises EndpointUnknown, EndpointDisabled, EndpointInvalid.
    """
    form = _form(ticket)

    async def sent(db: Connection) -> Answer:
        endpoint = await _named(db, ticket)
        event = await send_test(db, desk.clock, endpoint, as_type=form.get("type"))
        return Answer(CREATED, {"endpoint": endpoint.id, "event": event})

    return await desk.keep(ticket, sent)


async def deliveries(desk: Desk, ticket: Ticket) -> Answer:
    """A page of what was sent to the endpoint, newest first. Raises EndpointUnknown."""
    asked = _query(ticket)
    async with desk.reading() as db:
        endpoint = await _named(db, ticket)
        page = await list_deliveries(
            db,
            endpoint,
            status=asked.get("status"),
            cursor=asked.get("cursor"),
            limit=asked.get("limit"),
        )
    items = [_delivery(each) for each in page.items]
    return Answer(OK, {"items": items, "next_cursor": page.next_cursor})


async def replayed(desk: Desk, ticket: Ticket) -> Answer:
    """One event, a range, or all that failed goes out again.

    Raises EndpointUnknown, EndpointDisabled, DeliveryUnknown, EndpointInvalid, ReplayTooMany.
    """
    form = _form(ticket)
    if "event" in form and ("since" in form or "until" in form):
        refuse([fault("/event", "field.choice", "give event, or since and until")])
    again = Again(
        event=form.get("event"), since=_instant(form, "since"), until=_instant(form, "until")
    )

    async def queued(db: Connection) -> Answer:
        endpoint = await _named(db, ticket)
        count = await replay(db, desk.clock, endpoint, again)
        return Answer(CREATED, {"endpoint": endpoint.id, "queued": count})

    return await desk.keep(ticket, queued)


async def _keyed(
    desk: Desk,
    ticket: Ticket,
    status: int,
    make: Callable[[Connection], Awaitable[tuple[Endpoint, str]]],
) -> Answer:
    """The endpoint with what its new key is verified with, which is answered and not stored."""
    secret = ""

    async def change(db: Connection) -> Answer:
        nonlocal secret
        endpoint, secret = await make(db)
        return Answer(status, _shown(endpoint))

    kept = await desk.keep(ticket, change)
    assert isinstance(kept.body, Mapping)
    return Answer(kept.status, {**kept.body, "verify_with": secret})


def _webhooks(desk: Desk) -> Webhooks:
    if desk.webhooks is None:
        raise NotBuilt("this process keeps no keys of webhook endpoints")
    return desk.webhooks


def _space(ticket: Ticket) -> tuple[PartnerId, str | None]:
    caller = ticket.call.caller
    return PartnerId(caller.partner), caller.tenant


async def _named(db: Connection, ticket: Ticket) -> Endpoint:
    partner, tenant = _space(ticket)
    return await read_endpoint(db, partner, path_id(ticket), tenant=tenant)


def _form(ticket: Ticket) -> Form:
    return read_body(ticket.operation.inputs, ticket.call.body)


def _query(ticket: Ticket) -> Form:
    return read_query(ticket.operation.inputs, ticket.call.query)


def _types(form: Form) -> tuple[str, ...]:
    return tuple(each["type"] for each in form["types"])


def _instant(form: Form, name: str) -> datetime | None:
    """An instant with its zone (RFC 3339). Raises InputInvalid."""
    if name not in form:
        return None
    try:
        found = datetime.fromisoformat(form[name])
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    refuse([fault(f"/{name}", "field.time", "expected an instant such as 2026-03-01T14:05:00Z")])
    raise AssertionError("refuse raises when there is a fault")


def _shown(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "types": [{"type": each} for each in endpoint.types],
        "signing": endpoint.signing,
        "status": endpoint.status,
        "reason": endpoint.reason or None,
        "tenant": endpoint.tenant,
        "version": endpoint.version,
        "created_at": rfc3339(endpoint.created_at),
        "verify_with": None,
    }


def _delivery(of: Delivery) -> dict[str, Any]:
    pending, finished = of.status == "pending", of.finished_at
    return {
        "event": of.event.id,
        "message": told(of.event),
        "status": of.status,
        "attempts": of.attempts,
        "next_at": rfc3339(of.next_at) if pending else None,
        "last_error": failure(of.last_error),
        "finished_at": rfc3339(finished) if finished else None,
    }
