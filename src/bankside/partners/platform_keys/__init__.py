"""The bank's own keys: what signs our answers on each wire, and the snapshots.

Always true: a private key stands here only sealed; each wire has at most one default key.

Public: ANSWER_ALGORITHMS, DefaultKeyInUse, NewPlatformKey, PlatformKey, PlatformKeyExists,
PlatformKeyUnknown, WireUnknown, create_platform_key, ensure_platform_keys, every, has_fingerprint,
make_default, read_platform_key, private_key, retire.
"""

from bankside.partners.platform_keys.errors import (
    DefaultKeyInUse,
    PlatformKeyExists,
    PlatformKeyUnknown,
    WireUnknown,
)
from bankside.partners.platform_keys.model import ANSWER_ALGORITHMS, NewPlatformKey, PlatformKey
from bankside.partners.platform_keys.service import (
    create_platform_key,
    ensure_platform_keys,
    make_default,
    private_key,
    read_platform_key,
    retire,
)
from bankside.partners.platform_keys.store import every, has_fingerprint

__all__ = [
    "ANSWER_ALGORITHMS",
    "DefaultKeyInUse",
    "NewPlatformKey",
    "PlatformKey",
    "PlatformKeyExists",
    "PlatformKeyUnknown",
    "WireUnknown",
    "create_platform_key",
    "ensure_platform_keys",
    "every",
    "has_fingerprint",
    "make_default",
    "private_key",
    "read_platform_key",
    "retire",
]
