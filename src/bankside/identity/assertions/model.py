"""What a client proves itself and its key with, once checked."""

from dataclasses import dataclass
from datetime import datetime

from bankside.identity.clients import Client

# FAPI 2.0 section 5.3.2.1: 10 s ahead is accepted, more than 60 s is not; ours lies between.
AHEAD_SECONDS_MAX = 30
ASSERTION_SECONDS_MAX = 300
PROOF_AGE_SECONDS_MAX = 60
JTI_BYTES_MAX = 128


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
