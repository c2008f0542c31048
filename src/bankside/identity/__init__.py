"""Who somebody is, and what they allowed: the FAPI 2.0 authorization server and its state.

Slices: credentials (login and password), clients, assertions (private_key_jwt and DPoP proofs),
authorisations (pushed requests, interactions, codes, grants), tokens, signing_keys, http (routes);
and, each entered by its own door: consents, sessions, factors, decisions (a customer's yes and no).
One profile and no options: PAR, PKCE S256, private_key_jwt, DPoP, RAR, ``iss``
(docs/decisions/0012-authorization-server.md).

Public, for the hosted pages: open_interaction, interaction, approve, deny, Interaction, Approval,
and the refusals LinkUnusable, InteractionUnknown, InteractionFinished, ApprovalTooLarge.
For consents: Grant, read_grant, revoke_grant. For resources: bearer_of, prove_access, access_of,
Access. For clients: create_client, read_client, list_clients, active_client, Client, NewClient.
To end everything at once: block_client, end_customer_access, move_client (and, in the door
``revocations``, applied_everywhere, which waits for the edges). For the platform's OpenAPI
document: oauth_paths, oauth_components. For the processes: drop_expired, ensure_keys, rotate_keys;
AuthorizationServer, routes and browser_of stand in the door ``identity.http``, which brings the
web framework.
"""

from bankside.identity.authorisations import (
    Approval,
    ApprovalTooLarge,
    Grant,
    Interaction,
    InteractionFinished,
    InteractionUnknown,
    LinkUnusable,
    approve,
    deny,
    interaction,
    open_interaction,
    read_grant,
    revoke_grant,
)
from bankside.identity.clients import (
    Client,
    NewClient,
    active_client,
    create_client,
    list_clients,
    read_client,
)
from bankside.identity.described import oauth_components, oauth_paths
from bankside.identity.signing_keys import ensure_keys, rotate_keys
from bankside.identity.tokens import (
    Access,
    access_of,
    bearer_of,
    block_client,
    drop_expired,
    end_customer_access,
    move_client,
    prove_access,
)

__all__ = [
    "Access",
    "Approval",
    "ApprovalTooLarge",
    "Client",
    "Grant",
    "Interaction",
    "InteractionFinished",
    "InteractionUnknown",
    "LinkUnusable",
    "NewClient",
    "access_of",
    "active_client",
    "approve",
    "bearer_of",
    "block_client",
    "create_client",
    "deny",
    "drop_expired",
    "end_customer_access",
    "ensure_keys",
    "interaction",
    "list_clients",
    "move_client",
    "oauth_components",
    "oauth_paths",
    "open_interaction",
    "prove_access",
    "read_client",
    "read_grant",
    "revoke_grant",
    "rotate_keys",
]
