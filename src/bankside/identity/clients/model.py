"""A client of the authorization server: a partner's app that signs customers in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

OPENID, OFFLINE_ACCESS = "openid", "offline_access"
# What a token may reach. The first two speak about the sign-in, so they need a customer.
# The last two are about grants the client holds, so they come with no customer.
GRANT_QUERY, GRANT_REVOKE = "grant_management_query", "grant_management_revoke"
CLIENT_ONLY = frozenset({GRANT_QUERY, GRANT_REVOKE})
SCOPES = (
    *(OPENID, OFFLINE_ACCESS, "accounts", "payments", "fundsconfirmations"),
    *(GRANT_QUERY, GRANT_REVOKE),
)
# The types of authorization_details (RFC 9396) that a scope brings when none are named.
DETAIL_TYPES: Mapping[str, str] = {
    "accounts": "account_information",
    "payments": "payment_initiation",
    "fundsconfirmations": "funds_confirmation",
}
# What a token of a client is bound to: a DPoP key (RFC 9449) or a certificate (RFC 8705).
SenderConstraint = Literal["dpop", "mtls"]
REDIRECT_URIS_MAX = 20
REDIRECT_URI_LENGTH_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered client. Its id is the id of the partner's app.

    Authentication is private_key_jwt and tokens are sender-constrained for every client: no record
    can say otherwise. ``jwks`` are public keys (RFC 7517) with ``kid`` and ``alg`` each: given by
    value, or the last good set of ``jwks_uri``.
    ``request_object_signing_alg``: set, every request is signed so (RFC 9101).
    ``authorization_signed_response_alg``: set, every answer is a JWT signed so (JARM).
    ``backchannel``: may ask a customer who is elsewhere (CIBA, poll mode).
    """

    partner: str
    id: str
    name: str
    jwks: tuple[Mapping[str, Any], ...] = field(repr=False)
    redirect_uris: tuple[str, ...]
    scopes: frozenset[str]
    detail_types: frozenset[str]
    created_at: datetime
    request_object_signing_alg: str | None = None
    authorization_signed_response_alg: str | None = None
    sender_constraint: SenderConstraint = "dpop"
    backchannel: bool = False
    jwks_uri: str | None = None
    jwks_fetched_at: datetime | None = None
    jwks_tried_at: datetime | None = None
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClient:
    """What to register: ``jwks`` is a JSON Web Key Set with public keys only, or ``jwks_uri`` says
    where it is; one of the two. The other fields are those of ``Client``.
    """

    name: str
    jwks: Mapping[str, Any] | None = field(default=None, repr=False)
    jwks_uri: str | None = None
    redirect_uris: Sequence[str]
    scopes: Sequence[str]
    detail_types: Sequence[str] = ()
    request_object_signing_alg: str | None = None
    authorization_signed_response_alg: str | None = None
    sender_constraint: str = "dpop"
    backchannel: bool = False
