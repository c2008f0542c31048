"""Signing answers of the form dialects: one RSA key of ours, the digest the dialect asks for.

Always true: the key is the one the snapshot names for the app and wire; its registered algorithm
says what it is, but these dialects decide the digest of an answer themselves.
"""

from bankside.gateway.serving import Serving
from bankside.kernel.errors import BanksideError, Invalid
from bankside.kernel.signing import Signer, signer
from bankside.kernel.snapshot import App, Key

# Platform keys times digests; far above what a bank keeps, so that rotation never grows it.
_SIGNERS_MAX = 64


class ContentKeyMissing(Invalid):
    """The content is encrypted, but the app has no content key for this wire."""

    code = "content.key_missing"
    status = 400


class SigningImpossible(Exception):
    """There is no usable platform key for this wire."""


class AnswerSigners:
    """Signers of platform keys by key and algorithm, parsed once (an RSA key takes about 1 ms)."""

    def __init__(self, wire: str) -> None:
        self._wire = wire
        self._made: dict[tuple[str, str], tuple[Key, Signer]] = {}

    def of(self, s: Serving, app: App | None, alg: str) -> Signer:
        """The signer for answers to ``app`` (None: an unknown one) under ``alg``.

        Raises SigningImpossible: the answer then goes out unsigned, which no client accepts.
        """
        try:
            key = s.answer_key(self._wire, app)
            if key.alg == alg:
                return s.signer(key)
            known = self._made.get((key.id, alg))
            if known is not None and known[0] is key:
                return known[1]
            made = signer(alg, s.opened(key))
        except (KeyError, BanksideError) as error:
            raise SigningImpossible(self._wire) from error
        if len(self._made) >= _SIGNERS_MAX:
            self._made.clear()
        self._made[(key.id, alg)] = (key, made)
        return made


def digest_name(key: Key) -> str:
    """The key's algorithm in these dialects' words: the native name of RSA2 is the same bytes."""
    return "rsa-sha256" if key.alg == "rsa-v1_5-sha256" else key.alg


def content_key(app: App | None, wire: str, now: float) -> Key | None:
    """The app's AES key for this wire that is valid now, newest first; None without one."""
    keys = app.content_keys.get(wire, ()) if app is not None else ()
    valid = [key for key in keys if key.not_before <= now < key.not_after]
    return max(valid, key=lambda key: key.not_before, default=None)
