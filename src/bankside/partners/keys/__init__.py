"""Keys of apps: what their requests are verified with, and what their bodies are encrypted with.

Always true: a secret stands here only sealed; of one wire and algorithm at most two keys of an app
are active, and two only for the 7 days of a rotation; none equals a key of the bank.

Public: AlgorithmRefused, AppKey, KeyExists, KeyMalformed, KeyUnknown, KeyWeak, NewKey,
PlatformKeyRefused, PrivateKeyRefused, RotationRunning, CONTENT_ALGORITHM, ROTATION_OVERLAP,
choose_answer_key, every_active, every_answer_key, list_keys, register_key, revoke_key, rotate_key.
"""

from bankside.partners.keys.errors import (
    AlgorithmRefused,
    KeyExists,
    KeyMalformed,
    KeyUnknown,
    KeyWeak,
    PlatformKeyRefused,
    PrivateKeyRefused,
    RotationRunning,
)
from bankside.partners.keys.model import CONTENT_ALGORITHM, ROTATION_OVERLAP, AppKey, NewKey
from bankside.partners.keys.service import (
    choose_answer_key,
    list_keys,
    register_key,
    revoke_key,
    rotate_key,
)
from bankside.partners.keys.store import every_active, every_answer_key

__all__ = [
    "CONTENT_ALGORITHM",
    "ROTATION_OVERLAP",
    "AlgorithmRefused",
    "AppKey",
    "KeyExists",
    "KeyMalformed",
    "KeyUnknown",
    "KeyWeak",
    "NewKey",
    "PlatformKeyRefused",
    "PrivateKeyRefused",
    "RotationRunning",
    "choose_answer_key",
    "every_active",
    "every_answer_key",
    "list_keys",
    "register_key",
    "revoke_key",
    "rotate_key",
]
