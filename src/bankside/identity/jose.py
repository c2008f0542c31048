"""Signed JSON (JWS compact) under closed lists: ES256, PS256, EdDSA over Ed25519, and no other.

Always true: nothing is decoded above 8 kB; a key is used only with the one algorithm it fits; a
header can name a key but never bring one that is trusted. Hostile bytes raise ``JOSEInvalid`` and
nothing else. Source: RFC 7515, RFC 7517, RFC 7638; FAPI 2.0 Security Profile section 5.4.
"""

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

ALGORITHMS = ("ES256", "PS256", "EdDSA")
TOKEN_BYTES_MAX = 8192
# A signed request carries authorization_details of up to 8 kB, escaped and in base64.
REQUEST_BYTES_MAX = 24_576
RSA_BITS_MIN, RSA_BITS_MAX = 2048, 4096
KID_LENGTH_MAX = 128
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# What joserfc, cryptography and the JSON decoder raise on hostile input.
_HOSTILE = (JoseError, ValueError, TypeError, KeyError, OverflowError, RecursionError)

# RFC 9864 renames EdDSA to Ed25519; FAPI 2.0 and the clients in the field say EdDSA.
warnings.filterwarnings("ignore", "EdDSA is deprecated", SecurityWarning)


class JOSEInvalid(Exception):
    """The bytes are no acceptable JWS or JWK; the text says why, for the owner of the key."""


class _Registry(jws.JWSRegistry):
    # A proof's header carries its public key; an RSA one does not fit the library's 512 bytes.
    max_header_length = TOKEN_BYTES_MAX
    max_payload_length = REQUEST_BYTES_MAX


_REGISTRY = _Registry(algorithms=ALGORITHMS, strict_check_header=False)


@dataclass(frozen=True, slots=True)
class Unproven:
    """A parsed token with its signature unchecked: ``claims`` may only lead to the key."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    alg: str
    _signed: jws.CompactSignature

    def prove(self, key: Key) -> None:
        """The signature is the key's, or JOSEInvalid."""
        try:
            proven = jws.validate_compact(self._signed, key, registry=_REGISTRY)
        except _HOSTILE as error:
            raise JOSEInvalid("the signature cannot be checked with this key") from error
        if not proven:
            raise JOSEInvalid("the signature is wrong")


def parsed(token: str, *, bytes_max: int = TOKEN_BYTES_MAX) -> Unproven:
    """The parts of a compact JWS, or JOSEInvalid."""
    if len(token) > bytes_max or not token.isascii():
        raise JOSEInvalid(f"the token is not ASCII, or is above {bytes_max} bytes")
    try:
        signed = jws.extract_compact(token.encode(), registry=_REGISTRY)
        header, claims = signed.headers(), _claims(signed.payload or b"")
    except _HOSTILE as error:
        raise JOSEInvalid("the token is no JWS in compact form") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise JOSEInvalid("header and claims are JSON objects")
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        raise JOSEInvalid(f"alg is one of {', '.join(ALGORITHMS)}")
    # No extension is understood here, so a critical one must refuse the token (RFC 7515, 4.1.11).
    if "crit" in header:
        raise JOSEInvalid("critical extensions are not understood")
    return Unproven(header, claims, alg, signed)


def public_key(jwk: Any) -> tuple[Key, str]:
    """A public key and the one algorithm it is for, or JOSEInvalid.

    ``jwk`` is a JSON Web Key with its public members in their one canonical form.
    """
    if not isinstance(jwk, dict) or not all(isinstance(name, str) for name in jwk):
        raise JOSEInvalid("a JWK is a JSON object")
    if _PRIVATE_MEMBERS & jwk.keys():
        raise JOSEInvalid("a JWK here has public members only")
    if jwk.get("use", "sig") != "sig":
        raise JOSEInvalid("the key is not for signatures")
    kty, crv = jwk.get("kty"), jwk.get("crv")
    try:
        if kty == "EC" and crv == "P-256":
            return _canonical(ECKey.import_key(_members(jwk, "crv", "x", "y")), jwk), "ES256"
        if kty == "OKP" and crv == "Ed25519":
            return _canonical(OKPKey.import_key(_members(jwk, "crv", "x")), jwk), "EdDSA"
        if kty == "RSA":
            key = RSAKey.import_key(_members(jwk, "n", "e"))
            if RSA_BITS_MIN <= key.raw_value.key_size <= RSA_BITS_MAX:
                return _canonical(key, jwk), "PS256"
    except _HOSTILE as error:
        raise JOSEInvalid("the JWK is malformed") from error
    raise JOSEInvalid("a key is EC P-256, OKP Ed25519, or RSA with 2048 to 4096 bits")


def signed(header: Mapping[str, Any], claims: Mapping[str, Any], key: Key) -> str:
    """A compact JWS over ``claims`` in the algorithm the header names."""
    payload = json.dumps(claims, separators=(",", ":"))
    return jws.serialize_compact(dict(header), payload, key, registry=_REGISTRY)


def _claims(payload: bytes) -> Any:
    """The claims; ValueError for a repeated one (RFC 7519 section 4) and for what JSON has not."""
    return json.loads(payload, object_pairs_hook=_unique, parse_constant=_no_number)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is repeated")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _members(jwk: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {"kty": jwk["kty"], **{name: jwk[name] for name in names}}


def _canonical(key: Any, jwk: Mapping[str, Any]) -> Key:
    """One key has one thumbprint: leading zeros and odd encodings are refused."""
    exported = key.binding.convert_raw_key_to_dict(key.raw_value, False)
    if any(jwk[name] != value for name, value in exported.items() if name != "kty"):
        raise JOSEInvalid("the members of the JWK are not in canonical form")
    return key  # type: ignore[no-any-return]
