"""What the edge needs from outside, as small protocols; `app/edge.py` supplies the real ones."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from bankside.gateway.exchange import Exchange, Refusal, Reply
from bankside.kernel.call import Answer, Call
from bankside.kernel.snapshot import Key, Snapshot

# Executes one proven call. A direct Answer costs no task; raises BanksideError to refuse.
Handle = Callable[[Call], Answer | Awaitable[Answer]]


class Wire(Protocol):
    """One dialect: bytes to Exchange fields, and an answer or refusal back to bytes.

    The four steps are called in this order by the pipeline; each returns a Refusal or None.
    `read` touches no key material and decodes no business content; `decode` runs after the
    signature was verified and fills ``body_json``, ``query_params`` and ``idempotency_key``.
    """

    name: str
    # How far a timestamp may lie behind and ahead of our clock, in seconds.
    window_behind: int
    window_ahead: int

    def claims(self, x: Exchange) -> bool:
        """Whether this request speaks the dialect; looks at method, path and headers only."""

    def read(self, x: Exchange, s: Snapshot) -> Refusal | None:
        """Find app id, operation, timestamp, replay key and signature."""

    def verify(self, x: Exchange, key: Key) -> bool:
        """Whether the signature verifies under this key of the app, over the received bytes."""

    def decode(self, x: Exchange, s: Snapshot) -> Refusal | None:
        """Turn the business content into the native JSON body and query."""

    def reply(self, x: Exchange, s: Snapshot) -> Reply:
        """Write ``x.answer`` or ``x.refusal`` in the dialect, signed. Never raises."""


class ReplayStore(Protocol):
    """Remembers used nonces over all workers of the machine."""

    def seen(self, app: str, nonce: str, now: float) -> bool:
        """Whether the pair was already accepted (read only; costs no lock)."""

    def claim(self, app: str, nonce: str, now: float) -> bool:
        """Remember the pair; False when it was there. Of two racing callers one gets True."""


class LimitStore(Protocol):
    """Token buckets shared by all workers of the machine."""

    def take(self, bucket: str, now: float, *, rate: int, burst: int) -> float:
        """Take one token: 0.0 when granted, else the seconds until one is there."""


class Meter(Protocol):
    """Takes one call record a call; money calls wait until their record is on disk."""

    def record(self, x: Exchange, reply: Reply, *, seconds: float) -> None:
        """Append the call record; written out within 100 ms."""

    def flushed(self) -> Awaitable[None]:
        """Resolves when everything recorded so far is on disk; raises OSError when it cannot be."""


__all__ = ["Answer", "Call", "Handle", "LimitStore", "Meter", "ReplayStore", "Wire"]
