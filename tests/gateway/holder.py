"""A client of the edge that holds a DPoP key and an access token: honest, or wrong where told.

Its JOSE is the hand-made one of the authorization server's tests, so nothing is shared with the
code under test.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.identity.fapi.rig import b64, jws, public_jwk, thumbprint

ORIGIN = "https://edge.example"


@dataclass
class Holder:
    """Who proves a key beside a token. ``at``: the client's clock, epoch seconds."""

    token: str
    at: float
    alg: str = "ES256"
    name: str = "holder"
    origin: str = ORIGIN

    @property
    def jkt(self) -> str:
        """The thumbprint its tokens are bound to."""
        return thumbprint(public_jwk(self.alg, self.name))

    def proof(
        self,
        method: str,
        path: str,
        *,
        header: Mapping[str, Any] | None = None,
        signed_as: str = "",
        **change: Any,
    ) -> str:
        """A proof for this call; a claim changed to None is left out."""
        claims = {
            "htm": method,
            "htu": self.origin + path,
            "iat": int(self.at),
            "jti": secrets.token_urlsafe(16),
            "ath": b64(hashlib.sha256(self.token.encode()).digest()),
        } | change
        claims = {name: value for name, value in claims.items() if value is not None}
        jwk = public_jwk(self.alg, self.name)
        head = {"typ": "dpop+jwt", "alg": self.alg, "jwk": jwk} | dict(header or {})
        return jws(head, claims, signed_as or self.alg, self.name)

    def headers(self, method: str, path: str, **change: Any) -> dict[str, str]:
        """Authorization and proof of one call."""
        return {
            "authorization": f"DPoP {self.token}",
            "dpop": self.proof(method, path, **change),
        }
