"""The end of everything at once: of all tokens of a client, of all access to a customer.

Each runs in the caller's transaction; acknowledge it after ``applied_everywhere`` only.
"""

from bankside.identity import authorisations, clients, consents
from bankside.identity.tokens import store
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import PartnerId
from bankside.partners import block_app


async def block_client(
    db: Connection, clock: Clock, partner: str, client_id: str, *, reason: str
) -> None:
    """The client's app is blocked and its access tokens are dead; what customers granted stays.

    Raises AppUnknown.
    """
    await block_app(db, clock, PartnerId(partner), client_id, reason=reason)
    await store.revoke_of_client(db, (partner, client_id), clock.now())


async def move_client(
    db: Connection, clock: Clock, partner: str, client_id: str, *, to: str
) -> None:
    """The client, if the app is one, serves another data space's customers from now on.

    Its tokens are dead: they stand on grants of the customers of the old one.
    """
    await store.revoke_of_client(db, (partner, client_id), clock.now())
    await clients.move(db, partner, client_id, to)


async def end_customer_access(db: Connection, clock: Clock, partner: str, customer: str) -> int:
    """Every consent and every grant of the customer is over; how many there were."""
    ended = 0
    while True:
        # What was ended leaves the list of those that count, so the first page is always new.
        page = await consents.consents_of(db, clock, (partner, customer), active=True)
        for each in page.items:
            await consents.revoke_consent(db, clock, partner, each.id, customer=customer)
        ended += len(page.items)
        if page.next_cursor is None:
            break
    for grant in await store.live_grants(db, partner, customer, clock.now()):
        ended += await authorisations.revoke_grant(db, clock, partner, grant)
    return ended
