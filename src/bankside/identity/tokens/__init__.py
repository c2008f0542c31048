"""Tokens: opaque, DPoP-bound, 300 s; refresh tokens without rotation; all of them hashes here.

Always true: a token is good only while its grant is; a token never holds more than its grant; of a
foreign token nothing is told and nothing changes.

Public: issue, Asker, Minter, Issued; access_of, Access; prove_access, bearer_of (for resources),
is_certificate_call, prove_certificate (RFC 8705);
introspect, revoke; block_client, end_customer_access, move_client; drop_expired; ACCESS_SECONDS,
GRANT_TYPES.
"""

from bankside.identity.signing_keys import Minter
from bankside.identity.tokens.ending import block_client, end_customer_access, move_client
from bankside.identity.tokens.housekeeping import drop_expired
from bankside.identity.tokens.model import ACCESS_SECONDS, GRANT_TYPES, Access, Issued
from bankside.identity.tokens.resource import (
    bearer_of,
    is_certificate_call,
    prove_access,
    prove_certificate,
)
from bankside.identity.tokens.service import (
    Asker,
    access_of,
    introspect,
    issue,
    revoke,
)

__all__ = [
    "ACCESS_SECONDS",
    "GRANT_TYPES",
    "Access",
    "Asker",
    "Issued",
    "Minter",
    "access_of",
    "bearer_of",
    "block_client",
    "drop_expired",
    "end_customer_access",
    "introspect",
    "is_certificate_call",
    "issue",
    "move_client",
    "prove_access",
    "prove_certificate",
    "revoke",
]
