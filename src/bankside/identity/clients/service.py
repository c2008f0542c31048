"""Use cases of the clients slice."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bankside.identity.clients import rules, store
from bankside.identity.clients.errors import (
    ClientChanged,
    ClientExists,
    ClientUnknown,
    KeySetInvalid,
)
from bankside.identity.clients.key_sets import checked_address
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
    signatory,
)


async def create_client(
    db: Connection, clock: Clock, partner: PartnerId, new: NewClient, *, app: str | None = None
) -> Client:
    """The partner's app ``app`` (a new one without it) is a client of the authorization server.

    Raises KeySetInvalid, RedirectURIInvalid, ScopeUnknown, ClientSettingInvalid, ClientExists,
    KeySetAddressInvalid, AppUnknown and PartnerUnknown; all is checked before any is written.
    """
    record = _checked(new)
    if app is None:
        owner = await create_app(db, clock, partner, NewApp(name=new.name))
    else:
        owner = await read_app(db, partner, app)
    client = Client(
        partner=owner.partner, id=owner.id, name=owner.name, created_at=clock.now(), **record
    )
    if not await store.insert(db, client):
        raise ClientExists(f"{client.id} is registered already")
    return client


async def amend_client(db: Connection, partner: str, client_id: str, new: NewClient) -> Client:
    """The client's whole record is ``new``, but for its name, which is the app's.

    Codes and tokens that stand keep what they were given; keys and redirect URIs that are gone
    are refused from now on. Raises what ``create_client`` raises, ClientUnknown, ClientChanged.
    """
    standing = await read_client(db, partner, client_id)
    record = _checked(new)
    if standing.jwks_uri is not None and record["jwks_uri"] == standing.jwks_uri:
        record = {**record, "jwks": standing.jwks, "jwks_fetched_at": standing.jwks_fetched_at}
    else:
        record = {**record, "jwks_fetched_at": None}
    amended = replace(standing, version=standing.version + 1, **record)
    if not await store.amend(db, amended, was=standing.version):
        raise ClientChanged
    return amended


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
        owner = await signatory(db, PartnerId(found.partner))
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


def _checked(new: NewClient) -> Mapping[str, Any]:
    """The fields of a client's record, each checked."""
    if (new.jwks is None) == (new.jwks_uri is None):
        raise KeySetInvalid("give jwks or jwks_uri, one of them")
    scopes = rules.checked_scopes(new.scopes)
    return {
        "jwks": rules.checked_keys(new.jwks) if new.jwks is not None else (),
        "jwks_uri": checked_address(new.jwks_uri) if new.jwks_uri is not None else None,
        "redirect_uris": rules.checked_redirect_uris(new.redirect_uris),
        "scopes": scopes,
        "detail_types": rules.checked_detail_types(new.detail_types, scopes),
        **rules.checked_settings(new),
    }
