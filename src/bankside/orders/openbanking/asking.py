"""Consents made before the customer comes: created, read and given back by their client.

Always true: a consent belongs to the client that created it and to nobody else; creating one opens
nothing until the customer says yes on our page; giving one back ends its tokens before it is
acknowledged.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bankside.identity import read_client
from bankside.identity.consents import (
    BEFOREHAND_TTL_MAX,
    Consent,
    ConsentKind,
    ConsentRequest,
    ConsentUnknown,
    consent_of_client,
    request_consent,
)
from bankside.identity.decisions import give_back
from bankside.identity.revocations import applied_everywhere
from bankside.kernel.call import Answer
from bankside.kernel.db import Connection, transaction
from bankside.kernel.ids import new_id
from bankside.orders.desk import Desk, Ticket
from bankside.orders.openbanking.showing import Shown, done, shown

Terms = Mapping[str, Any]
Show = Callable[[Consent], tuple[Shown, Mapping[str, Any] | None]]


async def ask(desk: Desk, ticket: Ticket, kind: ConsentKind, terms: Terms, show: Show) -> Answer:
    """A consent stands and awaits its customer; ``terms`` are fields of a ConsentRequest.

    Raises ConsentInvalid.
    """
    caller, now = ticket.call.caller, desk.clock.now()

    async def asked(db: Connection) -> Answer:
        client = await read_client(db, caller.partner, caller.app)
        request = ConsentRequest(
            partner=caller.partner,
            client=caller.app,
            client_name=client.name,
            ref=new_id("request", desk.clock),
            kind=kind,
            **{"answer_by": now + BEFOREHAND_TTL_MAX, **terms},
        )
        consent = await request_consent(db, desk.clock, request)
        data, risk = show(consent)
        return done(ticket, shown(desk, ticket, data, risk=risk, item=consent.id))

    return await desk.keep(ticket, asked)


async def read(desk: Desk, ticket: Ticket, kind: ConsentKind, show: Show) -> Answer:
    """The client's consent as it stands now. Raises ConsentUnknown."""
    async with desk.reading() as db:
        data, risk = show(await _own(desk, db, ticket, kind))
    return done(ticket, shown(desk, ticket, data, risk=risk))


async def end(desk: Desk, ticket: Ticket, kind: ConsentKind) -> Answer:
    """The client's consent has ended, on every edge; ending it again changes nothing.

    Raises ConsentUnknown.
    """
    caller = ticket.call.caller
    async with transaction(desk.pool) as db:
        found = await _own(desk, db, ticket, kind)
        await give_back(db, desk.clock, caller.partner, found.id, client=caller.app)
    await applied_everywhere(desk.pool)
    return Answer(ticket.operation.status or 204, b"")


def earliest(*ends: datetime | None) -> datetime | None:
    """The earliest of the instants that are given."""
    return min((each for each in ends if each is not None), default=None)


async def _own(desk: Desk, db: Connection, ticket: Ticket, kind: ConsentKind) -> Consent:
    caller, named = ticket.call.caller, ticket.call.path["ConsentId"]
    found = await consent_of_client(db, desk.clock, caller.partner, named, client=caller.app)
    if found.kind is not kind:
        raise ConsentUnknown
    return found
