"""Stages 5 to 7: the signature is the app's, and this request was not accepted before.

The nonce is looked up before the signature (repeats cost no crypto) but remembered only after it:
a forged message burns no nonce. Of two racing copies exactly one is remembered.
"""

from bankside.gateway.errors import EXPLAIN, KeyUnknown, SignatureInvalid, SignatureReplayed
from bankside.gateway.exchange import Exchange, Refusal
from bankside.gateway.ports import ReplayStore
from bankside.gateway.serving import Serving
from bankside.gateway.stages import Stage
from bankside.gateway.stages.acquaintance import Strangers
from bankside.kernel.snapshot import Key

# An app has at most two active keys of one kind; one more of another algorithm and a spare.
KEYS_TRIED_MAX = 4


def replay_probe(replay: ReplayStore) -> Stage:
    """Refuse a nonce that was accepted before."""

    def stage(x: Exchange, s: Serving) -> Refusal | None:
        nonce = x.replay_key
        if nonce is not None and replay.seen(x.app_id, nonce, x.now):
            return Refusal.of(SignatureReplayed())
        return None

    return stage


def replay_claim(replay: ReplayStore) -> Stage:
    """Remember the nonce; the second of two racing copies is refused here."""

    def stage(x: Exchange, s: Serving) -> Refusal | None:
        nonce = x.replay_key
        if nonce is not None and not replay.claim(x.app_id, nonce, x.now):
            return Refusal.of(SignatureReplayed())
        return None

    return stage


def signature(strangers: Strangers) -> Stage:
    """The request was signed by a key of the app that is valid now.

    A key that is over is named only to who proves to hold it.
    """

    def stage(x: Exchange, s: Serving) -> Refusal | None:
        if x.access is not None:
            return None  # proven by its token and DPoP proof
        key = _proven_key(x)
        if key is None:
            strangers.failed(x)
            return x.refusal or Refusal.of(SignatureInvalid(EXPLAIN))
        if not key.not_before <= x.now < key.not_after:
            return Refusal.of(KeyUnknown(f"key {key.id} is not valid now"))
        x.key = key
        x.refusal = None
        return None

    return stage


def _proven_key(x: Exchange) -> Key | None:
    """The app's key under which the signature verifies."""
    if x.app is None:
        return None
    wire, named = x.wire, x.key_id
    tried = 0
    for key in x.app.keys.get(wire.name, ()):
        if named is not None and key.id != named:
            continue
        if wire.verify(x, key):
            return key
        tried += 1
        if tried == KEYS_TRIED_MAX:
            break
    return None
