"""Use cases of the clients slice."""

from bankside.identity.clients import rules, store
from bankside.identity.clients.errors import ClientExists, ClientUnknown
from bankside.identity.clients.model import Client, NewClient
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import PartnerId, is_reference
from bankside.kernel.paging import Page, checked_cursor, checked_limit
from bankside.partners import (
    AppUnknown,
    NewApp,
    PartnerUnknown,
    create_app,
    read_app,
    read_partner,
)


async def create_client(
    db: Connection, clock: Clock, partner: PartnerId, new: NewClient, *, app: str | None = None
) -> Client:
    """The partner's app ``app`` (a new one without it) is a client of the authorization server.

    Raises KeySetInvalid, RedirectURIInvalid, ScopeUnknown, ClientExists, AppUnknown and
    PartnerUnknown; everything is checked before anything is written.
    """
    keys = rules.checked_keys(new.jwks)
    redirect_uris = rules.checked_redirect_uris(new.redirect_uris)
    scopes = rules.checked_scopes(new.scopes)
    types = rules.checked_detail_types(new.detail_types, scopes)
    if app is None:
        owner = await create_app(db, clock, partner, NewApp(name=new.name))
    else:
        owner = await read_app(db, partner, app)
    client = Client(
        partner=owner.partner,
        id=owner.id,
        name=owner.name,
        jwks=keys,
        redirect_uris=redirect_uris,
        scopes=scopes,
        detail_types=types,
        created_at=clock.now(),
    )
    if not await store.insert(db, client):
        raise ClientExists(f"{client.id} is registered already")
    return client


async def read_client(db: Connection, partner: str, client_id: str) -> Client:
    """The partner's client; ClientUnknown also for another partner's."""
    found = await store.find(db, client_id) if is_reference(client_id) else None
    if found is None or found.partner != partner:
        raise ClientUnknown(f"there is no client {client_id}")
    return found


async def active_client(db: Connection, client_id: str) -> Client:
    """The client a message names; ClientUnknown also when its app or partner is blocked."""
    found = await store.find(db, client_id) if is_reference(client_id) else None
    if found is None:
        raise ClientUnknown
    try:
        app = await read_app(db, PartnerId(found.partner), found.id)
        owner = await read_partner(db, PartnerId(found.partner))
    except (AppUnknown, PartnerUnknown) as gone:
        raise ClientUnknown from gone
    if app.status != "active" or owner.status != "active":
        raise ClientUnknown
    return found


async def list_clients(
    db: Connection, partner: str, *, cursor: str | None = None, limit: int | None = None
) -> Page[Client]:
    """A page of the partner's clients, by id."""
    size = checked_limit(limit)
    found = await store.page(db, partner, checked_cursor(cursor), size + 1)
    return Page.cut(found, size, key=lambda each: each.id)
