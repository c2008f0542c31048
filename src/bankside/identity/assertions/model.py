"""What a client proves itself and its key with, once checked."""

from dataclasses import dataclass
from datetime import datetime

from bankside.identity.clients import Client
from bankside.kernel.signing.dpop import (
    AGE_SECONDS_MAX,
    AHEAD_SECONDS_MAX,
    JTI_BYTES_MAX,
)

ASSERTION_SECONDS_MAX = 300
PROOF_AGE_SECONDS_MAX = AGE_SECONDS_MAX

__all__ = [
    "AHEAD_SECONDS_MAX",
    "ASSERTION_SECONDS_MAX",
    "JTI_BYTES_MAX",
    "PROOF_AGE_SECONDS_MAX",
    "ClientAssertion",
    "Proof",
    "Target",
]


@dataclass(frozen=True, slots=True)
class ClientAssertion:
    """A client's own signature over this call (RFC 7523): good once, until ``expires_at``."""

    client: Client
    jti: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Proof:
    """A DPoP proof (RFC 9449): whoever calls holds the key with thumbprint ``jkt``."""

    jkt: str
    jti: str
    nonce: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Target:
    """What a proof must speak of: method, our public address, and the access token beside it."""

    method: str
    url: str
    access_token: str | None = None
