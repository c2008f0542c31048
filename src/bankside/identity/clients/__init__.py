"""Clients: partners' apps registered with the authorization server.

Always true: algorithms, keys, redirect URIs, scopes and detail types come from this record, never
from a message; keys are public, given by value or by an address that is read through the egress
guard; a blocked app or partner is no client.

Public: Client, NewClient, SenderConstraint, SCOPES, DETAIL_TYPES, OPENID, OFFLINE_ACCESS,
CLIENT_ONLY, GRANT_QUERY, GRANT_REVOKE,
create_client, amend_client, move, read_client, list_clients, active_client, registered_key,
check_keys_fresh, fetch_keys, KeysDue, client_record; the refusals of ``errors``.
"""

from bankside.identity.clients.errors import (
    ClientChanged,
    ClientExists,
    ClientSettingInvalid,
    ClientUnknown,
    KeySetAddressInvalid,
    KeySetInvalid,
    RedirectURIInvalid,
    ScopeUnknown,
)
from bankside.identity.clients.key_sets import KeysDue, check_keys_fresh, fetch_keys
from bankside.identity.clients.model import (
    CLIENT_ONLY,
    DETAIL_TYPES,
    GRANT_QUERY,
    GRANT_REVOKE,
    OFFLINE_ACCESS,
    OPENID,
    SCOPES,
    Client,
    NewClient,
    SenderConstraint,
)
from bankside.identity.clients.record import client_record
from bankside.identity.clients.rules import registered_key
from bankside.identity.clients.service import (
    active_client,
    amend_client,
    create_client,
    list_clients,
    read_client,
)
from bankside.identity.clients.store import move

__all__ = [
    "CLIENT_ONLY",
    "DETAIL_TYPES",
    "GRANT_QUERY",
    "GRANT_REVOKE",
    "OFFLINE_ACCESS",
    "OPENID",
    "SCOPES",
    "Client",
    "ClientChanged",
    "ClientExists",
    "ClientSettingInvalid",
    "ClientUnknown",
    "KeySetAddressInvalid",
    "KeySetInvalid",
    "KeysDue",
    "NewClient",
    "RedirectURIInvalid",
    "ScopeUnknown",
    "SenderConstraint",
    "active_client",
    "amend_client",
    "check_keys_fresh",
    "client_record",
    "create_client",
    "fetch_keys",
    "list_clients",
    "move",
    "read_client",
    "registered_key",
]
