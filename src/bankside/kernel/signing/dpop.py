"""DPoP proofs, checked in the guide's order: cheap things first, the signature before the claims.

Two steps, because the edge looks other things up between them: ``read`` takes the header apart and
finds the key (checks 1 to 4), ``Said.checked`` verifies the signature and holds the claims to the
call (5 to 8 and the ``ath`` of 11). That a ``jti`` is used once is the caller's to see to.
``htu`` is compared with the configured public address, never with a header of the request.
Source: RFC 9449 sections 4.2, 4.3 and 7; FAPI 2.0 Security Profile section 5.3.2.1 (clocks).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from bankside.kernel.signing.jws import ALGORITHMS, JWSInvalid, Keyring, PublicKey, b64, parts_of

TYPE = "dpop+jwt"
AGE_SECONDS_MAX = 60
# 10 s ahead must be accepted, more than 60 s must not; ours lies between.
AHEAD_SECONDS_MAX = 30
JTI_BYTES_MAX = 128
# Beyond the year 9999 an instant cannot be kept; such a claim is no date at all.
_SECONDS_MAX = 253_402_300_799
_PORTS = {"https": 443, "http": 80}

# Scheme, host, port and path of an address in one form; query and fragment do not count.
Place = tuple[str, str, int | None, str]


class ProofBroken(Exception):
    """The proof is refused; the text says why, for the owner of the key."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A checked proof: whoever calls holds the key with thumbprint ``jkt``."""

    jkt: str
    jti: str
    nonce: str | None
    issued_at: float


@dataclass(frozen=True, slots=True)
class Said:
    """A proof taken apart. Nothing of it is proven before ``checked``."""

    claims: Mapping[str, Any]
    key: PublicKey
    signed: bytes
    signature: bytes

    @property
    def issued_at(self) -> float:
        """``iat`` in epoch seconds. Raises ProofBroken."""
        return _instant(self.claims, "iat", needed=True) or 0.0

    @property
    def jti(self) -> str:
        """The proof's own id. Raises ProofBroken."""
        jti = self.claims.get("jti")
        if not isinstance(jti, str) or not jti:
            raise ProofBroken("jti is missing")
        try:
            size = len(jti.encode())
        except UnicodeEncodeError as error:
            raise ProofBroken("jti is no text") from error
        if size > JTI_BYTES_MAX:
            raise ProofBroken(f"jti has more than {JTI_BYTES_MAX} bytes")
        return jti

    def checked(self, method: str, url: Place, *, at: float, token: str | None = None) -> Proof:
        """The proof, when it was made by its key for this call at this time; or ProofBroken.

        ``token``: the access token beside it, at a resource. The nonce is not looked at.
        """
        if not self.key.verifies(self.signed, self.signature):
            raise ProofBroken("the signature is wrong")
        claims = self.claims
        if claims.get("htm") != method:
            raise ProofBroken(f"htm is {method}")
        if place_of(claims.get("htu")) != url:
            raise ProofBroken("htu is not the address of this call as we publish it")
        made = self.issued_at
        if at - made > AGE_SECONDS_MAX:
            raise ProofBroken(f"iat is more than {AGE_SECONDS_MAX} s old; is your clock right?")
        not_before = _instant(claims, "nbf")
        if max(made, not_before or 0.0) - at > AHEAD_SECONDS_MAX:
            raise ProofBroken("iat or nbf lies in the future; is your clock right?")
        end = _instant(claims, "exp")
        if end is not None and end <= at:
            raise ProofBroken("exp has passed; is your clock right?")
        if token is not None and claims.get("ath") != hash_of(token):
            raise ProofBroken("ath is not the hash of the access token")
        nonce = claims.get("nonce")
        if nonce is not None and not isinstance(nonce, str):
            raise ProofBroken("nonce is text")
        return Proof(self.key.thumbprint, self.jti, nonce, made)


def read(text: str, keys: Keyring) -> Said:
    """The parts of a proof and the public key it brings along; or ProofBroken."""
    try:
        parts = parts_of(text)
        header = parts.header
        if header.get("typ") != TYPE:
            raise ProofBroken(f"typ is {TYPE}")
        if header.get("alg") not in ALGORITHMS:
            raise ProofBroken(f"alg is one of {', '.join(ALGORITHMS)}")
        key = keys.key(header.get("jwk"))
    except JWSInvalid as error:
        raise ProofBroken(str(error)) from error
    if key.alg != header["alg"]:
        raise ProofBroken("the jwk does not fit alg")
    return Said(parts.claims, key, parts.signed, parts.signature)


def place_of(url: object) -> Place:
    """An address in its comparable form. Raises ProofBroken."""
    if not isinstance(url, str):
        raise ProofBroken("htu is missing")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ProofBroken("htu is no URL") from error
    if "@" in parts.netloc:
        raise ProofBroken("htu carries no user")
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), port or _PORTS.get(scheme), parts.path or "/"


def hash_of(token: str) -> str:
    """``ath``: the hash of an access token as a proof carries it."""
    return b64(sha256(token.encode()).digest())


def _instant(claims: Mapping[str, Any], name: str, *, needed: bool = False) -> float | None:
    """A NumericDate claim; None when it is absent and not needed."""
    if name not in claims:
        if needed:
            raise ProofBroken(f"{name} is missing")
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ProofBroken(f"{name} is no number")
    if not 0 <= value <= _SECONDS_MAX:
        raise ProofBroken(f"{name} is no instant in seconds")
    return float(value)
