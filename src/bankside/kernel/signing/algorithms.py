"""Algorithms by their registered names.

Names of RFC 9421 section 6.2.2 where they exist; ``rsa-sha1`` and ``rsa-sha256`` are the wires'
RSA and RSA2 (RSASSA-PKCS1-v1_5). A verifier answers True or False and never raises on hostile
bytes; building one from a bad key raises ``Invalid``. ECDSA signatures are r and s, 32 bytes each.
"""

import hmac
import os
from collections.abc import Callable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hmac import HMAC

from bankside.kernel.errors import Invalid

# verify(message, signature) -> bool; sign(message) -> signature
Verifier = Callable[[bytes, bytes], bool]
Signer = Callable[[bytes], bytes]

ALGORITHMS = (
    "hmac-sha256",
    "ecdsa-p256-sha256",
    "ed25519",
    "rsa-v1_5-sha256",
    "rsa-pss-sha512",
    "rsa-sha256",
    "rsa-sha1",
)
RSA_BITS_MIN = 2048
HMAC_BYTES_MIN, HMAC_BYTES_MAX = 32, 64
_COORDINATE = 32


class KeyInvalid(Invalid):
    """The key bytes are no key of the named algorithm, or too weak."""

    code = "key.invalid"


def verifier(alg: str, material: bytes) -> Verifier:
    """A verifier for DER SubjectPublicKeyInfo ``material`` (the raw secret for HMAC)."""
    if alg == "hmac-sha256":
        code = _hmac(material)
        return lambda message, signature: hmac.compare_digest(code(message), signature)
    try:
        key = serialization.load_der_public_key(material)
    except ValueError as error:
        raise KeyInvalid("the bytes are no DER SubjectPublicKeyInfo") from error
    if alg == "ecdsa-p256-sha256" and isinstance(key, ec.EllipticCurvePublicKey):
        return ecdsa_verifier(key)
    if alg == "ed25519" and isinstance(key, ed25519.Ed25519PublicKey):
        return checked(lambda message, signature: key.verify(signature, message))
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= RSA_BITS_MIN and alg in _RSA:
        pad, digest = _RSA[alg]
        return checked(lambda message, signature: key.verify(signature, message, pad, digest))
    raise KeyInvalid(f"the key is no {alg} key, or is too weak")


def signer(alg: str, material: bytes) -> Signer:
    """A signer for DER PKCS#8 ``material`` (the raw secret for HMAC)."""
    if alg == "hmac-sha256":
        return _hmac(material)
    try:
        key = serialization.load_der_private_key(material, password=None)
    except (ValueError, TypeError) as error:
        raise KeyInvalid("the bytes are no DER PKCS#8 private key") from error
    if alg == "ecdsa-p256-sha256" and isinstance(key, ec.EllipticCurvePrivateKey):
        return _ecdsa_signer(key)
    if alg == "ed25519" and isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= RSA_BITS_MIN and alg in _RSA:
        pad, digest = _RSA[alg]
        return lambda message: key.sign(message, pad, digest)
    raise KeyInvalid(f"the key is no {alg} key, or is too weak")


def generate(alg: str) -> bytes:
    """A fresh private key: DER PKCS#8, or 32 random bytes for HMAC."""
    if alg == "hmac-sha256":
        return os.urandom(HMAC_BYTES_MIN)
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
    if alg == "ecdsa-p256-sha256":
        key = ec.generate_private_key(ec.SECP256R1())
    elif alg == "ed25519":
        key = ed25519.Ed25519PrivateKey.generate()
    elif alg in _RSA:
        key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS_MIN)
    else:
        raise KeyInvalid(f"{alg} is no algorithm of this platform")
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def public_der(private: bytes) -> bytes:
    """The DER SubjectPublicKeyInfo that belongs to a DER PKCS#8 private key."""
    key = serialization.load_der_private_key(private, password=None)
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


_RSA: dict[str, tuple[padding.AsymmetricPadding, hashes.HashAlgorithm]] = {
    "rsa-v1_5-sha256": (padding.PKCS1v15(), hashes.SHA256()),
    "rsa-sha256": (padding.PKCS1v15(), hashes.SHA256()),
    # SHA-1 only for wires whose own rule demands it, and only for apps registered for it.
    "rsa-sha1": (padding.PKCS1v15(), hashes.SHA1()),
    "rsa-pss-sha512": (padding.PSS(padding.MGF1(hashes.SHA512()), 64), hashes.SHA512()),
}
_P256 = ec.ECDSA(hashes.SHA256())


def _hmac(material: bytes) -> Signer:
    if not HMAC_BYTES_MIN <= len(material) <= HMAC_BYTES_MAX:
        raise KeyInvalid(f"an HMAC secret has {HMAC_BYTES_MIN} to {HMAC_BYTES_MAX} bytes")
    # The key is hashed into the context once; copying that costs half of starting from the key.
    keyed = HMAC(material, hashes.SHA256())

    def code(message: bytes) -> bytes:
        context = keyed.copy()
        context.update(message)
        return context.finalize()

    return code


def checked(verify: Callable[[bytes, bytes], None]) -> Verifier:
    """A verifier that says no where ``verify(message, signature)`` raises."""

    def verified(message: bytes, signature: bytes) -> bool:
        try:
            verify(message, signature)
        except (InvalidSignature, ValueError):
            return False
        return True

    return verified


def ecdsa_verifier(key: ec.EllipticCurvePublicKey) -> Verifier:
    """A verifier of r and s of 32 bytes each (RFC 9421 section 3.3.4, RFC 7518 section 3.4)."""
    if not isinstance(key.curve, ec.SECP256R1):
        raise KeyInvalid("ecdsa-p256-sha256 needs a key on curve P-256")

    def verified(message: bytes, signature: bytes) -> bool:
        if len(signature) != 2 * _COORDINATE:
            return False
        r = int.from_bytes(signature[:_COORDINATE], "big")
        s = int.from_bytes(signature[_COORDINATE:], "big")
        try:
            key.verify(encode_dss_signature(r, s), message, _P256)
        except (InvalidSignature, ValueError):
            return False
        return True

    return verified


def _ecdsa_signer(key: ec.EllipticCurvePrivateKey) -> Signer:
    if not isinstance(key.curve, ec.SECP256R1):
        raise KeyInvalid("ecdsa-p256-sha256 needs a key on curve P-256")

    def sign(message: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(message, _P256))
        return r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")

    return sign
