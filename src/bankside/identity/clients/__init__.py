"""Clients: partners' apps registered with the authorization server.

Always true: algorithms, keys, redirect URIs, scopes and detail types come from this record, never
from a message; keys are public and given by value; a blocked app or partner is no client.

Public: Client, NewClient, SCOPES, DETAIL_TYPES, OPENID, OFFLINE_ACCESS, create_client, read_client,
list_clients, active_client, ClientUnknown, ClientExists, KeySetInvalid, RedirectURIInvalid,
ScopeUnknown.
"""

from bankside.identity.clients.errors import (
    ClientExists,
    ClientUnknown,
    KeySetInvalid,
    RedirectURIInvalid,
    ScopeUnknown,
)
from bankside.identity.clients.model import (
    DETAIL_TYPES,
    OFFLINE_ACCESS,
    OPENID,
    SCOPES,
    Client,
    NewClient,
)
from bankside.identity.clients.service import (
    active_client,
    create_client,
    list_clients,
    read_client,
)

__all__ = [
    "DETAIL_TYPES",
    "OFFLINE_ACCESS",
    "OPENID",
    "SCOPES",
    "Client",
    "ClientExists",
    "ClientUnknown",
    "KeySetInvalid",
    "NewClient",
    "RedirectURIInvalid",
    "ScopeUnknown",
    "active_client",
    "create_client",
    "list_clients",
    "read_client",
]
