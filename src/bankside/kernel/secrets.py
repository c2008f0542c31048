"""Secrets at rest: sealed under the key-encryption key (KEK) of this installation.

Always true: HMAC secrets, AES keys and private keys stand in the database and in snapshots only
sealed (AES-256-GCM, fresh 96-bit nonce, the purpose as associated data); the KEK stands in
``<home>/keys/kek`` (mode 0600) and nowhere else.
"""

import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_KEK_BYTES = 32


class SealBroken(Exception):
    """Sealed bytes do not open: another KEK, another purpose, or altered bytes."""


class Vault:
    """Seals and opens secrets under one KEK."""

    def __init__(self, kek: bytes) -> None:
        if len(kek) != _KEK_BYTES:
            raise SealBroken(f"the key-encryption key has {len(kek)} bytes instead of {_KEK_BYTES}")
        self._aead = AESGCM(kek)
        self._kek = kek

    @classmethod
    def at(cls, home: Path) -> "Vault":
        """The vault of an installation; its KEK is made on first use, readable by us alone."""
        path = home / "keys" / "kek"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return cls(path.read_bytes())
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_KEK_BYTES))
            file.flush()
            os.fsync(file.fileno())
        return cls(path.read_bytes())

    def seal(self, secret: bytes, *, purpose: str) -> bytes:
        """Encrypt ``secret``; only ``open`` with the same purpose gives it back."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, secret, purpose.encode())

    def mac(self, message: bytes, *, purpose: str) -> bytes:
        """A 32-byte code that every process of this installation, and nobody else, can make."""
        key = hmac.digest(self._kek, b"bankside mac " + purpose.encode(), "sha256")
        return hmac.digest(key, message, "sha256")

    def open(self, sealed: bytes, *, purpose: str) -> bytes:
        """The secret, or SealBroken."""
        try:
            return self._aead.decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode()
            )
        except (InvalidTag, ValueError) as error:
            raise SealBroken("sealed bytes do not open under this installation's key") from error
