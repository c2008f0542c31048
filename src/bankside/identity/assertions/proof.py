"""DPoP proofs, checked in the guide's order: cheap things first, the claim of the ``jti`` last.

``htu`` is compared with the configured public address, never with a header of the request.
Source: RFC 9449 sections 4.2, 4.3 and 8.
"""

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from bankside.identity.assertions import claims
from bankside.identity.assertions.claims import ClaimInvalid
from bankside.identity.assertions.model import PROOF_AGE_SECONDS_MAX, Proof, Target
from bankside.identity.errors import ProofInvalid
from bankside.identity.jose import JOSEInvalid, Unproven, parsed, public_key
from bankside.kernel.clock import Clock

TYPE = "dpop+jwt"
_PORTS = {"https": 443, "http": 80}


def checked_proof(clock: Clock, headers: Sequence[str], target: Target) -> Proof:
    """The one proof of a call, its nonce and ``jti`` still to be looked at; or ProofInvalid."""
    if len(headers) != 1:
        raise ProofInvalid("a call carries exactly one DPoP header")
    try:
        token = parsed(headers[0])
        if token.header.get("typ") != TYPE:
            raise ClaimInvalid(f"typ is {TYPE}")
        key, alg = public_key(token.header.get("jwk"))
        if alg != token.alg:
            raise ClaimInvalid("the jwk does not fit alg")
        token.prove(key)
        return _checked(token, key.thumbprint(), target, clock.now())
    except (JOSEInvalid, ClaimInvalid) as error:
        raise ProofInvalid(f"DPoP: {error}") from error


def _checked(token: Unproven, jkt: str, target: Target, at: datetime) -> Proof:
    said = token.claims
    if said.get("htm") != target.method:
        raise ClaimInvalid(f"htm is {target.method}")
    if _normal(said.get("htu")) != _normal(target.url):
        raise ClaimInvalid(f"htu is {target.url}")
    made = claims.instant(said, "iat")
    if made is None:
        raise ClaimInvalid("iat is missing")
    if (at - made).total_seconds() > PROOF_AGE_SECONDS_MAX:
        raise ClaimInvalid(f"iat is more than {PROOF_AGE_SECONDS_MAX} s old")
    claims.check_not_ahead(said, at)
    claims.check_not_expired(said, at)
    jti = claims.identifier(said)
    if target.access_token is not None and said.get("ath") != _hash_of(target.access_token):
        raise ClaimInvalid("ath is not the hash of the access token")
    nonce = said.get("nonce")
    if nonce is not None and not isinstance(nonce, str):
        raise ClaimInvalid("nonce is text")
    return Proof(jkt, jti, nonce, made + timedelta(seconds=PROOF_AGE_SECONDS_MAX))


def _normal(url: object) -> tuple[str, str, int | None, str]:
    """Scheme, host, port and path in one form; query and fragment do not count."""
    if not isinstance(url, str):
        raise ClaimInvalid("htu is missing")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ClaimInvalid("htu is no URL") from error
    if "@" in parts.netloc:
        raise ClaimInvalid("htu carries no user")
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), port or _PORTS.get(scheme), parts.path or "/"


def _hash_of(token: str) -> str:
    made = hashlib.sha256(token.encode()).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()
