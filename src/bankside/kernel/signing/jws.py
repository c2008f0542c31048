"""Compact JWS with the signer's own public key beside it, checked at the speed of a call.

Always true: only ES256, EdDSA over Ed25519 and PS256 exist here, each with the one kind of key it
fits; a key has one accepted form and so one thumbprint; nothing above ``TOKEN_BYTES_MAX`` is
decoded; hostile bytes raise ``JWSInvalid`` and nothing else. Keys are parsed once and kept.
Source: RFC 7515, RFC 7517, RFC 7638; FAPI 2.0 Security Profile section 5.4.
"""

import re
from base64 import urlsafe_b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from bankside.kernel.signing.algorithms import Verifier, checked, ecdsa_verifier

ALGORITHMS = ("ES256", "PS256", "EdDSA")
TOKEN_BYTES_MAX = 8192
RSA_BITS_MIN, RSA_BITS_MAX = 2048, 4096
# About 100 MB of parsed RSA keys at most; a worker sees far fewer clients in a minute.
KEYS_KEPT_MAX = 20_000
_COORDINATE = 32
_PARTS = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_TO_BASE64 = str.maketrans("-_", "+/")
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# The members that make the key and its thumbprint, in the order RFC 7638 section 3.2 hashes them.
_MEMBERS: Mapping[str, tuple[str, ...]] = {
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
    "RSA": ("e", "kty", "n"),
}
_P256 = ec.ECDSA(hashes.SHA256())
_PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
_decoder = msgspec.json.Decoder()


class JWSInvalid(Exception):
    """The bytes are no acceptable JWS or JWK; the text says why, for the owner of the key."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A parsed JWK: the one algorithm it is for, its RFC 7638 thumbprint, and its verifier."""

    alg: str
    thumbprint: str
    verifies: Verifier


@dataclass(frozen=True, slots=True)
class Parts:
    """A compact JWS taken apart; its signature is not checked."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes


def parts_of(token: str) -> Parts:
    """Header and claims of a compact JWS, or JWSInvalid."""
    if len(token) > TOKEN_BYTES_MAX:
        raise JWSInvalid(f"the token is above {TOKEN_BYTES_MAX} bytes")
    found = _PARTS.fullmatch(token)
    if found is None:
        raise JWSInvalid("the token is no JWS in compact form")
    try:
        header = _decoder.decode(unb64(found[1]))
        claims = _decoder.decode(unb64(found[2]))
        signature = unb64(found[3])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise JWSInvalid("header or claims are no JSON") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise JWSInvalid("header and claims are JSON objects")
    # No extension is understood here, so a critical one must refuse the token (RFC 7515, 4.1.11).
    if "crit" in header:
        raise JWSInvalid("critical extensions are not understood")
    return Parts(header, claims, token[: found.end(2)].encode(), signature)


class Keyring:
    """Parsed public keys by the members that make them; the oldest leave when it is full."""

    def __init__(self, keep: int = KEYS_KEPT_MAX) -> None:
        self._keep = keep
        self._keys: dict[tuple[str, ...], PublicKey] = {}

    def key(self, jwk: Any) -> PublicKey:
        """The public key of a JWK with its public members in their one canonical form.

        Raises JWSInvalid.
        """
        if not isinstance(jwk, dict):
            raise JWSInvalid("a JWK is a JSON object")
        if not _PRIVATE_MEMBERS.isdisjoint(jwk):
            raise JWSInvalid("a JWK here has public members only")
        if jwk.get("use", "sig") != "sig":
            raise JWSInvalid("the key is not for signatures")
        kty = jwk.get("kty")
        names = _MEMBERS.get(kty) if isinstance(kty, str) else None
        if names is None:
            raise JWSInvalid("a key is EC P-256, OKP Ed25519 or RSA")
        values = tuple(each for name in names if isinstance(each := jwk.get(name), str))
        if len(values) != len(names):
            raise JWSInvalid("the JWK is malformed")
        known = self._keys.get(values)
        if known is None:
            known = _parsed(names, values)
            if len(self._keys) >= self._keep:
                del self._keys[next(iter(self._keys))]
            self._keys[values] = known
        return known


def b64(data: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """The bytes of unpadded base64url, or JWSInvalid."""
    try:
        return a2b_base64(text.translate(_TO_BASE64) + "=" * (-len(text) % 4), strict_mode=True)
    except Base64Error as error:
        raise JWSInvalid("this is no base64url") from error


def _parsed(names: tuple[str, ...], values: tuple[str, ...]) -> PublicKey:
    members = dict(zip(names, values, strict=True))
    # Members are already in the order of their names; escapes cannot occur in what is accepted.
    text = ",".join(f'"{name}":"{value}"' for name, value in members.items())
    thumbprint = b64(sha256(f"{{{text}}}".encode("utf-8", "replace")).digest())
    try:
        if members["kty"] == "EC" and members["crv"] == "P-256":
            return PublicKey("ES256", thumbprint, _es256(members))
        if members["kty"] == "OKP" and members["crv"] == "Ed25519":
            return PublicKey("EdDSA", thumbprint, _eddsa(members))
        if members["kty"] == "RSA":
            return PublicKey("PS256", thumbprint, _ps256(members))
    except ValueError as error:
        raise JWSInvalid("the JWK is no point or number of its kind") from error
    raise JWSInvalid("a key is EC P-256, OKP Ed25519 or RSA")


def _es256(members: Mapping[str, str]) -> Verifier:
    x, y = (_number(members[name], _COORDINATE) for name in ("x", "y"))
    return ecdsa_verifier(ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key())


def _eddsa(members: Mapping[str, str]) -> Verifier:
    key = ed25519.Ed25519PublicKey.from_public_bytes(_canonical(members["x"]))
    return checked(lambda message, signature: key.verify(signature, message))


def _ps256(members: Mapping[str, str]) -> Verifier:
    exponent, modulus = _number(members["e"]), _number(members["n"])
    if not RSA_BITS_MIN <= modulus.bit_length() <= RSA_BITS_MAX or exponent.bit_length() > 32:
        raise JWSInvalid(f"an RSA key has {RSA_BITS_MIN} to {RSA_BITS_MAX} bits")
    key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    return checked(lambda message, signature: key.verify(signature, message, _PSS, hashes.SHA256()))


def _number(text: str, size: int | None = None) -> int:
    """A number of exactly ``size`` bytes, or (None) without leading zeros."""
    data = _canonical(text)
    if (len(data) != size) if size is not None else not data or data[0] == 0:
        raise JWSInvalid("the members of the JWK are not in canonical form")
    return int.from_bytes(data, "big")


def _canonical(text: str) -> bytes:
    """One key has one spelling: unused bits and odd alphabets are refused."""
    if not text.isascii() or b64(data := unb64(text)) != text:
        raise JWSInvalid("the members of the JWK are not in canonical form")
    return data
