"""What a partner may register as a key: every form it comes in, and none that is weak.

Sources: RFC 5280 (SubjectPublicKeyInfo), RFC 8017 (PKCS#1), RFC 7468 (PEM); the Alipay-style and
ICBC-style consoles hand out bare base64 of the same DER.
"""

import base64
import binascii
import hashlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from bankside.kernel.signing import verifier
from bankside.partners.keys.errors import (
    AlgorithmRefused,
    KeyMalformed,
    KeyWeak,
    PrivateKeyRefused,
)
from bankside.partners.keys.model import (
    CONTENT_ALGORITHM,
    SECRET_ALGORITHMS,
    WIRE_ALGORITHMS,
    NewKey,
)

# The largest RSA key below in base64 with line breaks is under 2 kB.
MATERIAL_BYTES_MAX = 8 * 1024
RSA_BITS_MIN = 2048
# Verifying costs the square of the length: a longer key would be a way to slow the edge down.
RSA_BITS_MAX = 8192
RSA_EXPONENT_MIN = 65537
AES_BYTES = (16, 24, 32)
HMAC_BYTES_MIN, HMAC_BYTES_MAX = 32, 64
# 32 random bytes hold about 30 different values; a repeated pattern or a typed word holds few.
SECRET_VALUES_MIN = 10


def checked_material(key: NewKey) -> bytes:
    """DER SubjectPublicKeyInfo of a public key, the raw bytes of a secret; or a refusal.

    Raises AlgorithmRefused, KeyMalformed, KeyWeak, PrivateKeyRefused, ``key.invalid``.
    """
    if key.alg not in WIRE_ALGORITHMS.get(key.wire, ()):
        raise AlgorithmRefused(f"wire {key.wire} takes no {key.alg} key")
    if key.alg == "rsa-sha1" and key.wire != "icbc" and not key.legacy_sha1:
        raise AlgorithmRefused(f"SHA-1 on wire {key.wire} is only for apps that must have it")
    if len(key.material) > MATERIAL_BYTES_MAX:
        raise KeyMalformed(f"a key has at most {MATERIAL_BYTES_MAX} bytes")
    return _secret(key) if key.alg in SECRET_ALGORITHMS else _public(key)


def fingerprint(material: bytes) -> bytes:
    """SHA-256 of a key's bytes, the form both sides compare by eye."""
    return hashlib.sha256(material).digest()


def _secret(key: NewKey) -> bytes:
    size = len(key.material)
    if key.alg == CONTENT_ALGORITHM and size not in AES_BYTES:
        raise KeyMalformed("an AES key has 16, 24 or 32 bytes")
    if key.alg == "hmac-sha256" and not HMAC_BYTES_MIN <= size <= HMAC_BYTES_MAX:
        raise KeyWeak(f"an HMAC secret has {HMAC_BYTES_MIN} to {HMAC_BYTES_MAX} bytes")
    if len(set(key.material)) < SECRET_VALUES_MIN:
        raise KeyWeak("the secret repeats itself; use random bytes")
    return key.material


def _public(key: NewKey) -> bytes:
    public = _parsed(key.material)
    if isinstance(public, rsa.RSAPublicKey):
        if not RSA_BITS_MIN <= public.key_size <= RSA_BITS_MAX:
            raise KeyWeak(f"an RSA key has {RSA_BITS_MIN} to {RSA_BITS_MAX} bits")
        if public.public_numbers().e < RSA_EXPONENT_MIN:
            raise KeyWeak(f"an RSA key's public exponent is {RSA_EXPONENT_MIN} or more")
    der = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    verifier(key.alg, der)  # raises KeyInvalid when the key is of another algorithm
    return der


def _parsed(material: bytes) -> PublicKeyTypes:
    text = material.strip()
    if text.startswith(b"-----BEGIN "):
        return _parsed_pem(text)
    der = material if material.startswith(b"\x30") else _decoded(text)
    try:
        return serialization.load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm) as error:
        _refuse_private(der)
        raise KeyMalformed("neither SubjectPublicKeyInfo nor PKCS#1 RSAPublicKey") from error


def _parsed_pem(text: bytes) -> PublicKeyTypes:
    label = text[len(b"-----BEGIN ") :].split(b"-----", 1)[0]
    if label.endswith(b"PRIVATE KEY"):
        raise PrivateKeyRefused
    if label == b"CERTIFICATE":
        raise KeyMalformed("a certificate is not taken here; send the public key alone")
    try:
        return serialization.load_pem_public_key(text)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyMalformed("the PEM text does not hold a public key") from error


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise KeyMalformed("the text is neither PEM nor base64") from error


def _refuse_private(der: bytes) -> None:
    """PKCS#1 and PKCS#8 private keys without armour parse as such; anything else passes."""
    try:
        serialization.load_der_private_key(der, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return
    raise PrivateKeyRefused
