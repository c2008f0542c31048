"""A client of the authorization server: a partner's app that signs customers in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

OPENID, OFFLINE_ACCESS = "openid", "offline_access"
# What a token may reach. The first two speak about the sign-in, so they need a customer.
SCOPES = (OPENID, OFFLINE_ACCESS, "accounts", "payments", "fundsconfirmations")
# The types of authorization_details (RFC 9396) that a scope brings when none are named.
DETAIL_TYPES: Mapping[str, str] = {
    "accounts": "account_information",
    "payments": "payment_initiation",
}
REDIRECT_URIS_MAX = 20
REDIRECT_URI_LENGTH_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered client. Its id is the id of the partner's app.

    Authentication is private_key_jwt and tokens are DPoP-bound for every client: no record can say
    otherwise. ``jwks`` are public keys (RFC 7517) with ``kid`` and ``alg`` each.
    """

    partner: str
    id: str
    name: str
    jwks: tuple[Mapping[str, Any], ...] = field(repr=False)
    redirect_uris: tuple[str, ...]
    scopes: frozenset[str]
    detail_types: frozenset[str]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClient:
    """What to register: ``jwks`` is a JSON Web Key Set with public keys only."""

    name: str
    jwks: Mapping[str, Any] = field(repr=False)
    redirect_uris: Sequence[str]
    scopes: Sequence[str]
    detail_types: Sequence[str] = ()
