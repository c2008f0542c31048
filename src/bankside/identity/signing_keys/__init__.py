"""The authorization server's own signing keys: ES256, one active and one next.

Always true: the next key is published before it signs; a retired key stays published until the
last token it signed has expired; private parts stand sealed under the installation's KEK.

Public: published_keys, ensure_keys, rotate_keys, sign, Minter, SigningKey, NextKeyTooYoung,
ALGORITHM, KEYS_CACHE_SECONDS.
"""

from bankside.identity.signing_keys.errors import NextKeyTooYoung
from bankside.identity.signing_keys.model import KEYS_CACHE_SECONDS, Minter, SigningKey
from bankside.identity.signing_keys.service import (
    ALGORITHM,
    ensure_keys,
    published_keys,
    rotate_keys,
    sign,
)

__all__ = [
    "ALGORITHM",
    "KEYS_CACHE_SECONDS",
    "Minter",
    "NextKeyTooYoung",
    "SigningKey",
    "ensure_keys",
    "published_keys",
    "rotate_keys",
    "sign",
]
