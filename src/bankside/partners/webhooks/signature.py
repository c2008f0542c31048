"""Signatures of Standard Webhooks 1.0.0: ``v1`` (HMAC-SHA256) and ``v1a`` (Ed25519).

Signed bytes: ``<webhook-id>.<webhook-timestamp>.<body>``, exactly the bytes that are sent.
"""

import base64
import hmac
import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bankside.partners.webhooks.model import Signing

# Standard Webhooks asks for 24 to 64 bytes.
SECRET_BYTES = 32


def new_key(signing: Signing) -> tuple[bytes, bytes | None]:
    """A fresh secret (or Ed25519 seed), and the public key of a seed."""
    secret = secrets.token_bytes(SECRET_BYTES)
    if signing == "hmac-sha256":
        return secret, None
    return secret, Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def shown(secret: bytes, public: bytes | None) -> str:
    """What the partner verifies with, in the standard's form: ``whsec_...`` or ``whpk_...``."""
    if public is None:
        return "whsec_" + base64.b64encode(secret).decode()
    return "whpk_" + base64.b64encode(public).decode()


def signed(signing: Signing, secret: bytes, content: bytes) -> str:
    """One entry of ``webhook-signature``."""
    if signing == "hmac-sha256":
        return "v1," + base64.b64encode(hmac.digest(secret, content, "sha256")).decode()
    signature = Ed25519PrivateKey.from_private_bytes(secret).sign(content)
    return "v1a," + base64.b64encode(signature).decode()
