"""Tokens as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bankside.identity import backchannel
from bankside.identity.authorisations import Detail, Grant

ACCESS_SECONDS = 300
ID_TOKEN_SECONDS = 300
GRANT_TYPES = (
    "authorization_code",
    "refresh_token",
    "client_credentials",
    backchannel.GRANT_TYPE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a good access token stands for. ``subject`` is None with client_credentials: such a
    token reaches no customer's data. ``jkt`` is the thumbprint of the key it is bound to, "" when
    it is bound to the certificate with the thumbprint ``x5t``.
    """

    partner: str
    client_id: str
    grant_id: str | None
    subject: str | None
    scopes: tuple[str, ...]
    details: tuple[Detail, ...]
    jkt: str
    issued_at: datetime
    expires_at: datetime
    x5t: str = ""

    @property
    def token_type(self) -> str:
        """The scheme it is sent under."""
        return "DPoP" if self.jkt else "Bearer"

    @property
    def confirmation(self) -> Mapping[str, str]:
        """The ``cnf`` of introspection (RFC 7800)."""
        return {"jkt": self.jkt} if self.jkt else {"x5t#S256": self.x5t}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """A refresh token as it stands: bound to its client and its grant, to no key."""

    grant: Grant
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """The answer of the token endpoint: ``body`` (RFC 6749 section 5.1) holds the values."""

    body: Mapping[str, Any] = field(repr=False)
