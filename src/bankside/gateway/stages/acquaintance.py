"""Stages 2 to 4: what is checked before any crypto, and tells a stranger nothing.

An app that does not exist passes these stages like one that does; it fails at the signature, with
the same words as a wrong signature.
"""

import math
from zlib import crc32

from bankside.gateway.errors import SignatureStale, SourceThrottled
from bankside.gateway.exchange import Exchange, Refusal
from bankside.gateway.ports import LimitStore
from bankside.gateway.serving import Serving
from bankside.gateway.stages import Stage

# Failures one address may cause under one name, a second and at once. 1,000 RSA verifications
# cost 2 % of a core; only failures are counted, so no honest caller is slowed down however fast.
STRANGER_RATE = 1_000
STRANGER_BURST = 10_000
# Names one address can bring share this many buckets, so inventing names fills no memory.
STRANGER_SLOTS = 256
# Once over the limit, this long nothing of it is verified; then one more failure may be tried.
BARRED_SECONDS = 1.0
# Barred entries that are over are cleared at this many; a second holds fewer failures than this.
BARRED_MAX = 65_536


class Strangers:
    """The limiter in front of authentication: who failed too often is not even verified.

    Its buckets are apart from what partners pay for: a stranger who knows an app's id drains
    nothing of the app's rate. In this worker's memory, because it guards this worker's CPU.
    """

    __slots__ = ("_barred", "_limits")

    def __init__(self, limits: LimitStore) -> None:
        self._limits = limits
        self._barred: dict[str, float] = {}

    def check(self, x: Exchange, s: Serving) -> Refusal | None:
        """Stage 4: this address is not barred under this name."""
        if not self._barred:
            return None
        wait = self._barred.get(_bucket(x), 0.0) - x.now
        if wait > 0:
            return Refusal.of(SourceThrottled(retry_after=math.ceil(wait)))
        return None

    def failed(self, x: Exchange) -> None:
        """Count one failure of this address under this name."""
        bucket = _bucket(x)
        wait = self._limits.take(bucket, x.now, rate=STRANGER_RATE, burst=STRANGER_BURST)
        if wait > 0:
            if len(self._barred) >= BARRED_MAX:
                self._barred = {each: at for each, at in self._barred.items() if at > x.now}
            self._barred[bucket] = x.now + max(wait, BARRED_SECONDS)
        elif self._barred:
            self._barred.pop(bucket, None)


def _bucket(x: Exchange) -> str:
    return f"{x.peer}/{crc32((x.key_id or x.app_id).encode()) % STRANGER_SLOTS}"


def find_app(x: Exchange, s: Serving) -> Refusal | None:
    """The app by id, if there is one."""
    x.app = s.apps.get(x.app_id)
    return None


def clock_window(remembers_since: float) -> Stage:
    """The timestamp lies in the wire's window and after the replay store's start."""
    # Timestamps of most wires have whole seconds: the second of the start still counts.
    start = math.floor(remembers_since)

    def stage(x: Exchange, s: Serving) -> Refusal | None:
        age = x.now - x.timestamp
        if age > x.wire.window_behind or -age > x.wire.window_ahead:
            return _stale(x)
        if x.timestamp < start and x.replay_key is not None:
            return _stale(x)
        return None

    return stage


def _stale(x: Exchange) -> Refusal:
    return Refusal.of(
        SignatureStale(
            f"our clock says {x.now:.0f}, the request {x.timestamp:.0f} (seconds since 1970, UTC); "
            f"at most {x.wire.window_behind} s behind and {x.wire.window_ahead} s ahead"
        )
    )
