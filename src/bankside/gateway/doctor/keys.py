"""The keys a check may try: the app's own, the same partner's others, and the platform's.

Always true: a key of another partner is never among them.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from bankside.gateway.errors import KeyUnreadable
from bankside.gateway.serving import SECRET_ALGORITHMS, Serving
from bankside.kernel.signing import Verifier, public_der, verifier
from bankside.kernel.signing.algorithms import KeyInvalid
from bankside.kernel.snapshot import App, Key


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key with its material opened: DER SubjectPublicKeyInfo, or the shared secret's bytes."""

    id: str
    alg: str
    material: bytes
    app: str = ""
    wire: str = ""
    environment: str = "sandbox"
    not_before: int = 0
    not_after: int = 2**40

    def fingerprint(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of a public key; nothing of a secret."""
        return "" if self.alg in SECRET_ALGORITHMS else sha256(self.material).hexdigest()[:16]

    def verifier(self, alg: str = "") -> Verifier | None:
        """The verifier under ``alg`` (its own by default), or None when the key is not of it."""
        try:
            return verifier(alg or self.alg, self.material)
        except KeyInvalid:
            return None


@dataclass(frozen=True, slots=True)
class Keys:
    """``own``: the app's for this wire; ``siblings``: the partner's others; ``platform``: ours.

    ``content`` is the app's AES key for encrypted content, opened.
    """

    own: Sequence[KnownKey] = ()
    siblings: Sequence[KnownKey] = ()
    platform: Sequence[KnownKey] = ()
    content: bytes | None = None


def keys_of(s: Serving, wire: str, app: App | None) -> Keys:
    """What a check for ``app`` on ``wire`` may try; without an app nothing at all."""
    if app is None:
        return Keys()
    siblings = [
        _known(s, key, other, each)
        for other in s.apps.values()
        if other.partner == app.partner
        for each, keys in other.keys.items()
        for key in keys
        if not (other.id == app.id and each == wire)
    ]
    content = app.content_keys.get(wire, ())
    return Keys(
        own=[_known(s, key, app, wire) for key in app.keys.get(wire, ())],
        siblings=siblings,
        platform=[each for each in (_platform(s, key) for key in s.platform_keys.values()) if each],
        content=s.opened(content[0]) if content else None,
    )


def _known(s: Serving, key: Key, app: App, wire: str) -> KnownKey:
    return KnownKey(
        key.id,
        key.alg,
        s.material(key),
        app.id,
        wire,
        app.environment,
        key.not_before,
        key.not_after,
    )


def _platform(s: Serving, key: Key) -> KnownKey | None:
    if key.alg in SECRET_ALGORITHMS:
        return None
    try:
        return KnownKey(key.id, key.alg, public_der(s.opened(key)))
    except (KeyUnreadable, ValueError):
        return None


def hmac_under(secret: bytes, message: bytes, signature: bytes) -> bool:
    """HMAC-SHA256 under any secret, also one of a forbidden length: for mistaken encodings."""
    return hmac.compare_digest(hmac.digest(secret, message, "sha256"), signature)
