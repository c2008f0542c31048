"""Answers: the envelope every resource stands in, and the words for states.

Source: UK Open Banking Read/Write API 3.1 (Links, Meta, payment status codes); the words of
consents stand in ``identity.consents.words``.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from bankside.identity.consents import Consent, Standard, status_word
from bankside.kernel.call import Answer
from bankside.kernel.clock import rfc3339
from bankside.orders.desk import Desk, Ticket
from bankside.orders.model import Order, State

Shown = dict[str, Any]


def consent_status(consent: Consent) -> str:
    """The status of a consent in the words of version 3.1."""
    return status_word(consent, Standard.UK_3_1)


def payment_status(order: Order) -> str:
    """What became of a payment: only what is known to have failed is rejected."""
    if order.state is State.COMPLETED:
        return "AcceptedSettlementCompleted"
    return "Rejected" if order.state in {State.REFUSED, State.COMPENSATED} else "Pending"


def shown(
    desk: Desk,
    ticket: Ticket,
    data: Mapping[str, Any],
    *,
    risk: Mapping[str, Any] | None = None,
    item: str | None = None,
) -> Shown:
    """The body of a success, linked to itself; ``item`` is the id of what the call created."""
    body: Shown = {"Data": data}
    if risk is not None:
        body["Risk"] = risk
    return body | {"Links": {"Self": _self(desk, ticket, item=item)}, "Meta": {}}


def paged(desk: Desk, ticket: Ticket, data: Mapping[str, Any], after: str | None) -> Shown:
    """The body of a page; ``after`` is the cursor of the next one, None: there is none."""
    body = shown(desk, ticket, data)
    if after is not None:
        body["Links"]["Next"] = _self(desk, ticket, page=after)
    return body


def done(ticket: Ticket, body: Mapping[str, Any], *, branch: str | None = None) -> Answer:
    """The answer of a success, with the status its operation has."""
    return Answer(ticket.operation.status or 200, body, facts={"branch": branch} if branch else {})


def created_and_changed(consent: Consent) -> Shown:
    """What every consent tells of itself."""
    return {
        "ConsentId": consent.id,
        "CreationDateTime": rfc3339(consent.requested_at),
        "StatusUpdateDateTime": rfc3339(consent.changed_at),
    }


def optional(**members: Any) -> Shown:
    """The members that have a value; an instant is written as text."""
    return {
        name: rfc3339(value) if isinstance(value, datetime) else value
        for name, value in members.items()
        if value is not None and value != ""
    }


def _self(desk: Desk, ticket: Ticket, *, item: str | None = None, **more: str) -> str:
    """The address of this very call, or of what it created, with ``more`` parameters changed."""
    path = ticket.operation.path
    for name, value in ticket.call.path.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    if item is not None:
        path = f"{path}/{item}"
    query = urlencode({**ticket.call.query, **more})
    return f"{desk.address}{path}{'?' if query else ''}{query}"
